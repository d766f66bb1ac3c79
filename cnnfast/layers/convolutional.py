"""Convolution layers."""

from __future__ import annotations

from typing import Any, ClassVar

from cnnfast import activations, constraints, initializers, lowering, regularizers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers import arguments, windows
from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.input_spec import InputSpec
from cnnfast.layers.layer import Layer
from cnnfast.variables import Variable


class BaseConv(Layer):
    """What convolutions of every rank share: arguments, weights and the shape rule.

    Weights: `kernel` (*kernel_size, input channels / groups, filters) and, with `use_bias`,
    `bias` (filters,). Output channels of group g read the input channels of group g.

    Parameters
    ----------
    filters
        Output channels.
    kernel_size, strides, dilation_rate
        One integer, or one per spatial axis.
    padding
        ``"valid"`` or ``"same"``.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    groups
        Into how many independent parts the channels are split.
    activation
        See `cnnfast.activations.get`.
    use_bias
        Whether there is a bias.
    kernel_initializer, bias_initializer
        See `cnnfast.initializers.get`.
    kernel_regularizer, bias_regularizer, kernel_constraint, bias_constraint
        Of training; kept for the config.

    Raises
    ------
    ValueError
        If an argument is illegal, or strides and dilation are both above 1.
    """

    rank: ClassVar[int]
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, ...],
        strides: int | tuple[int, ...] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | tuple[int, ...] = 1,
        groups: int = 1,
        activation: object = None,
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        kernel_regularizer: object = None,
        bias_regularizer: object = None,
        activity_regularizer: object = None,
        kernel_constraint: object = None,
        bias_constraint: object = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = arguments.positive_integer(
            filters,
            "Invalid value for argument `filters`. Expected a strictly positive integer.",
        )
        self.groups = arguments.positive_integer(
            groups, "The number of groups must be a positive integer."
        )
        self.kernel_size = arguments.positive_integers(kernel_size, self.rank, "kernel_size")
        self.strides = arguments.positive_integers(strides, self.rank, "strides")
        self.dilation_rate = arguments.positive_integers(dilation_rate, self.rank, "dilation_rate")
        self.padding = arguments.choice(padding, "padding", self.paddings)
        self.data_format = arguments.data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = arguments.boolean(use_bias, "use_bias")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.input_spec = InputSpec(ndim=self.rank + 2)
        if self.filters % self.groups:
            raise ValueError(
                "The number of filters must be evenly divisible by the number of groups. "
                f"Received: groups={self.groups}, filters={self.filters}."
            )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                "`strides > 1` not supported in conjunction with `dilation_rate > 1`. "
                f"Received: strides={self.strides} and dilation_rate={self.dilation_rate}"
            )

    @property
    def kernel(self) -> Variable:
        """The kernel.

        Raises
        ------
        AttributeError
            If the layer is not built.
        """
        if not self._trainable_variables:
            raise AttributeError(
                f"You must build the layer before accessing `kernel`. Received: {self!r}"
            )
        return self._trainable_variables[0]

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        _, channels = windows.split_channels(input_shape, self.data_format)
        if channels is not None and channels % self.groups:
            raise ValueError(
                f"Layer '{self.name}': the number of input channels must be evenly divisible by "
                f"the number of groups. Received: groups={self.groups}, but the input has "
                f"{channels} channels (full input shape is {input_shape})."
            )
        self.compute_output_shape(input_shape)
        self.add_weight(
            name="kernel",
            shape=(
                *self.kernel_size,
                None if channels is None else channels // self.groups,
                self.filters,
            ),
            initializer=self.kernel_initializer,
            path=path,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(self.filters,), initializer=self.bias_initializer, path=path
            )
        channel_axis = -1 if self.data_format == "channels_last" else 1
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={channel_axis: channels})

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        spatial, _ = windows.split_channels(input_shape, self.data_format)
        sizes = windows.output_shape(
            spatial, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )
        if sizes is None:
            raise ValueError(
                f"Layer '{self.name}': computed output size would be zero or negative. Received: "
                f"input shape={input_shape}, kernel_size={self.kernel_size}, "
                f"dilation_rate={self.dilation_rate}, strides={self.strides}, "
                f"padding={self.padding}."
            )
        return windows.join_channels(input_shape[0], sizes, self.filters, self.data_format)

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return arguments.without_lora(config)

    def _config(self) -> dict[str, Any]:
        return {
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }


class Conv2D(BaseConv):
    """Convolution of images (batch, height, width, channels).

    Parameters, weights and errors are those of `BaseConv`.
    """

    rank = 2

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        channels_first = self.data_format == "channels_first"
        if channels_first:
            x = lowering.axis_to_end(graph, x, 0)
            shape = (*shape[1:], shape[0])
        fused, rest = self.activation.split()
        y = graph.add(
            ops.Conv2D(
                x,
                Value(shape),
                self.kernel.numpy(),
                None if self.bias is None else self.bias.numpy(),
                windows.window_2d(
                    x.shape[:2], self.kernel_size, self.strides, self.dilation_rate, self.padding
                ),
                self.groups,
                fused,
            )
        )
        if channels_first:
            y = lowering.axis_from_end(graph, y, 0)
        return rest.lower(graph, y)


Convolution2D = Conv2D
