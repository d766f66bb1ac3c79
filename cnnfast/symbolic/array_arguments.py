"""Arguments that are arrays, in the forms in which users and files state them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.variables import Variable

if TYPE_CHECKING:
    import numpy.typing as npt

_DTYPES = ("float16", "float32", "float64", "uint8", "int32", "int64")


def decode(value: Any, name: str) -> Any:
    """Return a number, list or array of a config as it was before it was written.

    Lists come out as tuples and arrays as copies, neither of which can be written to.

    Keras 3 writes arrays as ``{"class_name": "__numpy__", "config": {"value", "dtype"}}``
    (``__tensor__`` for tensors), Keras 2 as ``{"type": "ndarray", "value"}``.
    """
    if not isinstance(value, Mapping):
        return settled(value)
    inner = value.get("config") if "class_name" in value else value
    if value.get("class_name") in ("__numpy__", "__tensor__", None) and isinstance(inner, Mapping):
        numbers, dtype = inner.get("value"), inner.get("dtype")
        if isinstance(numbers, int | float):
            return numbers
        return settled(numeric(numbers, name).astype(dtype if dtype in _DTYPES else np.float64))
    raise ValueError(f"Argument `{name}` must be a number or an array. Received: {dict(value)}")


def settled(value: Any) -> Any:
    """Return `value` as what cannot be written to, if it is a list or an array of whatever kind.

    Plans would not notice. Only variables count their changes.
    """
    if isinstance(value, list | tuple):
        return tuple(settled(item) for item in value)
    if hasattr(value, "__array__") and not isinstance(value, np.generic | Variable):
        return read_only(np.asarray(value))
    return value


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a copy that cannot be written to."""
    copy = array.copy()
    copy.flags.writeable = False
    return copy


def encode(value: Any) -> Any:
    """Return `value` as Keras 3 writes it into a config."""
    if isinstance(value, tuple):
        return [encode(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        if value.ndim == 0:
            return value.item()
        config = {"value": value.tolist(), "dtype": str(value.dtype)}
        return {"class_name": "__numpy__", "config": config}
    return value


def numeric(value: Any, name: str) -> npt.NDArray[np.float64]:
    """Return a number or nested lists of numbers as an array.

    Raises
    ------
    ValueError
        If `value` holds something else.
    """
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Argument `{name}` must be a number or an array of numbers. Received: {value!r}"
        ) from error
