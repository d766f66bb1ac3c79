"""What models do to inputs that almost fit, as Keras does."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfast.engine.ops import BatchShape, Float32Array
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils.narrow import as_array


def is_integer(expected: KerasTensor) -> bool:
    """Whether the model declares whole numbers for this input."""
    return "int" in expected.dtype or expected.dtype == "bool"


def cast(x: Any, expected: KerasTensor) -> Any:
    """Convert what the user passes to the dtype declared, if that is one of whole numbers.

    As in Keras, floats lose their fraction and stop at the limits of the dtype; integers wrap.
    """
    if not is_integer(expected):
        return x
    array = as_array(x)
    if array.dtype.kind == "f" and expected.dtype != "bool":
        limits = np.iinfo(expected.dtype)
        # The limits of wide dtypes are no floats: the nearest ones inside.
        array = np.clip(array, np.float32(limits.min), _below(limits.max))
    return array.astype(expected.dtype)


def _below(limit: int) -> np.float32:
    number = np.float32(limit)
    return number if int(number) <= limit else np.nextafter(number, np.float32(0))


def adjust(model: str, expected: KerasTensor, x: Float32Array) -> Float32Array:
    """Add or drop a last axis of size 1 where the rank is one off; check the shape.

    Raises
    ------
    ValueError
        If `x` does not fit.
    """
    x = fit(x, expected.shape)
    check(model, expected, x.shape)
    return x


def fit(x: Float32Array, shape: BatchShape) -> Float32Array:
    """Add or drop a last axis of size 1, as Keras does, where the rank is one off from `shape`."""
    if x.ndim == len(shape) + 1 and x.shape[-1] == 1:
        return x[..., 0]
    return x[..., None] if x.ndim == len(shape) - 1 and shape[-1] == 1 else x


def check(model: str, expected: KerasTensor, shape: BatchShape) -> None:
    """Raise ValueError if `shape`, batch included, does not fit the input `expected`."""
    fits = len(shape) == expected.ndim and all(
        size is None or own is None or size == own
        for size, own in zip(shape[1:], expected.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"Invalid input shape for input '{expected.name}' of model '{model}': expected "
            f"shape={expected.shape}, found shape={shape}. Received: input with shape {shape}"
        )
