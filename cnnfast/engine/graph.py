"""The graph a layer or model lowers to: a flat list of operations in the order they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from cnnfast.engine.ops import Op, Shape, Value

OpT = TypeVar("OpT", bound=Op)


@dataclass
class Graph:
    """Operations over the values of `inputs`, ending in the values of `outputs`."""

    inputs: list[Value] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)

    def add_input(self, shape: Shape) -> Value:
        """Declare one input; `shape` is that of one image."""
        value = Value(shape)
        self.inputs.append(value)
        return value

    def add(self, op: OpT) -> Value:
        """Append `op` and return its output."""
        self.ops.append(op)
        return op.out
