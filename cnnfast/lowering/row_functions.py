"""Functions of a whole row of numbers, the last axis, in terms of operations."""

from __future__ import annotations

import math

import numpy as np

from cnnfast._core import ActivationKind, BinaryKind, ReductionKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Value
from cnnfast.lowering import append


def softmax(graph: Graph, x: Value) -> Value:
    """``exp(x) / sum(exp(x))``."""
    return append.softmax(graph, x, [len(x.shape) - 1])


def log_softmax(graph: Graph, x: Value) -> Value:
    """``x - log(sum(exp(x)))``, with the maximum taken off first so that nothing overflows."""
    below = append.binary(graph, x, _reduce(graph, x, ReductionKind.MAX), BinaryKind.SUBTRACT)
    powers = append.activate(graph, below, [Activation(ActivationKind.EXP)])
    total = _reduce(graph, powers, ReductionKind.SUM)
    log = append.activate(graph, total, [Activation(ActivationKind.LOG)])
    return append.binary(graph, below, log, BinaryKind.SUBTRACT)


def sparsemax(graph: Graph, x: Value) -> Value:
    """Compute ``max(x - tau, 0)`` as Keras does, which is not quite sparsemax.

    Without sorting: i belongs to the support if the numbers above x[i] exceed it by less than 1
    in sum (Martins and Astudillo, 2016, equation 5). There, tau is ``(sum of the support - 1) /
    size of the support``; Keras up to 3.15 adds up the running sums of the sorted support in
    its place, in which a number counts once for itself and once for each that comes after it.
    """
    size = x.shape[-1]
    rows = math.prod(x.shape[:-1])
    row = append.reshape(graph, x, (rows, size))
    differences = append.binary(
        graph,
        append.reshape(graph, x, (rows, 1, size)),
        append.reshape(graph, x, (rows, size, 1)),
        BinaryKind.SUBTRACT,
    )
    above = append.activate(graph, differences, [Activation(ActivationKind.RELU)])
    excess = append.reshape(graph, _reduce(graph, above, ReductionKind.SUM), row.shape)
    # 1 where the excess is below 1, else 0.
    steps = [
        Activation(ActivationKind.SCALE, -1.0, 1.0),
        Activation(ActivationKind.RELU),
        Activation(ActivationKind.SIGN),
    ]
    inside = append.activate(graph, excess, steps)
    count = _reduce(graph, inside, ReductionKind.SUM)
    weights = append.binary(graph, count, _ranks(graph, differences, row), BinaryKind.SUBTRACT)
    kept = append.binary(graph, row, inside, BinaryKind.MULTIPLY)
    kept = append.binary(graph, kept, weights, BinaryKind.MULTIPLY)
    surplus = append.activate(
        graph,
        _reduce(graph, kept, ReductionKind.SUM),
        [Activation(ActivationKind.SCALE, 1.0, -1.0)],
    )
    tau = append.binary(graph, surplus, count, BinaryKind.DIVIDE)
    y = append.binary(graph, row, tau, BinaryKind.SUBTRACT)
    y = append.activate(graph, y, [Activation(ActivationKind.RELU)])
    return append.reshape(graph, y, x.shape)


def _ranks(graph: Graph, differences: Value, row: Value) -> Value:
    """Return how many numbers of the row are above each, of equal ones half."""
    signs = append.activate(graph, differences, [Activation(ActivationKind.SIGN)])
    balance = append.reshape(graph, _reduce(graph, signs, ReductionKind.SUM), row.shape)
    half = (row.shape[-1] - 1) / 2
    return append.activate(graph, balance, [Activation(ActivationKind.SCALE, 0.5, half)])


def glu(graph: Graph, x: Value) -> Value:
    """Multiply the first half of the last axis by the sigmoid of the second.

    Raises
    ------
    ValueError
        If the axis has an odd size.
    """
    size = x.shape[-1]
    if size % 2:
        raise ValueError(f"glu needs a last axis of an even size. Received: shape {x.shape}")
    last = len(x.shape) - 1
    positions = np.arange(size, dtype=np.int32)
    values = append.remap(graph, x, {last: positions[: size // 2]})
    gates = append.remap(graph, x, {last: positions[size // 2 :]})
    gates = append.activate(graph, gates, [Activation(ActivationKind.SIGMOID)])
    return append.binary(graph, values, gates, BinaryKind.MULTIPLY)


def _reduce(graph: Graph, x: Value, kind: ReductionKind) -> Value:
    """Reduce the last axis to size 1."""
    return append.reduce(graph, x, kind, [len(x.shape) - 1])
