"""Operators of what holds numbers: they are computed at once, in float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Float32Array: TypeAlias = "npt.NDArray[np.float32]"


class Arithmetic:
    """The operators of a variable: those of its numbers, computed at once, in float32.

    Beside a symbolic tensor they are left to that.
    """

    # NumPy leaves `array * variable` to the variable.
    __array_priority__ = 1000
    __hash__ = object.__hash__

    def numpy(self) -> Float32Array:
        raise NotImplementedError

    def __add__(self, other: Any) -> Any:
        return _computed(np.add, self, other)

    def __radd__(self, other: Any) -> Any:
        return _computed(np.add, other, self)

    def __sub__(self, other: Any) -> Any:
        return _computed(np.subtract, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _computed(np.subtract, other, self)

    def __mul__(self, other: Any) -> Any:
        return _computed(np.multiply, self, other)

    def __rmul__(self, other: Any) -> Any:
        return _computed(np.multiply, other, self)

    def __truediv__(self, other: Any) -> Any:
        return _computed(np.true_divide, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _computed(np.true_divide, other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _computed(np.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _computed(np.floor_divide, other, self)

    def __mod__(self, other: Any) -> Any:
        return _computed(np.mod, self, other)

    def __rmod__(self, other: Any) -> Any:
        return _computed(np.mod, other, self)

    def __pow__(self, other: Any) -> Any:
        return _computed(np.power, self, other)

    def __rpow__(self, other: Any) -> Any:
        return _computed(np.power, other, self)

    def __matmul__(self, other: Any) -> Any:
        return _computed(np.matmul, self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _computed(np.matmul, other, self)

    def __lt__(self, other: Any) -> Any:
        return _computed(np.less, self, other)

    def __le__(self, other: Any) -> Any:
        return _computed(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Any:
        return _computed(np.greater, self, other)

    def __ge__(self, other: Any) -> Any:
        return _computed(np.greater_equal, self, other)

    def __eq__(self, other: object) -> Any:
        return _computed(np.equal, self, other)

    def __ne__(self, other: object) -> Any:
        return _computed(np.not_equal, self, other)

    def __neg__(self) -> Float32Array:
        return -self.numpy()

    def __pos__(self) -> Float32Array:
        return self.numpy()

    def __abs__(self) -> Float32Array:
        return np.abs(self.numpy())

    def __round__(self, ndigits: int = 0) -> Float32Array:
        return np.round(self.numpy(), ndigits)

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __getitem__(self, key: Any) -> Any:
        return self.numpy()[key]


def _computed(function: Callable[..., Any], *operands: Any) -> Any:
    """Return a function of variables, numbers and arrays, those in float32."""
    numbers: list[Any] = []
    for operand in operands:
        if isinstance(operand, Arithmetic):
            numbers.append(operand.numpy())
            continue
        # A symbolic tensor has its own operators, and says so in NumPy's way.
        if getattr(type(operand), "__array_ufunc__", function) is None:
            return NotImplemented
        array = np.asarray(operand)
        if array.dtype.kind not in "fiub":
            return NotImplemented
        numbers.append(array.astype(np.float32))
    with np.errstate(all="ignore"):  # as of tensors: infinite, or NaN
        return np.asarray(function(*numbers))
