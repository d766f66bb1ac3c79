"""Convolution layers that look at each channel alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast import constraints, initializers, regularizers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.convolutional.base_conv import WindowedConv, positive_channels
from cnnfast.lowering import images

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


class BaseDepthwiseConv(WindowedConv):
    """What depthwise convolutions of every rank share: arguments, weights and lowering."""

    ignored = ("groups",)

    def __init__(
        self,
        kernel_size: IntOrSequence,
        strides: IntOrSequence = 1,
        padding: Padding = "valid",
        depth_multiplier: int = 1,
        data_format: DataFormat | None = None,
        dilation_rate: IntOrSequence = 1,
        activation: ActivationLike = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        depthwise_constraint: ConstraintLike = None,
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
        self.depth_multiplier = positive_channels(depth_multiplier, "depth_multiplier")
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def _create_kernels(self, channels: int, path: str) -> None:
        self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            path=path,
        )

    def _output_channels(self, channels: int | None) -> int | None:
        return None if channels is None else channels * self.depth_multiplier

    def lower(self, graph: Graph, x: Value) -> Value:
        fused, rest = self.activation.split()
        y = images.apply(
            graph,
            x,
            self._output_shape(x),
            self.data_format,
            lambda image, out: ops.DepthwiseConv2D(
                image,
                out,
                images.image_kernel(self.kernel),
                self._bias_numbers(),
                self._window(image.shape),
                fused,
            ),
        )
        return rest.lower(graph, y)

    def _config(self) -> dict[str, Any]:
        return {
            **super()._config(),
            "depth_multiplier": self.depth_multiplier,
            **weight_options.config(self, "depthwise"),
        }


class DepthwiseConv1D(BaseDepthwiseConv):
    """Convolution of sequences that looks at each channel alone.

    Takes (batch, steps, channels) and returns (batch, new steps, channels * depth_multiplier); with
    ``data_format="channels_first"``, channels come before steps.

    Weights: `kernel` (*kernel_size, input channels, depth_multiplier) and, with `use_bias`, `bias`
    (input channels * depth_multiplier,). Output channel ``c * depth_multiplier + m`` reads input
    channel c. Unlike in other convolutions, strides and dilation may both be above 1.

    Parameters
    ----------
    kernel_size
        Steps of a window.
    strides
        Steps from one window to the next.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border of zeros, so that the
        output has ``ceil(size / stride)`` positions.
    depth_multiplier
        Output channels per input channel.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    use_bias
        Whether there is a bias.
    depthwise_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    depthwise_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    depthwise_constraint, bias_constraint
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.DepthwiseConv1D(3, padding="same")
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 4)
    """

    rank = 1


class DepthwiseConv2D(BaseDepthwiseConv):
    """Convolution of images that looks at each channel alone.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, channels *
    depth_multiplier); with ``data_format="channels_first"``, channels come before the other axes.

    Weights: `kernel` (*kernel_size, input channels, depth_multiplier) and, with `use_bias`, `bias`
    (input channels * depth_multiplier,). Output channel ``c * depth_multiplier + m`` reads input
    channel c. Unlike in other convolutions, strides and dilation may both be above 1.

    Parameters
    ----------
    kernel_size
        Height and width of a window; one integer for both.
    strides
        Rows and columns from one window to the next; one integer for both.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border of zeros, so that the
        output has ``ceil(size / stride)`` positions.
    depth_multiplier
        Output channels per input channel.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window.
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    use_bias
        Whether there is a bias.
    depthwise_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    depthwise_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    depthwise_constraint, bias_constraint
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.DepthwiseConv2D(3, padding="same")
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    rank = 2
