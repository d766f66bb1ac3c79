"""Operations that are made of others are those of Keras, in a graph and at once."""

from __future__ import annotations

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import UnsupportedError
from cnnfast.utils import tree
from operation_parity import Case, agree, compare, model_of
from parity import keras

VECTOR = np.array([0.5, -0.5, 0.0, 1.0], np.float32)
BOOLS = np.array([True, False, True, True])

CASES: dict[str, Case] = {
    "trigonometric": lambda o, x, y: (
        *(o.tan(x), o.arctan(x), o.arcsin(o.tanh(x)), o.arccos(o.tanh(x)), o.sinh(x), o.cosh(x)),
        *(o.arcsinh(x), o.arccosh(o.abs(x) + 1), o.arctanh(o.tanh(x) * 0.9)),
        *(o.deg2rad(x), o.rad2deg(x)),
    ),
    "logarithms": lambda o, x, y: (
        *(o.log2(o.abs(x) + 0.1), o.log10(o.abs(x) + 0.1), o.exp2(x)),
        *(o.erfc(x), o.logaddexp(x, y)),
    ),
    "logaddexp2": lambda o, x, y: o.logaddexp2(x, y),
    "parts of numbers": lambda o, x, y: (
        *(o.fabs(x), o.trunc(3 * x), o.cbrt(x), o.sinc(x), o.signbit(x)),
        *(o.copy(x), o.real(x), o.conj(x), o.conjugate(x)),
    ),
    "heaviside": lambda o, x, y: (o.heaviside(x, y), o.heaviside(o.relu(x), VECTOR)),
    "hypot": lambda o, x, y: (o.hypot(x, y), o.hypot(x, VECTOR)),
    "fmax": lambda o, x, y: (o.fmax(x, y), o.fmin(x, y)),
    "divide_no_nan": lambda o, x, y: o.divide_no_nan(x, o.relu(y)),
    "nan_to_num": lambda o, x, y: (
        o.nan_to_num(x),
        o.nan_to_num(o.divide(x, o.relu(y)), nan=2.0, posinf=9),
    ),
    "isclose": lambda o, x, y: (o.isclose(x, y), o.isclose(x, y, rtol=0.5), o.isclose(x, x + 1e-6)),
    "signed infinities": lambda o, x, y: (
        o.isposinf(o.divide(x, o.relu(y))),
        o.isneginf(o.divide(x, o.relu(y))),
    ),
    "select": lambda o, x, y: o.select([x > 1, x > 0], [x, y], -1.0),
    "saturate_cast": lambda o, x, y: (
        o.saturate_cast(x * 300, "uint8"),
        o.saturate_cast(x, "int32"),
    ),
    "stop_gradient": lambda o, x, y: o.stop_gradient(x),
    "unstack": lambda o, x, y: (*o.unstack(x, axis=1), *o.unstack(x, 4, axis=-1)),
    "splits": lambda o, x, y: (
        *o.array_split(x, 4, axis=1),
        *(*o.hsplit(x, 2), *o.dsplit(x, 5)),
    ),
    "stacks": lambda o, x, y: (o.append(x, y, axis=1), o.hstack([x, y]), o.dstack([x, y])),
    "fliplr": lambda o, x, y: o.fliplr(x),
    "diagonal": lambda o, x, y: (
        *(o.diagonal(x, axis1=1, axis2=2), o.diagonal(x, offset=1, axis1=2, axis2=1)),
        *(o.diagonal(x, offset=-2, axis1=1, axis2=3),),
    ),
    "trace": lambda o, x, y: o.trace(x, axis1=1, axis2=2),
    "tril": lambda o, x, y: (o.tril(x), o.tril(x, 1), o.triu(x), o.triu(x, -1)),
    "diff": lambda o, x, y: (o.diff(x), o.diff(x, axis=1), o.diff(x, n=2, axis=2)),
    "trapezoid": lambda o, x, y: (o.trapezoid(x), o.trapezoid(x, dx=0.5, axis=1)),
    "slice_update": lambda o, x, y: o.slice_update(x, [0, 1, 0, 2], y[:, :3, :, :2]),
    "moments": lambda o, x, y: (
        *o.moments(x, axes=[1, 2]),
        *o.moments(x, axes=-1, keepdims=True),
    ),
    "average": lambda o, x, y: (o.average(x, axis=1), o.average(x, axis=-1, weights=VECTOR + 1)),
    "average of tensors": lambda o, x, y: o.average(x, axis=2, weights=o.abs(y)),
    "truths": lambda o, x, y: (
        *(
            o.any(x > 1, axis=1),
            o.all(x > -1, axis=(1, 2)),
            o.any(o.relu(x), axis=-1, keepdims=True),
        ),
        *(o.count_nonzero(x > 0, axis=1), o.count_nonzero(o.relu(x), axis=3)),
    ),
    "ptp": lambda o, x, y: (o.ptp(x, axis=1), o.ptp(x, axis=-1, keepdims=True)),
    "without NaN": lambda o, x, y: (
        *(o.nansum(o.where(y > 0, x, np.nan), axis=1), o.nanmax(o.where(y > 0, x, np.nan), axis=1)),
        *(o.nanmin(o.where(y > 0, x, np.nan), axis=2), o.nanprod(x, axis=-1)),
        *(o.nanmean(o.where(y > 0, x, np.nan), axis=2), o.nanvar(x, axis=1)),
        o.nanstd(o.where(y > 0, x, np.nan), axis=2),
    ),
    "einsum": lambda o, x, y: (
        *(o.einsum("bijk,bilk->bijl", x, y), o.einsum("bijk,bijk->bij", x, y)),
        *(o.einsum("bijk,bijl->bkl", x, y), o.einsum("bijk->bki", x), o.einsum("bijk->bi", x)),
        *(o.einsum("bijk,k->bij", x, VECTOR), o.einsum("...k,...k->...", x, y)),
        *(o.einsum("bijk,bimk,k->bjm", x, y, VECTOR), o.einsum("bijk,bljk->bil", x, y)),
        *(o.einsum("bijk,bijk->b", x, y), o.einsum("bij,bik->bijk", x[..., 0], y[:, :, 0])),
    ),
    "tensordot": lambda o, x, y: (
        o.tensordot(x, VECTOR, axes=1),
        o.tensordot(x, np.ones((5, 2), np.float32), axes=[[2], [0]]),
    ),
}
# Keras' own fails in a graph: its axes come out of a file as lists, which JAX does not take.
JUDGED_AT_ONCE: dict[str, Case] = {
    "rot90 back": lambda o, x, y: o.rot90(x, axes=(2, 1)),
    "rot90": lambda o, x, y: tuple(o.rot90(x, k=k, axes=(1, 2)) for k in (0, 1, 2, 3, -1)),
    "norm": lambda o, x, y: (
        *(o.norm(x, axis=-1), o.norm(x, ord=1, axis=1), o.norm(x, ord=3, axis=-1, keepdims=True)),
        *(o.norm(x, ord=np.inf, axis=2), o.norm(x, axis=(1, 2)), o.norm(x, ord=0, axis=-1)),
        *(o.norm(x, ord="fro", axis=(1, 2)), o.norm(x, ord=1, axis=(1, 2))),
        o.norm(x, ord=np.inf, axis=(2, 3), keepdims=True),
    ),
    "median": lambda o, x, y: (o.median(x, axis=1), o.median(x, axis=-1, keepdims=True)),
    "quantile": lambda o, x, y: (o.quantile(x, 0.3, axis=1), o.quantile(x, 0.9, axis=2)),
    "quantile method": lambda o, x, y: tuple(
        o.quantile(x, 0.25, axis=1, method=m) for m in ("lower", "higher", "midpoint", "nearest")
    ),
    "percentile": lambda o, x, y: o.percentile(x, 70, axis=1),
}
# Keras' own operation fails, or says something else of its shape or dtype, before it is run.
AT_ONCE_ONLY = {
    "slice": lambda o, x, y: (o.slice(x, (0, 1, 0, 2), (3, 2, 5, 2)), o.slice(x, [0] * 4, x.shape)),
    "vsplit": lambda o, x, y: (*o.vsplit(x, 3), o.vstack([x, y]), o.flipud(x)),
    "append": lambda o, x, y: o.append(x, y),
    "over all axes": lambda o, x, y: (o.any(x), o.all(x), o.count_nonzero(x), o.median(x)),
    "norms": lambda o, x, y: (
        o.norm(x[0, 0, 0]),
        o.norm(x[0, 0], ord=2),
        o.norm(x[0, 0], ord="nuc"),
    ),
    "quantiles": lambda o, x, y: o.quantile(x, np.array([0.1, 0.5], np.float32), axis=0),
    "integers": lambda o, x, y: (
        o.diff(np.array([True, False, False])),
        o.diff(np.arange(6, dtype=np.int32) ** 2),
        o.tril(np.ones((3, 3), np.int32)),
        o.any(np.array([0, 1], np.int32)),
    ),
}


def tensors(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.normal(size=(3, 6, 5, 4)).astype(np.float32) for _ in range(2)]


@pytest.mark.parametrize("case", CASES)
def test_an_operation_is_that_of_keras(case: str, rng: np.random.Generator) -> None:
    compare(CASES[case], tensors(rng), atol=2e-5)


@pytest.mark.parametrize("case", JUDGED_AT_ONCE)
def test_an_operation_in_a_graph_is_that_of_keras_at_once(
    case: str, rng: np.random.Generator
) -> None:
    model = model_of(cnnfast, JUDGED_AT_ONCE[case], (6, 5, 4))
    x = tensors(rng)
    theirs = tree.flatten(JUDGED_AT_ONCE[case](keras.ops, *map(keras.ops.convert_to_tensor, x)))
    assert [t.shape[1:] for t in model.outputs] == [y.shape[1:] for y in theirs]
    agree(model.predict(x, verbose=0), [np.asarray(y) for y in theirs], 2e-5, 2e-5)


@pytest.mark.parametrize("case", [*CASES, *JUDGED_AT_ONCE, *AT_ONCE_ONLY])
def test_it_is_computed_at_once(case: str, rng: np.random.Generator) -> None:
    function = (CASES | JUDGED_AT_ONCE | AT_ONCE_ONLY)[case]
    x, y = tensors(rng)
    theirs = tree.flatten(function(keras.ops, *map(keras.ops.convert_to_tensor, (x, y))))
    for ours, expected in zip(tree.flatten(function(cnnfast.ops, x, y)), theirs, strict=True):
        assert (ours.shape, ours.dtype) == (expected.shape, np.asarray(expected).dtype)
        np.testing.assert_allclose(
            ours.astype(np.float64), np.asarray(expected, np.float64), atol=2e-5, rtol=2e-5
        )


ACROSS_THE_BATCH = {
    "any": lambda o, x: o.any(x),
    "norm": lambda o, x: o.norm(x),
    "median": lambda o, x: o.median(x, axis=0),
    "unstack": lambda o, x: o.unstack(x),
    "vsplit": lambda o, x: o.vsplit(x, 1),
    "append": lambda o, x: o.append(x, x),
    "rot90": lambda o, x: o.rot90(x),
    "diagonal": lambda o, x: o.diagonal(x),
    "tril": lambda o, x: o.tril(x[:, 0]),
    "diff": lambda o, x: o.diff(x, axis=0),
    "einsum": lambda o, x: o.einsum("bij,cij->bc", x, x),
    "einsum batch gone": lambda o, x: o.einsum("bij->ij", x),
    "tensordot": lambda o, x: o.tensordot(np.ones((2, 4), np.float32), x, axes=[[1], [2]]),
    "tensordot of tensors": lambda o, x: o.tensordot(x, x, axes=1),
    "slice": lambda o, x: o.slice(x, (1, 0, 0), (1, 3, 4)),
    "slice_update": lambda o, x: o.slice_update(x, (1, 0, 0), x),
}


@pytest.mark.parametrize("case", ACROSS_THE_BATCH)
def test_what_would_cross_the_batch_is_refused(case: str) -> None:
    with pytest.raises(UnsupportedError, match=r"(batch|images).*Received: "):
        ACROSS_THE_BATCH[case](cnnfast.ops, cnnfast.Input((3, 4)))


def test_a_slice_of_a_tensor_takes_the_whole_batch(rng: np.random.Generator) -> None:
    x = cnnfast.Input((6, 4))
    ops = cnnfast.ops
    batch = ops.shape(x)[0]
    y = ops.slice(x, (0, 1, 2), (batch, 3, 2))
    array = rng.normal(size=(2, 6, 4)).astype(np.float32)
    np.testing.assert_array_equal(cnnfast.Model(x, y)(array), array[:, 1:4, 2:4])


def test_weights_of_an_einsum_are_packed_as_those_of_a_dense_layer() -> None:
    x = cnnfast.Input((6, 8))
    weights = cnnfast.layers.Dense(12).add_weight(shape=(8, 3, 4), name="w")
    model = cnnfast.Model(x, cnnfast.ops.einsum("bij,jhd->bihd", x, weights))
    model.predict(np.ones((1, 6, 8), np.float32), verbose=0)
    (plan,) = model._executor.plans.values()
    assert [step.name for step in plan.steps] == ["conv2d"]
