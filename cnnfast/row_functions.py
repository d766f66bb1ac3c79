"""Functions of a whole row of numbers, the last axis, in terms of operations."""

from __future__ import annotations

import math

import numpy as np

from cnnfast import lowering
from cnnfast._core import ActivationKind, BinaryKind, ReductionKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Value


def softmax(graph: Graph, x: Value) -> Value:
    """``exp(x) / sum(exp(x))``."""
    return lowering.softmax(graph, x, [len(x.shape) - 1])


def log_softmax(graph: Graph, x: Value) -> Value:
    """``x - log(sum(exp(x)))``, with the maximum taken off first so that nothing overflows."""
    below = lowering.binary(graph, x, _reduce(graph, x, ReductionKind.MAX), BinaryKind.SUBTRACT)
    powers = lowering.activate(graph, below, [Activation(ActivationKind.EXP)])
    total = _reduce(graph, powers, ReductionKind.SUM)
    log = lowering.activate(graph, total, [Activation(ActivationKind.LOG)])
    return lowering.binary(graph, below, log, BinaryKind.SUBTRACT)


def sparsemax(graph: Graph, x: Value) -> Value:
    """Compute ``max(x - tau, 0)`` as Keras does, which is not quite sparsemax.

    Without sorting: i belongs to the support if the numbers above x[i] exceed it by less than 1
    in sum (Martins and Astudillo, 2016, equation 5). There, tau is ``(sum of the support - 1) /
    size of the support``; Keras up to 3.15 adds up the running sums of the sorted support in
    its place, in which a number counts once for itself and once for each that comes after it.
    """
    size = x.shape[-1]
    rows = math.prod(x.shape[:-1])
    row = lowering.reshape(graph, x, (rows, size))
    differences = lowering.binary(
        graph,
        lowering.reshape(graph, x, (rows, 1, size)),
        lowering.reshape(graph, x, (rows, size, 1)),
        BinaryKind.SUBTRACT,
    )
    above = lowering.activate(graph, differences, [Activation(ActivationKind.RELU)])
    excess = lowering.reshape(graph, _reduce(graph, above, ReductionKind.SUM), row.shape)
    # 1 where the excess is below 1, else 0.
    steps = [
        Activation(ActivationKind.SCALE, -1.0, 1.0),
        Activation(ActivationKind.RELU),
        Activation(ActivationKind.SIGN),
    ]
    inside = lowering.activate(graph, excess, steps)
    count = _reduce(graph, inside, ReductionKind.SUM)
    weights = lowering.binary(graph, count, _ranks(graph, differences, row), BinaryKind.SUBTRACT)
    kept = lowering.binary(graph, row, inside, BinaryKind.MULTIPLY)
    kept = lowering.binary(graph, kept, weights, BinaryKind.MULTIPLY)
    surplus = lowering.activate(
        graph,
        _reduce(graph, kept, ReductionKind.SUM),
        [Activation(ActivationKind.SCALE, 1.0, -1.0)],
    )
    tau = lowering.binary(graph, surplus, count, BinaryKind.DIVIDE)
    y = lowering.binary(graph, row, tau, BinaryKind.SUBTRACT)
    y = lowering.activate(graph, y, [Activation(ActivationKind.RELU)])
    return lowering.reshape(graph, y, x.shape)


def _ranks(graph: Graph, differences: Value, row: Value) -> Value:
    """Return how many numbers of the row are above each, of equal ones half."""
    signs = lowering.activate(graph, differences, [Activation(ActivationKind.SIGN)])
    balance = lowering.reshape(graph, _reduce(graph, signs, ReductionKind.SUM), row.shape)
    half = (row.shape[-1] - 1) / 2
    return lowering.activate(graph, balance, [Activation(ActivationKind.SCALE, 0.5, half)])


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
    values = lowering.remap(graph, x, {last: positions[: size // 2]})
    gates = lowering.remap(graph, x, {last: positions[size // 2 :]})
    gates = lowering.activate(graph, gates, [Activation(ActivationKind.SIGMOID)])
    return lowering.binary(graph, values, gates, BinaryKind.MULTIPLY)


def _reduce(graph: Graph, x: Value, kind: ReductionKind) -> Value:
    """Reduce the last axis to size 1."""
    return lowering.reduce(graph, x, kind, [len(x.shape) - 1])
