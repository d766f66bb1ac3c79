"""Passes: small pure functions from graph to graph, applied in the order listed here."""

from __future__ import annotations

from collections.abc import Callable

from cnnfast.engine.graph import Graph
from cnnfast.engine.passes.drop_unused import drop_unused
from cnnfast.engine.passes.fold_affine import fold_affine
from cnnfast.engine.passes.fold_padding import fold_padding
from cnnfast.engine.passes.fuse_activation import fuse_activation
from cnnfast.engine.passes.fuse_max_pool import fuse_max_pool
from cnnfast.engine.passes.fuse_residual import fuse_residual
from cnnfast.engine.passes.merge_scales import merge_scales
from cnnfast.engine.passes.trim_windows import trim_windows

PASSES: tuple[Callable[[Graph], Graph], ...] = (
    drop_unused,
    merge_scales,
    fold_padding,
    trim_windows,
    fold_affine,
    fuse_residual,
    fuse_activation,
    fold_affine,  # once more: what an activation stood before
    fuse_max_pool,
)


def optimize(graph: Graph) -> Graph:
    """Return the graph after every pass: the same outputs from less work."""
    for apply_pass in PASSES:
        graph = apply_pass(graph)
    return graph
