"""The area under a curve of two ratios over all thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnnfast.losses.arrays import Float32Array, as_float32, divide_or_zero, sigmoid
from cnnfast.metrics.confusion import ThresholdMetric, stand_evenly
from cnnfast.metrics.decisions import Counts, count_decisions
from cnnfast.metrics.metric import Metric
from cnnfast.utils.defaults import epsilon

CURVES = ("ROC", "PR", "PRGAIN")
SUMMATION_METHODS = ("interpolation", "majoring", "minoring")


class AUC(ThresholdMetric):
    """The area under the ROC curve, or the curve of precision over recall.

    Parameters
    ----------
    num_thresholds
        Of how many points the curve is made, at thresholds from 0 to 1.
    curve
        ``"ROC"`` (recall over the rate of false positives), ``"PR"`` (precision over recall) or
        ``"PRGAIN"`` (of their gains over predicting always 1; Flach and Kull, 2015).
    summation_method
        How the curve goes between two points: ``"interpolation"`` (straight; for PR by the
        formula of Davis and Goadrich, 2006), ``"minoring"`` (at the lower one) or
        ``"majoring"`` (at the higher one).
    thresholds
        Those between 0 and 1, instead of `num_thresholds`.
    multi_label
        Whether each label, a place of the last axis, has a curve of its own, and the result
        is the mean of the areas.
    num_labels
        How many there are; only for `multi_label`.
    label_weights
        What each label weighs.
    from_logits
        Whether predictions are logits, to which a sigmoid is applied.

    Raises
    ------
    ValueError
        If an argument is none of these.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: object = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: object = None,
        from_logits: bool = False,
    ) -> None:
        self.curve = _one_of(CURVES, "curve", curve)
        self.summation_method = _one_of(SUMMATION_METHODS, "summation_method", summation_method)
        if num_labels and not multi_label:
            raise ValueError(
                "`num_labels` is needed only when `multi_label` is True. "
                f"Received: num_labels={num_labels}"
            )
        if thresholds is None and num_thresholds <= 1:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 1. "
                f"Received: num_thresholds={num_thresholds}"
            )
        self._given = None if thresholds is None else sorted(thresholds)
        inner = np.linspace(0, 1, num_thresholds)[1:-1].tolist()
        inner = inner if self._given is None else self._given
        self.num_thresholds = len(inner) + 2
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = (
            None if label_weights is None else as_float32(label_weights, "label_weights")
        )
        self.from_logits = from_logits
        # The ends are moved out, so that a prediction of 0 is above the first one.
        ends = [0.0 - epsilon(), *inner, 1.0 + epsilon()]
        evenly = self._given is None or stand_evenly([0.0, *inner, 1.0])
        super().__init__(ends, name, dtype, evenly=evenly)

    def reset_state(self) -> None:
        """Forget all batches."""
        shape = (self.num_thresholds, self.num_labels or 1)[: 1 + self.multi_label]
        self._keep(Counts(*[np.zeros(shape, np.float32)] * 4))

    def _count(self, y_true: object, y_pred: object, sample_weight: object) -> Counts:
        pred = as_float32(y_pred, "y_pred")
        fits = pred.ndim == 2 and self.num_labels in (None, 0, pred.shape[-1])
        if self.multi_label and not fits:
            raise ValueError(
                "With `multi_label`, `y_pred` must have the shape (samples, labels). "
                f"Received: y_pred.shape={pred.shape}, num_labels={self.num_labels}"
            )
        return count_decisions(
            y_true,
            sigmoid(pred) if self.from_logits else pred,
            self.thresholds,
            self._evenly,
            sample_weight,
            label_weights=None if self.multi_label else self.label_weights,
            multi_label=self.multi_label,
        )

    def result(self) -> np.float32:
        """Return the area, of several labels the (weighted) mean."""
        areas = self._areas().sum(axis=0)
        if not self.multi_label:
            return np.float32(areas)
        if self.label_weights is None:
            return np.float32(areas.mean())
        total = np.sum(self.label_weights)
        return np.float32(np.sum(areas * self.label_weights) / total if total else 0.0)

    def _areas(self) -> Float32Array:
        """Return the area between each point of the curve and the next."""
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            return self._interpolated_precision()
        x, y = self._points()
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / np.float32(2.0)
        else:
            pick = np.minimum if self.summation_method == "minoring" else np.maximum
            heights = pick(y[:-1], y[1:])
        return (x[:-1] - x[1:]) * heights

    def _points(self) -> tuple[Float32Array, Float32Array]:
        if self.curve == "ROC":
            false, negative = self.false_positives, self.false_positives + self.true_negatives
            return divide_or_zero(false, negative), self._recall()
        if self.curve == "PR":
            return self._recall(), self._precision()
        hits = self.true_positives
        odds = divide_or_zero(
            hits + self.false_negatives, self.true_negatives + self.false_positives
        )
        recall, precision = (
            np.where(hits == 0, none, 1 - odds * divide_or_zero(misses, hits))
            for misses, none in ((self.false_negatives, 0.0), (self.false_positives, 1.0))
        )
        return np.maximum(recall, 0), precision

    def _interpolated_precision(self) -> Float32Array:
        """Integrate precision where true and false positives grow in proportion.

        Between two points precision is ``(a + slope * p) / p`` of the number ``p`` predicted.
        """
        hits, predicted = self.true_positives, self.true_positives + self.false_positives
        gained = hits[:-1] - hits[1:]
        slope = divide_or_zero(gained, np.maximum(predicted[:-1] - predicted[1:], 0))
        start = hits[1:] - slope * predicted[1:]
        both = (predicted[:-1] > 0) & (predicted[1:] > 0)
        ratio = np.where(both, divide_or_zero(predicted[:-1], predicted[1:]), np.float32(1.0))
        present = hits[1:] + self.false_negatives[1:]
        return divide_or_zero(slope * (gained + start * np.log(ratio)), np.maximum(present, 0))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        weights = self.label_weights
        config = super().get_config() | {
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if weights is None else weights.tolist(),
            "from_logits": self.from_logits,
        }
        return config if self._given is None else config | {"thresholds": self._given}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Metric:
        """Make a metric from `get_config`, or from a file, where weights are a tensor."""
        weights = config.get("label_weights")
        if isinstance(weights, Mapping) and weights.get("class_name") == "__tensor__":
            return cls(**{**config, "label_weights": weights["config"]["value"]})
        return cls(**config)


def _one_of(known: Sequence[str], name: str, value: object) -> str:
    for item in known:
        if value in (item, item.lower(), item.capitalize()):
            return item
    raise ValueError(f"`{name}` must be one of {list(known)}. Received: {name}={value!r}")
