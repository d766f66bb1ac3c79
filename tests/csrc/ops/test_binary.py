"""Operations on two tensors agree with NumPy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cnnfast._core import BinaryKind
from cnnfast.engine.ops import Binary, Constant, Value
from csrc.plans import run

BINARIES = {
    BinaryKind.ADD: np.add,
    BinaryKind.SUBTRACT: np.subtract,
    BinaryKind.MULTIPLY: np.multiply,
    BinaryKind.DIVIDE: np.divide,
    BinaryKind.MAXIMUM: np.maximum,
    BinaryKind.MINIMUM: np.minimum,
    BinaryKind.POWER: lambda x, y: np.power(np.abs(x), y),
    BinaryKind.PRELU: lambda x, y: np.where(x > 0, x, y * x),
    BinaryKind.FLOOR_DIVIDE: np.floor_divide,
    BinaryKind.MODULO: np.mod,
    BinaryKind.ARCTAN2: np.arctan2,
}
# Of whole numbers, some of which are equal or zero.
CHOICES = {
    BinaryKind.EQUAL: np.equal,
    BinaryKind.NOT_EQUAL: np.not_equal,
    BinaryKind.GREATER: np.greater,
    BinaryKind.GREATER_EQUAL: np.greater_equal,
    BinaryKind.LOGICAL_AND: np.logical_and,
    BinaryKind.LOGICAL_OR: np.logical_or,
    BinaryKind.LOGICAL_XOR: np.logical_xor,
    BinaryKind.KEEP: lambda x, y: np.where(y != 0, x, 0),
    BinaryKind.LEAVE: lambda x, y: np.where(y == 0, x, 0),
}


@given(
    kind=st.sampled_from([*BINARIES, *CHOICES]),
    axes=st.lists(st.tuples(st.integers(1, 5), st.sampled_from("=xy")), min_size=1, max_size=4),
    last=st.integers(1, 40),
    seed=st.integers(0, 2**32 - 1),
)
def test_binary_operations_broadcast(kind, axes, last, seed):
    rng = np.random.default_rng(seed)
    axes = [*axes, (last, "=")]
    x = rng.standard_normal((2, *[1 if side == "x" else n for n, side in axes]), np.float32)
    y = rng.standard_normal([1 if side == "y" else n for n, side in axes]).astype(np.float32)
    if kind is BinaryKind.POWER:
        x = abs(x)
    if kind in CHOICES:
        x, y = np.round(x), np.round(y)
    want = (BINARIES | CHOICES)[kind](x.astype(np.float64), y.astype(np.float64))

    def add(graph, v):
        constant = graph.add(Constant(Value(y.shape), y))
        return graph.add(Binary(v, constant, Value(want.shape[1:]), kind))

    np.testing.assert_allclose(run(add, x, 2), want, rtol=2e-6, atol=1e-6)


def test_binary_operations_let_a_nan_through():
    x = np.array([[np.nan, 1.0]], np.float32)
    y = np.array([1.0, np.nan], np.float32)
    for kind in set(BINARIES) - {BinaryKind.POWER, BinaryKind.PRELU}:
        got = run(
            lambda g, v, kind=kind: g.add(
                Binary(v, g.add(Constant(Value((2,)), y)), Value((2,)), kind)
            ),
            x,
        )
        assert np.isnan(got).all(), kind
