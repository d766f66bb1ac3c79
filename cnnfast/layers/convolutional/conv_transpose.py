"""Transposed convolution layers, which make images larger.

For one axis of size I, a window of k cells that are d apart, ``span = (k - 1) * d + 1``, and
stride s, cell i of the input adds to the cells ``i * s + j * d - crop`` of the output. Of the
``(I - 1) * s + span`` cells that are reached this way

* ``valid`` keeps all, and adds `output_padding`, by default ``max(span, s) - span``;
* ``same`` keeps ``I * s``, or ``(I - 1) * s + span % 2 + output_padding`` where that is given,

with ``crop``, half of what is too many, cut off in front (Keras' ``compute_conv_transpose_*``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import constraints, initializers, regularizers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray, late
from cnnfast.engine.ops import Activation, BatchShape, Float32Array, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.convolutional.base_conv import (
    WindowedConv,
    positive_channels,
    refuse_strides_with_dilation,
)
from cnnfast.lowering import images, phases, windows
from cnnfast.lowering.phases import PhasedAxis
from cnnfast.lowering.volumes import VolumeConv
from cnnfast.symbolic import arguments

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        ConstraintLike,
        DataFormat,
        InitializerLike,
        IntOrSequence,
        OptionsBesideRegularizer,
        Padding,
        RegularizerLike,
    )


class BaseConvTranspose(WindowedConv):
    """What transposed convolutions of every rank share: arguments, weights and lowering."""

    ignored = ("groups",)

    def __init__(
        self,
        filters: int,
        kernel_size: IntOrSequence,
        strides: IntOrSequence = 1,
        padding: Padding = "valid",
        output_padding: IntOrSequence | None = None,
        data_format: DataFormat | None = None,
        dilation_rate: IntOrSequence = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[OptionsBesideRegularizer],
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            bias_initializer=bias_initializer,
            bias_regularizer=bias_regularizer,
            bias_constraint=bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = positive_channels(filters, "filters")
        self.output_padding = self._check_output_padding(output_padding)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        refuse_strides_with_dilation(self.strides, self.dilation_rate)

    def _check_output_padding(self, value: object) -> tuple[int, ...] | None:
        if value is None:
            return None
        values = value if isinstance(value, Iterable) else (value,) * self.rank
        try:
            paddings = tuple(arguments.integer(v) for v in values)
        except TypeError:
            paddings = ()
        if len(paddings) != self.rank or min(paddings) < 0:
            raise ValueError(
                f"The `output_padding` argument must be a tuple of {self.rank} integers of at "
                f"least 0. Received: output_padding={value!r}"
            )
        if any(padding >= stride for padding, stride in zip(paddings, self.strides, strict=True)):
            raise ValueError(
                "`output_padding` must be strictly less than `strides` for all dimensions. "
                f"Received: output_padding={paddings}, strides={self.strides}"
            )
        return paddings

    def _create_kernels(self, channels: int, path: str) -> None:
        self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, self.filters, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            path=path,
        )

    def _output_channels(self, channels: int | None) -> int:
        return self.filters

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        paddings = self.output_padding or (None,) * self.rank
        return tuple(
            None if length is None else _output_size(length, span, stride, self.padding, extra)
            for length, span, stride, extra in zip(
                spatial, self._spans(), self.strides, paddings, strict=True
            )
        )

    def _spans(self) -> tuple[int, ...]:
        pairs = zip(self.kernel_size, self.dilation_rate, strict=True)
        return tuple(windows.span(size, dilation) for size, dilation in pairs)

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        out = images.image_shape(shape, self.data_format)
        image = images.to_image(graph, x, self.data_format)
        missing = (1,) * (len(image.shape) - 1 - self.rank)
        axes = [
            PhasedAxis(*axis)
            for axis in zip(
                image.shape[:-1],
                out[:-1],
                (*missing, *self.kernel_size),
                (*missing, *self.strides),
                (*missing, *self.dilation_rate),
                strict=True,
            )
        ]
        fused, rest = self.activation.split()
        y = self._convolve(graph, image, axes, fused)
        y = phases.interleave(graph, y, axes, self.filters)
        return rest.lower(graph, images.from_image(graph, y, shape, self.data_format))

    def _convolve(
        self, graph: Graph, image: Value, axes: list[PhasedAxis], activation: Activation
    ) -> Value:
        """Append the plain convolution whose output channels are those of all phases."""
        cells = tuple(axis.cells for axis in axes)
        kernel, bias = self._phase_weights(axes)
        return graph.add(
            ops.Conv2D(
                image,
                Value((*cells, kernel.shape[-1])),
                kernel,
                bias,
                phases.window(axes),
                activation=activation,
            )
        )

    def _phase_weights(self, axes: list[PhasedAxis]) -> tuple[LateArray, Float32Array | None]:
        filters, inputs = self.kernel.shape[-2:]
        count = math.prod(axis.stride for axis in axes)
        whole = late(self.kernel).reshape(*(axis.size for axis in axes), filters, inputs)
        kernel = whole.map(
            lambda array: phases.phase_kernel(array, axes),
            (*(axis.taps for axis in axes), inputs, count * filters),
            ("phases", *(axis.stride for axis in axes)),
        )
        return kernel, None if self.bias is None else np.tile(self.bias.numpy(), count)

    def _config(self) -> dict[str, Any]:
        return {
            **super()._config(),
            "filters": self.filters,
            "output_padding": self.output_padding,
            **weight_options.config(self, "kernel"),
        }


class Conv1DTranspose(BaseConvTranspose):
    """Transposed convolution of sequences: each position spreads over a window.

    Takes (batch, steps, channels) and returns (batch, new steps, filters); with
    ``data_format="channels_first"``, channels come before steps.

    Weights: `kernel` (*kernel_size, filters, input channels) and, with `use_bias`, `bias`
    (filters,).

    Parameters
    ----------
    filters
        Output channels.
    kernel_size
        Steps of a window.
    strides
        By how much the output is larger: steps from one window to the next.
    padding
        ``"valid"`` for all that windows reach; ``"same"`` for ``size * stride`` positions.
    output_padding
        Positions added at the end of each axis, fewer than its stride; None for none but what
        `padding` asks for.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window; above 1 only where all strides are 1.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    use_bias
        Whether there is a bias.
    kernel_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    kernel_constraint, bias_constraint
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, or strides and dilation are both above 1.

    Examples
    --------
    >>> layer = cnnfast.layers.Conv1DTranspose(16, 3, strides=2, padding="same")
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 20, 16)
    """

    rank = 1


class Conv2DTranspose(BaseConvTranspose):
    """Transposed convolution of images: each position spreads over a window.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, filters); with
    ``data_format="channels_first"``, channels come before the other axes.

    Weights: `kernel` (*kernel_size, filters, input channels) and, with `use_bias`, `bias`
    (filters,).

    Parameters
    ----------
    filters
        Output channels.
    kernel_size
        Height and width of a window; one integer for both.
    strides
        By how much the output is larger: rows and columns from one window to the next; one integer
        for both.
    padding
        ``"valid"`` for all that windows reach; ``"same"`` for ``size * stride`` positions.
    output_padding
        Positions added at the end of each axis, fewer than its stride; None for none but what
        `padding` asks for.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window; above 1 only where all strides are 1.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    use_bias
        Whether there is a bias.
    kernel_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    kernel_constraint, bias_constraint
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, or strides and dilation are both above 1.

    Examples
    --------
    >>> layer = cnnfast.layers.Conv2DTranspose(16, 3, strides=2, padding="same")
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 16, 16, 16)
    """

    rank = 2


class Conv3DTranspose(BaseConvTranspose):
    """Transposed convolution of volumes: each position spreads over a window.

    Takes (batch, depth, height, width, channels) and returns (batch, new depth, new height, new
    width, filters); with ``data_format="channels_first"``, channels come before the other axes.

    Weights: `kernel` (*kernel_size, filters, input channels) and, with `use_bias`, `bias`
    (filters,).

    Parameters
    ----------
    filters
        Output channels.
    kernel_size
        Depth, height and width of a window; one integer for all.
    strides
        By how much the output is larger: positions from one window to the next, along each axis;
        one integer for all.
    padding
        ``"valid"`` for all that windows reach; ``"same"`` for ``size * stride`` positions.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    output_padding
        Positions added at the end of each axis, fewer than its stride; None for none but what
        `padding` asks for.
    dilation_rate
        Distance of neighbouring taps of a window; above 1 only where all strides are 1.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    use_bias
        Whether there is a bias.
    kernel_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    kernel_constraint, bias_constraint
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, or strides and dilation are both above 1.

    Examples
    --------
    >>> layer = cnnfast.layers.Conv3DTranspose(16, 3, strides=2, padding="same")
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 8, 16, 16, 16)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: IntOrSequence,
        strides: IntOrSequence = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        output_padding: IntOrSequence | None = None,
        dilation_rate: IntOrSequence = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        **kwargs: Unpack[OptionsBesideRegularizer],
    ) -> None:
        super().__init__(  # which takes two of them in another order, as Keras does
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )

    def _convolve(
        self, graph: Graph, image: Value, axes: list[PhasedAxis], activation: Activation
    ) -> Value:
        conv = VolumeConv(
            *self._phase_weights(axes),
            strides=(1, 1, 1),
            dilation=self.dilation_rate,
            pads=tuple(axis.pads for axis in axes),
            activation=activation,
        )
        return conv.lower(graph, image, tuple(axis.cells for axis in axes))


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose


def _output_size(length: int, span: int, stride: int, padding: str, extra: int | None) -> int:
    """Return the size of one axis by the rules at the top of this file."""
    if padding == "same" and extra is None:
        return length * stride
    full = (length - 1) * stride + span
    if padding == "same":
        return full - span + span % 2 + (extra or 0)
    return full + (max(span, stride) - span if extra is None else extra)
