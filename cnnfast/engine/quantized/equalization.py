"""Tensors whose channels have scales of their own, which the weights that read them take in.

Where all that reads a tensor are convolutions, a channel may be written larger and its weights made
smaller by as much (Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias
Correction", 2019, section 4.1), so that channels of small numbers have as many bytes as those of
large ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from cnnfast._core import PoolKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import (
    Affine,
    Conv2D,
    DepthwiseConv2D,
    Op,
    Pool2D,
    Remap,
    Reshape,
    Value,
)
from cnnfast.engine.quantized.rules import Rule
from cnnfast.engine.quantized.scheme import Float64Array, Range
from cnnfast.utils.records import record


@record(frozen=True)
class Equalized:
    """How the channels of a value are written.

    Attributes
    ----------
    numbers
        The range of all numbers over the factors of their channels.
    factors
        By channel; positive.
    """

    numbers: Range
    factors: tuple[float, ...]


def equalizable(graph: Graph, rules: Mapping[Op, Rule]) -> dict[Value, list[Value]]:
    """Return the values whose channels may have factors, with those that they become by moving.

    Parameters
    ----------
    graph
        A prepared one.
    rules
        What is done in 8 bits, as `rewrite.chosen` returns it.
    """
    readers: dict[Value, list[Op]] = defaultdict(list)
    for op in graph.ops:
        for value in dict.fromkeys(op.inputs):
            readers[value].append(op)
    found = {}
    for op in graph.ops:
        if op not in rules or not _writes_by_channel(op):
            continue
        moved = _moved(op.out, readers, rules, set(graph.outputs))
        if moved is not None:
            found[op.out] = moved
    return found


def spread(factors: Float64Array, value: Value) -> Float64Array:
    """Return the factors of the last axis of `value`, which holds the channels so many times."""
    channels = int(value.shape[-1])
    return np.tile(factors, channels // len(factors))


def _writes_by_channel(op: Op) -> bool:
    alone = not (isinstance(op, Conv2D) and op.residual is not None)
    return isinstance(op, Conv2D | DepthwiseConv2D | Affine) and alone


def _moved(
    value: Value, readers: Mapping[Value, list[Op]], rules: Mapping[Op, Rule], outputs: set[Value]
) -> list[Value] | None:
    """Return `value` and those that hold the same numbers; None where one is read otherwise."""
    waiting, found = [value], [value]
    while waiting:
        now = waiting.pop()
        if now in outputs or not readers.get(now):
            return None
        for op in readers[now]:
            if op not in rules:
                return None
            if _moves_whole_channels(op, int(value.shape[-1])):
                waiting.append(op.out)
                found.append(op.out)
            elif not _reads_by_channel(op, now):
                return None
    return found


def _moves_whole_channels(op: Op, channels: int) -> bool:
    match op:
        case Pool2D(kind=kind):
            return kind is PoolKind.MAX
        case Remap(indices=indices):
            return indices[-1] is None
        case Reshape(out=out):
            return int(out.shape[-1]) % channels == 0
    return False


def _reads_by_channel(op: Op, value: Value) -> bool:
    if isinstance(op, Conv2D):
        return op.residual is not value and op.x is value
    return isinstance(op, DepthwiseConv2D | Affine)
