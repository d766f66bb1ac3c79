"""Packed weights: one copy for all plans that need the same, and none when no plan is left."""

from __future__ import annotations

import gc
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cnnfast import layers
from cnnfast._core import (
    ActivationKind,
    Kernel,
    PlanBuilder,
    WeightDtype,
    packed_bytes,
    packed_bytes_of,
)
from cnnfast.engine.executor import PLANS_KEPT
from cnnfast.engine.late import LateArray
from cnnfast.engine.ops import Conv2D, Value, Window
from cnnfast.engine.program import build as build_plan
from cnnfast.models import Model, Sequential, load_model
from csrc.plans import graph_of, run_graph

SAME = Window((3, 3), pads=(1, 1, 1, 1))


@pytest.fixture(scope="module", autouse=True)
def _earlier_objects_apart():
    """Keep the collector from walking, before each test, all that earlier tests have left."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def held():
    """How many bytes of packed weights there are more than at the start of the test."""
    gc.collect()
    before = packed_bytes()
    return lambda: packed_bytes() - before


def kernel(seed=1, shape=(3, 3, 8, 24)):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


def conv(weights, size=(6, 7), groups=1, window=SAME):
    channels = weights.shape[2] * groups

    def add(graph, x):
        out = Value((*size, weights.shape[3]))
        return graph.add(Conv2D(x, out, weights, None, window, groups))

    return graph_of((*size, channels), add)


def test_two_sizes_hold_one_copy(held):
    plans = [build_plan(conv(kernel()))]
    once = held()
    assert once >= kernel().nbytes
    plans.append(build_plan(conv(kernel().copy(), size=(5, 9))))
    assert held() == once
    del plans[0]
    assert held() == once
    plans.clear()
    assert held() == 0


def test_the_bits_are_those_of_weights_packed_alone(held, rng):
    """With padding behind the last vector, chunks, and a plan of another size before."""
    weights = kernel(shape=(3, 3, 70, 19))
    x = rng.standard_normal((2, 4, 4, 70), np.float32)
    alone = run_graph(conv(weights, (4, 4)), x)
    assert held() == 0
    first = build_plan(conv(weights, (3, 3)))
    once = held()
    np.testing.assert_array_equal(run_graph(conv(weights, (4, 4)), x), alone)
    assert held() == once
    del first


def test_kernels_that_differ_in_signs_are_two(held, rng):
    """All 65,536 kernels of 16 numbers of 1 and -1 would share a few thousand digests."""
    first = rng.standard_normal((16, 16), np.float32)
    second = first.copy()
    second.reshape(-1)[[1, 8, 9]] *= -1
    model = Sequential([layers.Input((16,)), *(layers.Dense(16, use_bias=False) for _ in range(2))])
    model.set_weights([first, second])
    x = rng.standard_normal((4, 16), np.float32)
    np.testing.assert_allclose(model(x), x @ first @ second, rtol=1e-4, atol=1e-4)


@pytest.mark.long
def test_each_of_thousands_of_kernels_keeps_its_own_numbers(held):
    """There are more than the digest tells apart: their content does."""
    one = np.ones((1, 1, 1, 16), np.float32)
    plans = []
    for number in range(0, 1 << 16, 11):
        signs = one * np.where(number >> np.arange(16) & 1, 1, -1).astype(np.float32)
        plans.append((signs, build_plan(conv(signs, (1, 1), window=Window((1, 1))))))
        out = np.empty((1, 1, 1, 16), np.float32)
        plans[-1][1].run([np.ones((1, 1, 1, 1), np.float32)], [out], 1)
        np.testing.assert_array_equal(out, signs)
    each = plans[0][1].packed_bytes
    assert held() == each * len(plans) - sum(4 * 16 for _ in plans)  # biases are the plans' own


@pytest.mark.parametrize("size", [(6, 7), (28, 28)], ids=["direct", "winograd"])
def test_a_kernel_and_one_of_other_signs_in_one_graph(rng, size):
    weights = kernel(shape=(3, 3, 64, 64))
    other = weights * rng.choice([-1, 1], weights.shape).astype(np.float32)
    x = rng.standard_normal((1, *size, 64), np.float32)

    def both(graph, value):
        for numbers in (weights, other):
            value = graph.add(Conv2D(value, Value((*size, 64)), numbers, None, SAME))
        return value

    middle = run_graph(conv(weights, size), x)
    want = run_graph(conv(other, size), middle)
    np.testing.assert_array_equal(run_graph(graph_of((*size, 64), both), x), want)


def test_one_kernel_in_two_forms_is_packed_twice(held):
    weights = kernel(shape=(3, 3, 64, 64))
    shared = Kernel(weights, weights.shape)
    plans = []
    for size in ((6, 7), (28, 28), (5, 5), (32, 28)):
        builder = PlanBuilder()
        shape = (*size, 64)
        x = builder.input(shape)
        window = ((3, 3), (1, 1), (1, 1), (1, 1, 1, 1))
        linear = (ActivationKind.LINEAR, 0.0, 0.0)
        plans.append(builder.build([builder.conv2d(x, shape, shared, None, window, 1, linear)]))
    kinds = {plan.steps[-1].algorithm: plan.packed_bytes - 4 * 64 for plan in plans}
    assert len(kinds) > 1
    assert held() == sum(kinds.values())
    assert packed_bytes_of([], [shared]) == held()
    del plans, builder
    assert held() == packed_bytes_of([], [shared]) > 0


def by_rows(weights, asked):
    """`weights` as a kernel that gives rows of its last axis and notes how many."""

    def rows(first, last):
        asked.append(last - first)
        return weights.reshape(-1, weights.shape[-1])[first:last].copy()

    return LateArray(weights.shape, lambda: weights, rows, (id(rows),))


@pytest.mark.parametrize(
    ("shape", "groups", "dtype"),
    [
        ((3, 3, 70, 190), 1, WeightDtype.FLOAT32),
        ((3, 3, 70, 190), 2, WeightDtype.FLOAT32),
        ((1, 1, 2051, 1537), 1, WeightDtype.FLOAT32),  # too large to be held as a whole
        ((1, 1, 2051, 1537), 1, WeightDtype.BFLOAT16),
    ],
)
def test_a_kernel_taken_by_rows_is_packed_as_a_whole_one(held, rng, shape, groups, dtype):
    weights, asked = kernel(shape=shape), []
    window = SAME if shape[:2] == (3, 3) else Window((1, 1))
    size = shape[:2]
    x = rng.standard_normal((1, *size, groups * shape[2]), np.float32)

    def output(numbers):
        plan = build_plan(conv(numbers, size, groups, window), dtype)
        out = np.empty((1, *size, shape[3]), np.float32)
        plan.run([x], [out], 1)
        return plan, out

    plan, expected = output(weights)
    once = held()
    twin, _ = output(by_rows(weights, asked))
    assert held() == once, "the same numbers are packed in another way"
    del plan, twin
    assert held() == 0
    _, got = output(by_rows(weights, asked))
    np.testing.assert_array_equal(got, expected)
    assert max(asked) < weights.size // shape[3]


def test_rows_of_another_shape_are_refused():
    late = LateArray((1, 1, 8, 24), kernel, lambda *_: np.ones((2, 24), "f"), ("wrong",))
    with pytest.raises(ValueError, match="kernel has another shape"):
        build_plan(conv(late, window=Window((1, 1))))


def test_planning_a_model_from_a_file_holds_one_layer_at_a_time(tmp_path, rng):
    """Of kernels that are folded, too, and of a large one only a few rows."""
    pixels, channels, units = 4, 96, 2100
    stack = [layers.Input((pixels, pixels, channels))]
    for _ in range(8):
        stack += [layers.Conv2D(channels, 3, padding="same"), layers.BatchNormalization()]
    Sequential([*stack, layers.Flatten(), layers.Dense(units)]).save(tmp_path / "model.keras")
    model = load_model(tmp_path / "model.keras")
    x = rng.standard_normal((1, pixels, pixels, channels), np.float32)
    tracemalloc.start()
    try:
        model.predict_on_batch(x)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    one_layer = 9 * channels * channels * 4
    assert peak < 5 * one_layer, "8 layers and a large one, or doubles of them, are held at once"


@pytest.mark.parametrize("place", [0, 1, 7, 8, 9, 300, -1])
@pytest.mark.parametrize("shape", [(3, 3, 8, 24), (3, 3, 7, 5)])  # the latter is odd
def test_one_different_number_makes_a_copy_of_its_own(held, shape, place):
    weights = kernel(shape=shape)
    first = build_plan(conv(weights))
    once = held()
    changed = weights.copy()
    changed.flat[place] = np.nextafter(changed.flat[place], np.float32(9))
    second = build_plan(conv(changed))
    assert held() == 2 * once
    del first, second


def test_other_orders_of_the_same_numbers_are_not_mixed_up(held, rng):
    """Groups, the shape of the kernel, and the algorithm each have an order of their own."""
    weights = kernel()
    x = rng.standard_normal((1, 6, 7, 16), np.float32)
    alone = run_graph(conv(weights, groups=2), x)
    first = build_plan(conv(weights))
    assert held() >= weights.nbytes
    reshaped = build_plan(conv(weights.reshape(3, 3, 24, 8)))
    np.testing.assert_array_equal(run_graph(conv(weights, groups=2), x), alone)
    large = kernel(shape=(3, 3, 64, 64))
    direct, winograd = build_plan(conv(large, (1, 1))), build_plan(conv(large, (28, 28)))
    assert direct.steps[-1].algorithm != winograd.steps[-1].algorithm
    assert held() >= 3 * weights.nbytes + 2 * large.nbytes
    del first, reshaped


def test_threads_that_build_at_once_share(held):
    weights = kernel(shape=(3, 3, 8, 32))

    def build(size):
        return build_plan(conv(weights, (size, size)))

    with ThreadPoolExecutor(8) as pool:
        plans = list(pool.map(build, [3] * 32))
    assert held() == weights.nbytes  # without padding: whole vectors everywhere
    del plans


@pytest.fixture
def model():
    """Takes images of any size; its convolution and normalization are folded together."""
    found = Sequential(
        [
            layers.Input((None, None, 3)),
            layers.Conv2D(32, 3),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10),
        ]
    )
    for weight in found.weights:
        weight.assign(abs(kernel(len(weight.path), weight.shape)))
    return found


def test_a_models_sizes_share_also_what_was_folded(held, model, rng):
    images = [rng.standard_normal((1, n, n + 1, 3), np.float32) for n in range(5, 45)]
    model.predict(images[0], verbose=0)
    once = held()
    for image in images:
        model.predict(image, verbose=0)
    assert len(model._executor._plans) == PLANS_KEPT
    assert held() == once


def test_models_that_share_layers_share_packed_weights(held, model, rng):
    x = rng.standard_normal((1, 9, 9, 3), np.float32)
    model(x)
    once = held()
    features = Model(model.inputs, model.layers[-2].output)
    features(x)
    assert held() == once


def test_released_memory_is_taken_again_when_it_is_needed(held, model, rng):
    x = rng.standard_normal((1, 9, 9, 3), np.float32)
    want = model(x)
    model.layers[0](x)
    assert held() > 0
    model.release_memory()
    assert held() == 0
    np.testing.assert_array_equal(model(x), want)


def test_assigned_weights_replace_the_packed_ones(held, model, rng):
    x = rng.standard_normal((1, 9, 9, 3), np.float32)
    before = model(x)
    once = held()
    model.weights[0].assign(kernel(9, model.weights[0].shape))
    assert not np.array_equal(model(x), before)
    assert held() == once
