"""The best of one ratio among the thresholds at which another is high enough."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfast.losses.arrays import Float32Array
from cnnfast.metrics.confusion import ThresholdMetric


class _BestAtConstraint(ThresholdMetric):
    _argument = ""

    def __init__(
        self,
        value: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
        dtype: object,
    ) -> None:
        if not 0 <= value <= 1:
            raise ValueError(
                f"Argument `{self._argument}` must be in the range [0, 1]. "
                f"Received: {self._argument}={value}"
            )
        if num_thresholds <= 0:
            raise ValueError(
                "Argument `num_thresholds` must be an integer > 0. "
                f"Received: num_thresholds={num_thresholds}"
            )
        several = num_thresholds > 1
        thresholds = np.linspace(0.0, 1.0, num_thresholds).tolist() if several else [0.5]
        super().__init__(thresholds, name, dtype, evenly=several, class_id=class_id)
        self.num_thresholds = num_thresholds
        self.value = value

    def _best(self, values: Float32Array, constrained: Float32Array) -> np.float32:
        return np.float32(values[constrained >= np.float32(self.value)].max(initial=0))

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this metric again."""
        return super().get_config() | {
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self._argument: self.value,
        }


class SensitivityAtSpecificity(_BestAtConstraint):
    """The best sensitivity at a threshold where the specificity is high enough, else 0.

    Parameters
    ----------
    specificity
        What is high enough, from 0 to 1.
    num_thresholds
        How many thresholds from 0 to 1 are tried; the only one is 0.5.
    class_id
        The only class of the last axis that counts.

    Raises
    ------
    ValueError
        If `specificity` is not from 0 to 1, or `num_thresholds` not above 0.
    """

    _argument = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: object = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity

    def result(self) -> np.float32:
        """Return the best sensitivity."""
        return self._best(self._recall(), self._specificity())


class SpecificityAtSensitivity(_BestAtConstraint):
    """The best specificity at a threshold where the sensitivity is high enough, else 0.

    `sensitivity` says what is high enough; other arguments and errors are those of
    `SensitivityAtSpecificity`.
    """

    _argument = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: object = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity

    def result(self) -> np.float32:
        """Return the best specificity."""
        return self._best(self._specificity(), self._recall())


class PrecisionAtRecall(_BestAtConstraint):
    """The best precision at a threshold where the recall is high enough, else 0.

    `recall` says what is high enough; other arguments and errors are those of
    `SensitivityAtSpecificity`.
    """

    _argument = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: object = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall

    def result(self) -> np.float32:
        """Return the best precision."""
        return self._best(self._precision(), self._recall())


class RecallAtPrecision(_BestAtConstraint):
    """The best recall at a threshold where the precision is high enough, else 0.

    `precision` says what is high enough; other arguments and errors are those of
    `SensitivityAtSpecificity`.
    """

    _argument = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: object = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision

    def result(self) -> np.float32:
        """Return the best recall."""
        return self._best(self._recall(), self._precision())
