"""Numbers of fewer bits than NumPy's own: those of `ml_dtypes`, such as bfloat16."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def widened(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return numbers of a foreign dtype in float32, where that holds each of them exactly.

    NumPy counts such dtypes among those without numbers; other arrays come out as they are.
    """
    if array.dtype.kind == "V" and np.can_cast(array.dtype, np.float32):
        return array.astype(np.float32)
    return array
