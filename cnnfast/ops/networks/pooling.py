"""Poolings over windows, of sequences and of images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers import AveragePooling1D, AveragePooling2D, MaxPooling1D, MaxPooling2D
from cnnfast.layers.pooling.window_pooling import BasePooling
from cnnfast.ops.base.operation import Operation, batch_shape, call
from cnnfast.ops.pointwise.elementwise import NN
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import DataFormat, IntOrSequence, Padding, Tensor


class _Pool(Operation):
    """What the pooling layer does that fits the tensor's number of axes."""

    module = NN
    layers_by_rank: ClassVar[Mapping[int, type[BasePooling]]]

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.pool_size, self.strides = pool_size, strides
        self.padding, self.data_format = padding, data_format

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        output: KerasTensor = self._layer(inputs).infer((inputs,), {})
        return output

    def lower(self, graph: Graph, inputs: Value) -> Value:
        return self._layer(inputs).lower(graph, inputs)

    def _layer(self, inputs: KerasTensor | Value) -> BasePooling:
        rank = len(batch_shape(inputs))
        if rank not in self.layers_by_rank:
            raise ValueError(
                "expected sequences with 3 axes or images with 4. "
                f"Received: shape {batch_shape(inputs)}"
            )
        return self.layers_by_rank[rank](**{**self._config(), "name": self.name})

    def _config(self) -> dict[str, Any]:
        return {
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
        }


class MaxPool(_Pool):
    """The maximum over windows; the arguments are those of `cnnfast.layers.MaxPooling2D`."""

    layers_by_rank: ClassVar = {3: MaxPooling1D, 4: MaxPooling2D}


class AveragePool(_Pool):
    """The mean over windows; the arguments are those of `cnnfast.layers.AveragePooling2D`."""

    layers_by_rank: ClassVar = {3: AveragePooling1D, 4: AveragePooling2D}


def max_pool(
    inputs: Tensor,
    pool_size: IntOrSequence,
    strides: IntOrSequence | None = None,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Return the maximum over windows of sequences or images.

    Parameters
    ----------
    pool_size
        One integer, or one per spatial axis.
    strides
        Steps between windows, as `pool_size`, which it is where None.
    padding
        ``"valid"``, or ``"same"`` with a border that takes no part in the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Examples
    --------
    >>> cnnfast.ops.max_pool(np.ones((1, 8, 8, 3)), 2).shape
    (1, 4, 4, 3)
    """
    return call(MaxPool(pool_size, strides, padding, data_format), inputs)


def average_pool(
    inputs: Tensor,
    pool_size: IntOrSequence,
    strides: IntOrSequence | None = None,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Tensor:
    """Return the mean over windows of sequences or images.

    Parameters
    ----------
    pool_size
        One integer, or one per spatial axis.
    strides
        Steps between windows, as `pool_size`, which it is where None.
    padding
        ``"valid"``, or ``"same"`` with a border that takes no part in the result.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Examples
    --------
    >>> cnnfast.ops.average_pool(np.ones((1, 8, 8, 3)), 2).shape
    (1, 4, 4, 3)
    """
    return call(AveragePool(pool_size, strides, padding, data_format), inputs)
