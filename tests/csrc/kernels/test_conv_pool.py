"""A convolution that stores maxima gives the bits of the same convolution and pooling apart."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast._core import ActivationKind, PoolKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Conv2D, Pool2D, Value, Window
from cnnfast.engine.passes.fuse_max_pool import fuse_max_pool
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of, run_graph

rng = np.random.default_rng(5)


def convolved_and_pooled(size, channels, filters, *, kernel=3, groups=1, strides=1) -> Graph:
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    height, width = ((n - k) // strides + 1 for n, k in zip(size, kernel, strict=True))
    weights = rng.standard_normal((*kernel, channels // groups, filters), np.float32)
    bias, scale, shift = rng.standard_normal((3, filters), np.float32)

    def add(graph, x):
        y = graph.add(
            Conv2D(
                x,
                Value((height, width, filters)),
                weights,
                bias,
                Window(kernel, strides=(strides, strides)),
                groups,
                Activation(ActivationKind.LEAKY_RELU, 0.2),
                scale=scale,
                shift=shift,
            )
        )
        halving = Window((2, 2), strides=(2, 2))
        return graph.add(
            Pool2D(y, Value((height // 2, width // 2, filters)), PoolKind.MAX, halving)
        )

    return graph_of((*size, channels), add)


@pytest.mark.parametrize(
    ("size", "channels", "filters", "options"),
    [
        ((5, 5), 3, 1, {}),
        ((9, 12), 3, 33, {}),
        ((11, 8), 20, 40, {"kernel": 5}),  # a sum of more than one chunk
        ((30, 30), 64, 64, {"kernel": 7}),  # whose windows leave the cache
        ((9, 9), 6, 10, {"groups": 2}),
        ((15, 17), 4, 8, {"strides": 2}),
        ((27, 30), 32, 48, {}),
        ((14, 20), 32, 48, {"kernel": 5}),  # tiles of two outputs
        ((8, 8), 256, 64, {}),
        ((4, 4), 2, 130, {"kernel": 1}),
        ((2, 2), 7, 5, {"kernel": 1}),
    ],
)
def test_the_bits_are_those_of_two_steps(size, channels, filters, options):
    apart = convolved_and_pooled(size, channels, filters, **options)
    joined = fuse_max_pool(apart)
    assert len(joined.ops) == 1
    x = rng.standard_normal((3, *size, channels), np.float32)
    x[1, 2 % size[0], 1, 0] = np.nan
    for threads in (1, 3):
        np.testing.assert_array_equal(run_graph(joined, x, threads), run_graph(apart, x))


@pytest.mark.parametrize(
    ("size", "channels", "name"),
    [((30, 30), 64, "winograd4"), ((8, 8), 256, "winograd2"), ((9, 9), 3, "direct")],
)
def test_every_algorithm_stores_maxima(size, channels, name):
    (step,) = build_plan(fuse_max_pool(convolved_and_pooled(size, channels, channels))).steps
    assert step.algorithm == name


@pytest.mark.parametrize("kernel", [(1, 3), (5, 1)], ids=str)
def test_tiles_of_one_row_or_column_have_no_maxima(kernel):
    def algorithm(graph):
        return next(s.algorithm for s in build_plan(graph).steps if s.name == "conv2d")

    apart = convolved_and_pooled((28, 28), 128, 128, kernel=kernel)
    assert algorithm(apart).startswith("winograd")
    joined = fuse_max_pool(apart)
    assert algorithm(joined) == "direct"
    x = rng.standard_normal((2, 28, 28, 128), np.float32)
    want = run_graph(apart, x)
    np.testing.assert_allclose(run_graph(joined, x), want, rtol=0, atol=4e-5 * abs(want).max())
