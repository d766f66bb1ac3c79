"""The coefficient of determination."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from cnnfast.losses.arrays import as_float32, as_matched
from cnnfast.metrics.metric import Metric

AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """1 - the squared error / that of predicting the mean, of each column.

    Parameters
    ----------
    class_aggregation
        ``"uniform_average"`` (the mean over the columns), ``"variance_weighted_average"`` (a
        mean weighted by their variances) or None (an array).
    num_regressors
        The number of independent variables, for the adjusted score; 0 for the plain one.

    Raises
    ------
    ValueError
        If an argument is none of these.
    """

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: object = None,
    ) -> None:
        if class_aggregation not in AGGREGATIONS:
            raise ValueError(
                f"`class_aggregation` must be one of {list(AGGREGATIONS)}. "
                f"Received: class_aggregation={class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(
                f"`num_regressors` must be 0 or more. Received: num_regressors={num_regressors}"
            )
        super().__init__(name=name, dtype=dtype)
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        # Numbers become one per column with the first batch.
        self.squared_sum: Any = np.float32(0.0)
        self.sum: Any = np.float32(0.0)
        self.total_mse: Any = np.float32(0.0)
        self.count: Any = np.float32(0.0)
        self.num_samples = 0

    def update_state(self, y_true: object, y_pred: object, sample_weight: object = None) -> None:
        """Add a batch.

        Parameters
        ----------
        y_true, y_pred
            Arrays of shape ``(samples, columns)``.
        sample_weight
            One weight per sample, or per value.

        Raises
        ------
        ValueError
            If a shape is another.
        """
        true, pred = as_matched(y_true, y_pred)
        if pred.ndim != 2 or true.shape != pred.shape:
            raise ValueError(
                "R2Score takes labels and predictions of the shape (samples, columns). "
                f"Received: y_true.shape={true.shape}, y_pred.shape={pred.shape}"
            )
        weight = as_float32(1.0 if sample_weight is None else sample_weight, "sample_weight")
        weight = weight[:, None] if weight.ndim == 1 else weight
        try:
            weight = np.broadcast_to(weight, true.shape)
        except ValueError:
            raise ValueError(
                "`sample_weight` must hold one weight per sample, or per value. "
                f"Received: sample_weight.shape={weight.shape}, y_pred.shape={pred.shape}"
            ) from None
        weighted = true * weight
        self.sum = self.sum + weighted.sum(axis=0)
        self.squared_sum = self.squared_sum + (true * weighted).sum(axis=0)
        self.total_mse = self.total_mse + (np.square(true - pred) * weight).sum(axis=0)
        self.count = self.count + weight.sum(axis=0)
        self.num_samples += true.size  # Keras counts values, not rows

    def result(self) -> Any:
        """Return the score; NaN where there is nothing to tell from, 0 where it is infinite."""
        with np.errstate(all="ignore"):
            spread = self.squared_sum - self.sum * (self.sum / self.count)
            scores = 1 - self.total_mse / spread
            scores = np.where(np.isinf(scores), np.float32(0.0), scores)
            if self.class_aggregation == "uniform_average":
                scores = np.float32(np.mean(scores))
            elif self.class_aggregation == "variance_weighted_average":
                scores = np.float32(np.sum(spread * scores) / np.sum(spread))
        return self._adjust(scores) if self.num_regressors else scores

    def _adjust(self, scores: Any) -> Any:
        """Correct for what the regressors explain by chance."""
        if self.num_regressors >= self.num_samples - 1:
            warnings.warn(
                "The adjusted R2 score needs more values than regressors + 1: this is the plain "
                f"one. Received: {self.num_samples} value(s), "
                f"num_regressors={self.num_regressors}",
                stacklevel=3,
            )
            return scores
        freedom = np.float32(self.num_samples - self.num_regressors - 1)
        return 1 - (1 - scores) * np.float32(self.num_samples - 1) / freedom

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return super().get_config() | {
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
