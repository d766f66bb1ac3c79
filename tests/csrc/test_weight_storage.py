"""Weights in 16 bits: which layers, how they are rounded, and that only rounding changes."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast._core import ActivationKind, WeightDtype
from cnnfast.engine.ops import Activation, Conv2D, Value, Window
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of

SHORT = [WeightDtype.FLOAT16, WeightDtype.BFLOAT16]


def plan_of(kernel, pixels=(1, 1), weight_dtype=WeightDtype.FLOAT32, groups=1):
    """A convolution whose kernel covers the image at stride 1 without padding, and ReLU."""
    height, width, channels, filters = kernel.shape
    size = (pixels[0] + height - 1, pixels[1] + width - 1, channels * groups)

    def add(graph, x):
        window, relu = Window((height, width)), Activation(ActivationKind.RELU)
        out = Value((*pixels, filters))
        return graph.add(Conv2D(x, out, kernel, None, window, groups, relu))

    return build_plan(graph_of(size, add), weight_dtype)


def run(plan, x, threads=1):
    out = np.full((len(x), *plan.output_shapes[0]), np.nan, np.float32)
    plan.run([x], [out], threads)
    return out


def rounded(kernel, weight_dtype):
    """What NumPy, or the definition of bfloat16, makes of the numbers."""
    if weight_dtype is WeightDtype.FLOAT16:
        return kernel.astype(np.float16).astype(np.float32)
    ml_dtypes = pytest.importorskip("ml_dtypes")
    return kernel.astype(ml_dtypes.bfloat16).astype(np.float32)


def numbers(rng, shape):
    """Normal and subnormal for float16, halfway between two of its numbers, zeros of both signs."""
    exponents = rng.uniform(-30, 12, shape).astype(np.float32)
    kernel = (rng.standard_normal(shape) * np.exp2(exponents)).astype(np.float32)
    kernel.flat[: kernel.size // 4] = rng.integers(-4096, 4096, kernel.size // 4) * 2.0**-12
    kernel.flat[::17] = 0.0
    kernel.flat[::19] = -0.0
    kernel.flat[:4] = (65519.0, -65519.0, 2.0**-25, 3 * 2.0**-25)
    return kernel


@pytest.mark.parametrize("weight_dtype", SHORT)
@pytest.mark.parametrize(
    ("shape", "pixels"),
    [((1, 1, 1030, 311), (1, 1)), ((1, 1, 600, 515), (1, 2)), ((3, 3, 70, 450), (2, 2))],
)
def test_only_the_rounding_of_weights_changes_the_bits(rng, weight_dtype, shape, pixels):
    kernel = numbers(rng, shape)
    plan = plan_of(kernel, pixels, weight_dtype)
    assert plan.steps[0].name == f"conv2d_{weight_dtype.name.lower()}"
    assert plan.steps[0].weight_bytes == 2 * kernel.size
    x = np.maximum(rng.standard_normal((5, *plan.input_shapes[0]), np.float32), 0)
    want = run(plan_of(rounded(kernel, weight_dtype), pixels), x)
    np.testing.assert_array_equal(run(plan, x), want)
    for threads in (2, 3):
        np.testing.assert_array_equal(run(plan, x, threads), want)
        single = [run(plan, x[i : i + 1], threads) for i in range(len(x))]
        np.testing.assert_array_equal(np.concatenate(single), want)


@pytest.mark.parametrize(
    ("shape", "pixels", "short"),
    [
        ((1, 1, 600, 500), (1, 1), True),  # a dense layer
        ((1, 1, 600, 500), (3, 3), True),
        ((1, 1, 600, 500), (4, 4), False),  # multiplying takes longer than reading
        ((1, 1, 500, 500), (1, 1), False),  # stays in cache
    ],
)
def test_layers_bound_by_reading_weights_are_stored_in_16_bits(shape, pixels, short):
    plan = plan_of(np.ones(shape, np.float32), pixels, WeightDtype.FLOAT16)
    assert plan.steps[0].name == ("conv2d_float16" if short else "conv2d")


@pytest.mark.parametrize(
    ("weight_dtype", "value", "short"),
    [
        (WeightDtype.FLOAT16, 65519.0, True),
        (WeightDtype.FLOAT16, -65520.0, False),  # would round to infinity
        (WeightDtype.FLOAT16, 1e30, False),
        (WeightDtype.BFLOAT16, 1e30, True),
        (WeightDtype.BFLOAT16, float(np.finfo(np.float32).max), False),
        (WeightDtype.FLOAT16, np.inf, False),
        (WeightDtype.BFLOAT16, np.nan, False),
    ],
)
def test_weights_out_of_range_stay_float32(rng, weight_dtype, value, short):
    kernel = rng.standard_normal((1, 1, 600, 500), np.float32)
    kernel[0, 0, 3, 4] = value
    plan = plan_of(kernel, (1, 1), weight_dtype)
    assert (plan.steps[0].name != "conv2d") == short
    x = rng.standard_normal((2, 1, 1, 600), np.float32)
    want = run(plan_of(rounded(kernel, weight_dtype) if short else kernel), x)
    np.testing.assert_array_equal(run(plan, x), want)


def test_groups_are_stored_in_16_bits_too(rng):
    kernel = rng.standard_normal((3, 3, 64, 640), np.float32)
    plan = plan_of(kernel, (1, 1), WeightDtype.FLOAT16, groups=2)
    assert plan.steps[0].name == "conv2d_float16"
    x = rng.standard_normal((3, 3, 3, 128), np.float32)
    want = run(plan_of(rounded(kernel, WeightDtype.FLOAT16), groups=2), x)
    np.testing.assert_array_equal(run(plan, x, 2), want)
