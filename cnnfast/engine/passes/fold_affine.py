"""Fold a scale and shift into the convolution before it."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.late import late
from cnnfast.engine.ops import LINEAR, Affine, Conv2D, DepthwiseConv2D, Op, UnaryOp
from cnnfast.engine.passes.rewrite import merge_into_producer

ConvT = TypeVar("ConvT", Conv2D, DepthwiseConv2D)


def fold_affine(graph: Graph) -> Graph:
    """Convolution, Affine -> convolution, where nothing else reads between them.

    Into the weights where nothing is between: ``(x * k + b) * scale + shift = x * (k * scale) +
    (b * scale + shift)``, the products taken in float64 and rounded once. Behind an activation
    or a residual, into what the convolution does before it stores its output.
    """
    return merge_into_producer(graph, _fold)


def _fold(first: Op, second: UnaryOp) -> Op | None:
    if not isinstance(second, Affine) or second.activation != LINEAR:
        return None
    if isinstance(first, DepthwiseConv2D):
        return _into_weights(first, second) if first.activation == LINEAR else None
    if not isinstance(first, Conv2D) or first.scale is not None:
        return None
    if first.activation == LINEAR and first.residual is None:
        return _into_weights(first, second)
    return replace(first, out=second.out, scale=second.scale, shift=second.shift)


def _into_weights(first: ConvT, second: Affine) -> ConvT:
    scale = second.scale.astype(np.float64)
    bias = 0.0 if first.bias is None else first.bias.astype(np.float64)
    factors = scale.reshape(_output_axes(first))
    return replace(
        first,
        out=second.out,
        kernel=late(first.kernel).scaled(factors),
        bias=np.ascontiguousarray(bias * scale + second.shift, np.float32),
    )


def _output_axes(op: Conv2D | DepthwiseConv2D) -> tuple[int, ...]:
    """Return the shape of the kernel's last axes that together count the output channels."""
    return op.kernel.shape[2 if isinstance(op, DepthwiseConv2D) else 3 :]
