"""Batches: data sets that can be walked again and again, and what a batch is made of."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any


class Batches:
    """A data set of batches, with the few methods of `tf.data.Dataset` that predictions need.

    It can be walked any number of times; nothing is read before it is walked.

    Parameters
    ----------
    make
        Called for each walk; returns an iterator.
    length
        How many batches there are; None where only the end tells.

    Attributes
    ----------
    class_names
        Names of the classes, where they come from folders.
    file_paths
        The files, in order, where they come from folders.
    """

    class_names: list[str] | None = None
    file_paths: list[str] | None = None

    def __init__(self, make: Callable[[], Iterator[Any]], length: int | None = None) -> None:
        self._make = make
        self._length = length

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches."""
        return self._make()

    def __len__(self) -> int:
        """Return how many batches there are."""
        if self._length is None:
            raise TypeError("How many batches there are is known at their end only.")
        return self._length

    def cardinality(self) -> int:
        """Return how many batches there are; -2 where that is not known."""
        return -2 if self._length is None else self._length

    def _like(self, make: Callable[[], Iterator[Any]], length: int | None) -> Batches:
        made = Batches(make, length)
        made.class_names, made.file_paths = self.class_names, self.file_paths
        return made

    def map(self, function: Callable[..., Any], **kwargs: Any) -> Batches:
        """Return the data set with `function` applied to each batch; tuples are its arguments."""
        del kwargs  # of how TensorFlow would do it

        def make() -> Iterator[Any]:
            for batch in self._make():
                yield function(*batch) if isinstance(batch, tuple) else function(batch)

        return self._like(make, self._length)

    def take(self, count: int) -> Batches:
        """Return the data set of the first `count` batches."""

        def make() -> Iterator[Any]:
            # Not one more than are asked for is made.
            yield from itertools.islice(self._make(), max(count, 0))

        known = self._length
        return self._like(make, count if known is None else min(count, known))

    def skip(self, count: int) -> Batches:
        """Return the data set without the first `count` batches."""

        def make() -> Iterator[Any]:
            for index, batch in enumerate(self._make()):
                if index >= count:
                    yield batch

        known = self._length
        return self._like(make, None if known is None else max(known - count, 0))

    def unbatch(self) -> Batches:
        """Return the data set of single samples."""

        def make() -> Iterator[Any]:
            for batch in self._make():
                yield from zip(*batch, strict=True) if isinstance(batch, tuple) else batch

        return self._like(make, None)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Yield the batches, which are arrays."""
        return self._make()

    def prefetch(self, *args: Any, **kwargs: Any) -> Batches:
        """Return the data set itself: batches are made when they are asked for."""
        return self

    cache = with_options = prefetch


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Return ``x``, ``(x, y)`` or ``(x, y, sample_weight)``, as many as there are.

    Examples
    --------
    >>> cnnfast.utils.pack_x_y_sample_weight(1, 2)
    (1, 2)
    """
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, list | tuple | dict) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Return ``(x, y, sample_weight)`` of a batch, None for what is not there.

    Raises
    ------
    ValueError
        If it is a tuple of another length.

    Examples
    --------
    >>> cnnfast.utils.unpack_x_y_sample_weight((1, 2))
    (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "Data is expected to be in format `x`, `(x,)`, `(x, y)`, or `(x, y, sample_weight)`. "
            f"Received: a tuple of length {len(data)}"
        )
    return (*data, *(None,) * (3 - len(data)))
