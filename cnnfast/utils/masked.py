"""Arrays that carry the mask of a layer, as Keras' tensors do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class MaskedArray(np.ndarray):
    """An array with a mask; what is computed of it by NumPy has none.

    Attributes
    ----------
    _keras_mask
        Which steps count, of dtype bool; None for all. The name is Keras'.
    """

    _keras_mask: npt.NDArray[np.bool_] | None = None


def with_mask(array: npt.NDArray[Any], mask: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    """Return `array` with `mask`, or as it is where that is None."""
    if mask is None:
        return array
    masked = array.view(MaskedArray)
    masked._keras_mask = mask.astype(np.bool_)
    return masked


def mask_of(leaf: Any) -> Any:
    """Return the mask that an array or symbolic tensor carries; None where there is none."""
    return getattr(leaf, "_keras_mask", None)
