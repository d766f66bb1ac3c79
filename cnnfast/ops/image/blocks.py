"""Numbers moved between channels and blocks of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.lowering import append
from cnnfast.lowering.images import from_image, to_image
from cnnfast.lowering.windows import join_channels, split_channels
from cnnfast.ops.base.operation import Operation, batch_shape, call
from cnnfast.ops.pointwise.elementwise import NN
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import DataFormat, Tensor


class _Blocks(Operation):
    """Moves numbers between channels and blocks of pixels."""

    module = NN
    deep: ClassVar[bool]

    def __init__(
        self,
        block_size: int,
        data_format: str | None = "channels_last",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        rule = "`block_size` must be a positive integer."
        self.block_size = arguments.positive_integer(block_size, rule)
        self.data_format = arguments.data_format(data_format)

    def compute_output_spec(self, x: KerasTensor) -> KerasTensor:
        shape = batch_shape(x)
        if len(shape) != 4:
            raise ValueError(f"expected images with 4 axes. Received: shape {shape}")
        size, channels = split_channels(shape, self.data_format)
        block = self.block_size
        divided = (channels,) if self.deep else size
        factor = block**2 if self.deep else block
        if any(n is not None and n % factor for n in divided):
            raise ValueError(
                f"sizes must be multiples of the block. Received: shape {shape} and "
                f"block_size={block}"
            )
        if self.deep:
            sizes = [None if n is None else n * block for n in size]
            depth = None if channels is None else channels // block**2
        else:
            sizes = [None if n is None else n // block for n in size]
            depth = None if channels is None else channels * block**2
        return KerasTensor(join_channels(shape[0], tuple(sizes), depth, self.data_format), x.dtype)

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self.compute_output_spec(KerasTensor(batch_shape(x))).shape
        move = append.depth_to_space if self.deep else append.space_to_depth
        y = move(graph, to_image(graph, x, self.data_format), self.block_size)
        return from_image(graph, y, tuple(n or 0 for n in shape[1:]), self.data_format)

    def _config(self) -> dict[str, Any]:
        return {"block_size": self.block_size, "data_format": self.data_format}


class DepthToSpace(_Blocks):
    """Channels spread over blocks of pixels."""

    deep = True


class SpaceToDepth(_Blocks):
    """Blocks of pixels gathered in channels, row by row, each pixel's channels together.

    So it is with channels_first in Keras on TensorFlow; on JAX, Keras orders those otherwise.
    """

    deep = False


def depth_to_space(
    x: Tensor,
    block_size: int,
    data_format: DataFormat | None = "channels_last",
) -> Tensor:
    """Return channels spread over blocks of pixels.

    Parameters
    ----------
    block_size
        Pixels along a side of a block.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Examples
    --------
    >>> cnnfast.ops.depth_to_space(np.ones((1, 2, 2, 8)), 2).shape
    (1, 4, 4, 2)
    """
    return call(DepthToSpace(block_size, data_format), x)


def space_to_depth(
    x: Tensor,
    block_size: int,
    data_format: DataFormat | None = "channels_last",
) -> Tensor:
    """Return blocks of pixels gathered in channels.

    Parameters
    ----------
    block_size
        Pixels along a side of a block.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Examples
    --------
    >>> cnnfast.ops.space_to_depth(np.ones((1, 4, 4, 2)), 2).shape
    (1, 2, 2, 8)
    """
    return call(SpaceToDepth(block_size, data_format), x)
