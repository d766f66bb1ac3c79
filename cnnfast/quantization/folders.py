"""Pictures of a folder, as a model takes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.preprocessing.image_folders import FORMATS
from cnnfast.preprocessing.resizing import smart_resize
from cnnfast.utils.data.images import img_to_array, load_img

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array
    from cnnfast.models.model import Model

_COLORS = {1: "grayscale", 3: "rgb", 4: "rgba"}


class Pictures:
    """Batches of all pictures in a folder and those in it, cut and resized to one size.

    Parameters
    ----------
    paths
        Of the files.
    size
        Height and width.
    color_mode
        As `load_img` takes it.
    preprocess
        What becomes of a batch; None for numbers from 0 to 255.
    batch_size
        Pictures in a batch.
    """

    def __init__(
        self,
        paths: list[Path],
        size: tuple[int, int],
        color_mode: str,
        preprocess: Callable[[Any], Any] | None,
        batch_size: int,
    ) -> None:
        self.paths, self._size, self._color_mode = paths, size, color_mode
        self._preprocess, self._batch_size = preprocess, batch_size

    def __len__(self) -> int:
        return math.ceil(len(self.paths) / self._batch_size)

    def __iter__(self) -> Iterator[Any]:
        for first in range(0, len(self.paths), self._batch_size):
            paths = self.paths[first : first + self._batch_size]
            batch = np.stack([self._read(path) for path in paths])
            yield batch if self._preprocess is None else self._preprocess(batch)

    def _read(self, path: Path) -> Float32Array:
        with load_img(path, color_mode=self._color_mode) as picture:
            return smart_resize(
                img_to_array(picture, data_format="channels_last"),
                self._size,
                data_format="channels_last",
            )


def pictures_in(
    folder: str | Path, model: Model, preprocess: Any, batch_size: int | None
) -> Pictures:
    """Return the pictures in `folder`, and those in folders in it, for `model`.

    Raises
    ------
    ValueError
        If it is no folder, has no pictures, or the model does not take one picture of a size.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ValueError(f"Pictures are read from a folder. Received: {str(folder)!r}")
    paths = sorted(p for p in path.rglob("*") if p.suffix.lower() in FORMATS)
    if not paths:
        raise ValueError(
            f"A folder of pictures has files ending in {', '.join(FORMATS)}. Received: "
            f"{str(folder)!r}, which has none"
        )
    shape = model.input_shape
    if not (isinstance(shape, tuple) and len(shape) == 4 and shape[3] in _COLORS):
        raise ValueError(
            "Pictures of a folder are for models of one input (height, width, channels) with 1, 3 "
            f"or 4 channels; give arrays to others. Received: input shape {shape}"
        )
    height, width = shape[1:3]
    if height is None or width is None:
        raise ValueError(
            "Pictures of a folder are resized to the size that the model takes, which this one "
            f"leaves open; give arrays to it. Received: input shape {shape}"
        )
    return Pictures(paths, (height, width), _COLORS[shape[3]], preprocess, batch_size or 32)
