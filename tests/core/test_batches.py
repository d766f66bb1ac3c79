"""Convolutions with many weights, which run on all images at once, give each image its own bits."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast.engine.ops import Conv2D, Value, Window
from cnnfast.engine.program import build_plan
from core.plans import graph_of

PIXEL = Window((1, 1))
SAME = Window((3, 3), pads=(1, 1, 1, 1))


def stack(graph, x, *convolutions):
    rng = np.random.default_rng(1)
    for filters, window in convolutions:
        kernel = rng.standard_normal((*window.size, x.shape[2], filters), np.float32)
        x = graph.add(Conv2D(x, Value((*x.shape[:2], filters)), kernel / len(kernel), None, window))
    return x


def assert_each_image_is_alone(graph, images):
    plan = build_plan(graph)
    assert all(step.batched for step in plan.steps)
    x = np.random.default_rng(2).standard_normal((images, *graph.inputs[0].shape), np.float32)
    together, alone = np.full((2, images, *plan.output_shapes[0]), np.nan, np.float32)
    plan.run([x], [together], 2)
    for i in range(images):
        plan.run([x[i : i + 1]], [alone[i : i + 1]], 1)
    np.testing.assert_array_equal(together, alone)


def test_the_padding_of_each_image_is_cleared():
    """That of the third value lies where the first, which has none, was before."""
    convolutions = [(420, PIXEL), (160, PIXEL), (160, SAME), (160, SAME)]
    graph = graph_of((4, 4, 160), lambda graph, x: stack(graph, x, *convolutions))
    assert_each_image_is_alone(graph, 3)


@pytest.mark.parametrize("images", [64, 70])
def test_a_large_batch_runs_in_chunks(images):
    """Of 64 images, as what lies between the steps takes a megabyte for each."""
    graph = graph_of((1, 1, 4), lambda graph, x: stack(graph, x, (1 << 18, PIXEL), (3, PIXEL)))
    assert_each_image_is_alone(graph, images)
