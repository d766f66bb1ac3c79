"""Batches of pictures as `ImageDataGenerator` makes them, without end."""

from __future__ import annotations

import math
import os
import threading
import warnings
from collections.abc import Iterator as Yielded
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.preprocessing.image_folders import files
from cnnfast.utils import choices, defaults
from cnnfast.utils.data.images import array_to_img, img_to_array, load_img
from cnnfast.utils.data.py_dataset import PyDataset
from cnnfast.utils.display.interactive import print_msg

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.preprocessing.image_generator import ImageDataGenerator

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
_CLASS_MODES = ("categorical", "binary", "sparse", "input", None)


class Iterator(PyDataset):
    """Base class: batches by number, or one after the other without end.

    `predict` takes as many as there are once.

    Parameters
    ----------
    n
        How many samples there are.
    batch_size
        Of each batch but the last.
    shuffle
        Whether the order is random, and another in each walk.
    seed
        Of the order and of random transformations.
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = n
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.batch_index = 0
        self.total_batches_seen = 0
        self.index_array: npt.NDArray[Any] | None = None
        self.lock = threading.Lock()

    def _order(self) -> npt.NDArray[Any]:
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)
        return self.index_array

    def _seed_batch(self) -> None:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1

    def __getitem__(self, index: int) -> Any:
        if index >= len(self):
            raise IndexError(
                f"Asked to retrieve element {index}, but the Sequence has length {len(self)}"
            )
        self._seed_batch()
        order = self._order() if self.index_array is None else self.index_array
        return self._batch(order[self.batch_size * index : self.batch_size * (index + 1)])

    def __len__(self) -> int:
        """Return how many batches all samples are."""
        return math.ceil(self.n / self.batch_size)

    def on_epoch_end(self) -> None:
        self._order()

    def reset(self) -> None:
        """Begin again with the first batch."""
        self.batch_index = 0

    def __iter__(self) -> Yielded[Any]:
        return self

    def __next__(self) -> Any:
        """Return the next batch; behind the last comes the first."""
        with self.lock:
            self._seed_batch()
            if self.batch_index == 0 or self.index_array is None:
                self._order()
            assert self.index_array is not None
            begin = self.batch_index * self.batch_size
            chosen = self.index_array[begin : begin + self.batch_size]
            self.batch_index = (self.batch_index + 1) % max(len(self), 1)
        return self._batch(chosen)

    def _batch(self, chosen: npt.NDArray[Any]) -> Any:
        """Return the batch of the samples with these numbers."""
        raise NotImplementedError(f"{type(self).__name__} must implement `_batch`.")


class _Pictures(Iterator):
    """What both kinds share: each picture is transformed and standardized."""

    image_data_generator: ImageDataGenerator | None
    dtype: Any
    data_format: str
    save_to_dir: str | None
    save_prefix: str
    save_format: str

    def _prepared(self, x: npt.NDArray[Any]) -> npt.NDArray[Any]:
        generator = self.image_data_generator
        if generator is None:
            return x
        x = generator.apply_transform(x, generator.get_random_transform(x.shape))
        return generator.standardize(np.array(x))

    def _saved(self, batch: npt.NDArray[Any], chosen: npt.NDArray[Any]) -> npt.NDArray[Any]:
        for x, number in zip(batch, chosen, strict=True) if self.save_to_dir else ():
            name = f"{self.save_prefix}_{number}_{np.random.randint(10**7)}.{self.save_format}"
            array_to_img(x, self.data_format, scale=True).save(
                os.path.join(str(self.save_to_dir), name)
            )
        return batch


class DirectoryIterator(_Pictures):
    """Batches of the pictures in a folder, with one folder in it for each class.

    Parameters
    ----------
    directory
        The folder.
    image_data_generator
        What happens to each picture.
    target_size
        (height, width).
    color_mode
        ``"rgb"``, ``"rgba"`` or ``"grayscale"``.
    classes
        Which folders, in which order; all, sorted, where None.
    class_mode
        ``"categorical"``, ``"binary"``, ``"sparse"``, ``"input"`` (the pictures themselves) or None
        for pictures alone.
    batch_size, shuffle, seed
        As of `Iterator`.
    data_format
        Where the channels are.
    save_to_dir, save_prefix, save_format
        A folder into which the pictures of each batch are written, to look at them.
    follow_links
        Whether links to folders are followed.
    subset
        ``"training"`` or ``"validation"``: the part of each folder.
    interpolation, keep_aspect_ratio
        As of `load_img`.
    dtype
        Of the batches.

    Attributes
    ----------
    filenames
        The files, in order.
    classes
        The number of the class of each.
    class_indices
        The number of each class, by name.
    samples
        How many files there are.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        image_data_generator: ImageDataGenerator | None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        if color_mode not in _CHANNELS:
            raise ValueError(
                f'Invalid color mode: {color_mode}; expected "rgb", "rgba", or "grayscale".'
            )
        if class_mode not in _CLASS_MODES:
            raise ValueError(f"Invalid class_mode: {class_mode}; expected one of: {_CLASS_MODES}")
        generator = image_data_generator
        self.directory = os.fspath(directory)
        self.image_data_generator = generator
        self.target_size = tuple(target_size)
        self.color_mode, self.class_mode = color_mode, class_mode
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        of_generator = None if generator is None else generator.data_format
        self.data_format = choices.data_format(data_format or of_generator)
        channels = _CHANNELS[color_mode]
        self.image_shape = (
            (*self.target_size, channels)
            if self.data_format == "channels_last"
            else (channels, *self.target_size)
        )
        self.dtype = dtype or (defaults.floatx() if generator is None else generator.dtype)
        self.save_to_dir, self.save_prefix = save_to_dir, save_prefix
        self.save_format = save_format
        self.subset = subset
        self.split = _split(generator, subset)
        self._index(classes, follow_links)
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _index(self, classes: Sequence[str] | None, follow_links: bool) -> None:
        names = classes or [
            name
            for name in sorted(os.listdir(self.directory))
            if os.path.isdir(os.path.join(self.directory, name))
        ]
        self.num_classes = len(names)
        self.class_indices = {name: number for number, name in enumerate(names)}
        numbers: list[int] = []
        self.filepaths: list[str] = []
        for number, name in enumerate(names):
            found = list(files(os.path.join(self.directory, name), FORMATS, follow_links))
            if self.split is not None:
                first, last = (int(part * len(found)) for part in self.split)
                found = found[first:last]
            self.filepaths += found
            numbers += [number] * len(found)
        self.filenames = [os.path.relpath(path, self.directory) for path in self.filepaths]
        self.samples = len(self.filepaths)
        self.labels = self.classes = np.array(numbers, np.int32)
        print_msg(f"Found {self.samples} images belonging to {self.num_classes} classes.")

    def _batch(self, chosen: npt.NDArray[Any]) -> Any:
        x = np.zeros((len(chosen), *self.image_shape), self.dtype)
        for place, number in zip(x, chosen, strict=True):
            place[...] = self._prepared(self._read(self.filepaths[number]))
        self._saved(x, chosen)
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x.copy()
        numbers = self.classes[chosen]
        if self.class_mode == "categorical":
            return x, np.eye(self.num_classes, dtype=self.dtype)[numbers]
        return x, numbers.astype(self.dtype)

    def _read(self, path: str) -> npt.NDArray[Any]:
        height, width = self.target_size
        with load_img(
            path,
            color_mode=self.color_mode,
            target_size=(height, width),
            interpolation=self.interpolation,
            keep_aspect_ratio=self.keep_aspect_ratio,
        ) as picture:
            return img_to_array(picture, data_format=self.data_format)


class NumpyArrayIterator(_Pictures):
    """Batches of pictures that are in memory.

    Parameters
    ----------
    x
        A batch of all pictures, or ``(pictures, other arrays)``.
    y
        Targets; None for none.
    image_data_generator
        What happens to each picture.
    batch_size, shuffle, seed
        As of `Iterator`.
    sample_weight
        A weight for each.
    data_format
        Where the channels are.
    save_to_dir, save_prefix, save_format
        As of `DirectoryIterator`.
    subset
        ``"training"`` or ``"validation"``: the part that the generator's split says.
    ignore_class_split
        Whether the parts may have other classes.
    dtype
        Of the batches.

    Raises
    ------
    ValueError
        If an argument is illegal, or the lengths differ.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: ImageDataGenerator,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        others: list[npt.NDArray[Any]] = []
        if isinstance(x, list | tuple):
            x, rest = x[0], x[1]
            others = [np.asarray(o) for o in (rest if isinstance(rest, list) else [rest])]
        self.dtype = dtype or image_data_generator.dtype
        pictures = np.asarray(x, self.dtype)
        targets = None if y is None else np.asarray(y)
        weights = None if sample_weight is None else np.asarray(sample_weight)
        for name, other in (
            ("y", targets),
            ("sample_weight", weights),
            *(("x", o) for o in others),
        ):
            if other is not None and len(other) != len(pictures):
                raise ValueError(
                    f"`x` (images tensor) and `{name}` should have the same length. Found: "
                    f"x.shape = {pictures.shape}, {name}.shape = {other.shape}"
                )
        if pictures.ndim != 4:
            raise ValueError(
                "Input data in `NumpyArrayIterator` should have rank 4. You passed an array with "
                f"shape {pictures.shape}"
            )
        part = _part(len(pictures), image_data_generator, subset)
        if subset is not None and targets is not None and not ignore_class_split:
            _check_classes(targets, image_data_generator)
        self.x, self.x_misc = pictures[part], [other[part] for other in others]
        self.y = None if targets is None else targets[part]
        self.sample_weight = None if weights is None else weights[part]
        self.image_data_generator = image_data_generator
        self.data_format = choices.data_format(data_format or image_data_generator.data_format)
        channels = self.x.shape[3 if self.data_format == "channels_last" else 1]
        if channels not in (1, 3, 4):
            warnings.warn(
                f'NumpyArrayIterator is set to use the data format "{self.data_format}", of which '
                f"pictures have 1, 3 or 4 channels. Received: {channels}, of an array with shape "
                f"{self.x.shape}",
                stacklevel=2,
            )
        self.save_to_dir, self.save_prefix = save_to_dir, save_prefix
        self.save_format = save_format
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _batch(self, chosen: npt.NDArray[Any]) -> Any:
        x = np.zeros((len(chosen), *self.x.shape[1:]), self.dtype)
        for place, number in zip(x, chosen, strict=True):
            place[...] = self._prepared(self.x[number].astype(self.dtype))
        self._saved(x, chosen)
        whole = [x, *(other[chosen] for other in self.x_misc)] if self.x_misc else x
        if self.y is None:
            return whole
        if self.sample_weight is None:
            return whole, self.y[chosen]
        return whole, self.y[chosen], self.sample_weight[chosen]


def _split(generator: ImageDataGenerator | None, subset: str | None) -> tuple[float, float] | None:
    if subset is None:
        return None
    if subset not in ("training", "validation"):
        raise ValueError(f'Invalid subset name: {subset}; expected "training" or "validation".')
    border = 0.0 if generator is None else generator._validation_split
    return (0.0, border) if subset == "validation" else (border, 1.0)


def _part(count: int, generator: ImageDataGenerator, subset: str | None) -> slice:
    split = _split(generator, subset)
    if split is None:
        return slice(None)
    return slice(int(split[0] * count), int(split[1] * count))


def _check_classes(targets: npt.NDArray[Any], generator: ImageDataGenerator) -> None:
    border = int(len(targets) * generator._validation_split)
    if not np.array_equal(np.unique(targets[:border]), np.unique(targets[border:])):
        raise ValueError(
            "Training and validation subsets have different number of classes after the split. If "
            "your numpy arrays are sorted by the label, you might want to shuffle them."
        )
