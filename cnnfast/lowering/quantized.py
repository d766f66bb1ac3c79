"""Products of inputs that are quantized as they come, as Keras has them.

Of each row of an image: the largest absolute value gives a scale, the row is multiplied by it,
rounded half to even and clipped to int8; the product with integer weights is divided by the scales
of both. No other image takes part.

Integers are float32 here. Products sum 512 numbers at a time (docs/architecture.md), so what they
sum of int8 is exact: at most 512 * 128 * 128, below 2**24. Longer sums are such sums added up in
float32, which rounds where they exceed 2**24. Keras sums in int32 and rounds once, to float32.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cnnfast._core import ActivationKind, BinaryKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Value
from cnnfast.lowering import append
from cnnfast.utils.records import record

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array


@record(frozen=True)
class AbsMax:
    """How a row is quantized: to whole numbers from `low` to `high`."""

    low: float
    high: float
    epsilon: float


def product(
    graph: Graph,
    x: Value,
    axes: Sequence[int],
    inputs: AbsMax | None,
    divisor: Float32Array | None,
    multiply: Callable[[Value], Value],
    aligned: Callable[[Value], Value],
) -> Value:
    """Return the product with quantized weights, whose inputs may be quantized first.

    A product of integers in the core would take the place of what this appends.

    Parameters
    ----------
    axes
        Of `x`, without the batch, that are summed: those of a row.
    inputs
        How rows of `x` are quantized; None for not at all.
    divisor
        Scales of the weights, whose last axes are those of the product; None where they are in the
        weights.
    multiply
        Appends the product with the weights.
    aligned
        Gives the scales of `x`, whose `axes` are 1, the axes of the product.
    """
    if inputs is None:
        scale = None
        y = multiply(x)
    else:
        x, scale = _quantize(graph, x, axes, inputs)
        y = multiply(x)
        scale = aligned(scale)
    if divisor is not None:
        shape = divisor.shape[-len(y.shape) :]  # without the batch, which is 1
        ones = (1,) * (len(y.shape) - len(shape))
        weights = append.constant(graph, divisor.reshape(*ones, *shape))
        scale = (
            weights if scale is None else append.binary(graph, scale, weights, BinaryKind.MULTIPLY)
        )
    return y if scale is None else append.binary(graph, y, scale, BinaryKind.DIVIDE)


def _quantize(graph: Graph, x: Value, axes: Sequence[int], by: AbsMax) -> tuple[Value, Value]:
    """Return whole numbers, and what `x` was multiplied by."""
    absolute = append.activate(graph, x, [Activation(ActivationKind.ABS)])
    largest = append.reduce(graph, absolute, ReductionKind.MAX, axes)
    kept = append.activate(graph, largest, [Activation(ActivationKind.SCALE, 1.0, by.epsilon)])
    high = append.constant(graph, np.full((1,) * len(x.shape), by.high, np.float32))
    scale = append.binary(graph, high, kept, BinaryKind.DIVIDE)
    multiplied = append.binary(graph, x, scale, BinaryKind.MULTIPLY)
    steps = [
        Activation(ActivationKind.ROUND),
        Activation(ActivationKind.CLIP, by.low, by.high),
    ]
    return append.activate(graph, multiplied, steps), scale


def by_numpy(
    graph: Graph, x: Value, function: Callable[[Float32Array], Float32Array], name: str
) -> Value:
    """Apply a function of NumPy number by number, for what the core has no operation."""
    return graph.add(ops.Call((x,), Value(x.shape), function, name))
