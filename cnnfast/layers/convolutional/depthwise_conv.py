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
    """What depthwise convolutions of every rank share: arguments, weights and lowering.

    Weights: `kernel` (*kernel_size, input channels, depth_multiplier) and, with `use_bias`,
    `bias` (input channels * depth_multiplier,). Output channel ``c * depth_multiplier + m``
    reads input channel c. Unlike in other convolutions, strides and dilation may both be
    above 1.

    Parameters
    ----------
    kernel_size, strides, dilation_rate
        One integer, or one per spatial axis.
    padding
        ``"valid"`` or ``"same"``.
    depth_multiplier
        Output channels per input channel.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    activation
        See `cnnfast.activations.get`.
    use_bias
        Whether there is a bias.
    depthwise_initializer, bias_initializer
        See `cnnfast.initializers.get`.
    depthwise_regularizer, bias_regularizer, depthwise_constraint, bias_constraint
        Of training; kept for the config.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

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
    """Depthwise convolution of sequences (batch, steps, channels).

    Parameters, weights and errors are those of `BaseDepthwiseConv`.
    """

    rank = 1


class DepthwiseConv2D(BaseDepthwiseConv):
    """Depthwise convolution of images (batch, height, width, channels).

    Parameters, weights and errors are those of `BaseDepthwiseConv`.
    """

    rank = 2
