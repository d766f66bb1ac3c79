"""Let a convolution store the maximum over 2 x 2 pixels only."""

from __future__ import annotations

from dataclasses import replace

from cnnfast._core import PoolKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Conv2D, Op, Pool2D, UnaryOp, Window
from cnnfast.engine.passes.rewrite import merge_into_producer

_HALVING = Window((2, 2), strides=(2, 2))


def fuse_max_pool(graph: Graph) -> Graph:
    """Conv2D, Pool2D MAX -> Conv2D, where windows of 2 x 2 pixels neither overlap nor need padding.

    Comes after the passes that add to a convolution's output: they act before the maximum.
    """
    return merge_into_producer(graph, _fuse)


def _fuse(first: Op, second: UnaryOp) -> Op | None:
    if not isinstance(first, Conv2D) or first.max_pool or first.residual is not None:
        return None
    if not isinstance(second, Pool2D) or second.kind is not PoolKind.MAX:
        return None
    return replace(first, out=second.out, max_pool=True) if second.window == _HALVING else None
