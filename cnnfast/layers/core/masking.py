"""Sequences in which steps of one number do not count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import BinaryKind, ReductionKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import array_arguments
from cnnfast.symbolic.registry import OPERATIONS

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.typing import LayerOptions


class Masking(Layer):
    """Steps whose features are all `mask_value` do not count in later layers, and become 0.

    Takes and returns (batch, steps, ..., features); the mask is (batch, steps, ...).

    Parameters
    ----------
    mask_value
        What the features of a step that does not count are: a number, or one for each feature.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `mask_value` is no number and no array of numbers.

    Examples
    --------
    >>> layer = cnnfast.layers.Masking()
    >>> layer(np.array([[[1.0, 0.0], [0.0, 0.0]]]))._keras_mask
    array([[ True, False]])
    """

    passes_masks = True
    built_without_weights = True
    _apart = True

    def __init__(self, mask_value: npt.ArrayLike = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.mask_value = array_arguments.decode(mask_value, "mask_value")
        array_arguments.numeric(self.mask_value, "mask_value")

    @property
    def makes_mask(self) -> bool:
        return True

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return input_shape

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        counts = OPERATIONS["NotEqual"]()(inputs, self.mask_value)
        return OPERATIONS["Any"](axis=-1)(counts)

    def lower(self, graph: Graph, x: Value) -> Value:
        numbers = np.asarray(self.mask_value, np.float32)
        other = append.constant(graph, numbers.reshape((1,) * (len(x.shape) - 1) + (-1,)))
        unlike = append.binary(graph, x, other, BinaryKind.NOT_EQUAL)
        counts = append.reduce(graph, unlike, ReductionKind.MAX, [len(x.shape) - 1])
        if not numbers.any():
            y = append.renewed(graph, x)  # what does not count is 0 already
        else:
            y = append.binary(graph, x, counts, BinaryKind.KEEP)
        graph.masks[y] = append.reshape(graph, counts, x.shape[:-1])
        return y

    def _config(self) -> dict[str, Any]:
        return {"mask_value": array_arguments.encode(self.mask_value)}
