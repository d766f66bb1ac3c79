"""Pooling, activations, softmax, scale and shift, transposition: each agrees with the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from cnnfast._core import ActivationKind as Kind
from cnnfast._core import PoolKind
from cnnfast.engine.ops import (
    Activate,
    Activation,
    Affine,
    Pool2D,
    Reshape,
    Softmax,
    Transpose,
    Value,
    Window,
)
from core.plans import run

POOLS = {PoolKind.MAX: reference.max_pool2d, PoolKind.AVERAGE: reference.average_pool2d}


@given(
    kind=st.sampled_from(list(POOLS)),
    size=st.tuples(*[st.integers(1, 4)] * 2),
    strides=st.tuples(*[st.integers(1, 4)] * 2),
    image=st.tuples(st.integers(1, 2), st.integers(4, 11), st.integers(4, 11), st.integers(1, 40)),
    same=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_pools_agree_with_the_oracle(kind, size, strides, image, same, seed):
    x = np.random.default_rng(seed).standard_normal(image, np.float32) - 3
    pads = reference.same_pads(image[1:3], size, strides) if same else reference.NO_PADS
    want = POOLS[kind](x, size, strides, pads)

    def pool(graph, v):
        return graph.add(Pool2D(v, Value(want.shape[1:]), kind, Window(size, strides, pads=pads)))

    got = run(pool, x)
    tolerance = reference.tolerance(size[0] * size[1], abs(x).max())
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance)
    np.testing.assert_array_equal(got, run(pool, x, 3))


@pytest.mark.parametrize("kind", list(POOLS))
def test_a_nan_goes_through_a_pool(kind, rng):
    x = rng.standard_normal((1, 6, 6, 19), np.float32)
    x[0, 2, 3, 5] = np.nan
    got = run(lambda g, v: g.add(Pool2D(v, Value((3, 3, 19)), kind, Window((2, 2), (2, 2)))), x)
    expected = np.zeros((1, 3, 3, 19), bool)
    expected[0, 1, 1, 5] = True
    np.testing.assert_array_equal(np.isnan(got), expected)


ACTIVATIONS = [
    (Kind.LINEAR, 0, 0, reference.linear),
    (Kind.RELU, 0, 0, reference.relu),
    (Kind.CLIPPED_RELU, 6, 0, reference.relu6),
    (Kind.LEAKY_RELU, 0.3, 0, lambda x: reference.leaky_relu(x, 0.3)),
    (Kind.THRESHOLDED_RELU, 0.5, 1, lambda x: np.where(x > 1, x, 0.5 * (x - 1))),
    (Kind.MINIMUM, 2, 0, lambda x: np.minimum(x, 2)),
    (Kind.ELU, 1.5, 0, lambda x: reference.elu(x, 1.5)),
    (Kind.SELU, 0, 0, reference.selu),
    (Kind.CELU, 0.7, 0, lambda x: reference.celu(x, 0.7)),
    (Kind.GELU, 0, 0, reference.gelu),
    (Kind.GELU_TANH, 0, 0, reference.gelu_tanh),
    (Kind.SIGMOID, 0, 0, reference.sigmoid),
    (Kind.HARD_SIGMOID, 0.2, 0.5, lambda x: reference.hard_sigmoid(x, 0.2, 0.5)),
    (Kind.SILU, 0, 0, reference.silu),
    (Kind.HARD_SILU, 0, 0, reference.hard_silu),
    (Kind.TANH, 0, 0, reference.tanh),
    (Kind.EXP, 0, 0, reference.exponential),
    (Kind.SOFTPLUS, 0, 0, reference.softplus),
    (Kind.SOFTSIGN, 0, 0, reference.softsign),
    (Kind.MISH, 0, 0, reference.mish),
    (Kind.SQUAREPLUS, 4, 0, reference.squareplus),
    (Kind.SOFT_SHRINK, 0.5, 0, reference.soft_shrink),
    (Kind.HARD_SHRINK, 0.5, 0, reference.hard_shrink),
    (Kind.HARD_TANH, 0, 0, reference.hard_tanh),
    (Kind.TANH_SHRINK, 0, 0, reference.tanh_shrink),
    (Kind.LOG_SIGMOID, 0, 0, reference.log_sigmoid),
    (Kind.SPARSE_PLUS, 0, 0, reference.sparse_plus),
    (Kind.SPARSE_SIGMOID, 0, 0, reference.sparse_sigmoid),
    (Kind.THRESHOLD, 0.5, -2, lambda x: reference.threshold(x, 0.5, -2)),
]


def activate(x, kind, alpha=0.0, beta=0.0):
    """The activation of `x`, which is (batch, numbers)."""
    activation = Activation(kind, alpha, beta)
    return run(lambda g, v: g.add(Activate(v, Value(v.shape), activation)), x)


def test_every_activation_is_in_the_table():
    assert {case[0] for case in ACTIVATIONS} == set(Kind)


@pytest.mark.parametrize(("kind", "alpha", "beta", "oracle"), ACTIVATIONS)
def test_activations_agree_with_the_oracle(kind, alpha, beta, oracle):
    x = np.concatenate([np.linspace(-30, 30, 6001), np.linspace(-1e-3, 1e-3, 1001), [0.0]])
    x = x.astype(np.float32)
    want = oracle(x.astype(np.float64))
    got = activate(x[None], kind, alpha, beta)[0]
    np.testing.assert_allclose(got, want, rtol=2e-6, atol=4e-7)


@pytest.mark.parametrize("kind", [case[0] for case in ACTIVATIONS])
def test_activations_let_a_nan_through(kind):
    """As in Keras; `threshold` and the shrinks compare, and what compares false is kept or cut."""
    got = activate(np.full((1, 5), np.nan, np.float32), kind, 0.5, 0.25)
    if kind is Kind.THRESHOLD:
        np.testing.assert_array_equal(got, 0.25)
    else:
        assert np.isnan(got).all()


@pytest.mark.parametrize("x", [-np.inf, -200.0, -88.0, 88.0, 200.0, np.inf])
@pytest.mark.parametrize("kind", [Kind.EXP, Kind.SIGMOID, Kind.TANH, Kind.SOFTPLUS, Kind.ELU])
def test_activations_far_out(kind, x):
    oracle = {case[0]: case[3] for case in ACTIVATIONS}[kind]
    with np.errstate(over="ignore"):
        want = np.float32(
            oracle(np.array([x])) if kind is not Kind.ELU else reference.elu(np.array([x]), 1.0)
        )
    got = activate(np.array([[x]], np.float32), kind, 1.0)[0]
    np.testing.assert_allclose(got, want, rtol=3e-6, atol=1e-37)


@pytest.mark.parametrize("n", [1, 2, 7, 10, 16, 17, 33, 1000])
def test_softmax_agrees_with_the_oracle(n, rng):
    x = (rng.standard_normal((3, 4, n), np.float32) * 30).astype(np.float32)
    got = run(lambda g, v: g.add(Softmax(v, Value(v.shape))), x)
    np.testing.assert_allclose(got, reference.softmax(x), rtol=3e-6, atol=1e-12)


def test_softmax_of_a_nan_or_infinity_is_nan():
    x = np.zeros((3, 18), np.float32)
    x[0, 4] = np.nan
    x[1, 17] = np.inf
    got = run(lambda g, v: g.add(Softmax(v, Value(v.shape))), x)
    assert np.isnan(got[0]).all()
    assert np.isnan(got[1, 17])
    np.testing.assert_allclose(got[2], 1 / 18, rtol=1e-6)


def test_affine_scales_and_shifts_each_channel(rng):
    x = rng.standard_normal((2, 3, 4, 21), np.float32)
    scale, shift = rng.standard_normal((2, 21), np.float32)
    got = run(lambda g, v: g.add(Affine(v, Value(v.shape), scale, shift)), x)
    want = x.astype(np.float64) * scale + shift
    np.testing.assert_allclose(got, want, rtol=0, atol=reference.tolerance(1, abs(want).max()))


@given(axes=st.permutations(range(3)), shape=st.tuples(*[st.integers(1, 6)] * 3))
def test_transpose_moves_axes(axes, shape):
    x = np.arange(2 * np.prod(shape), dtype=np.float32).reshape(2, *shape)
    want = x.transpose(0, *[1 + a for a in axes])
    got = run(lambda g, v: g.add(Transpose(v, Value(want.shape[1:]), tuple(axes))), x, 2)
    np.testing.assert_array_equal(got, want)


def test_a_graph_may_return_its_input_reshaped(rng):
    x = rng.standard_normal((2, 3, 4), np.float32)
    got = run(lambda g, v: g.add(Reshape(v, Value((12,)))), x)
    np.testing.assert_array_equal(got, x.reshape(2, 12))
