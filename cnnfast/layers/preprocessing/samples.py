"""Layers of preprocessing called on one image or sample, without a batch around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfast.layers.base.layer import Layer
from cnnfast.symbolic.tensor import KerasTensor


class TakesOne(Layer):
    """A layer that also takes one array of a batch, and returns what it makes of it.

    Only in calls on arrays: a symbolic tensor stands for a batch.
    """

    def _is_one(self, rank: int) -> bool:
        """Whether an array with so many axes is one of a batch."""
        return rank + 1 == self.input_spec.ndim

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        rank = rank_of_array(args[0]) if args else None
        if rank is None or not self._is_one(rank):
            return super().__call__(*args, **kwargs)
        outputs = super().__call__(*(_of_one(x) for x in args), **_all_of_one(kwargs))
        return outputs[0]


def rank_of_array(x: Any) -> int | None:
    """Return how many axes an array has; None for a symbolic tensor, or what else there is."""
    is_array = hasattr(x, "__array__") and not isinstance(x, KerasTensor)
    return getattr(x, "ndim", None) if is_array else None


def _of_one(x: Any) -> Any:
    return np.asarray(x)[np.newaxis] if hasattr(x, "__array__") else x


def _all_of_one(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: _of_one(x) for name, x in kwargs.items()}
