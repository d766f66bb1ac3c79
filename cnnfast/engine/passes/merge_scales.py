"""Make one scale and shift of several behind each other, as images are rescaled and normalized."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cnnfast._core import ActivationKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import LINEAR, Activate, Affine, Op, UnaryOp
from cnnfast.engine.passes.rewrite import merge_into_producer


def merge_scales(graph: Graph) -> Graph:
    """Scale by numbers or channels, Affine -> Affine: ``x * (s * scale) + (t * scale + shift)``.

    The products are taken in float64 and rounded once.
    """
    return merge_into_producer(graph, _merge)


def _merge(first: Op, second: UnaryOp) -> Op | None:
    if not isinstance(second, Affine):
        return None
    outer = second.scale.astype(np.float64)
    if isinstance(first, Affine) and first.activation == LINEAR:
        scale, shift = first.scale * outer, first.shift * outer
    elif isinstance(first, Activate) and first.activation.kind is ActivationKind.SCALE:
        scale, shift = first.activation.alpha * outer, first.activation.beta * outer
    else:
        return None
    return replace(
        second,
        x=first.x,
        scale=scale.astype(np.float32),
        shift=(shift + second.shift).astype(np.float32),
    )
