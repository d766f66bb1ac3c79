"""Sequences of different lengths as arrays, and windows over long ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.utils.data.batches import Batches

if TYPE_CHECKING:
    import numpy.typing as npt


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: npt.DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> npt.NDArray[Any]:
    """Return sequences as one array.

    Parameters
    ----------
    sequences
        Lists of numbers, of any lengths.
    maxlen
        Length of all; that of the longest where None.
    dtype
        Of the array.
    padding, truncating
        ``"pre"`` or ``"post"``: where short ones are filled and long ones cut.
    value
        What they are filled with.

    Returns
    -------
    numpy.ndarray
        Of shape ``(sequences, maxlen)``.

    Raises
    ------
    ValueError
        If an argument is illegal, or a sequence is none.

    Examples
    --------
    >>> cnnfast.utils.pad_sequences([[1], [2, 3]])
    array([[0, 1],
           [2, 3]], dtype=int32)
    """
    for name, side in (("Padding", padding), ("Truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f'{name} type "{side}" not understood')
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"`sequences` must be iterable. Received: {sequences!r}")
    for item in sequences:
        if not hasattr(item, "__len__"):
            raise ValueError(f"`sequences` must be a list of iterables. Found non-iterable: {item}")
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OUS":
        raise ValueError(
            f"`dtype` {dtype} is not compatible with `value`'s type: {type(value)}\nYou should set "
            "`dtype=object` for variable length strings."
        )
    length = max(map(len, sequences), default=0) if maxlen is None else maxlen
    shape = next((np.asarray(item).shape[1:] for item in sequences if len(item)), ())
    padded = np.full((len(sequences), length, *shape), value, dtype=kind)
    for row, item in zip(padded, sequences, strict=True):
        if not len(item):
            continue
        kept = item[-length:] if truncating == "pre" else item[:length]
        numbers = np.asarray(kept, dtype=kind)
        if numbers.shape[1:] != shape:
            raise ValueError(
                f"Shape of sample {numbers.shape[1:]} is different from expected shape {shape}"
            )
        if padding == "pre":
            row[length - len(numbers) :] = numbers
        else:
            row[: len(numbers)] = numbers
    return padded


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "numpy",
) -> Batches:
    """Return windows over a long sequence.

    Parameters
    ----------
    data
        Time first.
    targets
        What belongs to the window that begins at each time; None for none.
    sequence_length
        Times in a window.
    sequence_stride, sampling_rate
        Times from one window to the next, and from one time in it to the next.
    batch_size
        Windows in a batch; None for single windows.
    shuffle, seed
        Whether windows come in random order.
    start_index, end_index
        The part of `data` to take.
    format
        Kept for Keras' sake: the batches are arrays.

    Returns
    -------
    Batches
        Of ``windows``, or ``(windows, targets)``.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> made = cnnfast.utils.timeseries_dataset_from_array(np.arange(5), None, 3)
    >>> next(iter(made))
    array([[0, 1, 2],
           [1, 2, 3],
           [2, 3, 4]])
    """
    series = np.asarray(data)
    _check_windows(len(series), sequence_stride, sampling_rate, start_index, end_index)
    first, last = start_index or 0, len(series) if end_index is None else end_index
    count = last - first - (sequence_length - 1) * sampling_rate
    labels = None if targets is None else np.asarray(targets)[first:]
    if labels is not None:
        count = min(count, len(labels))
    starts = np.arange(0, count, sequence_stride)
    if shuffle:
        np.random.RandomState(seed).shuffle(starts)
    part = series[first:last]
    inside = np.arange(sequence_length) * sampling_rate
    size = batch_size or 1

    def make() -> Iterator[Any]:
        for begin in range(0, len(starts), size):
            chosen = starts[begin : begin + size]
            windows = part[chosen[:, None] + inside]
            found = windows if labels is None else (windows, labels[chosen])
            if batch_size is not None:
                yield found
            else:
                yield found[0] if labels is None else (found[0][0], found[1][0])

    return Batches(make, -(-len(starts) // size))


def _check_windows(
    length: int, stride: int, rate: int, start_index: int | None, end_index: int | None
) -> None:
    for name, value in (("sampling_rate", rate), ("sequence_stride", stride)):
        if not 0 < value < length:
            raise ValueError(
                f"`{name}` must be higher than 0 and lower than the length of the data. Received: "
                f"{name}={value}, for data of length {length}"
            )
    if start_index is not None and not 0 <= start_index < length:
        raise ValueError(
            "`start_index` must be 0 or greater and lower than the length of the data. Received: "
            f"start_index={start_index}, for data of length {length}"
        )
    if end_index is not None and not (start_index or 0) < end_index < length:
        raise ValueError(
            "`end_index` must be higher than `start_index` and lower than the length of the data. "
            f"Received: start_index={start_index}, end_index={end_index}, for data of length "
            f"{length}"
        )
