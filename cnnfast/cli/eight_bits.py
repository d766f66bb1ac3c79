"""What 8 bits cost in accuracy, on a user's pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.utils import tree

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.models import Model

    Array = npt.NDArray[Any]

_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BEST = 5

PREPROCESSING: dict[str, Callable[[Array], Array]] = {
    "none": lambda x: x,
    "0-1": lambda x: x / np.float32(255),
    "-1-1": lambda x: x / np.float32(127.5) - np.float32(1),
    "imagenet": lambda x: ((x / 255 - _MEAN) / _SPREAD).astype(np.float32),
}
"""What becomes of numbers from 0 to 255, by its name."""


@dataclass(frozen=True)
class EightBits:
    """A model in 8 bits beside the same in float32.

    Attributes
    ----------
    method
        How the ranges were chosen.
    images
        How many both have seen.
    relative_error
        Of the outputs: the root mean square of the difference over that of the numbers.
    top1, top5
        Share of the images for which both have the same first class, and for which the first class
        of float32 is among the first five; None where the outputs are not classes.
    accuracy, float32_accuracy
        Share of the labelled images for which the first class is right, and the right one among
        the first five; None without labels.
    keras_error
        As `relative_error`, from Keras; None where it was not asked.
    """

    method: str
    images: int
    relative_error: float
    top1: float | None = None
    top5: float | None = None
    accuracy: tuple[float, float] | None = None
    float32_accuracy: tuple[float, float] | None = None
    keras_error: float | None = None

    def rows(self) -> Iterator[tuple[str, str]]:
        """Yield what a report shows."""
        yield "8 bits", f"{self.images} pictures, ranges by {self.method!r}"
        yield "", f"root mean square of the difference from float32: {self.relative_error:.1e}"
        if self.keras_error is not None:
            yield "", f"from Keras: {self.keras_error:.1e}"
        if self.top1 is not None and self.top5 is not None:
            yield "", f"same first class {self.top1:.1%}, in the first five {self.top5:.1%}"
        if self.accuracy is not None and self.float32_accuracy is not None:
            for name, pair in (("right", self.accuracy), ("in float32", self.float32_accuracy)):
                yield "", f"{name}: first class {pair[0]:.1%}, in the first five {pair[1]:.1%}"


def compare_eight_bits(
    model: Model, folder: str, preprocess: str, keras_file: str | None
) -> EightBits:
    """Run `model` in 8 bits and in float32 on the pictures of a folder.

    One in float32 is quantized on them. `keras_file` is what to load in Keras, None for nothing.

    Raises
    ------
    ValueError
        If the folder has no pictures, or the model does not take one picture.
    """
    from cnnfast.quantization import quantize
    from cnnfast.quantization.folders import pictures_in
    from cnnfast.quantization.trials import relative_error

    pictures = pictures_in(folder, model, PREPROCESSING[preprocess], None)
    ours = model if model.quantization is not None else quantize(model, pictures, verbose=0)
    assert ours.quantization is not None
    made, expected = (
        tree.flatten(one.predict(pictures, verbose=0)) for one in (ours, ours.quantized(None))
    )
    labels = _labels(Path(folder), pictures.paths)
    first, classes = expected[0], expected[0].ndim == 2 and expected[0].shape[1] > 1
    top1, top5 = _shares(made[0], first.argmax(axis=1)) if classes else (None, None)
    return EightBits(
        ours.quantization.method,
        len(first),
        max(map(relative_error, made, expected)),
        top1,
        top5,
        accuracy=None if labels is None or not classes else _shares(made[0], labels),
        float32_accuracy=None if labels is None or not classes else _shares(first, labels),
        keras_error=None
        if keras_file is None
        else max(map(relative_error, made, _in_keras(keras_file, pictures))),
    )


def _labels(folder: Path, paths: list[Path]) -> Array | None:
    """Return the number of the folder that each picture is in; None where there are no folders."""
    names = [path.relative_to(folder).parts[0] for path in paths]
    if any(path.parent == folder for path in paths):
        return None
    return np.array([sorted(set(names)).index(name) for name in names])


def _shares(outputs: Array, classes: Array) -> tuple[float, float]:
    """Return for which share of the rows the class is the first one, and among the first five."""
    order = np.argsort(-outputs, axis=1, kind="stable")[:, :_BEST]
    hits = order == classes[:, None]
    return float(hits[:, 0].mean()), float(hits.any(axis=1).mean())


def _in_keras(path: str, pictures: Any) -> list[Array]:
    import keras  # type: ignore[import-untyped]

    model = keras.saving.load_model(path, compile=False)
    batches = [tree.flatten(model(batch, training=False)) for batch in pictures]
    return [
        np.concatenate([np.asarray(part) for part in parts]) for parts in zip(*batches, strict=True)
    ]
