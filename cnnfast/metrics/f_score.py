"""The F-scores, of precision and recall in one."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfast.losses.arrays import Array, as_float32
from cnnfast.metrics.metric import Metric
from cnnfast.utils.defaults import epsilon

AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """``(1 + beta**2) * precision * recall / (beta**2 * precision + recall)`` of each class.

    Parameters
    ----------
    average
        None gives a score for each class, ``"micro"`` one of all decisions, ``"macro"`` the
        mean over the classes, ``"weighted"`` the mean weighted by how often each occurs.
    beta
        How many times as much recall weighs as precision: a float above 0.
    threshold
        Classes with a prediction above are predicted, a float above 0, at most 1; with None
        the class with the highest prediction.

    Raises
    ------
    ValueError
        If an argument is none of these.
    """

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: object = None,
    ) -> None:
        if average not in AVERAGES:
            raise ValueError(
                f"`average` must be one of {list(AVERAGES)}. Received: average={average!r}"
            )
        if not isinstance(beta, float) or beta <= 0:
            raise ValueError(f"`beta` must be a float above 0. Received: beta={beta!r}")
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ValueError(
                f"`threshold` must be None or a float above 0, at most 1. "
                f"Received: threshold={threshold!r}"
            )
        super().__init__(name=name, dtype=dtype)
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        # Numbers become one per class, or stay one ("micro"), with the first batch.
        self.true_positives: Any = np.float32(0.0)
        self.false_positives: Any = np.float32(0.0)
        self.false_negatives: Any = np.float32(0.0)
        self.intermediate_weights: Any = np.float32(0.0)

    def update_state(self, y_true: object, y_pred: object, sample_weight: object = None) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true, y_pred
            Labels 0 and 1, and predictions, both of shape ``(samples, classes)``.
        sample_weight
            One weight per sample.

        Raises
        ------
        ValueError
            If a shape is another.
        """
        true, pred = as_float32(y_true, "y_true"), as_float32(y_pred, "y_pred")
        weight = np.ones(len(pred)) if sample_weight is None else sample_weight
        weight = as_float32(weight, "sample_weight")
        if pred.ndim != 2 or true.shape != pred.shape or weight.shape != (len(pred),):
            raise ValueError(
                f"{type(self).__name__} takes labels and predictions of the shape "
                "(samples, classes) and one weight per sample. "
                f"Received: y_true.shape={true.shape}, y_pred.shape={pred.shape}, "
                f"sample_weight.shape={weight.shape}"
            )
        if self.threshold is None:
            highest = pred >= pred.max(axis=-1, keepdims=True)
            chosen = (highest & (np.abs(pred) > 1e-9)).astype(np.float32)
        else:
            chosen = (pred > np.float32(self.threshold)).astype(np.float32)

        def total(values: Array) -> Array:
            axis = None if self.average == "micro" else 0
            return np.asarray(np.sum(values * weight[:, None], axis=axis))

        self.true_positives = self.true_positives + total(chosen * true)
        self.false_positives = self.false_positives + total(chosen * (1 - true))
        self.false_negatives = self.false_negatives + total((1 - chosen) * true)
        self.intermediate_weights = self.intermediate_weights + total(true)

    def result(self) -> Any:
        """Return the score, with ``average=None`` an array of one per class."""
        least, square = np.float32(epsilon()), np.float32(self.beta**2)
        precision = self.true_positives / (self.true_positives + self.false_positives + least)
        recall = self.true_positives / (self.true_positives + self.false_negatives + least)
        both = precision * recall / (square * precision + recall + least)
        score = both * np.float32(1 + self.beta**2)
        if self.average == "weighted":
            weights = self.intermediate_weights / (self.intermediate_weights.sum() + least)
            return np.float32(np.sum(score * weights))
        return score if self.average is None else np.float32(np.mean(score))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return super().get_config() | {
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """`FBetaScore` with ``beta=1``: the harmonic mean of precision and recall."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: object = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return {key: value for key, value in super().get_config().items() if key != "beta"}
