"""Cells of the user's: `call` is drawn once, and its graph is appended for each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnfast._core import BinaryKind, MaskedSteps
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.rnn import states
from cnnfast.layers.rnn.states import Passage
from cnnfast.lowering import append
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.symbolic.tracing import Trace, trace
from cnnfast.utils import tree

# So many are lowered and planned within seconds.
MOST_STEPS = 1024


def steps_of(cell: Any) -> Any:
    """Return what goes through the time as `cell` says: itself, or what draws a user's `call`."""
    return OwnCell(cell) if cell.is_users else cell


class OwnCell:
    """A cell whose class is the user's, as layers over time ask for it.

    Parameters
    ----------
    cell
        A traced layer with ``call(inputs, states)``, `state_size` and, where it is not the first
        of these, `output_size`.
    """

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    @property
    def state_size(self) -> Any:
        """As the class says it."""
        return self._cell.state_size

    @property
    def output_size(self) -> int:
        """As the class says it; the size of the first state else."""
        size = getattr(self._cell, "output_size", None)
        if size is None:
            size = states.listed(self.state_size)[0]
        if not isinstance(size, int | np.integer):
            raise ValueError(
                f"output_size must be an integer. Received: {size!r}, of {self._cell!r}"
            )
        return int(size)

    def build(self, input_shape: BatchShape) -> None:
        """Make the weights; the class, or its first call, says how."""
        self._cell.infer(*self._arguments(input_shape))

    def state_shapes(self, input_shape: BatchShape) -> list[Any]:
        """Return the shapes of the states, in the structure of `state_size`."""
        return states.shapes_of(input_shape[0], self.state_size)

    def output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the shape of the output."""
        return (input_shape[0], self.output_size)

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Return what the class says, or zeros."""
        own = getattr(self._cell, "get_initial_state", None)
        if own is not None:
            return states.listed(own(batch_size=batch_size))
        shapes = self.state_shapes((None,))
        return [
            tree.map_shapes(lambda s: states.zeros(batch_size, s[1:]), shape) for shape in shapes
        ]

    def first_states(self, graph: Graph, x: Value) -> list[Value] | None:
        """Append what the class says that a layer over `x` starts from; None for zeros."""
        own = getattr(self._cell, "get_initial_state", None)
        if own is None:
            return None
        of = f"`get_initial_state` of cell {self._cell.name!r} of class {type(self._cell).__name__}"

        def drawn(sequences: KerasTensor) -> Any:
            return own(batch_size=BatchSize(sequences))

        made = trace(drawn, (KerasTensor((None, *x.shape)),), {}, of=of)
        values = tree.flatten(made.lower(graph, [x]))
        self._check(values, self.state_shapes((None, *x.shape[1:])), "`get_initial_state`")
        return values

    def check_masked(self, masked: MaskedSteps, given: bool) -> None:
        """Do nothing; see `Cell.check_masked`."""

    def over_time(
        self, graph: Graph, x: Value, before: Sequence[Value] | None, passage: Passage
    ) -> tuple[Value, list[Value]]:
        """Append the cell for each step; see `Cell.over_time`."""
        steps = x.shape[0]
        if steps > MOST_STEPS:
            raise self._cell.unsupported(
                f"is unrolled and takes at most {MOST_STEPS} steps of time. Received: {steps} steps"
            )
        wanted = self.state_shapes((None, *x.shape[1:]))
        now = list(before) if before is not None else states.zero_values(graph, wanted)
        drawn = self._drawn((None, *x.shape[1:]))
        outputs: list[Value] = []
        for time in reversed(range(steps)) if passage.backwards else range(steps):
            image = append.reshape(graph, append.crop(graph, x, {0: (time, 1)}), x.shape[1:])
            output, after = self._appended(graph, drawn, image, now)
            if passage.mask is not None:
                before_it = self._left_out(graph, outputs, now, output, passage.masked)
                output, *after = _chosen(
                    graph, passage.mask, int(time), [output, *after], [before_it, *now]
                )
            outputs.append(output)
            now = after
        if not passage.every:
            return outputs[-1], now
        rows = [append.reshape(graph, y, (1, *y.shape)) for y in outputs]
        return append.concat(graph, rows, 0), now

    def step(self, graph: Graph, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        """Append one step; return the output and the states after it."""
        return self._appended(graph, self._drawn((None, *x.shape)), x, before)

    def _left_out(
        self,
        graph: Graph,
        outputs: Sequence[Value],
        now: Sequence[Value],
        output: Value,
        masked: MaskedSteps,
    ) -> Value:
        """Return what comes out of a step that a mask leaves out."""
        if masked == MaskedSteps.OUTPUT and outputs:
            return outputs[-1]
        if masked != MaskedSteps.STATE:
            return append.constant(graph, np.zeros(output.shape))
        sizes = states.listed(self.state_size)
        nested = isinstance(sizes[0], list | tuple)
        state = now[-len(states.listed(sizes[-1]))] if nested else now[0]
        if state.shape != output.shape:
            raise ValueError(
                "Where a mask leaves out a step, the first state comes out, as Keras has it, which "
                f"must have the shape of the output. Received: cell {self._cell.name!r} with a "
                f"state of shape {state.shape} and an output of shape {output.shape}"
            )
        return state

    def _arguments(self, input_shape: BatchShape) -> tuple[Any, Any]:
        shapes = self.state_shapes(input_shape)
        tensors = [tree.map_shapes(KerasTensor, shape) for shape in shapes]
        return (KerasTensor(input_shape), tensors), {}

    def _drawn(self, input_shape: BatchShape) -> Trace:
        made: Trace = self._cell.drawn_call(*self._arguments(input_shape))
        outputs = made.outputs
        if not isinstance(outputs, list | tuple) or len(outputs) != 2:
            raise ValueError(
                f"`call` of cell {self._cell.name!r} of class {type(self._cell).__name__} must "
                f"return the output and the new states. Received: {outputs!r:.200}"
            )
        return made

    def _appended(
        self, graph: Graph, drawn: Trace, x: Value, before: Sequence[Value]
    ) -> tuple[Value, list[Value]]:
        with graph.layer(self._cell.name):
            output, after = drawn.lower(graph, [x, *before])
        flat = tree.flatten(after)
        self._check([output], [self.output_shape((None, *x.shape))], "the output of `call`")
        self._check(flat, self.state_shapes((None, *x.shape)), "the states that `call` returns")
        return output, flat

    def _check(self, values: Sequence[Value], wanted: Sequence[Any], what: str) -> None:
        shapes = [shape[1:] for shape in states.leaves(wanted)]
        if [value.shape for value in values] != shapes:
            raise ValueError(
                f"Of cell {self._cell.name!r} of class {type(self._cell).__name__}, {what} must "
                f"have the shapes that `state_size` and `output_size` say, {shapes} for each "
                f"sequence. Received: {[value.shape for value in values]}"
            )


def _chosen(
    graph: Graph, mask: Value, time: int, yes: Sequence[Value], no: Sequence[Value]
) -> list[Value]:
    """Append values of a step where `mask` is one at `time`, those before where it is zero."""
    truth = append.crop(graph, mask, {0: (time, 1)})
    chosen = []
    for new, old in zip(yes, no, strict=True):
        shaped = append.reshape(graph, truth, (1,) * len(new.shape))
        kept = append.binary(graph, new, shaped, BinaryKind.KEEP)
        left = append.binary(graph, old, shaped, BinaryKind.LEAVE)
        chosen.append(append.binary(graph, kept, left, BinaryKind.EITHER))
    return chosen
