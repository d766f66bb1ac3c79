"""Arrays of NumPy from what other libraries have, none of which is imported for it.

Numbers of fewer bits than NumPy's own, those of `ml_dtypes` such as bfloat16, are widened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

# What NumPy, or this module, makes an array of.
_INTERFACES = ("__array__", "__array_interface__", "__array_struct__", "__dlpack__")
_TEXTS = (str, bytes, bytearray)


def widened(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return numbers of a foreign dtype in float32, where that holds each of them exactly.

    NumPy counts such dtypes among those without numbers; other arrays come out as they are.
    """
    if array.dtype.kind == "V" and np.can_cast(array.dtype, np.float32):
        return array.astype(np.float32)
    return array


def is_array(values: Any) -> bool:
    """Whether `values` is an array of some library, or memory that is shown as one."""
    if isinstance(values, np.ndarray) or any(hasattr(values, name) for name in _INTERFACES):
        return True
    return not isinstance(values, _TEXTS) and _has_buffer(values)


def as_array(values: Any) -> npt.NDArray[Any]:
    """Return `values` as an array, that of another library without a copy where that is possible.

    Narrow floats such as bfloat16 become float32.

    Parameters
    ----------
    values
        What NumPy takes; a tensor of torch, also one that is being trained or elsewhere than in
        the memory of the processor; what speaks DLPack.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        If it is no array, in the words of NumPy or of the other library.
    """
    if type(values) is np.ndarray:
        return widened(values)
    if hasattr(values, "detach") and hasattr(values, "requires_grad"):
        values = _of_torch(values)
    elif hasattr(values, "__dlpack__") and not hasattr(values, "__array__"):
        try:
            values = np.from_dlpack(values)
        except BufferError as error:  # it is in the memory of a GPU
            raise ValueError(str(error)) from error
    return widened(np.asarray(values))


def _of_torch(tensor: Any) -> Any:
    tensor = tensor.detach().cpu()
    # NumPy has no such numbers.
    return tensor.float() if str(tensor.dtype).endswith("bfloat16") else tensor


def _has_buffer(values: Any) -> bool:
    try:
        memoryview(values).release()
    except TypeError:
        return False
    return True
