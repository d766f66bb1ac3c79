"""Data sets that give batches by number."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any


class PyDataset:
    """Base class of data sets: a subclass gives ``__len__`` and ``__getitem__``.

    Batches are taken one after the other, in order, in the thread that predicts.

    Parameters
    ----------
    workers, use_multiprocessing, max_queue_size
        Kept for Keras' sake.

    Examples
    --------
    >>> class Halves(cnnfast.utils.PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...
    ...     def __getitem__(self, index):
    ...         return np.full((4, 3), index)
    >>> model = cnnfast.Sequential([cnnfast.Input((3,)), cnnfast.layers.Dense(2)])
    >>> model.predict(Halves(), verbose=0).shape
    (8, 2)
    """

    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Return the batch with this number."""
        raise NotImplementedError(f"{type(self).__name__} must implement `__getitem__(index)`.")

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches in order."""
        try:
            count = self.num_batches
        except NotImplementedError:
            count = None
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None for without end."""
        length = getattr(self, "__len__", None)
        if length is None:
            raise NotImplementedError(
                "You need to implement the `num_batches` property:\n\n"
                "@property\ndef num_batches(self):\n  return ..."
            )
        return int(length())

    def on_epoch_begin(self) -> None:
        """Run before the first batch."""

    def on_epoch_end(self) -> None:
        """Run after the last batch."""


Sequence = PyDataset
