"""Convolution layers of two steps: each channel alone, then across channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast import constraints, initializers, regularizers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.convolutional.base_conv import WindowedConv, positive_channels
from cnnfast.lowering import images
from cnnfast.variables import Variable

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


class BaseSeparableConv(WindowedConv):
    """What separable convolutions of every rank share: a depthwise one, then a 1x1 one."""

    # Keras 2 also wrote the arguments of the convolution that it derived this one from.
    ignored = ("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint")

    def __init__(
        self,
        filters: int,
        kernel_size: IntOrSequence,
        strides: IntOrSequence = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: IntOrSequence = 1,
        depth_multiplier: int = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        pointwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
        pointwise_constraint: ConstraintLike = None,
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
        self.depth_multiplier = positive_channels(depth_multiplier, "depth_multiplier")
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    @property
    def depthwise_kernel(self) -> Variable:
        """The kernel of the depthwise convolution; AttributeError if the layer is not built."""
        return self._built_weight(0, "depthwise_kernel")

    @property
    def pointwise_kernel(self) -> Variable:
        """The kernel of the 1x1 convolution; AttributeError if the layer is not built."""
        return self._built_weight(1, "pointwise_kernel")

    def _create_kernels(self, channels: int, path: str) -> None:
        self.add_weight(
            name="depthwise_kernel",
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            path=path,
        )
        self.add_weight(
            name="pointwise_kernel",
            shape=(*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            path=path,
        )

    def _output_channels(self, channels: int | None) -> int:
        return self.filters

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        out = images.image_shape(shape, self.data_format)
        fused, rest = self.activation.split()
        image = images.to_image(graph, x, self.data_format)
        between = graph.add(
            ops.DepthwiseConv2D(
                image,
                Value((*out[:2], image.shape[2] * self.depth_multiplier)),
                images.image_kernel(self.depthwise_kernel),
                None,
                self._window(image.shape),
            )
        )
        y = graph.add(
            ops.Conv2D(
                between,
                Value(out),
                images.image_kernel(self.pointwise_kernel),
                self._bias_numbers(),
                activation=fused,
            )
        )
        return rest.lower(graph, images.from_image(graph, y, shape, self.data_format))

    def _config(self) -> dict[str, Any]:
        return {
            **super()._config(),
            "filters": self.filters,
            "depth_multiplier": self.depth_multiplier,
            **weight_options.config(self, "depthwise"),
            **weight_options.config(self, "pointwise"),
        }


class SeparableConv1D(BaseSeparableConv):
    """Convolution of sequences in two steps: each channel alone, then across channels.

    Takes (batch, steps, channels) and returns (batch, new steps, filters); with
    ``data_format="channels_first"``, channels come before steps.

    Weights: `depthwise_kernel` (*kernel_size, input channels, depth_multiplier), `pointwise_kernel`
    (*ones, input channels * depth_multiplier, filters) and, with `use_bias`, `bias` (filters,),
    which is added at the end. Strides and dilation may both be above 1.

    Parameters
    ----------
    filters
        Output channels.
    kernel_size
        Steps of a window.
    strides
        Steps from one window to the next.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border of zeros, so that the
        output has ``ceil(size / stride)`` positions.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window.
    depth_multiplier
        Channels between the two steps, per input channel.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    use_bias
        Whether there is a bias.
    depthwise_initializer, pointwise_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    depthwise_regularizer, pointwise_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    depthwise_constraint, pointwise_constraint, bias_constraint
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.SeparableConv1D(16, 3, padding="same")
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 16)
    """

    rank = 1


class SeparableConv2D(BaseSeparableConv):
    """Convolution of images in two steps: each channel alone, then across channels.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, filters); with
    ``data_format="channels_first"``, channels come before the other axes.

    Weights: `depthwise_kernel` (*kernel_size, input channels, depth_multiplier), `pointwise_kernel`
    (*ones, input channels * depth_multiplier, filters) and, with `use_bias`, `bias` (filters,),
    which is added at the end. Strides and dilation may both be above 1.

    Parameters
    ----------
    filters
        Output channels.
    kernel_size
        Height and width of a window; one integer for both.
    strides
        Rows and columns from one window to the next; one integer for both.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border of zeros, so that the
        output has ``ceil(size / stride)`` positions.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window.
    depth_multiplier
        Channels between the two steps, per input channel.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    use_bias
        Whether there is a bias.
    depthwise_initializer, pointwise_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    depthwise_regularizer, pointwise_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    depthwise_constraint, pointwise_constraint, bias_constraint
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.SeparableConv2D(16, 3, padding="same")
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 16)
    """

    rank = 2


SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
