"""Calls whose `call` computes with sizes that are not known while a model is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.symbolic.tensor import KerasTensor, alike, symbolic
from cnnfast.symbolic.tracing import Trace
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.layers.own.traced import Traced

# Many windows, strides and halvings divide both. What differs between the two is open.
_SIZES = (96, 160)


def drawn(layer: Traced, args: Any, kwargs: Any) -> tuple[Any, Trace]:
    """Return what a call returns, and a graph of it.

    As Keras does, sizes are tried where `call` cannot go on without: ``height * 2`` of None. The
    graph that runs is drawn later, when they are known.
    """
    try:
        trace = layer._confirmed(args, kwargs)
    except Exception as first:
        if all(None not in tensor.shape[1:] for tensor in symbolic((args, kwargs))):
            raise
        return _tried(layer, args, kwargs, first)
    return tree.map_present(alike, trace.outputs), trace


def _tried(layer: Traced, args: Any, kwargs: Any, first: Exception) -> tuple[Any, Trace]:
    """Do so for two sizes; raise `first`, which says more, where that fails, too."""
    try:
        traces = [layer._confirmed(*_sized(size, args, kwargs)) for size in _SIZES]
    except Exception:
        raise first from None
    one, other = (tree.flatten(trace.outputs) for trace in traces)
    common = [None if a is None else _common(a, b) for a, b in zip(one, other, strict=True)]
    return tree.pack(traces[0].outputs, common), traces[0]


def _sized(size: int, args: Any, kwargs: Any) -> Any:
    def sized(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        first, *behind = leaf.shape
        return alike(leaf, (first, *(size if known is None else known for known in behind)))

    return tree.map_structure(sized, (args, kwargs))


def _common(one: KerasTensor, other: KerasTensor) -> KerasTensor:
    if len(one.shape) != len(other.shape):
        raise ValueError(
            "`call` must return tensors whose number of axes is the same for all sizes. Received: "
            f"shapes {one.shape} and {other.shape}"
        )
    shape = zip(one.shape, other.shape, strict=True)
    return alike(one, tuple(left if left == right else None for left, right in shape))
