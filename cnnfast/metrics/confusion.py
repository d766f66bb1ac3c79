"""Right and wrong decisions at thresholds: how many there are, and metrics of their counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from cnnfast.losses.arrays import Float32Array, divide_or_zero
from cnnfast.metrics.decisions import REJECTED, Counts, count_decisions
from cnnfast.metrics.metric import Metric
from cnnfast.utils.defaults import epsilon

Thresholds: TypeAlias = float | Sequence[float] | None


class ThresholdMetric(Metric):
    """Base class of metrics that count decisions ``y_pred > threshold``.

    Parameters
    ----------
    thresholds
        Ascending where there are several.
    name, dtype
        As of `Metric`.
    evenly
        Whether the thresholds stand at equal distances from 0 to 1; None finds out.
    top_k
        How many of the highest predictions along the last axis count; the others are decided
        against. None is all.
    class_id
        The only place of the last axis that counts. None is all.

    Attributes
    ----------
    true_positives, false_positives, true_negatives, false_negatives
        Sums of weights, one for each threshold.
    """

    def __init__(
        self,
        thresholds: Sequence[float],
        name: str | None = None,
        dtype: object = None,
        evenly: bool | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.thresholds = list(thresholds)
        self.top_k = top_k
        self.class_id = class_id
        self._evenly = stand_evenly(self.thresholds) if evenly is None else evenly
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self._keep(Counts(*[np.zeros(len(self.thresholds), np.float32)] * 4))

    def update_state(self, y_true: object, y_pred: object, sample_weight: object = None) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true
            Labels: 0 is no, anything else yes.
        y_pred
            Predictions of as many values, from 0 to 1.
        sample_weight
            One weight per sample, or of a shape that broadcasts to that of `y_pred`.

        Raises
        ------
        ValueError
            If the shapes do not fit, or `top_k` or `class_id` is not within the last axis.
        """
        self._add(self._count(y_true, y_pred, sample_weight))

    def _count(self, y_true: object, y_pred: object, sample_weight: object) -> Counts:
        return count_decisions(
            y_true,
            y_pred,
            self.thresholds,
            self._evenly,
            sample_weight,
            top_k=self.top_k,
            class_id=self.class_id,
        )

    def _add(self, counts: Counts) -> None:
        self._keep(
            Counts(
                self.true_positives + counts.true_positives,
                self.false_positives + counts.false_positives,
                self.true_negatives + counts.true_negatives,
                self.false_negatives + counts.false_negatives,
            )
        )

    def _keep(self, counts: Counts) -> None:
        self.true_positives = counts.true_positives
        self.false_positives = counts.false_positives
        self.true_negatives = counts.true_negatives
        self.false_negatives = counts.false_negatives

    def _precision(self) -> Float32Array:
        return divide_or_zero(self.true_positives, self.true_positives + self.false_positives)

    def _recall(self) -> Float32Array:
        return divide_or_zero(self.true_positives, self.true_positives + self.false_negatives)

    def _specificity(self) -> Float32Array:
        return divide_or_zero(self.true_negatives, self.true_negatives + self.false_positives)


def stand_evenly(thresholds: Sequence[float]) -> bool:
    """Return whether there are three or more at equal distances from 0 to 1."""
    if len(thresholds) < 3:
        return False
    return np.allclose(thresholds, np.linspace(0, 1, len(thresholds)), atol=epsilon())


def _as_list(thresholds: Thresholds, default: float) -> list[float]:
    """Return a list of thresholds, which must be from 0 to 1, or of the default."""
    if thresholds is None:
        return [default]
    given = list(thresholds) if isinstance(thresholds, Sequence) else [thresholds]
    if any(threshold is None or not 0 <= threshold <= 1 for threshold in given):
        raise ValueError(f"Threshold values must be in [0, 1]. Received: {thresholds}")
    return given


def _one_or_all(values: Float32Array) -> Any:
    return values[0] if len(values) == 1 else values


class _CountMetric(ThresholdMetric):
    """One of the four counts."""

    _counted = ""

    def __init__(
        self, thresholds: Thresholds = None, name: str | None = None, dtype: object = None
    ) -> None:
        super().__init__(_as_list(thresholds, 0.5), name, dtype)
        self.init_thresholds = thresholds

    def result(self) -> Any:
        """Return the sum of the weights, an array if there are several thresholds."""
        return _one_or_all(getattr(self, self._counted))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return super().get_config() | {"thresholds": self.init_thresholds}


class TruePositives(_CountMetric):
    """The weights of places with the label 1 and a prediction above the threshold.

    Parameters
    ----------
    thresholds
        One or several from 0 to 1, 0.5 by default.

    Raises
    ------
    ValueError
        If one is not from 0 to 1.
    """

    _counted = "true_positives"


class FalsePositives(_CountMetric):
    """The weights of places with the label 0, above the threshold; see `TruePositives`."""

    _counted = "false_positives"


class TrueNegatives(_CountMetric):
    """The weights of places with the label 0, not above the threshold; see `TruePositives`."""

    _counted = "true_negatives"


class FalseNegatives(_CountMetric):
    """The weights of places with the label 1, not above the threshold; see `TruePositives`."""

    _counted = "false_negatives"


class _RatioMetric(ThresholdMetric):
    """Precision or recall."""

    def __init__(
        self,
        thresholds: Thresholds = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: object = None,
    ) -> None:
        given = _as_list(thresholds, 0.5 if top_k is None else REJECTED)
        super().__init__(given, name, dtype, top_k=top_k, class_id=class_id)
        self.init_thresholds = thresholds

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return super().get_config() | {
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_RatioMetric):
    """How much of what was predicted is right: ``tp / (tp + fp)``, 0 if nothing was.

    Parameters
    ----------
    thresholds
        One or several from 0 to 1; 0.5 by default, with `top_k` none.
    top_k
        How many of the highest predictions along the last axis count as predicted.
    class_id
        The only class of the last axis that counts.

    Raises
    ------
    ValueError
        If a threshold is not from 0 to 1.
    """

    def result(self) -> Any:
        """Return the ratio, an array if there are several thresholds."""
        return _one_or_all(self._precision())


class Recall(_RatioMetric):
    """How much of what is there was predicted: ``tp / (tp + fn)``, 0 if nothing is.

    Arguments and errors are those of `Precision`.
    """

    def result(self) -> Any:
        """Return the ratio, an array if there are several thresholds."""
        return _one_or_all(self._recall())
