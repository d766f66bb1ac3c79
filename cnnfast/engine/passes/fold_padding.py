"""Let an operation pad what it reads, in place of one that copies the image."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from cnnfast._core import ActivationKind, PoolKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import (
    Activate,
    Affine,
    Conv2D,
    DepthwiseConv2D,
    Op,
    Pool2D,
    Remap,
    UnaryOp,
    Value,
    Window,
)
from cnnfast.engine.passes.rewrite import merge_into_producer
from cnnfast.engine.positions import Positions, Span

_NEVER_NEGATIVE = {ActivationKind.RELU, ActivationKind.CLIPPED_RELU, ActivationKind.SIGMOID}


def fold_padding(graph: Graph) -> Graph:
    """Remap that pads an image with zeros, convolution -> convolution with wider pads.

    Maxima too, of what is never negative: with zeros or without them they are the same.
    """
    never_negative = {op.out for op in graph.ops if _is_never_negative(op)}
    return merge_into_producer(graph, partial(_fold, never_negative))


def _fold(never_negative: set[Value], first: Op, second: UnaryOp) -> Op | None:
    if not isinstance(first, Remap) or not isinstance(second, Conv2D | DepthwiseConv2D | Pool2D):
        return None
    added = _zeros_around(first)
    if added is None:
        return None
    top, bottom, left, right = (
        pad + more for pad, more in zip(second.window.pads, added, strict=True)
    )
    window = replace(second.window, pads=(top, bottom, left, right))
    if isinstance(second, Pool2D) and not (
        second.kind is PoolKind.MAX and first.x in never_negative and _always_meets_image(window)
    ):
        return None
    return replace(second, x=first.x, window=window)


def _is_never_negative(op: Op) -> bool:
    if not isinstance(op, Activate | Affine | Conv2D | DepthwiseConv2D):
        return False
    scaled = isinstance(op, Conv2D) and op.scale is not None
    return op.activation.kind in _NEVER_NEGATIVE and not scaled


def _always_meets_image(window: Window) -> bool:
    """Whether no window lies in the padding alone."""
    (height, width), (top, bottom, left, right) = window.size, window.pads
    return window.dilation == (1, 1) and max(top, bottom) < height and max(left, right) < width


def _zeros_around(op: Remap) -> tuple[int, int, int, int] | None:
    """Rows and columns of zeros added (top, bottom, left, right); None if it does anything else."""
    if op.fill != 0.0 or len(op.indices) != 3 or op.indices[2] is not None:
        return None
    rows, columns = _padding(op.indices[0]), _padding(op.indices[1])
    return None if rows is None or columns is None else (*rows, *columns)


def _padding(positions: Positions | None) -> tuple[int, int] | None:
    """Return how many are before and behind all positions of an axis; None if not all are taken."""
    if positions is None:
        return 0, 0
    if not isinstance(positions, Span):
        return None
    before, after = -positions.first, positions.first + positions.count - positions.inputs
    return (before, after) if before >= 0 and after >= 0 else None
