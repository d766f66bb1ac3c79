"""What a layer demands of its input's shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from cnnfast.engine.ops import BatchShape
from cnnfast.utils.records import record


@record(frozen=True)
class InputSpec:
    """Rank and sizes, batch included; None stands for any.

    `axes` gives the size that an axis must have.
    """

    ndim: int | None = None
    min_ndim: int | None = None
    axes: Mapping[int, int | None] = field(default_factory=dict)

    def check(self, shape: BatchShape, layer_name: str) -> None:
        """Raise ValueError, naming the layer, if `shape` does not fit."""
        rule = None
        if self.ndim is not None and len(shape) != self.ndim:
            rule = f"expected ndim={self.ndim}, found ndim={len(shape)}"
        elif self.min_ndim is not None and len(shape) < self.min_ndim:
            rule = f"expected min_ndim={self.min_ndim}, found ndim={len(shape)}"
        else:
            for axis, size in self.axes.items():
                if size is not None and shape[axis] not in (size, None):
                    rule = f"expected axis {axis} of input shape to have value {size}"
        if rule is not None:
            raise ValueError(
                f"Input 0 of layer '{layer_name}' is incompatible with the layer: {rule}. "
                f"Received: input with shape {shape}"
            )
