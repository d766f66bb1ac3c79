"""The cell of convolutional LSTMs: a recurrence over images, unrolled into convolutions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import BinaryKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import late
from cnnfast.engine.ops import BatchShape, Float32Array, Shape, Value
from cnnfast.layers.base.spatial import check_sizes
from cnnfast.layers.convolutional.base_conv import (
    WindowedConv,
    positive_channels,
    refuse_strides_with_dilation,
)
from cnnfast.layers.rnn import states
from cnnfast.layers.rnn.lstm import LSTMCell
from cnnfast.layers.rnn.states import Passage
from cnnfast.lowering import append, images, windows
from cnnfast.lowering.volumes import VolumeConv
from cnnfast.symbolic import arguments
from cnnfast.symbolic.input_spec import InputSpec

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import (
        DataFormat,
        IntOrSequence,
        Padding,
    )

_VOLUME = 3
# A step is 14 operations, of volumes 60: this many are planned within seconds.
LARGEST_TIME = 1024


class ConvLSTMCell(LSTMCell):
    """An LSTM's cell with convolutions in place of the products; gates in the order i, f, c, o.

    ``c = f * c + i * activation(…)`` and ``h = o * activation(c)``, where each gate is
    ``recurrent_activation(conv(x) + conv(h) + bias)`` (Shi et al., 2015, without its
    connections from c to the gates).

    Weights: `kernel` (*kernel_size, channels, 4 * filters), `recurrent_kernel` (*kernel_size,
    filters, 4 * filters) and, with `use_bias`, `bias` (4 * filters,).

    Parameters
    ----------
    rank
        Number of spatial axes.
    filters
        Channels of the state, which is the output.
    kernel_size
        Of both convolutions; one integer, or one per spatial axis.
    strides, padding, dilation_rate
        Of the inputs' convolution. That of the state keeps its size.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Others and errors are those of `LSTMCell`.
    """

    def __init__(
        self,
        rank: int,
        filters: int,
        kernel_size: IntOrSequence,
        strides: IntOrSequence = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: IntOrSequence = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(positive_channels(filters, "filters"), **kwargs)
        self.rank = rank
        self.kernel_size = arguments.positive_integers(kernel_size, rank, "kernel_size")
        self.strides = arguments.positive_integers(strides, rank, "strides")
        self.dilation_rate = arguments.positive_integers(dilation_rate, rank, "dilation_rate")
        refuse_strides_with_dilation(self.strides, self.dilation_rate)
        self.padding = arguments.choice(padding, "padding", ("valid", "same"))
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def channel_axis(self) -> int:
        return -1 if self.data_format == "channels_last" else 1

    def _window_sizes(self) -> tuple[int, ...]:
        return self.kernel_size

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self._shape_by_rule(input_shape)
        super()._create_weights(input_shape, path)

    def output_shape(self, input_shape: BatchShape) -> BatchShape:
        spatial, _ = windows.split_channels(input_shape, self.data_format)
        sizes = windows.output_shape(
            spatial, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )
        check_sizes(self, input_shape, sizes, WindowedConv.geometry)
        return windows.join_channels(input_shape[0], sizes, self.units, self.data_format)

    def state_shapes(self, input_shape: BatchShape) -> list[Any]:
        return [self.output_shape(input_shape)] * 2

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        if self._build_shape is None:
            raise ValueError(f"Cell '{self.name}' must be built: its states are as large as images")
        shapes = self.state_shapes((None, *self._build_shape[1:]))
        return [states.zeros(batch_size, shape[1:]) for shape in shapes]

    def over_time(
        self, graph: Graph, x: Value, before: Sequence[Value] | None, passage: Passage
    ) -> tuple[Value, list[Value]]:
        steps = x.shape[0]
        if steps > LARGEST_TIME:
            raise self.unsupported(
                f"is unrolled and takes at most {LARGEST_TIME} steps of time. "
                f"Received: {steps} steps"
            )
        if passage.mask is not None:
            raise self.unsupported(
                "runs without masks: Keras itself, on JAX, gives a mask the axes of images. "
                "Received: a mask"
            )
        # Images below one another, so that one is a few rows; a sequence has height 1.
        x = self._channels_last(graph, x, 1)
        frame = images.image_shape(x.shape[1:], "channels_last")
        rows = append.reshape(graph, x, (steps * frame[0], *frame[1:]))
        first = [self._image(graph, value) for value in before or ()]
        outputs, carry = self._unrolled(graph, rows, steps, first, passage.backwards)
        sizes = outputs[-1].shape[-1 - self.rank :]
        after = [outputs[-1], carry] if passage.keeps else []
        after = [self._given_out(graph, value, sizes) for value in after]
        if not passage.every:
            return (after or [self._given_out(graph, outputs[-1], sizes)])[0], after
        y = append.concat(graph, outputs, 0)
        return self._given_out(graph, y, (steps, *sizes), 1), after

    def _channels_last(self, graph: Graph, x: Value, axis: int) -> Value:
        """Put the channels, which are `axis` where they come first, behind all else."""
        if self.data_format == "channels_last":
            return x
        return append.axis_to_end(graph, x, axis)

    def _image(self, graph: Graph, state: Value) -> Value:
        state = self._channels_last(graph, state, 0)
        return append.reshape(graph, state, images.image_shape(state.shape, "channels_last"))

    def _given_out(self, graph: Graph, y: Value, shape: Shape, axis: int = 0) -> Value:
        """Return images of the step as the layer has them, of `shape` with the channels last."""
        y = append.reshape(graph, y, shape)
        first = self.data_format == "channels_first"
        return append.axis_from_end(graph, y, axis) if first else y

    def _unrolled(
        self, graph: Graph, rows: Value, steps: int, first: Sequence[Value], backwards: bool
    ) -> tuple[list[Value], Value]:
        """Return the state after each step, in the order they are made, and the last carry."""
        height = rows.shape[0] // steps
        step = _Step(self)
        outputs: list[Value] = []
        state, carry = first or (None, None)
        for time in reversed(range(steps)) if backwards else range(steps):
            picked = np.arange(time * height, (time + 1) * height)
            image = append.remap(graph, rows, {0: picked})
            state, carry = step.lower(graph, image, state, carry)
            outputs.append(state)
        assert carry is not None
        return outputs, carry

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        del config["units"]
        return {
            **config,
            "filters": self.units,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


class _Step:
    """What one step of a built `ConvLSTMCell` lowers to, on channels-last images.

    Gates are convolutions of their own, which apply their activations and leave nothing to
    be taken apart.
    """

    def __init__(self, cell: ConvLSTMCell) -> None:
        self._cell = cell
        self._kernels = _gates(cell.kernel.numpy())
        self._recurrent = _gates(cell.recurrent_kernel.numpy())
        self._biases = [None] * 4 if cell.bias is None else _gates(cell.bias.numpy())
        self._activation, self._gate = cell.activation, cell.recurrent_activation
        for function in (self._activation, self._gate):
            cell.elementwise(function)

    def lower(
        self, graph: Graph, x: Value, state: Value | None, carry: Value | None
    ) -> tuple[Value, Value]:
        """Append one step; return the new state and carry. They are None before the first."""
        functions = (self._gate, self._gate, self._activation, self._gate)
        i, f, c, o = (
            function.lower(graph, self._sum(graph, gate, x, state))
            for gate, function in enumerate(functions)
        )
        new = append.binary(graph, i, c, BinaryKind.MULTIPLY)
        if carry is not None:
            kept = append.binary(graph, f, carry, BinaryKind.MULTIPLY)
            new = append.binary(graph, kept, new, BinaryKind.ADD)
        out = self._activation.lower(graph, new)
        return append.binary(graph, o, out, BinaryKind.MULTIPLY), new

    def _sum(self, graph: Graph, gate: int, x: Value, state: Value | None) -> Value:
        cell = self._cell
        y = _convolution(
            graph,
            x,
            self._kernels[gate],
            self._biases[gate],
            cell.strides,
            cell.dilation_rate,
            cell.padding,
        )
        if state is None:
            return y
        ones = (1,) * cell.rank
        again = _convolution(graph, state, self._recurrent[gate], None, ones, ones, "same")
        return append.binary(graph, again, y, BinaryKind.ADD)


def _gates(weights: Float32Array) -> list[Float32Array]:
    return [np.ascontiguousarray(part) for part in np.split(weights, LSTMCell.gates, axis=-1)]


def _convolution(
    graph: Graph,
    x: Value,
    kernel: Float32Array,
    bias: Float32Array | None,
    strides: Shape,
    dilation: Shape,
    padding: str,
) -> Value:
    """Append a convolution over as many axes as the kernel has; a sequence has height 1."""
    rank = kernel.ndim - 2
    axes = tuple(zip(x.shape[-1 - rank : -1], kernel.shape, strides, dilation, strict=False))
    sizes = tuple(arguments.integer(windows.output_size(*axis, padding)) for axis in axes)
    if rank == _VOLUME:
        pads = tuple(windows.pads(*axis, padding) for axis in axes)
        return VolumeConv(late(kernel), bias, strides, dilation, pads).lower(graph, x, sizes)
    shape = images.image_shape((*sizes, kernel.shape[-1]), "channels_last")
    window = windows.window_2d(x.shape, kernel.shape[:rank], strides, dilation, padding)
    return graph.add(ops.Conv2D(x, Value(shape), images.image_kernel(kernel), bias, window))
