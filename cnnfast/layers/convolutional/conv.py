"""Convolution layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast import constraints, initializers, regularizers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import late
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.convolutional.base_conv import (
    WindowedConv,
    positive_channels,
    refuse_strides_with_dilation,
)
from cnnfast.lowering import images, windows
from cnnfast.lowering.volumes import VolumeConv
from cnnfast.symbolic import arguments
from cnnfast.symbolic.registry import OPERATIONS

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        CausalPadding,
        ConstraintLike,
        DataFormat,
        InitializerLike,
        IntOrSequence,
        OptionsBesideRegularizer,
        Padding,
        RegularizerLike,
    )


class BaseConv(WindowedConv):
    """What convolutions of every rank share: arguments, weights and lowering."""

    parts_of_call: ClassVar[tuple[str, ...]] = ("convolution_op",)
    stored_weights = ("kernel", "bias")

    def __init__(
        self,
        filters: int,
        kernel_size: IntOrSequence,
        strides: IntOrSequence = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: IntOrSequence = 1,
        groups: int = 1,
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
        self.groups = arguments.positive_integer(
            groups, "The number of groups must be a positive integer."
        )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        if self.filters % self.groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={self.groups}, filters={self.filters}."
            )
        refuse_strides_with_dilation(self.strides, self.dilation_rate)

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        _, channels = windows.split_channels(input_shape, self.data_format)
        if channels is not None and channels % self.groups:
            raise ValueError(
                f"Layer '{self.name}': the number of input channels must be evenly divisible by "
                f"the number of groups. Received: groups={self.groups}, but the input has "
                f"{channels} channels (full input shape is {input_shape})."
            )
        super()._create_weights(input_shape, path)

    def _create_kernels(self, channels: int, path: str) -> None:
        self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            path=path,
        )

    def _output_channels(self, channels: int | None) -> int:
        return self.filters

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the convolution without bias and activation; a class may say another one."""
        conv = OPERATIONS["Conv"](self.strides, self.padding, self.data_format, self.dilation_rate)
        return conv(inputs, kernel)

    def call_by_parts(self, inputs: Any, training: bool | None = None) -> Any:
        """Return what a call returns, where a class of the user's has a `convolution_op`."""
        outputs = self.convolution_op(inputs, self.kernel)
        if self.bias is not None:
            behind = (1,) * (self.rank if self.data_format == "channels_first" else 0)
            bias = OPERATIONS["Reshape"]((self.filters, *behind))(self.bias)
            outputs = OPERATIONS["Add"]()(outputs, bias)
        return self.activation(outputs)

    def lower(self, graph: Graph, x: Value) -> Value:
        fused, rest = self.activation.split()
        y = images.apply(
            graph,
            x,
            self._output_shape(x),
            self.data_format,
            lambda image, out: ops.Conv2D(
                image,
                out,
                images.image_kernel(self.kernel),
                self._bias_numbers(),
                self._window(image.shape),
                self.groups,
                fused,
            ),
        )
        return rest.lower(graph, y)

    def _config(self) -> dict[str, Any]:
        return {
            **super()._config(),
            "filters": self.filters,
            "groups": self.groups,
            **weight_options.config(self, "kernel"),
        }


class Conv1D(BaseConv):
    """Convolution of sequences: every window times every kernel, summed.

    With ``padding="causal"`` a step reads only itself and steps before it.

    Takes (batch, steps, channels) and returns (batch, new steps, filters); with
    ``data_format="channels_first"``, channels come before steps.

    Weights: `kernel` (*kernel_size, input channels / groups, filters) and, with `use_bias`, `bias`
    (filters,). Output channels of group g read the input channels of group g.

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
        output has ``ceil(size / stride)`` positions; ``"causal"`` for zeros in front, so that a
        step reads no later ones.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window; above 1 only where all strides are 1.
    groups
        Into how many independent parts the channels are split.
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
    >>> layer = cnnfast.layers.Conv1D(16, 3, padding="same", activation="relu")
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 16)
    """

    rank = 1
    paddings = ("valid", "same", "causal")
    parts_of_call = ()  # Keras' does not ask for `convolution_op`

    def __init__(
        self,
        filters: int,
        kernel_size: IntOrSequence,
        strides: IntOrSequence = 1,
        padding: CausalPadding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: IntOrSequence = 1,
        groups: int = 1,
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
            filters,
            kernel_size,
            strides,
            padding,  # type: ignore[arg-type]  # causal only here
            data_format,
            dilation_rate,
            groups,
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


class Conv2D(BaseConv):
    """Convolution of images: every window times every kernel, summed.

    Takes (batch, height, width, channels) and returns (batch, new height, new width, filters); with
    ``data_format="channels_first"``, channels come before the other axes.

    Weights: `kernel` (*kernel_size, input channels / groups, filters) and, with `use_bias`, `bias`
    (filters,). Output channels of group g read the input channels of group g.

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
        Distance of neighbouring taps of a window; above 1 only where all strides are 1.
    groups
        Into how many independent parts the channels are split.
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
    >>> layer = cnnfast.layers.Conv2D(16, 3, padding="same", activation="relu")
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 16)
    """

    rank = 2


class Conv3D(BaseConv):
    """Convolution of volumes: every window times every kernel, summed.

    Takes (batch, depth, height, width, channels) and returns (batch, new depth, new height, new
    width, filters); with ``data_format="channels_first"``, channels come before the other axes.

    Weights: `kernel` (*kernel_size, input channels / groups, filters) and, with `use_bias`, `bias`
    (filters,). Output channels of group g read the input channels of group g.

    Parameters
    ----------
    filters
        Output channels.
    kernel_size
        Depth, height and width of a window; one integer for all.
    strides
        Positions from one window to the next, along each axis; one integer for all.
    padding
        ``"valid"`` for windows inside the input only; ``"same"`` for a border of zeros, so that the
        output has ``ceil(size / stride)`` positions.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window; above 1 only where all strides are 1.
    groups
        Into how many independent parts the channels are split.
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
    >>> layer = cnnfast.layers.Conv3D(16, 3, padding="same", activation="relu")
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 4, 8, 8, 16)
    """

    rank = 3

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        volume = images.to_image(graph, x, self.data_format)
        fused, rest = self.activation.split()
        conv = VolumeConv(
            late(self.kernel),
            self._bias_numbers(),
            self.strides,
            self.dilation_rate,
            tuple(self._pads(axis, length) for axis, length in enumerate(volume.shape[:3])),
            self.groups,
            fused,
        )
        y = conv.lower(graph, volume, images.channels_last(shape, self.data_format)[:3])
        return rest.lower(graph, images.from_image(graph, y, shape, self.data_format))

    def _pads(self, axis: int, length: int) -> tuple[int, int]:
        return windows.pads(
            length,
            self.kernel_size[axis],
            self.strides[axis],
            self.dilation_rate[axis],
            self.padding,
        )


Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
