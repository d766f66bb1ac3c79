"""How many threads a plan asks for: what its steps compute and move, and what can be shared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.engine.program import Program
from cnnfast.models import Model

IMAGE = (64, 64, 64)
SEQUENCE = (4096, 64)
Build = Callable[[], layers.Layer]

WITHOUT_PRODUCTS: dict[str, Build] = {
    "max pooling": layers.MaxPooling2D,
    "average pooling": layers.AveragePooling2D,
    "gelu": lambda: layers.Activation("gelu"),
    "relu": layers.ReLU,
    "batch normalization": layers.BatchNormalization,
    "layer normalization": layers.LayerNormalization,
    "softmax": layers.Softmax,
    "nearest upsampling": layers.UpSampling2D,
    "bilinear upsampling": lambda: layers.UpSampling2D(interpolation="bilinear"),
    "zero padding": layers.ZeroPadding2D,
    "permute": lambda: layers.Permute((3, 1, 2)),
    "global pooling": layers.GlobalAveragePooling2D,
}
OF_SEQUENCES: dict[str, Build] = {
    "max pooling": layers.MaxPooling1D,
    "overlapping pooling": lambda: layers.AveragePooling1D(5, strides=2, padding="same"),
    "gelu": lambda: layers.Activation("gelu"),
    "batch normalization": layers.BatchNormalization,
    "layer normalization": layers.LayerNormalization,
    "softmax": layers.Softmax,
    "upsampling": layers.UpSampling1D,
    "depthwise convolution": lambda: layers.DepthwiseConv1D(3, padding="same", activation="silu"),
    "dilated depthwise": lambda: layers.DepthwiseConv1D(3, dilation_rate=4),
}


def plan_of(model: Model):
    plan = model._executor.plan((model.input_shape[1:],))
    assert not isinstance(plan, Program)
    return plan


def model_of(layer: layers.Layer, shape: tuple[int, ...]) -> Model:
    return cnnfast.Sequential([cnnfast.Input(shape), layer])


@pytest.mark.parametrize("name", WITHOUT_PRODUCTS)
def test_a_step_without_products_takes_a_second_thread_where_it_pays(name):
    plan = plan_of(model_of(WITHOUT_PRODUCTS[name](), IMAGE))
    assert plan.useful_threads(1, 2) == 2
    assert plan.steps[0].units >= 2
    assert plan_of(model_of(WITHOUT_PRODUCTS[name](), (4, 4, 8))).useful_threads(1, 2) == 1


def test_two_operands_take_a_second_thread_where_it_pays():
    x, y = cnnfast.Input(IMAGE), cnnfast.Input(IMAGE)
    model = Model([x, y], layers.Concatenate(axis=1)([layers.Multiply()([x, y]), y]))
    plan = model._executor.plan((IMAGE, IMAGE))
    assert plan.useful_threads(1, 2) == 2


def test_more_images_take_more_threads_and_never_more_than_given():
    plan = plan_of(model_of(layers.MaxPooling2D(), (16, 16, 16)))
    useful = [plan.useful_threads(images, 8) for images in (1, 100, 10_000)]
    assert useful[0] == 1
    assert 1 < useful[1] < 8
    assert useful[2] == 8


def test_what_is_dear_to_compute_takes_more_threads_than_what_is_only_moved():
    moved, computed = (
        plan_of(model_of(layers.Activation(name), IMAGE)).useful_threads(1, 512)
        for name in ("relu", "gelu")
    )
    assert 1 < moved < computed


def test_an_activation_inside_a_convolution_counts():
    plain, dear = (
        plan_of(model_of(layers.Conv2D(64, 1, activation=name), (32, 32, 3)))
        for name in (None, "gelu")
    )
    assert plain.steps[0].flops == dear.steps[0].flops
    assert plain.useful_threads(1, 512) < dear.useful_threads(1, 512)


@pytest.mark.parametrize("name", OF_SEQUENCES)
def test_threads_share_the_steps_of_one_sequence(name):
    model = model_of(OF_SEQUENCES[name](), SEQUENCE)
    plan = plan_of(model)
    assert plan.useful_threads(1, 2) == 2
    assert all(step.units >= 8 for step in plan.steps if step.name != "copy")
    x = np.random.default_rng(5).standard_normal((2, *SEQUENCE), np.float32)
    one, *others = (run(plan, x, threads) for threads in (1, 2, 3, 5))
    for other in others:
        np.testing.assert_array_equal(one, other)


def run(plan, x: np.ndarray, threads: int) -> np.ndarray:
    out = np.full((len(x), *plan.output_shapes[0]), np.nan, np.float32)
    plan.run([x], [out], threads)
    return out


@pytest.mark.parametrize("name", sorted(OF_SEQUENCES.keys() - {"layer normalization", "softmax"}))
def test_the_strips_of_a_sequence_give_the_numbers_of_its_whole(name):
    """A sequence of few channels is one strip; the same numbers in many channels are several."""
    layer = OF_SEQUENCES[name]()
    whole, cut = (640, 4), (640, 4 * 64)
    x = np.random.default_rng(6).standard_normal((1, *whole), np.float32)
    few = model_of(layer, whole)
    weights = [np.random.default_rng(7).uniform(0.5, 1, w.shape) for w in few.get_weights()]
    few.set_weights(weights)
    many = model_of(OF_SEQUENCES[name](), cut)
    many.set_weights([np.concatenate([w] * 64, axis=_channel_axis(w)) for w in weights])
    expected = few.predict(x, verbose=0)
    got = many.predict(np.concatenate([x] * 64, axis=2), verbose=0)
    assert plan_of(many).steps[-1].units > plan_of(few).steps[-1].units or name == "upsampling"
    np.testing.assert_allclose(got[..., :4], expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(got[..., -4:], expected, rtol=1e-6, atol=1e-7)


def _channel_axis(weight: np.ndarray) -> int:
    return 1 if weight.ndim == 3 else 0


@pytest.mark.parametrize(
    ("layer", "moved"),
    [
        (layers.MaxPooling2D, 4 * (64 * 64 * 64 + 32 * 32 * 64)),
        (layers.Softmax, 4 * 2 * 64 * 64 * 64),
        (layers.LayerNormalization, 4 * 2 * 64 * 64 * 64),
        (lambda: layers.Permute((3, 1, 2)), 4 * 2 * 64 * 64 * 64),
        (layers.UpSampling2D, 4 * 2 * 128 * 128 * 64),
        (lambda: layers.Conv2D(8, 3), 4 * (64 * 64 * 64 + 62 * 62 * 8)),
        (lambda: layers.DepthwiseConv2D(3), 4 * (64 * 64 * 64 + 62 * 62 * 64)),
    ],
)
def test_a_step_says_the_bytes_that_it_moves(layer, moved):
    steps = plan_of(model_of(layer(), IMAGE)).steps
    named = next(step for step in steps if step.name != "copy")
    assert named.moved_bytes == moved
