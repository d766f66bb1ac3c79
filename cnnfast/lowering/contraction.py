"""Products of two tensors, or of a tensor and weights, along axes that have letters, as in einsum.

Letters stand for the axes of one image; the batch has none. Of those of both operands, letters that
the result has are gone through in step (``shared``), the others are summed (``inner``):

    bqhd, bkhd -> bhqk   has h shared, d inner, q of the left alone, k of the right
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from cnnfast._core import BinaryKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import Weights, late
from cnnfast.engine.ops import Value
from cnnfast.lowering import append

Operand: TypeAlias = "tuple[Value, str]"


def contract(graph: Graph, x: Value, a: str, y: Value | Weights, b: str, out: str) -> Value:
    """Return the product of `x`, whose axes are `a`, and `y`, whose axes are `b`, as axes `out`.

    No letter stands twice in one of them. An axis of size 1 is repeated where the other operand has
    more positions.
    """
    weights = None if isinstance(y, Value) else late(y)
    if weights is not None and _is_matrix(x, a, weights.shape, b, out):
        return _by_matrix(graph, x, a, weights, b, out)
    other = y if isinstance(y, Value) else append.constant(graph, np.asarray(weights))
    (x, a), (y, b) = _without_ones(graph, (x, a), (other, b))
    x, a = _summed(graph, x, a, b + out)
    y, b = _summed(graph, y, b, a + out)
    if not any(c in b and c not in out for c in a):
        return _multiplied(graph, x, a, y, b, out)
    shared = "".join(c for c in out if c in a and c in b)
    inner = "".join(c for c in a if c in b and c not in out)
    left = "".join(c for c in a if c not in b)
    right = "".join(c for c in b if c not in a)
    sizes = _sizes(a, x.shape) | _sizes(b, y.shape)
    rows, depth, columns = (_count(sizes, letters) for letters in (left, inner, right))
    steps = tuple(sizes[c] for c in shared)
    x = append.reshape(graph, _ordered(graph, x, a, shared + left + inner), (*steps, rows, depth))
    y = append.reshape(
        graph, _ordered(graph, y, b, shared + inner + right), (*steps, depth, columns)
    )
    z = graph.add(ops.MatMul(x, y, Value((*steps, rows, columns))))
    z = append.reshape(graph, z, tuple(sizes[c] for c in shared + left + right))
    return _ordered(graph, z, shared + left + right, out)


def summed(graph: Graph, x: Value, a: str, out: str) -> Value:
    """Return `x`, whose axes are `a`, as axes `out`: the others are summed."""
    x, kept = _summed(graph, x, a, out)
    return _ordered(graph, x, kept, out)


def _is_matrix(x: Value, a: str, shape: Sequence[int], b: str, out: str) -> bool:
    """Whether weights are one matrix for all of `x`: rows for summed axes, columns for new ones."""
    inner = [c for c in b if c in a]
    alike = all(size == x.shape[a.index(c)] for c, size in zip(b, shape, strict=True) if c in a)
    return (
        bool(inner)
        and alike
        and not any(c in out for c in inner)
        and all(c in out for c in b if c not in a)
    )


def _by_matrix(graph: Graph, x: Value, a: str, weights: Weights, b: str, out: str) -> Value:
    """Return the product with one matrix, which is packed once, as a dense layer's."""
    inner = "".join(c for c in b if c in a)
    right = "".join(c for c in b if c not in a)
    x, a = _summed(graph, x, a, b + out)
    left = "".join(c for c in a if c not in b)
    sizes = _sizes(a, x.shape)
    order = tuple(b.index(c) for c in inner + right)
    kernel = late(weights)
    made = tuple(kernel.shape[b.index(c)] for c in right)
    shape = (math.prod(kernel.shape) // math.prod(made), math.prod(made))
    if order == tuple(range(len(order))):
        matrix = kernel.reshape(*shape)
    else:
        matrix = kernel.map(lambda array: array.transpose(order), shape, ("transposed", *order))
    y = append.product(
        graph,
        _ordered(graph, x, a, left + inner),
        matrix,
        None,
        (*(sizes[c] for c in left), *made),
    )
    return _ordered(graph, y, left + right, out)


def _without_ones(graph: Graph, first: Operand, second: Operand) -> tuple[Operand, Operand]:
    """Drop each axis of size 1 where the other operand has more positions of that letter."""
    sizes = [_sizes(letters, value.shape) for value, letters in (first, second)]
    dropped = []
    for (value, letters), own, other in zip((first, second), sizes, sizes[::-1], strict=True):
        kept = "".join(c for c in letters if not (own[c] == 1 and other.get(c, 1) != 1))
        shape = tuple(own[c] for c in kept)
        dropped.append((append.reshape(graph, value, shape), kept))
    return dropped[0], dropped[1]


def _summed(graph: Graph, x: Value, a: str, kept: str) -> tuple[Value, str]:
    """Sum the axes of `x` that are not among `kept`."""
    gone = [axis for axis, letter in enumerate(a) if letter not in kept]
    if not gone:
        return x, a
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in gone)
    y = append.reduce(graph, x, ReductionKind.SUM, gone)
    return append.reshape(graph, y, shape), "".join(c for c in a if c in kept)


def _multiplied(graph: Graph, x: Value, a: str, y: Value, b: str, out: str) -> Value:
    """Multiply number by number; letters that one lacks are repeated."""
    values = []
    for value, letters in ((x, a), (y, b)):
        sizes = _sizes(letters, value.shape)
        ordered = _ordered(graph, value, letters, "".join(c for c in out if c in letters))
        values.append(append.reshape(graph, ordered, tuple(sizes.get(c, 1) for c in out)))
    return append.binary(graph, values[0], values[1], BinaryKind.MULTIPLY)


def _sizes(letters: str, shape: Sequence[int]) -> dict[str, int]:
    return dict(zip(letters, shape, strict=True))


def _count(sizes: dict[str, int], letters: str) -> int:
    return math.prod(sizes[c] for c in letters)


def _ordered(graph: Graph, x: Value, a: str, out: str) -> Value:
    return append.transpose(graph, x, [a.index(letter) for letter in out])
