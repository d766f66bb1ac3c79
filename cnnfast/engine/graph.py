"""The graph a layer or model lowers to: a flat list of operations in the order they run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from cnnfast.engine.ops import Op, Shape, Value

if TYPE_CHECKING:
    from cnnfast.engine.quantized.quantization import Quantization
    from cnnfast.engine.states import State

OpT = TypeVar("OpT", bound=Op)


@dataclass
class Graph:
    """Operations over the values of `inputs`, ending in the values of `outputs`.

    While it is made, `masks` says of values which of their steps count: 1 for these, 0 for others.
    `states` are those of layers with what each is after the operations so far; `states_read` are
    those that come in, each an input behind the others. `given_with` has what else came out of the
    call that gave a state. `quantized_by` says how the whole of it is computed in 8 bits, if it is.
    """

    inputs: list[Value] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    masks: dict[Value, Value] = field(default_factory=dict, init=False, repr=False)
    states: dict[State, Value] = field(default_factory=dict)
    states_read: list[State] = field(default_factory=list)
    given_with: dict[State, list[Value]] = field(default_factory=dict)
    quantized_by: Quantization | None = None
    _layer: str = field(default="", init=False, repr=False)

    def add_input(self, shape: Shape) -> Value:
        """Declare one input; `shape` is that of one image."""
        value = Value(shape)
        self.inputs.append(value)
        return value

    def state(self, state: State) -> Value:
        """Return what a state is after the operations so far."""
        if state not in self.states:
            self.states[state] = self.add_input(state.of_one)
            self.states_read.append(state)
        return self.states[state]

    def follows(self, value: Value, earlier: Sequence[Value]) -> bool:
        """Whether `value` is computed from one of `earlier`."""
        wanted = {value}
        for op in reversed(self.ops):
            if wanted & set(earlier):
                break
            if op.out in wanted or not wanted.isdisjoint(getattr(op, "more", ())):
                wanted.update(op.inputs)
        return not wanted.isdisjoint(earlier)

    def add(self, op: OpT) -> Value:
        """Append `op`, as part of the layer being lowered, and return its output."""
        if self._layer:
            inner = (f"{self._layer}/{name}" for name in op.layers)
            op = replace(op, layers=tuple(inner) or (self._layer,))
        self.ops.append(op)
        return op.out

    @contextmanager
    def layer(self, name: str) -> Iterator[None]:
        """Name the layer that the operations added inside come from; names nest."""
        outer = self._layer
        self._layer = f"{outer}/{name}" if outer else name
        try:
            yield
        finally:
            self._layer = outer
