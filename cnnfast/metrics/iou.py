"""Intersection over union of the places of each class, from a matrix of confusions."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnfast.losses.arrays import Array, as_float32
from cnnfast.metrics.metric import Metric
from cnnfast.utils.defaults import epsilon


class IoU(Metric):
    """``tp / (tp + fp + fn)`` of a class, the mean over the target classes that occur.

    Parameters
    ----------
    num_classes
        How many classes there are. Places with a label or prediction that is none of them do
        not count.
    target_class_ids
        The classes that the mean goes over.
    dtype
        ``"int32"`` by default, so that weights and labels are truncated; a float dtype keeps
        the weights.
    ignore_class
        A label whose places do not count.
    sparse_y_true, sparse_y_pred
        Whether labels and predictions are numbers of classes; else the highest score along
        `axis` says which.
    axis
        The axis of the classes where they are not.

    Raises
    ------
    ValueError
        If there is no such class.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: object = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"Target class ids must be in the range [0, {num_classes}). "
                f"Received: target_class_ids={list(target_class_ids)}"
            )
        super().__init__(name=name, dtype="int32" if dtype in (None, "int") else dtype)
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self._counted = np.dtype(str(self.dtype) if "int" in str(self.dtype) else "float32")
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self.total_cm = np.zeros((self.num_classes, self.num_classes), self._counted)

    def update_state(self, y_true: object, y_pred: object, sample_weight: object = None) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true, y_pred
            Labels and predictions of as many places.
        sample_weight
            One weight per place, or one for all.

        Raises
        ------
        ValueError
            If the sizes differ.
        """
        true = self._classes(y_true, "y_true", self.sparse_y_true)
        pred = self._classes(y_pred, "y_pred", self.sparse_y_pred)
        weight = self._weights(sample_weight)
        if true.shape != pred.shape or weight.size not in (1, true.size):
            raise ValueError(
                f"{type(self).__name__} takes as many predictions as labels, and one weight for "
                f"each. Received: {true.size} label(s), {pred.size} prediction(s), "
                f"{weight.size} weight(s)"
            )
        counts = (true >= 0) & (true < self.num_classes) & (pred >= 0) & (pred < self.num_classes)
        if self.ignore_class is not None:
            counts &= true != self.ignore_class
        weights = np.broadcast_to(weight.ravel(), true.shape)[counts]
        places = true[counts].astype(np.int64) * self.num_classes + pred[counts].astype(np.int64)
        added = np.bincount(places, weights, minlength=self.num_classes**2)
        self.total_cm = self.total_cm + added.reshape(self.total_cm.shape).astype(self._counted)

    def _classes(self, values: object, what: str, sparse: bool) -> Array:
        scores = as_float32(values, what)
        classes = scores if sparse else scores.argmax(axis=self.axis)
        return self._truncated(classes).ravel()

    def _weights(self, sample_weight: object) -> Array:
        if sample_weight is None:
            return np.ones(1, self._counted)
        weights = np.asarray(sample_weight)
        if weights.dtype.kind == "f" and self._counted.kind in "iu":
            warnings.warn(
                f"{type(self).__name__} truncates sample weights to integers, unless it is made "
                f'with dtype="float32". Received: weights of dtype {weights.dtype}',
                stacklevel=3,
            )
        return self._truncated(as_float32(weights, "sample_weight"))

    def _truncated(self, values: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return values.astype(self._counted)

    def result(self) -> np.float32:
        """Return the mean over the target classes that occur, 0 if none does."""
        hits = np.diag(self.total_cm)
        either = self.total_cm.sum(axis=0) + self.total_cm.sum(axis=1) - hits
        hits, either = (a[self.target_class_ids].astype(np.float32) for a in (hits, either))
        occur = either > 1e-9
        ratios = hits[occur] / (either[occur] + np.float32(epsilon()))
        return np.float32(ratios.sum() / np.float32(occur.sum() + epsilon()))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return super().get_config() | {
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def _config_without(self, *names: str) -> dict[str, Any]:
        config = IoU.get_config(self)
        return {key: value for key, value in config.items() if key not in names}


class BinaryIoU(IoU):
    """`IoU` of two classes: predictions from `threshold` on are the second.

    Parameters
    ----------
    target_class_ids
        The classes that the mean goes over.
    threshold
        The least prediction of the class 1.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: object = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: object, y_pred: object, sample_weight: object = None) -> None:
        """Add a batch; see `IoU`."""
        chosen = as_float32(y_pred, "y_pred") >= np.float32(self.threshold)
        super().update_state(y_true, chosen, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        implied = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")
        return self._config_without(*implied) | {"threshold": self.threshold}


class MeanIoU(IoU):
    """`IoU` with the mean over all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: object = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return self._config_without("target_class_ids")


class OneHotIoU(IoU):
    """`IoU` of one-hot labels and, unless `sparse_y_pred`, class scores."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: object = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return self._config_without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of one-hot labels and, unless `sparse_y_pred`, class scores."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: object = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return self._config_without("target_class_ids", "sparse_y_true")
