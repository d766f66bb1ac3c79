"""Weights of small integers, a byte each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnfast.utils.records import record
from cnnfast.variables import Float32Array, Stored, Variable

if TYPE_CHECKING:
    import numpy.typing as npt


@record(frozen=True, eq=False)
class Bytes:
    """Integers that are read as float32, which holds them exactly; see `Stored`."""

    array: npt.NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.array.shape

    def read(self) -> Float32Array:
        """Return the numbers as float32."""
        return self.array.astype(np.float32)

    def rows(self, first: int, last: int) -> Float32Array:
        """Return rows `first` to ``last - 1`` of the last axis as float32."""
        return self.array.reshape(-1, self.array.shape[-1])[first:last].astype(np.float32)


class IntegerVariable(Variable):
    """A weight of int8 or uint8; `numpy` gives it as Keras does, in that dtype.

    Parameters
    ----------
    shape
        Its shape; the numbers are 0, as Keras has them until it loads others.
    dtype
        ``"int8"`` or ``"uint8"``.
    name, path
        As `Variable` takes them.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, *, name: str, path: str) -> None:
        self._describe(name, False, path)
        self._dtype = dtype
        self._shape = shape
        self._stored = Bytes(np.broadcast_to(np.zeros((), dtype), shape))  # which takes no memory

    @property
    def dtype(self) -> str:
        """``"int8"`` or ``"uint8"``."""
        return self._dtype

    @property
    def itemsize(self) -> int:
        return 1

    @property
    def storage(self) -> Literal["own", "file", "deferred"]:
        stored = self._stored
        drawn = isinstance(stored, Bytes) and stored.array.flags.c_contiguous
        return "own" if drawn else "deferred"

    def numpy(self) -> Any:
        """Return the integers, read-only."""
        numbers = self.numbers()
        return numbers.array if isinstance(numbers, Bytes) else numbers

    def converted(self, value: npt.ArrayLike) -> Stored:
        """Return a copy of `value`.

        Raises
        ------
        ValueError
            If it has numbers that the dtype has not.
        """
        given = np.asarray(value)
        with np.errstate(invalid="ignore"):
            array = np.array(given, dtype=self._dtype, order="C")
        if not np.array_equal(array, given):
            info = np.iinfo(self._dtype)
            raise ValueError(
                f"Weight {self.path} must hold whole numbers from {info.min} to {info.max}. "
                f"Received: dtype {given.dtype} with other numbers"
            )
        return Bytes(_frozen(array))

    def set_loaded(self, array: npt.NDArray[Any] | np.generic | Stored) -> None:
        self._check_shape(array.shape)
        kept = array if isinstance(array, Bytes) else self.converted(np.asarray(array))
        self._replace(None, kept)


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array
