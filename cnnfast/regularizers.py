"""Regularizers: penalties of training. Here they are only kept, so that configs stay whole."""

from __future__ import annotations

from typing import Any

from cnnfast.utils.objects import ConfigObject, ObjectTable, OpaqueObject


class Regularizer(ConfigObject):
    """Base class."""


class L1(Regularizer):
    """``l1 * sum(|w|)``."""

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = l1

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(Regularizer):
    """``l2 * sum(w ** 2)``."""

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = l2

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


class L1L2(Regularizer):
    """The sum of both."""

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = l1
        self.l2 = l2

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class OrthogonalRegularizer(Regularizer):
    """Pulls rows (or columns) of a matrix towards orthogonality."""

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = factor
        self.mode = mode

    def get_config(self) -> dict[str, Any]:
        return {"factor": self.factor, "mode": self.mode}


class OpaqueRegularizer(OpaqueObject, Regularizer):
    """A regularizer of a class that is not known here."""


l1, l2, l1_l2 = L1, L2, L1L2
_table: ObjectTable[Regularizer] = ObjectTable(
    "regularizer",
    "keras.regularizers",
    [L1, L2, L1L2, OrthogonalRegularizer],
    {"l1_l2": L1L2},
    OpaqueRegularizer,
)
get = _table.get
serialize = _table.serialize
deserialize = _table.deserialize
