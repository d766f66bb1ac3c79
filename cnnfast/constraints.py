"""Constraints on weights in training. Here they are only kept, so that configs stay whole."""

from __future__ import annotations

from typing import Any

from cnnfast.utils.objects import ConfigObject, ObjectTable, OpaqueObject


class Constraint(ConfigObject):
    """Base class."""


class MaxNorm(Constraint):
    """Norms of at most `max_value`."""

    def __init__(self, max_value: float = 2, axis: int | list[int] = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


class NonNeg(Constraint):
    """No negative weight."""


class UnitNorm(Constraint):
    """Norms of exactly one."""

    def __init__(self, axis: int | list[int] = 0) -> None:
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Norms between `min_value` and `max_value`."""

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | list[int] = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def get_config(self) -> dict[str, Any]:
        return {
            "min_value": self.min_value,
            "max_value": self.max_value,
            "rate": self.rate,
            "axis": self.axis,
        }


class OpaqueConstraint(OpaqueObject, Constraint):
    """A constraint of a class that is not known here."""


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
_table: ObjectTable[Constraint] = ObjectTable(
    "constraint",
    "keras.constraints",
    [MaxNorm, NonNeg, UnitNorm, MinMaxNorm],
    {},
    OpaqueConstraint,
)
get = _table.make
serialize = _table.serialize
deserialize = _table.deserialize
