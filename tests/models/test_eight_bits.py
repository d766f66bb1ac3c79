"""Models in 8 bits are computed as a whole, with what they were quantized with, or not at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import Model, Sequential, layers
from cnnfast.errors import UnsupportedError
from cnnfast.models.eight_bits import weights_digest
from networks_in_bytes import SIZE, images, network


@pytest.fixture
def pair() -> tuple[Model, Model]:
    model = network("residual")
    return model, cnnfast.quantize(model, images(4), verbose=0)


def test_other_weights_are_refused_and_the_same_are_not(pair):
    model, made = pair
    x, before = images(2), made.predict(images(2), verbose=0)
    weights = model.get_weights()
    model.set_weights([2 * weight for weight in weights])
    with pytest.raises(UnsupportedError, match="Received: other weights"):
        made.predict(x, verbose=0)
    made.set_weights(weights)
    np.testing.assert_array_equal(made.predict(x, verbose=0), before)


def test_other_layers_are_refused(pair):
    _, made = pair
    next(x for x in made.layers if isinstance(x, layers.Activation)).activation = "tanh"
    with pytest.raises(UnsupportedError, match="Received: other layers"):
        made.predict(images(2), verbose=0)


@pytest.mark.parametrize(
    "around",
    [
        lambda made: Sequential([layers.Input(SIZE), made]),
        lambda made: Model(x := layers.Input(SIZE), made(x)),
        lambda made: Sequential([layers.Input((2, *SIZE)), layers.TimeDistributed(made)]),
    ],
)
def test_it_does_not_become_a_part_of_another_network(pair, around: Any):
    outer = around(pair[1])
    x = images(2) if outer.input_shape[1:] == SIZE else images(4).reshape(2, 2, *SIZE)
    with pytest.raises(UnsupportedError, match="a model inside another"):
        outer.predict(x, verbose=0)


def test_it_is_not_trained(pair):
    with pytest.raises(UnsupportedError, match="training=True"):
        pair[1](images(2), training=True)


def test_a_class_of_the_users_is_quantized():
    class Net(cnnfast.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv = layers.Conv2D(6, 3, activation="relu")
            self.dense = layers.Dense(4)

        def call(self, x: Any) -> Any:
            return self.dense(layers.GlobalAveragePooling2D()(self.conv(x)))

    model, x = Net(), images(6)
    expected = model.predict(x, verbose=0)
    made = cnnfast.quantize(model, x, verbose=0)
    assert made.quantization is not None
    actual = made.predict(x, verbose=0)
    assert not np.array_equal(actual, expected)
    np.testing.assert_allclose(actual, expected, atol=0.05 * np.abs(expected).max())
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    made.conv.activation = "relu6"  # of which no config tells
    with pytest.raises(UnsupportedError, match="Received: other layers"):
        made.predict(x, verbose=0)


def test_images_of_another_size_are_computed_in_the_same_steps():
    model = Sequential(
        [
            layers.Input((None, None, 3)),
            layers.Conv2D(6, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    made = cnnfast.quantize(model, images(4), verbose=0)
    larger = images(4).repeat(2, 1).repeat(2, 2)
    expected = model.predict(larger, verbose=0)
    np.testing.assert_allclose(
        made.predict(larger, verbose=0), expected, atol=0.05 * np.abs(expected).max()
    )


def test_images_whose_network_has_other_steps_are_refused():
    model = Sequential(
        [
            layers.Input((None, None, 3)),
            layers.Conv2D(6, 3, padding="same", activation="relu"),
            layers.Resizing(8, 8, interpolation="nearest"),
            layers.Conv2D(6, 3, padding="same", dilation_rate=4),
        ]
    )
    made = cnnfast.quantize(model, images(4), verbose=0)
    for size in (8, 16, 31):
        x = np.random.default_rng(0).random((1, size, size, 3), np.float32)
        try:
            actual = made.predict(x, verbose=0)
        except UnsupportedError as error:
            assert "as it was measured" in str(error)  # noqa: PT017
        else:
            expected = model.predict(x, verbose=0)
            assert np.abs(actual - expected).max() < 0.2 * np.abs(expected).max()


def test_a_digest_is_that_of_numbers_and_shapes():
    first, second = (Sequential([layers.Input((4,)), layers.Dense(3)]) for _ in range(2))
    assert weights_digest(first) != weights_digest(second)
    second.set_weights(first.get_weights())
    assert weights_digest(first) == weights_digest(second)
