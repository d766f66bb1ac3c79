"""Let an operation apply the activation behind it while its output is in registers."""

from __future__ import annotations

from dataclasses import replace

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import LINEAR, Activate, Affine, Conv2D, DepthwiseConv2D, Op, UnaryOp
from cnnfast.engine.passes.rewrite import merge_into_producer


def fuse_activation(graph: Graph) -> Graph:
    """Convolution or Affine, Activate -> one, where nothing else reads between them."""
    return merge_into_producer(graph, _fuse)


def _fuse(first: Op, second: UnaryOp) -> Op | None:
    if not isinstance(second, Activate) or not isinstance(first, Conv2D | DepthwiseConv2D | Affine):
        return None
    if first.activation != LINEAR or (isinstance(first, Conv2D) and first.scale is not None):
        return None
    return replace(first, out=second.out, activation=second.activation)
