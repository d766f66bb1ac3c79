"""Operations on images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers.preprocessing.resizing import Resizing
from cnnfast.lowering import append
from cnnfast.lowering.images import from_image, to_image
from cnnfast.lowering.windows import join_channels, split_channels
from cnnfast.ops.elementwise import NN
from cnnfast.ops.operation import Operation, batch_shape, call
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnfast.symbolic.typing import DataFormat, Interpolation, Tensor


class Resize(Operation):
    """Images at another size; the arguments are those of `cnnfast.layers.Resizing`."""

    module = "keras.src.ops.image"

    def __init__(
        self,
        size: Any,
        interpolation: Interpolation = "bilinear",
        antialias: bool = False,
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: Literal["constant"] = "constant",
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        height, width = self.size = arguments.positive_integers(size, 2, "size")
        self.data_format = data_format
        self._layer = Resizing(
            height,
            width,
            interpolation=interpolation,
            antialias=antialias,
            crop_to_aspect_ratio=crop_to_aspect_ratio,
            pad_to_aspect_ratio=pad_to_aspect_ratio,
            fill_mode=fill_mode,
            fill_value=fill_value,
            data_format=data_format,
            name=self.name,
        )

    def compute_output_spec(self, images: KerasTensor) -> KerasTensor:
        output: KerasTensor = self._layer.infer((images,), {})
        return output

    def lower(self, graph: Graph, images: Value) -> Value:
        return self._layer.lower(graph, images)

    def _config(self) -> dict[str, Any]:
        names = (
            *("interpolation", "antialias", "crop_to_aspect_ratio", "pad_to_aspect_ratio"),
            *("fill_mode", "fill_value"),
        )
        config = self._layer.get_config()
        own = {name: config[name] for name in names}
        return {"size": list(self.size), **own, "data_format": self.data_format}


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


def resize(
    images: Tensor,
    size: Sequence[int],
    interpolation: Interpolation = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: Literal["constant"] = "constant",
    fill_value: float = 0.0,
    data_format: DataFormat | None = None,
) -> Tensor:
    """Return images at another size.

    Parameters
    ----------
    size
        (height, width) of the result.
    interpolation
        How numbers between pixels are found.
    antialias
        Whether the filter widens where images shrink.
    crop_to_aspect_ratio
        Whether only the largest centred part is kept that has the proportions of the result.
    pad_to_aspect_ratio
        Whether a border gives images the proportions of the result.
    fill_mode
        ``"constant"``.
    fill_value
        What the border holds.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.

    Examples
    --------
    >>> cnnfast.ops.image.resize(np.ones((1, 8, 8, 3)), (4, 6)).shape
    (1, 4, 6, 3)
    """
    operation = Resize(
        size,
        interpolation,
        antialias,
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        fill_mode,
        fill_value,
        data_format,
    )
    return call(operation, images)
