"""Convolutions with many weights, which run on all images at once, give each image its own bits."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast.engine.ops import Conv2D, Value, Window
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of

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


def wide(channels, filters):
    """A graph with `channels` floats for each image between its two steps."""
    convolutions = [(channels, PIXEL), (filters, PIXEL)]
    return graph_of((1, 1, 4), lambda graph, x: stack(graph, x, *convolutions))


@pytest.mark.parametrize("images", [8, 70])
def test_a_large_batch_runs_in_chunks(images):
    """Of 8 images, as what lies between the steps takes a megabyte for each."""
    assert_each_image_is_alone(wide(1 << 18, 3), images)


@pytest.mark.parametrize(
    ("channels", "filters", "images", "threads", "together"),
    [
        (1 << 18, 3, 8, 1, 8),  # as many as fit in 8 MiB
        (1 << 18, 3, 9, 1, 5),  # in two chunks of about one size
        (1 << 18, 3, 100, 3, 6),  # each thread has as many
        (1 << 18, 3, 20, 9, 9),  # no thread goes without, though that does not fit
        (1 << 18, 3, 1, 9, 1),
        (1 << 18, 20, 64, 1, 64),  # 24 MiB of weights are read seldom,
        (1 << 18, 20, 70, 1, 35),  # but no chunk takes more than 64 MiB
    ],
)
def test_chunks_have_what_the_cache_holds_or_many_weights_need(
    channels, filters, images, threads, together
):
    steps = build_plan(wide(channels, filters)).steps_for(images, threads)
    assert [step.images for step in steps] == [together, together]


def test_no_threads_are_refused():
    plan = build_plan(wide(1 << 18, 3))
    for ask in (plan.steps_for, plan.workspace_bytes):
        with pytest.raises(ValueError, match="threads must be positive"):
            ask(100, 0)
