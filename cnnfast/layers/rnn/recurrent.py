"""Recurrent layers: a cell over the steps of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast import regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.rnn.cells import RecurrentCell
from cnnfast.layers.serialization import configs
from cnnfast.symbolic import arguments
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.utils.naming import to_snake_case

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import CellLayerOptions, RecurrentOptions, RegularizerLike


class RNN(Layer):
    """A cell over sequences (batch, steps, features); the state starts at zero.

    Takes (batch, steps, features) and returns (batch, units) or, with `return_sequences`, (batch,
    steps, units).

    Parameters
    ----------
    cell
        A `SimpleRNNCell`, `LSTMCell` or `GRUCell`, which has the weights.
    return_sequences
        Whether the state after each step comes out, (batch, steps, units), or the last only.
    return_state
        Must not be set.
    go_backwards
        Whether time runs from the end; outputs then stand in the order they were made.
    stateful
        Must not be set.
    unroll, zero_output_for_mask
        Kept for the config; they change no result.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If the state shall be returned or kept, or for another kind of cell.

    Examples
    --------
    >>> layer = cnnfast.layers.RNN(cnnfast.layers.LSTMCell(3))
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 3)
    """

    def __init__(
        self,
        cell: Layer,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[RecurrentOptions],
    ) -> None:
        # Arrays with time before the batch were for Keras 2's own calls.
        time_major = kwargs.pop("time_major", False)
        super().__init__(**kwargs)  # type: ignore[misc]  # without time_major
        if not isinstance(cell, RecurrentCell):
            raise self.unsupported(
                f"a cell must be a SimpleRNNCell, LSTMCell or GRUCell. Received: cell={cell!r}"
            )
        if cell.is_users:
            raise self.unsupported(
                "runs the cells of Keras alone, and none whose class says itself what a step is. "
                f"Received: cell={cell!r}"
            )
        if return_state or stateful or time_major:
            raise self.unsupported(
                "starts from zero for each batch, takes (batch, steps, features) and returns "
                f"outputs only. Received: return_state={return_state}, stateful={stateful}, "
                f"time_major={time_major}"
            )
        self.cell = cell
        self.return_sequences = arguments.boolean(return_sequences, "return_sequences")
        self.return_state = self.stateful = False
        self.go_backwards = arguments.boolean(go_backwards, "go_backwards")
        self.unroll = arguments.boolean(unroll, "unroll")
        self.zero_output_for_mask = arguments.boolean(zero_output_for_mask, "zero_output_for_mask")
        self.input_spec = InputSpec(ndim=self._rank)
        self._hold_layers()

    @property
    def units(self) -> int:
        """Size of the state, or its channels."""
        return self.cell.units

    @property
    def _rank(self) -> int:
        """Axes of the input: those of the cell's, and time."""
        ndim = self.cell.input_spec.ndim
        assert ndim is not None
        return ndim + 1

    def _sublayers(self) -> Sequence[Layer]:
        return (self.cell,)

    def _file_children(self) -> Mapping[str, Layer]:
        return {"cell": self.cell}

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self.cell.build(without_time(input_shape))
        axis = self.cell.channel_axis
        # Time stands before the channels.
        axis += axis > 0
        self.input_spec = InputSpec(ndim=self._rank, axes={axis: input_shape[axis]})

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        steps = input_shape[1:2] if self.return_sequences else ()
        batch, *state = self.cell.compute_output_shape(without_time(input_shape))
        return (batch, *steps, *state)

    def lower(self, graph: Graph, x: Value) -> Value:
        return self.cell.lower_over_time(graph, x, self.go_backwards, self.return_sequences)

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


def without_time(shape: BatchShape) -> BatchShape:
    """Return the shape of one step."""
    return (shape[0], *shape[2:])
