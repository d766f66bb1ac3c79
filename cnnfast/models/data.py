"""Data for `predict` and `evaluate`, in batches: arrays, generators and data sets.

A batch is ``(x, y, sample_weight)``; each of them is an array, or a list or dict of arrays
for models with several inputs or outputs, or None.
"""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from cnnfast.utils.narrow import as_array, is_array
from cnnfast.utils.tree import is_nested, leaves, map_leaves

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"
Structure: TypeAlias = Any

DEFAULT_BATCH_SIZE = 32


class Batch(NamedTuple):
    """One batch: inputs, targets and sample weights."""

    x: Structure
    y: Structure = None
    sample_weight: Structure = None


class Source(Protocol):
    """Where batches come from.

    `steps` is the number of batches and `samples` that of samples, None where only the end
    of the data will tell.
    """

    steps: int | None
    samples: int | None

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches in order."""


def open_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
) -> Source:
    """Find out what `x` is and how its batches are made.

    Parameters
    ----------
    x
        An array, of this or another library, or a list or dict of arrays, with the samples along
        the first axis; or an iterable of batches ``x``, ``(x,)``, ``(x, y)`` or
        ``(x, y, sample_weight)``; or an indexable data set of such batches, such as
        ``keras.utils.PyDataset``. A `tf.data.Dataset` and a torch `DataLoader` are iterables of
        batches.
    y, sample_weight
        Arrays with as many samples as `x`; only where `x` is an array or arrays.
    batch_size
        Samples per batch of arrays; 32 by default, or what makes `steps` batches of them.
    steps
        How many batches to take; all by default.

    Raises
    ------
    ValueError
        If `x` is none of these or holds no array, if the numbers of samples differ, or if
        `batch_size` or `steps` is not positive.
    """
    batch_size = _check_positive("batch_size", batch_size)
    steps = _check_positive("steps", steps)
    if _is_array_data(x):
        return ArraySource(x, y, sample_weight, batch_size, steps)
    kind = type(x).__name__
    if isinstance(x, str | bytes) or not (hasattr(x, "__iter__") or hasattr(x, "__getitem__")):
        raise ValueError(
            "`x` must be an array, a list or dict of arrays, or an iterable of batches. "
            f"Received: x={x!r} (of type {kind})"
        )
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"When providing `x` as a {kind}, `{name}` should not be passed: the batches "
                f"of `x` must include it. Received: {name} of type {type(value).__name__}"
            )
    if hasattr(x, "__getitem__"):
        return DatasetSource(x, steps)
    return IterableSource(x, steps)


class ArraySource:
    """Slices of arrays that are in memory; NumPy arrays are not copied."""

    def __init__(
        self, x: Any, y: Any, sample_weight: Any, batch_size: int | None, steps: int | None
    ) -> None:
        self._data = Batch(
            to_arrays(x, "x"), to_arrays(y, "y"), to_arrays(sample_weight, "sample_weight")
        )
        self.samples: int | None = check_cardinality(self._data)
        self._samples = self.samples
        if batch_size is None:
            batch_size = math.ceil(self._samples / steps) if steps else DEFAULT_BATCH_SIZE
            batch_size = max(batch_size, 1)
        self._batch_size = batch_size
        self._requested = steps
        # Without samples there is one empty batch, which has a shape.
        self._available = max(math.ceil(self._samples / batch_size), 1)
        self.steps: int | None = steps or self._available

    def __iter__(self) -> Iterator[Batch]:
        """Yield slices; warn if `steps` asks for more than there are."""
        available = self._available
        for step in range(min(self._requested or available, available)):
            part = slice(step * self._batch_size, (step + 1) * self._batch_size)
            yield Batch(*(_take(data, part) for data in self._data))
        if self._requested is not None and self._requested > available:
            _warn_out_of_data(available, self._requested)


class IterableSource:
    """Batches from a generator or another iterable."""

    def __init__(self, batches: Iterable[Any], steps: int | None) -> None:
        self._batches = batches
        self._requested = steps
        self.steps = steps or _length(batches)
        self.samples: int | None = None

    def __iter__(self) -> Iterator[Batch]:
        """Yield up to `steps` batches; warn if there are fewer, and fail if there is none."""
        taken = 0
        iterator = iter(self._batches)
        while taken != self._requested:
            try:
                batch = next(iterator)
            except StopIteration:
                break
            taken += 1
            yield unpack_batch(batch)
        if taken == 0:
            raise ValueError(
                "A generator or data set must yield at least one batch. "
                f"Received: an empty {type(self._batches).__name__}"
            )
        if self._requested is not None and taken < self._requested:
            _warn_out_of_data(taken, self._requested)


class DatasetSource(IterableSource):
    """Batches of an indexable data set, told of the beginning and the end of the epoch."""

    def __init__(self, dataset: Any, steps: int | None) -> None:
        super().__init__(_items(dataset), steps)
        self._dataset = dataset
        self.steps = steps or _length(dataset)

    def __iter__(self) -> Iterator[Batch]:
        """Yield the items in order."""
        _call_if_there(self._dataset, "on_epoch_begin")
        yield from super().__iter__()
        _call_if_there(self._dataset, "on_epoch_end")


def to_arrays(structure: Any, what: str) -> Structure:
    """Convert every leaf to an array; nested lists of numbers are one array.

    Raises
    ------
    ValueError
        If a leaf is no array of numbers with the samples along its first axis.
    """
    if structure is None:
        return None
    if isinstance(structure, list | tuple) and structure and not _holds_arrays(structure):
        return _to_array(structure, what)
    return map_leaves(lambda leaf: None if leaf is None else _to_array(leaf, what), structure)


def check_cardinality(data: Batch) -> int:
    """Return the number of samples, which all arrays of `data` must agree on.

    Raises
    ------
    ValueError
        If they do not, or if there are no arrays.
    """
    sizes = {
        name: [leaf.shape[0] for leaf in leaves(part) if leaf is not None]
        for name, part in data._asdict().items()
    }
    every = {size for part in sizes.values() for size in part}
    if len(every) > 1:
        received = "; ".join(f"'{name}' sizes: {part}" for name, part in sizes.items() if part)
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of "
            f"samples. Received: {received}"
        )
    if not every:
        raise ValueError(f"`x` must hold at least one sample. Received: {data.x!r:.200}")
    return int(every.pop())


def require_samples(data: Batch) -> None:
    """Raise ValueError if `data` holds no sample, of which there would be no mean."""
    shapes = [leaf.shape for leaf in leaves(data.x) if leaf is not None]
    if any(shape[0] == 0 for shape in shapes):
        raise ValueError(
            "A loss or metric is a mean over samples, so `x` must hold at least one sample. "
            f"Received: shapes {shapes}"
        )


def unpack_batch(batch: Any) -> Batch:
    """Read one item of a generator: ``x``, ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``.

    A list counts as a tuple, as data loaders collate batches into lists.

    Raises
    ------
    ValueError
        If it is a tuple of another length, or holds something other than arrays.
    """
    if isinstance(batch, list) and _holds_arrays(batch):
        batch = tuple(batch)
    if not isinstance(batch, tuple):
        batch = (batch,)
    if not 1 <= len(batch) <= len(Batch._fields):
        raise ValueError(
            "A batch must be `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`. "
            f"Received: a {type(batch).__name__} of length {len(batch)}"
        )
    parts = (to_arrays(part, name) for name, part in zip(Batch._fields, batch, strict=False))
    unpacked = Batch(*parts)
    check_cardinality(unpacked)
    return unpacked


def _is_array_data(x: Any) -> bool:
    return is_nested(x) or is_array(x)


def _holds_arrays(items: Iterable[Any]) -> bool:
    """Whether there are arrays in nested lists, which else are one array of numbers."""
    return any(
        _holds_arrays(item)
        if isinstance(item, list | tuple)
        else isinstance(item, Mapping) or _rank(item) > 0
        for item in items
    )


def _rank(item: Any) -> int:
    rank = getattr(item, "ndim", None)
    if isinstance(rank, int):
        return rank
    return as_array(item).ndim if hasattr(item, "__dlpack__") else np.ndim(item)


def _to_array(values: Any, what: str) -> Array:
    try:
        array = as_array(values)
    except ValueError as error:
        raise ValueError(f"`{what}` must be a rectangular array. Received: {error}") from error
    except (TypeError, RuntimeError) as error:  # as tensors of other libraries raise
        raise ValueError(
            f"`{what}` must be an array that NumPy can read. Received: {type(values)}, of which "
            f"NumPy says: {error}"
        ) from error
    if array.dtype.kind not in "biuf":
        raise ValueError(f"`{what}` must hold real numbers. Received: dtype {array.dtype}")
    if array.ndim == 0:
        raise ValueError(
            f"`{what}` must have the samples along its first axis. Received: {values!r}"
        )
    return array


def _take(structure: Structure, part: slice) -> Structure:
    return map_leaves(lambda leaf: None if leaf is None else leaf[part], structure)


def _items(dataset: Any) -> Iterator[Any]:
    length = _length(dataset)
    index = 0
    while length is None or index < length:
        try:
            yield dataset[index]
        except IndexError:
            if length is None:
                return
            raise
        index += 1


def _length(batches: Any) -> int | None:
    """Return the number of batches, where the object knows it (`PyDataset` says `num_batches`)."""
    try:
        length = getattr(batches, "num_batches", None)
        return len(batches) if length is None else operator.index(length)
    except (TypeError, NotImplementedError):
        return None


def _call_if_there(obj: Any, name: str) -> None:
    method = getattr(obj, name, None)
    if method is not None:
        method()


def _check_positive(name: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        number = 0 if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = 0
    if number <= 0:
        raise ValueError(f"`{name}` must be a positive integer or None. Received: {value!r}")
    return number


def _warn_out_of_data(taken: int, requested: int) -> None:
    warnings.warn(
        f"Your input ran out of data after {taken} of {requested} steps. Make sure that it "
        "can yield at least `steps` batches.",
        stacklevel=2,
    )
