"""Arguments of calls in the form of Keras 3: constants, slices and tensors as JSON objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.variables import Variable

# Of a constant; a bfloat16 has no NumPy type, but its numbers are float32 as well.
_DTYPES = {
    name: name
    for name in (
        *("bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64"),
    )
} | {"bfloat16": "float32"}


def read(value: Any, tensor: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Return what `value` stands for; `tensor` makes that of a tensor's config.

    Raises
    ------
    UnsupportedError
        If it is an object of another kind.
    ValueError
        If a constant is damaged.
    """
    if isinstance(value, list | tuple):
        return [read(item, tensor) for item in value]
    if not isinstance(value, Mapping):
        return value
    name, config = value.get("class_name"), value.get("config")
    if name is None:
        return {key: read(item, tensor) for key, item in value.items()}
    make = tensor if name == "__keras_tensor__" else _OBJECTS.get(name)
    if make is None or not isinstance(config, Mapping):
        raise UnsupportedError(
            "A call can be given tensors, numbers, slices and strings. Received: an object of "
            f"class {name!r}"
        )
    return make(config)


def _slice(config: Mapping[str, Any]) -> slice:
    start, stop, step = (_bound(config, field) for field in ("start", "stop", "step"))
    return slice(start, stop, step)


def _bound(config: Mapping[str, Any], field: str) -> int | None:
    bound = config.get(field)
    if bound is not None and (isinstance(bound, bool) or not isinstance(bound, int)):
        raise ValueError(f"A slice must have whole numbers as bounds. Received: {dict(config)}")
    return bound


def constant(config: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Return the array of a ``__tensor__`` or ``__numpy__`` config."""
    dtype = config.get("dtype") or "float32"
    try:
        return np.array(config.get("value"), dtype=_DTYPES[dtype])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"A constant must be an array of numbers. Received: dtype={dtype!r:.200}, of which "
            f"NumPy says: {error}"
        ) from error


def _ellipsis(config: Mapping[str, Any]) -> Any:
    return Ellipsis


def _policy_name(config: Mapping[str, Any]) -> Any:
    return config.get("name")


_OBJECTS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "__ellipsis__": _ellipsis,
    "__numpy__": constant,
    "__slice__": _slice,
    "__tensor__": constant,
    "DTypePolicy": _policy_name,
    "FloatDTypePolicy": _policy_name,
}


def write(value: Any, tensor: Callable[[KerasTensor], Any]) -> Any:
    """Return `value` as JSON; `tensor` makes that of a symbolic tensor."""
    if isinstance(value, KerasTensor):
        return tensor(value)
    if isinstance(value, list | tuple):
        return [write(item, tensor) for item in value]
    if isinstance(value, Mapping):
        return {key: write(item, tensor) for key, item in value.items()}
    return _written(value)


def _written(value: Any) -> Any:
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, slice):
        bounds = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": "__slice__", "config": bounds}
    if isinstance(value, Variable):
        value = value.numpy()  # those of now, as the rest of a file
    if isinstance(value, np.ndarray) and value.ndim:
        numbers = {"value": value.tolist(), "dtype": value.dtype.name}
        return {"class_name": "__numpy__", "config": numbers}
    return value.item() if isinstance(value, np.generic | np.ndarray) else value
