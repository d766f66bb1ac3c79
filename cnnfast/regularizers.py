"""Regularizers: penalties on weights, which Keras adds to the loss, also when it evaluates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.utils.objects import ConfigObject, ObjectTable, OpaqueObject

if TYPE_CHECKING:
    import numpy.typing as npt

Float32Array: TypeAlias = "npt.NDArray[np.float32]"


class Regularizer(ConfigObject):
    """Base class."""

    def __call__(self, x: Float32Array) -> np.float32:
        """Return the penalty on the numbers of a weight."""
        raise NotImplementedError


class L1(Regularizer):
    """``l1 * sum(|w|)``."""

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = l1

    def __call__(self, x: Float32Array) -> np.float32:
        return np.float32(self.l1 * np.abs(x).sum())

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """``l2 * sum(w ** 2)``."""

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = l2

    def __call__(self, x: Float32Array) -> np.float32:
        return np.float32(self.l2 * np.square(x).sum())

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


def _factor(value: object, name: str) -> float:
    """Return a number that is not below 0; None stands for 0."""
    number = 0.0 if value is None else value
    if not isinstance(number, int | float) or not 0 <= number < float("inf"):
        raise ValueError(
            f"Invalid value for argument {name}: expected a non-negative float. Received: "
            f"{name}={value!r}"
        )
    return number


class L1L2(Regularizer):
    """The sum of both."""

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor(l1, "l1")
        self.l2 = _factor(l2, "l2")

    def __call__(self, x: Float32Array) -> np.float32:
        return L1(self.l1)(x) + L2(self.l2)(x)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean of ``|cos|`` over all pairs of rows (or columns) of a matrix."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = factor
        self.mode = mode

    def __call__(self, x: Float32Array) -> np.float32:
        if x.ndim != 2:
            raise ValueError(
                "Inputs to OrthogonalRegularizer must have rank 2. "
                f"Received: a weight of shape {x.shape}"
            )
        rows = x if self.mode == "rows" else x.T
        units = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-12))
        cosines = np.abs(units @ units.T)
        pairs = len(rows) * (len(rows) - 1)
        return np.float32(self.factor * (cosines.sum() - np.trace(cosines)) / pairs)

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


class OpaqueRegularizer(OpaqueObject, Regularizer):
    """A regularizer of a class that is not known here."""

    def __call__(self, x: Float32Array) -> np.float32:
        raise UnsupportedError(
            "The loss contains a penalty of a class that is not known here. "
            f"Received: regularizer {self.original.get('class_name')!r}"
        )


l1, l2, l1_l2 = L1, L2, L1L2
_table: ObjectTable[Regularizer] = ObjectTable(
    "regularizer",
    "keras.regularizers",
    [L1, L2, L1L2, OrthogonalRegularizer],
    {"l1_l2": L1L2},
    OpaqueRegularizer,
)
get = _table.make
serialize = _table.serialize
deserialize = _table.deserialize
