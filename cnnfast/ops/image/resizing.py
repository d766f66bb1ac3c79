"""Images at another size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers.preprocessing.resizing import Resizing
from cnnfast.ops.base.operation import Operation, call
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
