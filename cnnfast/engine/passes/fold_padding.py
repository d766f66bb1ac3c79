"""Let a convolution pad what it reads, in place of an operation that copies the image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Conv2D, DepthwiseConv2D, Int32Array, Op, Remap, UnaryOp
from cnnfast.engine.passes.rewrite import merge_into_producer


def fold_padding(graph: Graph) -> Graph:
    """Remap that pads an image with zeros, convolution -> convolution with wider pads."""
    return merge_into_producer(graph, _fold)


def _fold(first: Op, second: UnaryOp) -> Op | None:
    if not isinstance(first, Remap) or not isinstance(second, Conv2D | DepthwiseConv2D):
        return None
    if first.fill != 0.0 or len(first.indices) != 3 or first.indices[2] is not None:
        return None
    rows = _padding(first.indices[0], first.x.shape[0])
    columns = _padding(first.indices[1], first.x.shape[1])
    if rows is None or columns is None:
        return None
    top, bottom, left, right = second.window.pads
    pads = (top + rows[0], bottom + rows[1], left + columns[0], right + columns[1])
    return replace(second, x=first.x, window=replace(second.window, pads=pads))


def _padding(positions: Int32Array | None, size: int) -> tuple[int, int] | None:
    """Return how many are before and behind positions 0 to ``size - 1``; None if not these."""
    if positions is None:
        return 0, 0
    inside = np.flatnonzero(positions >= 0)
    if not np.array_equal(positions[inside], np.arange(size)):
        return None
    before, after = int(inside[0]), len(positions) - 1 - int(inside[-1])
    return (before, after) if before + size + after == len(positions) else None
