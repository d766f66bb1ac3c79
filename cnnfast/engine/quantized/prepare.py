"""The graph as it is measured and rewritten: merged only as sums of integers can be, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import LINEAR, Activate, Affine, Conv2D, DepthwiseConv2D, Op, UnaryOp, Value
from cnnfast.engine.passes.drop_unused import drop_unused
from cnnfast.engine.passes.fold_affine import fold_affine
from cnnfast.engine.passes.fold_padding import fold_padding
from cnnfast.engine.passes.fuse_residual import fuse_residual
from cnnfast.engine.passes.merge_scales import merge_scales
from cnnfast.engine.passes.rewrite import merge_into_producer
from cnnfast.engine.passes.trim_windows import trim_windows
from cnnfast.engine.program import is_cut
from cnnfast.engine.quantized.functions import limits
from cnnfast.errors import UnsupportedError


def split_activations(graph: Graph) -> Graph:
    """Convolution with a function that does more than to clip -> convolution, Activate."""
    ops: list[Op] = []
    for op in graph.ops:
        if isinstance(op, Conv2D | DepthwiseConv2D | Affine) and limits(op.activation) is None:
            between = Value(op.out.shape)
            ops.append(replace(op, out=between, activation=LINEAR))
            ops.append(Activate(between, op.out, op.activation, layers=op.layers))
        else:
            ops.append(op)
    return replace(graph, ops=ops)


def fuse_clipping(graph: Graph) -> Graph:
    """Convolution or Affine, Activate that clips -> one, where nothing else reads between them.

    Other functions stay apart: they read bytes, whose range is that of the sums before.
    """
    return merge_into_producer(graph, _fuse)


def _fuse(first: Op, second: UnaryOp) -> Op | None:
    if not isinstance(second, Activate) or limits(second.activation) is None:
        return None
    if not isinstance(first, Conv2D | DepthwiseConv2D | Affine) or first.activation != LINEAR:
        return None
    return replace(first, out=second.out, activation=second.activation)


PASSES: tuple[Callable[[Graph], Graph], ...] = (
    drop_unused,
    split_activations,
    merge_scales,
    fold_padding,
    trim_windows,
    fold_affine,
    fuse_residual,
    fuse_clipping,
    fold_affine,  # once more: what a limit stood before
)


def prepared(graph: Graph) -> Graph:
    """Return `graph` as it is measured and rewritten.

    Raises
    ------
    UnsupportedError
        If it cannot be computed in 8 bits.
    """
    if is_cut(graph):
        raise UnsupportedError(
            "A network in 8 bits has no NumPy functions of yours between its layers, and no "
            "windows moved into the batch. Received: one that has",
            advice="Quantize the models before and behind them, or run it in float32.",
        )
    if graph.states:
        raise UnsupportedError(
            "A network in 8 bits keeps no states. Received: one with stateful layers",
            advice="Run it in float32.",
        )
    for apply_pass in PASSES:
        graph = apply_pass(graph)
    return graph
