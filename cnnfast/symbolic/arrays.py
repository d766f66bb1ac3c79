"""Arrays made fit for the core: what NumPy takes as numbers, as batches of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.ops import Float32Array, Shape
from cnnfast.utils.narrow import as_array

if TYPE_CHECKING:
    import numpy.typing as npt


_FLOAT32 = np.dtype(np.float32)


def is_ready(x: Any, shape: Shape | None) -> bool:
    """Whether `x` is a batch of images of `shape` that the core takes as it is."""
    if type(x) is not np.ndarray or x.dtype is not _FLOAT32 or x.shape[1:] != shape:
        return False
    flags = x.flags
    return len(x) > 0 and flags.c_contiguous and flags.aligned


def as_batch(x: Any, taker: str) -> Float32Array:
    """Return `x` as `as_numbers` does, C-contiguous and in float32."""
    return np.require(as_numbers(x, taker), np.float32, ["C", "A"])


def as_numbers(x: Any, taker: str) -> npt.NDArray[Any]:
    """Return `x`, anything NumPy takes as numbers, as a batch of its own dtype.

    A list or dict of one array stands for that array.

    Raises
    ------
    ValueError
        If `x` holds no real numbers, several arrays or images without size; the message names
        `taker`.
    """
    if isinstance(x, Mapping):
        x = list(x.values())
    if isinstance(x, list | tuple) and x and all(isinstance(a, np.ndarray) for a in x):
        x = _only(x, taker)
    try:
        array = as_array(x)
    except (ValueError, TypeError, RuntimeError) as error:  # as tensors of other libraries raise
        raise ValueError(
            f"The input of {taker} must be an array of numbers. Received: {type(x)}, of which "
            f"NumPy says: {error}"
        ) from error
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"The input of {taker} must be an array of real numbers. Received: an array of "
            f"dtype {array.dtype} with shape {array.shape}"
        )
    if array.ndim == 0 or 0 in array.shape[1:]:
        raise ValueError(
            f"The input of {taker} must be a batch of images, and no size may be 0 but that of the "
            f"batch. Received: an array with shape {array.shape}"
        )
    return array


def as_batches(arrays: Sequence[Any], taker: str) -> list[Float32Array]:
    """Return each of `arrays` as `as_batch` does; they must agree on the batch.

    Raises
    ------
    ValueError
        If one is no batch, or their numbers of images differ.
    """
    batches = [as_batch(x, taker) for x in arrays]
    if len({len(batch) for batch in batches}) > 1:
        raise ValueError(
            f"The inputs of {taker} must have the same number of images. Received: arrays with "
            f"shapes {[batch.shape for batch in batches]}"
        )
    return batches


def _only(arrays: list[Any] | tuple[Any, ...], taker: str) -> Any:
    """Return the array in a list of one."""
    if len(arrays) == 1:
        return arrays[0]
    raise ValueError(f"The {taker} expects 1 input(s). Received: {len(arrays)} input tensors")
