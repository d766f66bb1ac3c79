"""Recurrent layers: a cell over the steps of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast import regularizers
from cnnfast._core import MaskedSteps
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Shape, Value
from cnnfast.engine.states import State
from cnnfast.layers.base import phases
from cnnfast.layers.base.calling import batch_shapes, state_guard
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.rnn import states
from cnnfast.layers.rnn.cell import Cell
from cnnfast.layers.rnn.cells import RecurrentCell
from cnnfast.layers.rnn.own_cells import steps_of
from cnnfast.layers.rnn.states import Passage, without_time
from cnnfast.layers.serialization import configs
from cnnfast.symbolic import arguments
from cnnfast.symbolic.arrays import as_batches
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.symbolic.tracing import is_tracing
from cnnfast.utils import tree
from cnnfast.utils.naming import to_snake_case

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import CellLayerOptions, RecurrentOptions, RegularizerLike


class RNN(Layer):
    """A cell over sequences (batch, steps, features).

    Takes (batch, steps, features), and ``initial_state=``, a list of what to start from, zeros
    else. Returns (batch, units) or, with `return_sequences`, (batch, steps, units); with
    `return_state` a tuple of that and the states after the last step.

    Parameters
    ----------
    cell
        A `SimpleRNNCell`, `LSTMCell`, `GRUCell` or `StackedRNNCells`, a list of cells, or a layer
        of your own with `state_size` and ``call(inputs, states)``, which is unrolled over at most
        1024 steps. It has the weights.
    return_sequences
        Whether the output of each step comes out, (batch, steps, units), or the last only.
    return_state
        Whether the states after the last step come out, too.
    go_backwards
        Whether time runs from the end; outputs then stand in the order they were made.
    stateful
        Whether each call goes on from the states of the one before, sequence by sequence; see
        `reset_state`.
    unroll
        Changes no result but what comes out of masked steps, as in Keras.
    zero_output_for_mask
        Whether zeros come out of masked steps.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If the cell is no layer, or time stands before the batch.

    Examples
    --------
    >>> layer = cnnfast.layers.RNN(cnnfast.layers.LSTMCell(3))
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 3)
    """

    call_arguments = ("sequences",)
    call_options = ("initial_state", "mask", "training")
    training_default = False
    takes_mask = True
    _WITHOUT: ClassVar[dict[str, Any]] = {**Layer._WITHOUT, "_held": None}

    def __init__(
        self,
        cell: Layer | Sequence[Layer],
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        # Arrays with time before the batch were for Keras 2's own calls.
        time_major, constants = kwargs.pop("time_major", False), kwargs.pop("num_constants", None)
        super().__init__(**kwargs)  # type: ignore[misc]  # without these two
        if constants:
            raise self.unsupported(
                "gives its cell the numbers of a step, and no constants beside them, which Keras 2 "
                f"had. Received: num_constants={constants}",
                advice="Join them to each step: `Concatenate` with a `RepeatVector` of them.",
            )
        if time_major:
            raise self.unsupported(
                f"takes (batch, steps, features) only. Received: time_major={time_major}"
            )
        self.cell = self._made_cell(cell)
        self.return_sequences = arguments.boolean(return_sequences, "return_sequences")
        self.return_state = arguments.boolean(return_state, "return_state")
        self.go_backwards = arguments.boolean(go_backwards, "go_backwards")
        self.stateful = arguments.boolean(stateful, "stateful")
        self.unroll = arguments.boolean(unroll, "unroll")
        self.zero_output_for_mask = arguments.boolean(zero_output_for_mask, "zero_output_for_mask")
        self.input_spec = self._specification(None)
        self._held: list[State] | None = None
        self._hold_layers()

    if TYPE_CHECKING:  # where the states come out, too, there are several

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def _made_cell(self, cell: Any) -> Any:
        if isinstance(cell, list | tuple):
            from cnnfast.layers.rnn.stacked_cells import StackedRNNCells

            cell = StackedRNNCells(cell)
        if "call" not in dir(cell):
            raise ValueError(
                "Argument `cell` should have a `call` method. Received a cell without a `call` "
                f"method: {cell!r}"
            )
        if getattr(cell, "state_size", None) is None:
            raise ValueError(
                f"state_size must be specified as property on the RNN cell. Received: cell={cell!r}"
            )
        if isinstance(cell, Cell) or getattr(cell, "is_users", False):
            return cell
        raise self.unsupported(
            f"a cell must be a layer. Received: cell={cell!r}",
            advice="Make its class from `cnnfast.layers.Layer`.",
        )

    @property
    def _steps(self) -> Any:
        """What goes through the time."""
        return steps_of(self.cell)

    @property
    def units(self) -> int:
        """Size of the output of a step, or its channels."""
        units: int = self._steps.output_size
        return units

    @property
    def state_size(self) -> list[Any]:
        """Numbers in each state of a sequence."""
        return states.listed(self.cell.state_size)

    def _specification(self, input_shape: BatchShape | None) -> InputSpec:
        """Return what inputs must be like, as far as the cell knows it before it is called."""
        ndim = self.cell.input_spec.ndim if isinstance(self.cell, RecurrentCell) else None
        if ndim is None:
            return InputSpec()
        if input_shape is None:
            return InputSpec(ndim=ndim + 1)
        axis = self.cell.channel_axis
        # Time stands before the channels.
        axis += axis > 0
        return InputSpec(ndim=ndim + 1, axes={axis: input_shape[axis]})

    def _sublayers(self) -> Sequence[Layer]:
        return (self.cell,)

    def _file_children(self) -> Mapping[str, Layer]:
        return {"cell": self.cell}

    # --- building -------------------------------------------------------------------------

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Make the weights for sequences of a shape, batch included.

        Raises
        ------
        ValueError
            If the layer cannot take such sequences, or is stateful and the batch is open.
        """
        del initial_state_shape
        super().build(states.split(sequences_shape)[0])

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        if self.stateful and input_shape[0] is None and not is_tracing():
            raise ValueError(
                "When using `stateful=True` in a RNN, the batch size must be static: say it with "
                f"`batch_shape`. Found dynamic batch size: sequence.shape={input_shape}. "
                f"Received: layer '{self.name}'"
            )
        self._steps.build(without_time(input_shape))
        self.input_spec = self._specification(input_shape)

    # --- states ---------------------------------------------------------------------------

    def _states(self) -> list[State]:
        """Return what the layer keeps from call to call, made when first needed."""
        with state_guard.lock:
            if self._held is None:
                assert self._build_shape is not None
                batch = self._build_shape[0]
                shapes = states.leaves(self._steps.state_shapes(without_time(self._build_shape)))
                self._held = [
                    State(f"{self.name}/rnn_state", self._of_one(shape), batch, is_tracing)
                    for shape in shapes
                ]
            return self._held

    def _of_one(self, shape: BatchShape) -> Shape:
        sizes = tuple(size for size in shape[1:] if size is not None)
        if len(sizes) < len(shape) - 1:
            raise ValueError(
                f"Layer '{self.name}' is stateful, so that the sizes of its states must be known. "
                f"Received: states of shape {shape}"
            )
        return sizes

    @property
    def states(self) -> list[Any] | None:
        """What the layer goes on from in its next call; None where it keeps nothing.

        Each can be read (`numpy()`) and set (`assign`).
        """
        if not (self.stateful and self.built):
            return None
        assert self._build_shape is not None
        own = iter(self._states())
        shapes = self._steps.state_shapes(without_time(self._build_shape))
        packed: list[Any] = tree.map_shapes(lambda _: next(own), shapes)
        return packed

    def reset_state(self) -> None:
        """Let the layer start from zeros again."""
        for state in self._held or ():
            state.reset()

    def reset_states(self, states: Any = None) -> None:
        """Let the layer start from zeros again, or from `states`, as Keras 2 has it.

        Raises
        ------
        ValueError
            If they are not those that the layer keeps.
        """
        if states is None:
            self.reset_state()
            return
        own, given = tree.flatten(self.states), tree.flatten(states)
        if self.states is None or len(own) != len(given):
            raise ValueError(
                f"Layer '{self.name}' must be stateful and built, and keeps as many states as "
                f"its cell has. Received: {len(given)} states"
            )
        arrays = [np.asarray(value, np.float32) for value in given]
        for state, array in zip(own, arrays, strict=True):
            state.check_shape(array.shape)
        for state, array in zip(own, arrays, strict=True):
            state.assign(array)

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """Return what the layer starts from where a call says nothing."""
        found: list[Any] = self._steps.get_initial_state(batch_size=batch_size)
        return found

    # --- calls ----------------------------------------------------------------------------

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        sequences, before, others = states.of_call(args, kwargs, ("sequences", *self.call_options))
        x = super()._input_of_call((sequences,), others)
        states.check_leaves(self, before, isinstance(x, KerasTensor))
        return x if before is None else [x, before]

    def _check_shapes(self, shapes: Any) -> None:
        sequences, before = states.split(shapes)
        super()._check_shapes(sequences)
        if before is not None:
            wanted = self._steps.state_shapes(without_time(sequences))
            states.check_shapes(self, before, states.leaves(wanted))

    def _prepare(self, x: Any) -> list[Any]:
        if not isinstance(x, list | tuple) or not x or not tree.is_nested(x[-1]):
            if self.stateful and not self.built:
                self.build(np.shape(x))
            return super()._prepare(x)
        arrays = as_batches([x[0], *x[1]], self._described())
        if self.stateful and not self.built:
            self.build(arrays[0].shape)
        sequences = super()._prepare(arrays[0])
        shape = (None, *sequences[0].shape[1:])
        self._check_shapes([shape, [(None, *array.shape[1:]) for array in arrays[1:]]])
        return [*sequences, *arrays[1:]]

    def check(self, shapes: Sequence[Shape]) -> None:
        self._shape_by_rule((None, *shapes[0]))

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        x = inputs[0] if len(inputs) == 1 else [inputs[0], list(inputs[1:])]
        self._check_shapes(batch_shapes(x))
        lower = self.lower_in_training if phases.current() else self.lower
        return tree.flatten(lower(graph, x))  # type: ignore[arg-type]

    def _pack(self, outputs: Sequence[Any]) -> Any:
        if not self.return_state:
            return outputs[0]
        assert self._build_shape is not None
        after = iter(outputs[1:])
        shapes = self._steps.state_shapes(without_time(self._build_shape))
        return (outputs[0], *tree.map_shapes(lambda _: next(after), shapes))

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        del initial_state_shape
        shape, _ = states.split(sequences_shape)
        steps = shape[1:2] if self.return_sequences else ()
        batch, *output = self._steps.output_shape(without_time(shape))
        made = (batch, *steps, *output)
        return (made, *self._steps.state_shapes(without_time(shape))) if self.return_state else made

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = tree.flatten(previous_mask)[0] if self.return_sequences else None
        return [mask, *[None] * len(self.state_size)] if self.return_state else mask

    def lower(self, graph: Graph, x: Any) -> Any:
        return self._lowered(graph, x, None)

    def lower_beside_masks(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        mask: Any,
        drawn: tuple[Any, Any],
    ) -> Any:
        seen = None if states.hide_mask(args, kwargs) else mask
        return super().lower_beside_masks(graph, args, kwargs, seen, drawn)

    def lower_masked(self, graph: Graph, x: Any, mask: Any) -> Any:
        if phases.current() and self.differs_in_training:
            return self.lower_in_training(graph, x)
        return self._lowered(graph, x, tree.flatten(mask)[0])

    def _lowered(self, graph: Graph, x: Any, mask: Value | None) -> Any:
        """Append the layer; steps where `mask`, (steps,), is zero are left out."""
        sequences, before = x if isinstance(x, list) else (x, None)
        if mask is not None and mask.shape != sequences.shape[:1]:
            raise self.unsupported(
                f"takes masks that say of each step whether it counts, {sequences.shape[:1]} for "
                f"each sequence. Received: a mask of shape {mask.shape}"
            )
        steps = self._steps
        masked = self._masked_steps(mask)
        steps.check_masked(masked, given=before is not None)
        if self.stateful:
            self._check_order(graph, sequences)
        if before is None and self.stateful:
            before = [graph.state(state) for state in self._states()]
        elif before is None:
            before = steps.first_states(graph, sequences)
        keeps = self.return_state or self.stateful
        passage = Passage(self.go_backwards, self.return_sequences, keeps, mask, masked)
        y, after = steps.over_time(graph, sequences, before, passage)
        if self.stateful:
            graph.states.update(zip(self._states(), after, strict=True))
            graph.given_with[self._states()[0]] = [y, *after]
        if not self.return_state:
            return y
        values = iter(after)
        shapes = steps.state_shapes((None, *sequences.shape[1:]))
        return (y, *tree.map_shapes(lambda _: next(values), shapes))

    def _check_order(self, graph: Graph, sequences: Value) -> None:
        """Refuse a second call in one network whose place behind the first nothing says."""
        earlier = graph.given_with.get(self._states()[0])
        if earlier is not None and not graph.follows(sequences, earlier):
            raise self.unsupported(
                "is stateful, so that it can be called more than once in a network only on what "
                "follows from the call before: their order is not known else. Received: another "
                "call",
                advice="Call it once, on the chunks joined along the time; or call the model for "
                "each chunk.",
            )

    def _masked_steps(self, mask: Any) -> MaskedSteps:
        """Return what comes out of a step that is left out, as Keras has it on JAX."""
        if mask is None:
            return MaskedSteps.NONE
        if self.unroll:
            return MaskedSteps.OUTPUT
        if self.zero_output_for_mask:
            return MaskedSteps.ZERO
        return MaskedSteps.OUTPUT if self._of_keras_2 else MaskedSteps.STATE

    # --- configs --------------------------------------------------------------------------

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return configs.with_layers(config, "cell")

    def _time_config(self) -> dict[str, Any]:
        return {
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }

    def _config(self) -> dict[str, Any]:
        return {**self._time_config(), "cell": configs.serialize(self.cell)}


class WithCell(RNN):
    """A recurrent layer that makes its own cell.

    Parameters
    ----------
    cell_arguments
        Those of the cell alone.
    """

    cell_class: ClassVar[type[RecurrentCell]]
    shared_arguments: ClassVar[tuple[str, ...]] = ("dtype", "trainable")
    """Arguments of all layers that the cell gets too."""

    def __init__(
        self,
        cell_arguments: Mapping[str, Any],
        *,
        return_sequences: bool,
        return_state: bool,
        go_backwards: bool,
        stateful: bool,
        unroll: bool,
        activity_regularizer: RegularizerLike,
        **kwargs: Unpack[CellLayerOptions],
    ) -> None:
        shared: dict[str, Any] = {
            key: value
            for key, value in kwargs.items()
            if key in (*self.shared_arguments, "implementation")
        }
        kwargs.pop("implementation", None)
        name = to_snake_case(self.cell_class.__name__)
        super().__init__(
            self.cell_class(**cell_arguments, name=name, **shared),
            return_sequences,
            return_state,
            go_backwards,
            stateful,
            unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,  # type: ignore[misc]  # without implementation
        )

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return config

    def _config(self) -> dict[str, Any]:
        return {
            **self._time_config(),
            **self.cell._config(),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }
