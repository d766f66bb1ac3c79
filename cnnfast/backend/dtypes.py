"""Names of dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfast.symbolic.dtypes import policy
from cnnfast.utils import defaults

_FLOATS = ("bfloat16", "float16", "float32", "float64")
_PYTHON = {bool: "bool", int: "int32", float: "float32"}


def standardize_dtype(dtype: Any) -> str:
    """Return the name of a dtype, that of `floatx` for None.

    Raises
    ------
    ValueError
        If there is no such dtype.

    Examples
    --------
    >>> cnnfast.backend.standardize_dtype(np.uint8)
    'uint8'
    """
    if dtype is None:
        return defaults.floatx()
    if isinstance(dtype, type) and dtype in _PYTHON:
        return _PYTHON[dtype]
    if not isinstance(dtype, str):
        name = getattr(dtype, "name", getattr(dtype, "__name__", None))
        # torch's dtypes have no name
        dtype = name if isinstance(name, str) else str(dtype).removeprefix("torch.")
    dtype = {"int": "int32"}.get(dtype, dtype)
    if dtype != "string":
        try:
            return policy(dtype).compute_dtype
        except ValueError:
            raise ValueError(f"Invalid dtype: {dtype}") from None
    return str(dtype)


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype is of floating numbers.

    Examples
    --------
    >>> cnnfast.backend.is_float_dtype("bfloat16")
    True
    """
    return standardize_dtype(dtype).startswith(("float", "bfloat"))


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype is of integers.

    Examples
    --------
    >>> cnnfast.backend.is_int_dtype("uint8")
    True
    """
    return standardize_dtype(dtype).startswith(("int", "uint"))


def result_type(*dtypes: Any) -> str:
    """Return the dtype that Keras computes in, given those of the operands.

    Examples
    --------
    >>> cnnfast.backend.result_type("int32", "float16")
    'float16'
    """
    names = [standardize_dtype(dtype) for dtype in dtypes]
    if not names:
        return defaults.floatx()
    floats = {name for name in names if name in _FLOATS}
    if floats == {"bfloat16", "float16"}:
        return "float32"
    if floats:
        return max(floats, key=_FLOATS.index)
    joined = np.result_type(*names)
    return defaults.floatx() if joined.kind == "f" else joined.name
