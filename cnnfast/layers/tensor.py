"""Tensors: the symbolic one that `Input` returns, and arrays made fit for the core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.ops import Float32Array
from cnnfast.layers.arguments import BatchShape

if TYPE_CHECKING:
    from cnnfast.layers.layer import Layer


@dataclass(frozen=True, eq=False)
class KerasTensor:
    """A tensor without numbers: shape (batch included) and dtype, made by `producer`."""

    shape: BatchShape
    dtype: str
    name: str
    producer: Layer

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def as_batch(x: Any, taker: str) -> Float32Array:
    """Return `x`, anything NumPy takes as numbers, as a C-contiguous float32 batch.

    A list or dict of one array stands for that array.

    Raises
    ------
    ValueError
        If `x` holds no numbers, several arrays or no image; the message names `taker`.
    """
    if isinstance(x, Mapping):
        x = list(x.values())
    if isinstance(x, list | tuple) and x and all(isinstance(a, np.ndarray) for a in x):
        x = _only(x, taker)
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"The input of {taker} must be an array of numbers. Received: {type(x)}, of which "
            f"NumPy says: {error}"
        ) from error
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"The input of {taker} must be an array of real numbers. Received: an array of "
            f"dtype {array.dtype} with shape {array.shape}"
        )
    if array.ndim == 0 or array.size == 0:
        raise ValueError(
            f"The input of {taker} must be a batch of at least one image, and no size may be "
            f"0. Received: an array with shape {array.shape}"
        )
    return np.require(array, np.float32, ["C", "A"])


def _only(arrays: list[Any] | tuple[Any, ...], taker: str) -> Any:
    """Return the array in a list of one."""
    if len(arrays) == 1:
        return arrays[0]
    raise ValueError(f"The {taker} expects 1 input(s). Received: {len(arrays)} input tensors")
