"""What recurrent layers ask of a cell, and how a cell is called by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnfast._core import MaskedSteps
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.rnn import states
from cnnfast.layers.rnn.states import Passage
from cnnfast.lowering import append
from cnnfast.utils import tree


class Cell(Layer):
    """A layer that makes one step: of inputs and states its output and the states after it.

    A subclass says what its states are and how it goes through the time.
    """

    call_arguments = ("inputs", "states")
    call_options = ("training",)
    training_default = False

    @property
    def state_size(self) -> Any:
        """Numbers in the state of a sequence; a list of these where there are several states."""
        raise NotImplementedError

    def state_shapes(self, input_shape: BatchShape) -> list[Any]:
        """Return the shapes of the states for one step's inputs, in the structure of outputs."""
        return states.shapes_of(input_shape[0], self.state_size)

    def output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the shape of the output for one step's inputs."""
        raise NotImplementedError

    def first_states(self, graph: Graph, x: Value) -> list[Value] | None:
        """Append what a layer over `x` starts from where a call says nothing; None for zeros."""
        return None

    def check_masked(self, masked: MaskedSteps, given: bool) -> None:
        """Refuse masks with which Keras computes something that is not meant.

        Parameters
        ----------
        masked
            What comes out of a step that is left out.
        given
            Whether a call gave the states to start from.
        """

    def over_time(
        self, graph: Graph, x: Value, before: Sequence[Value] | None, passage: Passage
    ) -> tuple[Value, list[Value]]:
        """Append the cell for each step of `x`, (steps, ...).

        Parameters
        ----------
        before
            The states to start from, flat; None for zeros.

        Returns
        -------
        Value
            The outputs, (steps, ...) or that of the last step.
        list of Value
            The states after the last step, flat; empty unless they are wanted.
        """
        raise NotImplementedError

    def step(self, graph: Graph, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        """Append one step; return the output and the states after it."""
        sequence = append.reshape(graph, x, (1, *x.shape))
        return self.over_time(graph, sequence, before, Passage(every=False, keeps=True))

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Return states of zeros, which a layer starts from.

        Parameters
        ----------
        batch_size
            A number, or `cnnfast.ops.shape(x)[0]` of a symbolic tensor.
        """
        return [
            tree.map_shapes(lambda shape: states.zeros(batch_size, shape[1:]), shape)
            for shape in self.state_shapes((None,))
        ]

    # --- calls by hand ---------------------------------------------------------------------

    def build(self, input_shape: Any, states_shape: Any = None) -> None:
        """Make the weights for inputs of `input_shape`, that of one step, batch included."""
        del states_shape
        super().build(states.split(input_shape)[0])

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        x = super()._input_of_call(args, kwargs)
        before = tree.flatten(x[1:])
        if not before or any(leaf is None for leaf in before):
            raise self._without_states(x)
        return x

    def _without_states(self, x: Any) -> ValueError:
        return ValueError(
            f"Cell '{self.name}' must be called on the inputs of one step and on its states, "
            f"`cell(x, states)`. Received: {x!r:.200}"
        )

    def _prepare(self, x: Any) -> list[Any]:
        raise self._without_states(x)

    def _is_structure(self, x: Any) -> bool:
        return isinstance(x, list)

    def _check_shapes(self, shapes: Any) -> None:
        x, before = states.split(shapes)
        super()._check_shapes(x)
        if before is not None:
            states.check_shapes(self, before, states.leaves(self.state_shapes(x)))

    def compute_output_shape(self, inputs_shape: Any, states_shape: Any = None) -> Any:
        """Return the shape of the output; with those of the states, both as a call returns them."""
        x, _ = states.split(inputs_shape)
        if x is not inputs_shape:
            states_shape = inputs_shape[1]
        if states_shape is None:
            return self.output_shape(x)
        after = iter(states.leaves(self.state_shapes(x)))
        return self.output_shape(x), tree.map_shapes(lambda _: next(after), states_shape)

    def lower(self, graph: Graph, x: Any) -> Any:
        inputs, before = x
        output, after = self.step(graph, inputs, tree.flatten(before))
        return output, tree.pack(before, after)
