"""Convolutions whose kernels are arguments: weights of a layer around them, or what it made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast import layers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers.convolutional.base_conv import WindowedConv
from cnnfast.lowering.windows import split_channels
from cnnfast.ops.base import eager
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import (
    Constant,
    Operation,
    batch_shape,
    call,
    constant,
    is_tensor,
)
from cnnfast.ops.pointwise.elementwise import NN
from cnnfast.symbolic import arguments, bound
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array, DataFormat, IntOrSequence, Padding, Tensor


class _Convolution(Operation):
    """What the layer does that has the kernel as its weight; a subclass says which layer."""

    module = NN
    layers_by_rank: ClassVar[Mapping[int, type[WindowedConv]]]

    def __init__(
        self,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.strides, self.padding = strides, padding
        self.data_format = arguments.data_format(data_format)
        self.dilation_rate = dilation_rate

    def compute(self, inputs: Any, kernel: Any) -> Any:
        numbers = eager.floats(eager.numbers(inputs))
        return bound.run(self, (numbers, constant(eager.floats(eager.numbers(kernel)))), {})

    def compute_output_spec(self, inputs: Any, kernel: Any) -> KerasTensor:
        layer = self._layer(inputs, kernel)
        shape: Any = layer.compute_output_shape(batch_shape(inputs))
        return KerasTensor(shape, inputs.dtype if "float" in inputs.dtype else "float32")

    def lower(self, graph: Graph, inputs: Value, kernel: Any) -> Value:
        y: Value = self._layer(inputs, kernel).lower(graph, inputs)
        return y

    def _layer(self, inputs: Any, kernel: Any) -> Any:
        if is_tensor(kernel) or not is_tensor(inputs):
            raise UnsupportedError(
                "a kernel must be a constant, such as a weight, and not be computed from images, "
                f"and only images be convolved. Received: kernel={kernel!r:.200}"
            )
        known = kernel.array if isinstance(kernel, Constant) else kernel
        shape = tuple(np.shape(known if isinstance(known, Variable) else eager.given(known)))
        rank = len(batch_shape(inputs))
        if rank not in self.layers_by_rank or len(shape) != rank:
            raise ValueError(
                f"expected a tensor with {' or '.join(map(str, self.layers_by_rank))} axes and a "
                f"kernel with as many. Received: shapes {batch_shape(inputs)} and {shape}"
            )
        _, channels = split_channels(batch_shape(inputs), self.data_format)
        if channels is None:
            raise ValueError(f"channels must be known. Received: shape {batch_shape(inputs)}")
        options: Any = {**_Convolution._config(self), **self._filters(shape, channels)}
        made = self.layers_by_rank[rank](
            kernel_size=shape[:-2], use_bias=False, name=self.name, **options
        )
        made.build(batch_shape(inputs))
        made._trainable_variables[0] = _weight(known, made.kernel)
        return made

    def _filters(self, shape: tuple[int, ...], channels: int) -> Any:
        """Return the layer's arguments that say how many channels come out."""
        raise NotImplementedError

    def _config(self) -> dict[str, Any]:
        return {
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


def _weight(kernel: Any, like: Variable) -> Variable:
    """Return a kernel as the weight of a layer that made one of its own.

    Raises
    ------
    ValueError
        If its shape is not that of the layer's.
    """
    if isinstance(kernel, Variable) and kernel.shape == like.shape:
        return kernel
    # Not by `assign`, which a layer's `call` may not do.
    like.set_loaded(np.array(eager.given(kernel), np.float32))
    return like


class Conv(_Convolution):
    """A convolution of sequences, images or volumes; groups follow from the kernel's shape."""

    layers_by_rank: ClassVar = {3: layers.Conv1D, 4: layers.Conv2D, 5: layers.Conv3D}

    def _filters(self, shape: tuple[int, ...], channels: int) -> Any:
        if channels % shape[-2]:
            raise ValueError(
                f"the {channels} channels must be a multiple of those that the kernel reads. "
                f"Received: a kernel of shape {shape}"
            )
        return {"filters": shape[-1], "groups": channels // shape[-2]}


class DepthwiseConv(_Convolution):
    """A convolution of sequences or images that looks at each channel alone."""

    layers_by_rank: ClassVar = {3: layers.DepthwiseConv1D, 4: layers.DepthwiseConv2D}

    def _filters(self, shape: tuple[int, ...], channels: int) -> Any:
        return {"depth_multiplier": shape[-1]}


class ConvTranspose(_Convolution):
    """The transpose of a convolution, of sequences, images or volumes."""

    layers_by_rank: ClassVar = {
        3: layers.Conv1DTranspose,
        4: layers.Conv2DTranspose,
        5: layers.Conv3DTranspose,
    }

    def __init__(
        self,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(strides, padding, data_format, dilation_rate, name=name)
        self.output_padding = output_padding

    def _filters(self, shape: tuple[int, ...], channels: int) -> Any:
        return {"filters": shape[-2], "output_padding": self.output_padding}

    def _config(self) -> dict[str, Any]:
        return {**super()._config(), "output_padding": self.output_padding}


class SeparableConv(Composite):
    """A depthwise convolution, and one over its channels."""

    module = NN

    def __init__(
        self,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.strides, self.padding = strides, padding
        self.data_format = arguments.data_format(data_format)
        self.dilation_rate = dilation_rate

    def composed(self, inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any) -> Any:
        of_channels = DepthwiseConv(**self._config())(inputs, depthwise_kernel)
        return Conv(data_format=self.data_format)(of_channels, pointwise_kernel)

    def _config(self) -> dict[str, Any]:
        return {
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
        }


def conv(
    inputs: Tensor,
    kernel: Array | Variable,
    strides: IntOrSequence = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: IntOrSequence = 1,
) -> Tensor:
    """Return a convolution of sequences, images or volumes with a constant kernel.

    Parameters
    ----------
    kernel
        (*window, input channels / groups, filters), a variable or numbers.
    strides
        Steps between windows.
    padding
        ``"valid"``, or ``"same"`` with a border of zeros.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window.

    Examples
    --------
    >>> cnnfast.ops.conv(np.ones((1, 8, 8, 3)), np.ones((3, 3, 3, 4)), padding="same").shape
    (1, 8, 8, 4)
    """
    return call(Conv(strides, padding, data_format, dilation_rate), inputs, kernel)


def depthwise_conv(
    inputs: Tensor,
    kernel: Array | Variable,
    strides: IntOrSequence = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: IntOrSequence = 1,
) -> Tensor:
    """Return a convolution of sequences or images that looks at each channel alone.

    Parameters
    ----------
    kernel
        (*window, input channels, outputs for each), a variable or numbers.
    strides
        Steps between windows.
    padding
        ``"valid"``, or ``"same"`` with a border of zeros.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window.
    """
    return call(DepthwiseConv(strides, padding, data_format, dilation_rate), inputs, kernel)


def separable_conv(
    inputs: Tensor,
    depthwise_kernel: Array | Variable,
    pointwise_kernel: Array | Variable,
    strides: IntOrSequence = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: IntOrSequence = 1,
) -> Tensor:
    """Return a depthwise convolution, and one over its channels.

    Parameters
    ----------
    depthwise_kernel
        (*window, input channels, outputs for each), a variable or numbers.
    pointwise_kernel
        (1, …, channels, filters).
    strides
        Steps between windows.
    padding
        ``"valid"``, or ``"same"`` with a border of zeros.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window.
    """
    operation = SeparableConv(strides, padding, data_format, dilation_rate)
    return call(operation, inputs, depthwise_kernel, pointwise_kernel)


def conv_transpose(
    inputs: Tensor,
    kernel: Array | Variable,
    strides: IntOrSequence = 1,
    padding: Padding = "valid",
    output_padding: IntOrSequence | None = None,
    data_format: DataFormat | None = None,
    dilation_rate: IntOrSequence = 1,
) -> Tensor:
    """Return the transpose of a convolution of sequences, images or volumes.

    Parameters
    ----------
    kernel
        (*window, filters, input channels), a variable or numbers.
    strides
        Pixels of the result from one window to the next.
    padding
        ``"valid"`` or ``"same"``.
    output_padding
        Pixels added at the end of each axis; None for as many as the strides ask for.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Distance of neighbouring taps of a window.
    """
    operation = ConvTranspose(strides, padding, output_padding, data_format, dilation_rate)
    return call(operation, inputs, kernel)
