"""What convolutions of every kind share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast import activations, constraints, initializers, regularizers
from cnnfast.engine.ops import BatchShape, Float32Array, Shape, Window
from cnnfast.layers.base import weight_options
from cnnfast.layers.base.spatial import SpatialLayer
from cnnfast.lowering import windows
from cnnfast.symbolic import arguments
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        ConstraintLike,
        DataFormat,
        InitializerLike,
        IntOrSequence,
        LayerOptions,
        Padding,
        RegularizerLike,
    )


class WindowedConv(SpatialLayer):
    """A window that slides over an image or a sequence, a bias and an activation.

    A subclass gives the number of output channels and makes its kernels.

    Parameters
    ----------
    kernel_size, strides, dilation_rate
        One integer, or one per spatial axis.
    padding
        ``"valid"``, ``"same"`` or, over sequences, ``"causal"``.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    activation
        See `cnnfast.activations.get`.
    use_bias
        Whether there is a bias.
    bias_initializer
        See `cnnfast.initializers.get`.
    bias_regularizer, bias_constraint
        Of training; kept for the config.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    geometry = ("kernel_size", "dilation_rate", "strides", "padding")
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")
    ignored: ClassVar[tuple[str, ...]] = ()
    """Fields of older configs that say nothing."""

    def __init__(
        self,
        *,
        kernel_size: IntOrSequence,
        strides: IntOrSequence,
        padding: Padding,
        data_format: DataFormat | None,
        dilation_rate: IntOrSequence,
        activation: ActivationLike,
        use_bias: bool,
        bias_initializer: InitializerLike,
        bias_regularizer: RegularizerLike,
        bias_constraint: ConstraintLike,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.kernel_size = arguments.positive_integers(kernel_size, self.rank, "kernel_size")
        self.strides = arguments.positive_integers(strides, self.rank, "strides")
        self.dilation_rate = arguments.positive_integers(dilation_rate, self.rank, "dilation_rate")
        self.padding = arguments.choice(padding, "padding", self.paddings)
        self.activation = activations.get(activation)
        self.use_bias = arguments.boolean(use_bias, "use_bias")
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None

    @property
    def kernel(self) -> Variable:
        """The kernel; AttributeError if the layer is not built."""
        return self._built_weight(0, "kernel")

    def _bias_numbers(self) -> Float32Array | None:
        return None if self.bias is None else self.bias.numpy()

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        _, channels = windows.split_channels(input_shape, self.data_format)
        if channels is None:
            raise ValueError(
                f"Layer '{self.name}': the channels must be fully-defined, because the kernel's "
                f"shape depends on them. Received: input shape={input_shape}"
            )
        self._shape_by_rule(input_shape)
        self._create_kernels(channels, path)
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self._output_channels(channels),),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                path=path,
            )
        channel_axis = -1 if self.data_format == "channels_last" else 1
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={channel_axis: channels})

    def _create_kernels(self, channels: int, path: str) -> None:
        raise NotImplementedError(f"Layer '{self.name}' does not state its kernels.")

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        return windows.output_shape(
            spatial, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )

    def _window(self, image: Shape) -> Window:
        return windows.window_2d(
            image, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        config = arguments.without_lora(config)
        return {key: value for key, value in config.items() if key not in cls.ignored}

    def _config(self) -> dict[str, Any]:
        return {
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **weight_options.config(self, "bias"),
        }


def refuse_strides_with_dilation(strides: tuple[int, ...], dilation: tuple[int, ...]) -> None:
    """Raise ValueError if a window shall both stride and be dilated."""
    if max(strides) > 1 and max(dilation) > 1:
        raise ValueError(
            "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
            f"Received: strides={strides} and dilation_rate={dilation}"
        )


def positive_channels(value: object, name: str) -> int:
    """Return a number of channels or filters, which must be a positive integer."""
    rule = f"Invalid value for argument `{name}`. Expected a strictly positive integer."
    return arguments.positive_integer(value, rule)
