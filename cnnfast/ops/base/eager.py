"""Numbers that are there already: operations on them are computed at once, as arrays of NumPy.

Keras' dtypes: 32 bits where NumPy has 64, and what a Python number adapts to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnfast.symbolic import dtypes
from cnnfast.utils import tree
from cnnfast.utils.narrow import widened
from cnnfast.variables import Variable

_INT32 = np.iinfo(np.int32)


def given(leaf: Any) -> Any:
    """Return an array, or a variable's numbers, in the dtype that Keras has them in; else `leaf`.

    Integers of 64 bits stay where 32 do not hold them.
    """
    if isinstance(leaf, Variable):
        return leaf.numpy()
    if isinstance(leaf, float) or not hasattr(leaf, "__array__"):
        return leaf
    return _narrowed(widened(np.asarray(leaf)))


def numbers(value: Any) -> npt.NDArray[Any]:
    """Return a number, array, variable or nested lists of them as an array of Keras' dtype."""
    return _narrowed(np.asarray(given(value) if not isinstance(value, list | tuple) else value))


def dtype_of(value: Any) -> str:
    """Return the dtype of a tensor, array or variable; ``"int"``, ``"float"`` of plain numbers."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):  # also NumPy's, which is one
        return "float"
    if hasattr(value, "dtype"):
        return str(value.dtype)
    kinds = {np.asarray(leaf).dtype.kind for leaf in tree.flatten(value) if leaf is not None}
    if kinds <= {"b"}:
        return "bool"
    return "float" if "f" in kinds else "int"


def dtype_named(dtype: object) -> str:
    """Return the name of a dtype that is given in any form."""
    return dtypes.policy(dtype).compute_dtype


def promoted(*operands: Any) -> str:
    """Return the dtype of a result: Python numbers adapt to the tensors, as in Keras."""
    return dtypes.joined(*map(dtype_of, operands))


def together(*operands: Any) -> list[npt.NDArray[Any]]:
    """Return operands as arrays of the dtype that Keras computes them in."""
    dtype = promoted(*operands)
    return [np.asarray(operand).astype(dtype, copy=False) for operand in operands]


def floats(x: Any) -> npt.NDArray[Any]:
    """Return numbers as floats: integers as float32."""
    array = np.asarray(x)
    return array if array.dtype.kind in "fc" else array.astype(np.float32)


def at_once(compute: Callable[..., Any], args: Sequence[Any], kwargs: Any) -> Any:
    """Return what `compute` makes of numbers: arrays of Keras' dtypes, in its structure."""
    arguments = tree.map_structure(given, (tuple(args), dict(kwargs)))
    with np.errstate(all="ignore"):  # as of tensors: infinite, or NaN
        result = compute(*arguments[0], **arguments[1])
    return tree.map_structure(lambda leaf: leaf if leaf is None else _result(leaf), result)


def _result(leaf: Any) -> Any:
    """Return an array or number of NumPy's as an array that has 32 bits."""
    if not isinstance(leaf, np.ndarray | np.generic):
        return leaf
    array = np.asarray(leaf)
    return array.astype(dtypes.narrow(array.dtype.name), copy=False)


def _narrowed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.dtype.kind not in "fiu":
        return array
    if array.dtype.kind in "iu" and array.itemsize > _INT32.dtype.itemsize and array.size:
        low, high = array.min(), array.max()
        fits = np.iinfo(dtypes.narrow(array.dtype.name))
        if low < fits.min or high > fits.max:
            return array
    return array.astype(dtypes.narrow(array.dtype.name), copy=False)
