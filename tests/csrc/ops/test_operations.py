"""Pooling, activations, softmax, scale and shift, transposition: each agrees with the oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference
from cnnfast._core import ActivationKind as Kind
from cnnfast._core import BinaryKind, NormalizationKind, PoolKind, RecurrentKind, ReductionKind
from cnnfast.engine.ops import (
    Activate,
    Activation,
    Affine,
    Binary,
    Concat,
    Constant,
    Conv2D,
    MatMul,
    Normalize,
    Pool2D,
    Recurrent,
    Reduce,
    Remap,
    Resample,
    Reshape,
    Softmax,
    Transpose,
    Value,
    Window,
)
from cnnfast.engine.positions import Picked
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of, run, run_graph

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
def test_a_window_of_a_pool_may_be_wider_than_a_strip_of_columns(kind, rng):
    x = rng.standard_normal((1, 5, 9, 700), np.float32)
    want = POOLS[kind](x, (3, 4), (2, 3), reference.NO_PADS)
    window = Window((3, 4), (2, 3))
    got = run(lambda g, v: g.add(Pool2D(v, Value(want.shape[1:]), kind, window)), x)
    np.testing.assert_allclose(got, want, rtol=0, atol=reference.tolerance(12, abs(x).max()))


@pytest.mark.parametrize("kind", list(POOLS))
@pytest.mark.parametrize("left", range(4))
def test_pools_leave_out_what_lies_between_their_taps(kind, left, rng):
    x = rng.standard_normal((2, 8, 9, 19), np.float32) - 9
    window = Window((2, 3), dilation=(3, 2), pads=(1, 2, left, 3 - left))
    padded = reference.pad(x, window.pads, np.nan)
    taps = [padded[:, y : y + 8, z : z + 8] for y in (0, 3) for z in (0, 2, 4)]
    want = (np.nanmax if kind is PoolKind.MAX else np.nanmean)(taps, axis=0)
    got = run(lambda g, v: g.add(Pool2D(v, Value(want.shape[1:]), kind, window)), x)
    np.testing.assert_allclose(got, want, rtol=0, atol=reference.tolerance(6, abs(x).max()))


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
    (Kind.ABS, 0, 0, np.abs),
    (Kind.SQUARE, 0, 0, np.square),
    (Kind.SQRT, 0, 0, np.sqrt),
    (Kind.RSQRT, 0, 0, lambda x: 1 / np.sqrt(x)),
    (Kind.RECIPROCAL, 0, 0, lambda x: 1 / x),
    (Kind.LOG, 0, 0, np.log),
    (Kind.LOG1P, 0, 0, np.log1p),
    (Kind.EXPM1, 0, 0, np.expm1),
    (Kind.SIN, 0, 0, np.sin),
    (Kind.COS, 0, 0, np.cos),
    (Kind.FLOOR, 0, 0, np.floor),
    (Kind.CEIL, 0, 0, np.ceil),
    (Kind.ROUND, 0, 0, np.round),
    (Kind.SIGN, 0, 0, np.sign),
    (Kind.ERF, 0, 0, np.vectorize(math.erf)),
    (Kind.SCALE, 2, -3, lambda x: 2 * x - 3),
    (Kind.CLIP, -1, 2, lambda x: np.clip(x, -1, 2)),
    (Kind.POWER, 3, 0, lambda x: x**3),
    *((getattr(Kind, f.__name__.upper()), 0, 0, f) for f in (np.tan, np.sinh, np.cosh, np.exp2)),
    *((getattr(Kind, f.__name__.upper()), 0, 0, f) for f in (np.arcsin, np.arccos, np.arctan)),
    *((getattr(Kind, f.__name__.upper()), 0, 0, f) for f in (np.arcsinh, np.arccosh, np.arctanh)),
    *((getattr(Kind, f.__name__.upper()), 0, 0, f) for f in (np.log2, np.log10)),
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
    with np.errstate(invalid="ignore", divide="ignore"):
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


REDUCTIONS = {
    ReductionKind.SUM: np.sum,
    ReductionKind.MEAN: np.mean,
    ReductionKind.MAX: np.max,
    ReductionKind.MIN: np.min,
    ReductionKind.PRODUCT: np.prod,
}


@given(
    kind=st.sampled_from(list(REDUCTIONS)),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 40), st.integers(1, 40)),
    axes=st.sampled_from([(0, 1), (1, 2), (2, 3), (0, 2), (1, 3), (0, 3)]),
    seed=st.integers(0, 2**32 - 1),
)
def test_reductions_agree_with_numpy(kind, shape, axes, seed):
    x = np.random.default_rng(seed).uniform(0.9, 1.1, (2, *shape)).astype(np.float32)
    x[0] -= 2
    over = tuple(1 + a for a in range(*axes))
    want = REDUCTIONS[kind](x.astype(np.float64), axis=over)

    def add(graph, v):
        return graph.add(Reduce(v, Value(want.shape[1:]), kind, *axes))

    got = run(add, x)
    np.testing.assert_allclose(got, want, rtol=3e-5, atol=1e-6)
    np.testing.assert_array_equal(got, run(add, x, 3))


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("n", [3, 21, 64])
def test_what_fills_a_vector_is_no_part_of_a_row(kind, n):
    x = np.random.default_rng(n).uniform(0.9, 1.1, (2, 5, n)).astype(np.float32)
    x[0] *= -1
    got = run(lambda g, v: g.add(Reduce(v, Value((5,)), kind, 1, 2)), x)
    np.testing.assert_allclose(got, REDUCTIONS[kind](x.astype(np.float64), axis=2), rtol=3e-5)


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("shape", [(7, 7, 1000), (41, 29, 33)])
def test_large_reductions_are_made_of_parts_that_threads_share(kind, shape):
    x = np.random.default_rng(0).uniform(0.9, 1.1, (2, *shape)).astype(np.float32)
    x[0] -= 2
    want = REDUCTIONS[kind](x.astype(np.float64), axis=(1, 2))
    graph = graph_of(shape, lambda g, v: g.add(Reduce(v, Value(shape[2:]), kind, 0, 2)))
    assert [step.name for step in build_plan(graph).steps] == ["reduce", "reduce"]
    got = run_graph(graph, x)
    np.testing.assert_allclose(got, want, rtol=3e-5, atol=1e-6)
    for threads in (2, 3, 9):
        np.testing.assert_array_equal(got, run_graph(graph, x, threads))
        np.testing.assert_array_equal(got[:1], run_graph(graph, x[:1], threads))


@pytest.mark.parametrize(
    ("shape", "first", "last"),
    [
        ((2, 100, 400), 1, 2),
        ((40000,), 0, 1),
        ((40, 1000), 0, 1),
        ((60, 500), 0, 1),
        ((50, 4096), 0, 1),
    ],
)
def test_other_reductions_are_one_step(shape, first, last):
    out = Value((*shape[:first], *shape[last:]))
    graph = graph_of(shape, lambda g, v: g.add(Reduce(v, out, ReductionKind.MAX, first, last)))
    assert [step.name for step in build_plan(graph).steps] == ["reduce"]


def test_a_mean_of_many_numbers_stays_accurate(rng):
    x = (rng.standard_normal((1, 300, 300, 3)) + 100).astype(np.float32)
    got = run(lambda g, v: g.add(Reduce(v, Value((3,)), ReductionKind.MEAN, 0, 2)), x)
    np.testing.assert_allclose(got, x.astype(np.float64).mean((1, 2)), rtol=1e-6)


@pytest.mark.parametrize("n", [1, 3, 16, 33, 400])
@pytest.mark.parametrize("kind", list(NormalizationKind))
def test_normalizations_agree_with_their_formulas(kind, n, rng):
    x = (rng.standard_normal((3, 4, n)) * 3 + 5).astype(np.float32)
    wide = x.astype(np.float64)
    mean, variance = wide.mean(-1, keepdims=True), wide.var(-1, keepdims=True)
    squares = (wide**2).sum(-1, keepdims=True)
    want = {
        NormalizationKind.STANDARD: (wide - mean) / np.sqrt(variance + 1e-3),
        NormalizationKind.VARIANCE: wide / np.sqrt(variance + 1e-3),
        NormalizationKind.RMS: wide / np.sqrt(squares / n + 1e-3),
        NormalizationKind.L2: wide / np.sqrt(np.maximum(squares, 1e-3)),
    }[kind]
    got = run(lambda g, v: g.add(Normalize(v, Value(v.shape), kind, 1e-3)), x)
    np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


def test_remap_picks_repeats_and_fills(rng):
    x = rng.standard_normal((2, 3, 4, 5), np.float32)
    rows = Picked(np.array([-1, 2, 0, 0], np.int32))
    columns = Picked(np.array([3, -1, 1], np.int32))
    want = x[:, rows.array][:, :, columns.array]
    want[:, 0] = want[:, :, 1] = 7
    out = Value((4, 3, 5))
    got = run(lambda g, v: g.add(Remap(v, out, (rows, columns, None), 7.0)), x, 2)
    np.testing.assert_array_equal(got, want)
    channels = Picked(np.array([4, 0, -1], np.int32))
    got = run(lambda g, v: g.add(Remap(v, Value((3, 4, 3)), (None, None, channels))), x)
    np.testing.assert_array_equal(got[..., :2], x[..., [4, 0]])
    np.testing.assert_array_equal(got[..., 2], 0)


POSITIONS = {
    "all": None,
    "run": [1, 2],
    "run to the end": [1, 2, 3],
    "one": [2],
    "backwards": [3, 2, 1, 0],
    "border": [-1, 0, 1, 2, 3, -1],
    "every second": [0, 2],
    "repeated": [1, 1, 2],
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("last", POSITIONS)
@pytest.mark.parametrize("first", POSITIONS)
def test_remap_picks_along_two_axes(first, last, axis, threads, rng):
    x = rng.standard_normal((2, 4, 4, 4), np.float32)
    maps, want = [None] * 3, x
    for at, name in {0: first, axis: last}.items():
        if POSITIONS[name] is not None:
            places = np.array(POSITIONS[name], np.int32)
            maps[at] = Picked(places)
            want = np.take(want, places, at + 1)  # -1 is the last one there
            want = np.moveaxis(want, at + 1, 0).copy()
            want[places < 0] = 7
            want = np.moveaxis(want, 0, at + 1)
    got = run(lambda g, v: g.add(Remap(v, Value(want.shape[1:]), tuple(maps), 7.0)), x, threads)
    np.testing.assert_array_equal(got, want)


def test_concat_puts_tensors_one_behind_the_other(rng):
    x = rng.standard_normal((2, 3, 4, 5), np.float32)
    for axis in range(3):
        shape = tuple(3 * n if a == axis else n for a, n in enumerate(x.shape[1:]))
        want = np.concatenate([x, abs(x), x], 1 + axis)

        def add(graph, v, axis=axis, shape=shape):
            magnitude = graph.add(Activate(v, Value(v.shape), Activation(Kind.ABS)))
            return graph.add(Concat((v, magnitude, v), Value(shape), axis))

        np.testing.assert_array_equal(run(add, x, 2), want)


def test_resample_adds_weighted_positions(rng):
    x = rng.standard_normal((2, 4, 6, 3), np.float32)
    indices = rng.integers(0, 4, (5, 2)).astype(np.int32)
    weights = rng.standard_normal((5, 2), np.float32)
    want = (x[:, indices] * weights[None, :, :, None, None]).sum(2)
    got = run(lambda g, v: g.add(Resample(v, Value((5, 6, 3)), 0, (indices, weights))), x, 2)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    want = (x[:, :, indices] * weights[None, None, :, :, None]).sum(3)
    got = run(lambda g, v: g.add(Resample(v, Value((4, 5, 3)), 1, (indices, weights))), x, 2)
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_matmul_multiplies_each_matrix(rng):
    x = rng.standard_normal((2, 3, 4, 4), np.float32)
    got = run(lambda g, v: g.add(MatMul(v, v, Value(v.shape))), x, 2)
    np.testing.assert_allclose(got, x.astype(np.float64) @ x, rtol=1e-5, atol=1e-5)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, kernel, bias, units):
    h = c = np.zeros(units)
    states = []
    for gates in x:
        i, f, g, o = np.split(gates + h @ kernel + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        states.append(h)
    return np.array(states)


def gru(x, kernel, bias, units, reset_after):
    h = np.zeros(units)
    states = []
    for gates in x:
        product = h @ kernel + bias
        z, r = sigmoid((gates + product)[: 2 * units]).reshape(2, units)
        inner = r * product[2 * units :]
        if not reset_after:
            inner = (r * h) @ kernel[:, 2 * units :] + bias[2 * units :]
        h = z * h + (1 - z) * np.tanh(gates[2 * units :] + inner)
        states.append(h)
    return np.array(states)


RECURRENCES = {
    RecurrentKind.LSTM: (4, lstm),
    RecurrentKind.GRU: (3, lambda *args: gru(*args, reset_after=False)),
    RecurrentKind.GRU_RESET_AFTER: (3, lambda *args: gru(*args, reset_after=True)),
}


@pytest.mark.parametrize("units", [1, 5, 16, 21])
@pytest.mark.parametrize("kind", list(RECURRENCES))
def test_recurrent_layers_agree_with_their_recurrences(kind, units, rng):
    gates, oracle = RECURRENCES[kind]
    x = rng.standard_normal((2, 7, gates * units), np.float32)
    kernel = rng.standard_normal((units, gates * units), np.float32) * np.float32(0.3)
    bias = rng.standard_normal(gates * units, np.float32)
    tanh, logistic = Activation(Kind.TANH), Activation(Kind.SIGMOID)

    def add(graph, v, backwards=False):
        out = Value((7, units))
        return graph.add(Recurrent(v, out, kind, kernel, bias, tanh, logistic, backwards))

    want = np.array([oracle(image.astype(np.float64), kernel, bias, units) for image in x])
    np.testing.assert_allclose(run(add, x, 2), want, rtol=1e-5, atol=1e-5)
    got = run(lambda g, v: add(g, v, backwards=True), np.ascontiguousarray(x[:, ::-1]))
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_a_constant_may_be_the_output(rng):
    y = rng.standard_normal((3, 2), np.float32)
    got = run(lambda g, v: g.add(Constant(Value(y.shape), y)), np.zeros((4, 1), np.float32))
    np.testing.assert_array_equal(got, np.repeat(y[None], 4, 0))


def test_two_readers_of_one_image_get_the_borders_they_need(rng):
    """One value, read by windows of different sizes and by an addition."""
    x = rng.standard_normal((2, 6, 6, 3), np.float32)
    kernels = {k: rng.standard_normal((k, k, 3, 3), np.float32) for k in (3, 5)}

    def add(graph, v):
        v = graph.add(Activate(v, Value(v.shape), Activation(Kind.RELU)))
        parts = [
            graph.add(Conv2D(v, Value(v.shape), kernel, None, Window((k, k), pads=(k // 2,) * 4)))
            for k, kernel in kernels.items()
        ]
        both = graph.add(Binary(*parts, Value(v.shape), BinaryKind.ADD))
        return graph.add(Binary(both, v, Value(v.shape), BinaryKind.ADD))

    base = np.maximum(x, 0)
    want = base + sum(
        reference.conv2d(base, kernel, pads=(k // 2,) * 4) for k, kernel in kernels.items()
    )
    np.testing.assert_allclose(run(add, x, 2), want, rtol=1e-4, atol=1e-4)
