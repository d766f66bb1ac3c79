"""Pictures in folders as a data set, the names of the folders being the labels."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.lowering.resampling import INTERPOLATIONS
from cnnfast.preprocessing.resizing import resize, smart_resize
from cnnfast.utils import choices
from cnnfast.utils.data.batches import Batches
from cnnfast.utils.data.images import img_to_array, load_img
from cnnfast.utils.display.interactive import print_msg

if TYPE_CHECKING:
    import numpy.typing as npt

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
_LABEL_MODES = ("int", "categorical", "binary", None)


@dataclass(frozen=True)
class _Reading:
    """How a file becomes an array."""

    color_mode: str
    size: tuple[int, int]
    interpolation: str
    crop: bool
    pad: bool
    data_format: str

    def read(self, path: str) -> npt.NDArray[np.float32]:
        with load_img(path, color_mode=self.color_mode) as picture:
            array = img_to_array(picture, data_format=self.data_format)
        if self.crop:
            return smart_resize(array, self.size, self.interpolation, self.data_format)
        return resize(array, self.size, self.interpolation, self.data_format, self.pad)


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "numpy",
    verbose: bool = True,
) -> Any:
    """Return the pictures in a folder as batches, read when they are asked for.

    Pillow decodes them, as in Keras with ``format="grain"``; TensorFlow's decoder may round JPEG
    files, and colours that become gray, the other way.

    Parameters
    ----------
    directory
        The folder, with one folder in it for each class.
    labels
        ``"inferred"`` from the folders, None, or a list with the number of the class of each file.
    label_mode
        ``"int"``, ``"categorical"``, ``"binary"``, or None for pictures alone.
    class_names
        Which folders, in which order; all, sorted, where None.
    color_mode
        ``"rgb"``, ``"rgba"`` or ``"grayscale"``.
    batch_size
        Pictures in a batch; None for single ones.
    image_size
        (height, width).
    shuffle, seed
        Whether they come in random order; set `shuffle` to False to have them as files are named.
    validation_split, subset
        Which part of the files is for validation, and which part to take: ``"training"``,
        ``"validation"`` or ``"both"``.
    interpolation
        As of `cnnfast.layers.Resizing`.
    follow_links
        Whether links to folders are followed.
    crop_to_aspect_ratio, pad_to_aspect_ratio
        Whether pictures keep their proportions, cut or within zeros.
    data_format
        Where the channels are.
    format
        Kept for Keras' sake: the batches are arrays.
    verbose
        Whether the number of files is printed.

    Returns
    -------
    Batches
        Of float32 pictures with values 0 to 255, or ``(pictures, labels)``; with `class_names` and
        `file_paths`. Two of them for ``subset="both"``.

    Raises
    ------
    ValueError
        If an argument is illegal, or there are no pictures.
    ImportError
        If Pillow is not installed.

    Examples
    --------
    >>> data = cnnfast.utils.image_dataset_from_directory("images", shuffle=False)
    ... # doctest: +SKIP
    """
    size = _checked_size(image_size)
    _check_labels(labels, label_mode, class_names)
    _check_split(validation_split, subset, shuffle, seed)
    if color_mode not in _CHANNELS:
        raise ValueError(
            '`color_mode` must be one of {"rgb", "rgba", "grayscale"}. Received: '
            f"color_mode={color_mode}"
        )
    interpolation = interpolation.lower()
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"Argument `interpolation` should be one of {INTERPOLATIONS}. Received: "
            f"interpolation={interpolation}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            "Only one of `pad_to_aspect_ratio`, `crop_to_aspect_ratio` can be set to `True`."
        )
    if labels is None or label_mode is None:
        labels = label_mode = None
    reading = _Reading(
        color_mode,
        size,
        interpolation,
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        choices.data_format(data_format),
    )
    seed = int(np.random.randint(10**6)) if seed is None else seed
    paths, numbers, names = _index(os.fspath(directory), labels, class_names, follow_links, verbose)
    if label_mode == "binary" and len(names or ()) != 2:
        raise ValueError(
            'When passing `label_mode="binary"`, there must be exactly 2 class_names. Received: '
            f"class_names={names}"
        )
    if shuffle:
        order = np.random.RandomState(seed).permutation(len(paths))
        paths = [paths[i] for i in order]
        numbers = None if numbers is None else numbers[order]
    parts = _parts(len(paths), validation_split, subset)
    made = []
    for part in parts:
        if not paths[part]:
            raise ValueError(
                f"No images found in directory {directory}. Allowed formats: {FORMATS}"
            )
        targets = None if numbers is None else _targets(numbers[part], label_mode, len(names or ()))
        batches = _batches(paths[part], targets, reading, batch_size)
        batches.class_names, batches.file_paths = names, paths[part]
        made.append(batches)
    return made if subset == "both" else made[0]


def _checked_size(image_size: Any) -> tuple[int, int]:
    if isinstance(image_size, int):
        return image_size, image_size
    if not isinstance(image_size, list | tuple) or len(image_size) != 2:
        raise ValueError(
            "Invalid `image_size` value. Expected a tuple of 2 integers. Received: "
            f"image_size={image_size}"
        )
    return image_size[0], image_size[1]


def _check_labels(labels: Any, label_mode: Any, class_names: Any) -> None:
    if not (labels is None or labels == "inferred" or isinstance(labels, list | tuple)):
        raise ValueError(
            "`labels` argument should be a list/tuple of integer labels, of the same size as the "
            'number of image files in the target directory, "inferred" or None. Received: '
            f"labels={labels}"
        )
    if labels != "inferred" and class_names:
        raise ValueError(
            'You can only pass `class_names` if `labels="inferred"`. Received: '
            f"labels={labels}, and class_names={class_names}"
        )
    if label_mode not in _LABEL_MODES:
        raise ValueError(
            '`label_mode` argument must be one of "int", "categorical", "binary", or None. '
            f"Received: label_mode={label_mode}"
        )


def _check_split(split: Any, subset: Any, shuffle: bool, seed: Any) -> None:
    if split and not 0 < split < 1:
        raise ValueError(f"`validation_split` must be between 0 and 1, received: {split}")
    if bool(split) != bool(subset):
        raise ValueError("If `subset` is set, `validation_split` must be set, and inversely.")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(
            f'`subset` must be either "training", "validation" or "both", received: {subset}'
        )
    if split and shuffle and seed is None:
        raise ValueError(
            "If using `validation_split` and shuffling the data, you must provide a `seed` "
            "argument, to make sure that there is no overlap between the training and validation "
            "subset."
        )


def _index(
    directory: str, labels: Any, class_names: Any, follow_links: bool, verbose: bool
) -> tuple[list[str], npt.NDArray[np.int32] | None, list[str] | None]:
    """Return the files, the number of each one's class, and the names of the classes."""
    folders = [""]
    if labels == "inferred":
        there = sorted(
            name
            for name in os.listdir(directory)
            if os.path.isdir(os.path.join(directory, name)) and not name.startswith(".")
        )
        if class_names is not None and not set(class_names) <= set(there):
            raise ValueError(
                "The `class_names` passed did not match the names of the subdirectories of the "
                f"target directory. Expected: {there} (or a subset of it), but received: "
                f"class_names={class_names}"
            )
        folders = there if class_names is None else list(class_names)
    found = [
        (number, file)
        for number, name in enumerate(folders)
        for file in files(os.path.join(directory, name), FORMATS, follow_links)
    ]
    paths = [file for _, file in found]
    if labels is None:
        _tell(verbose, f"Found {len(paths)} files.")
        return paths, None, None
    if labels == "inferred":
        numbers, names = [number for number, _ in found], folders
    else:
        if len(labels) != len(paths):
            raise ValueError(
                "Expected the lengths of `labels` to match the number of files in the target "
                f"directory. len(labels) is {len(labels)} while we found {len(paths)} files in "
                f"directory {directory}."
            )
        numbers, names = list(labels), [str(label) for label in sorted(set(labels))]
    _tell(verbose, f"Found {len(paths)} files belonging to {len(names)} classes.")
    return paths, np.asarray(numbers, np.int32), names


def files(folder: str, formats: tuple[str, ...], follow_links: bool) -> Iterator[str]:
    """Yield the files of some formats in a folder and those in it, sorted."""
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links), key=lambda x: x[0]):
        for name in sorted(names):
            if name.lower().endswith(formats):
                yield os.path.join(root, name)


def _tell(verbose: bool, text: str) -> None:
    if verbose:
        print_msg(text)


def _parts(count: int, split: float | None, subset: str | None) -> list[slice]:
    if not split:
        return [slice(None)]
    last = int(split * count)
    training, validation = slice(0, count - last), slice(count - last, count)
    if subset == "both":
        return [training, validation]
    return [training if subset == "training" else validation]


def _targets(numbers: npt.NDArray[Any], label_mode: Any, classes: int) -> npt.NDArray[Any]:
    if label_mode == "binary":
        return numbers.astype(np.float32)[:, None]
    if label_mode == "categorical":
        numbers = np.eye(classes, dtype=np.float32)[numbers]
    return numbers


def _batches(paths: list[str], targets: Any, reading: _Reading, batch_size: int | None) -> Batches:
    size = batch_size or 1

    def make() -> Iterator[Any]:
        for begin in range(0, len(paths), size):
            x = np.stack([reading.read(path) for path in paths[begin : begin + size]])
            y = None if targets is None else targets[begin : begin + size]
            if batch_size is None:
                x, y = x[0], None if y is None else y[0]
            yield x if y is None else (x, y)

    return Batches(make, -(-len(paths) // size))
