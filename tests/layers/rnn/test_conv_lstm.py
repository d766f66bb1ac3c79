"""Convolutional LSTMs against Keras."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.layers.rnn.conv_lstm_cell import LARGEST_TIME
from layer_parity import LayerParity
from parity import both, keras, randomize
from reference import tolerance

SHAPES: dict[int, tuple[int | None, ...]] = {
    1: (None, 4, 7, 3),
    2: (None, 4, 6, 5, 3),
    3: (None, 3, 4, 5, 3, 2),
}
# Keras compiles an orthogonal initializer for each shape.
SMALL = {"filters": 2, "kernel_size": 2, "recurrent_initializer": "glorot_uniform"}
SEQUENCES = {"return_sequences": True}


def case(rank: int, **kwargs: Any) -> tuple[str, dict[str, Any], tuple[int | None, ...]]:
    return f"ConvLSTM{rank}D", {**SMALL, **kwargs}, SHAPES[rank]


CASES = [
    case(2, padding="same", kernel_size=3, **SEQUENCES),
    case(3, strides=(1, 2, 1), data_format="channels_first", **SEQUENCES),
    case(1, strides=2, go_backwards=True, **SEQUENCES),
    case(2, strides=(2, 1), go_backwards=True),
    case(1, data_format="channels_first", use_bias=False, dilation_rate=2),
    case(2, data_format="channels_first", padding="same", **SEQUENCES),
    case(2, dilation_rate=(2, 1), kernel_size=(3, 2), **SEQUENCES),
    case(2, filters=1, kernel_size=1, activation=None, recurrent_activation="hard_sigmoid"),
    case(2, activation="relu", recurrent_activation="tanh", unit_forget_bias=False),
    case(2, dropout=0.5, recurrent_dropout=0.2, seed=3, kernel_regularizer="l2", trainable=False),
    ("ConvLSTM2D", {**SMALL, "filters": 16, "kernel_size": 3}, (None, 1, 9, 8, 8)),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 200
    magnitude = 20.0


def test_the_forget_gate_starts_open() -> None:
    theirs, ours = both("ConvLSTM1D", filters=3, kernel_size=2)
    theirs.build(SHAPES[1])
    ours.build(SHAPES[1])
    np.testing.assert_array_equal(ours.get_weights()[2], np.asarray(theirs.weights[2]))


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("mode", ["concat", "sum"])
def test_bidirectional(mode: str, sequences: bool, rng: np.random.Generator) -> None:
    inner = both("ConvLSTM1D", **SMALL, return_sequences=sequences, name="rnn")
    theirs = keras.layers.Bidirectional(inner[0], merge_mode=mode, name="layer")
    ours = layers.Bidirectional(inner[1], merge_mode=mode, name="layer")
    theirs.build(SHAPES[1])
    ours.build(SHAPES[1])
    assert [(w.path, w.shape) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]
    randomize(theirs, ours, rng)
    x = rng.normal(size=(2, 4, 7, 3)).astype(np.float32)
    expected = np.asarray(theirs(x))
    assert ours.compute_output_shape(SHAPES[1]) == (None, *expected.shape[1:])
    np.testing.assert_allclose(ours(x), expected, rtol=0, atol=2 * tolerance(200, 20.0))


def test_open_times_and_sizes(rng: np.random.Generator) -> None:
    x = cnnfast.Input((None, None, None, 3))
    layer = layers.ConvLSTM2D(2, 3, return_sequences=True)
    model = cnnfast.Model(x, layer(x))
    assert model.output_shape == (None, None, None, None, 2)
    video = rng.normal(size=(1, 5, 6, 7, 3)).astype(np.float32)
    y = model.predict(video, verbose=0)
    # What comes later in time changes nothing before.
    np.testing.assert_array_equal(model.predict(video[:, :3], verbose=0), y[:, :3])
    assert model.predict(video[:, :, :4, :5], verbose=0).shape == (1, 5, 2, 3, 2)


def test_videos_of_a_batch_do_not_see_one_another(rng: np.random.Generator) -> None:
    layer = layers.ConvLSTM2D(4, 3, padding="same")
    x = rng.normal(size=(3, 4, 6, 5, 2)).astype(np.float32)
    np.testing.assert_array_equal(layer(x), np.concatenate([layer(one[None]) for one in x]))


def test_time_distributed(rng: np.random.Generator) -> None:
    layer = layers.ConvLSTM2D(3, 3, padding="same")
    x = rng.normal(size=(2, 2, 3, 6, 5, 2)).astype(np.float32)
    apart = np.stack([layer(np.ascontiguousarray(x[:, i])) for i in range(2)], axis=1)
    y = layers.TimeDistributed(layer)(x)
    np.testing.assert_allclose(y, apart, rtol=0, atol=tolerance(64, 10.0))


@pytest.mark.parametrize(
    ("kwargs", "rule"),
    [
        ({"kernel_size": (2, 2, 2)}, "`kernel_size` argument must be a tuple of 2"),
        ({"padding": "causal"}, "`padding` argument must be one of ('valid', 'same')"),
        ({"strides": 2, "dilation_rate": 2}, "`dilation_rate > 1`. Received: strides=(2, 2)"),
        ({"data_format": "nchw"}, "`data_format` argument"),
    ],
)
def test_illegal_arguments_are_refused(kwargs: dict[str, Any], rule: str) -> None:
    for package in (keras.layers, layers):
        with pytest.raises(ValueError, match=r".") as error:
            package.ConvLSTM2D(**{**SMALL, **kwargs})
    assert rule in str(error.value)


@pytest.mark.parametrize(
    ("kwargs", "rule"),
    [
        ({"activation": "softmax"}, "each number alone. Received: <activation softmax>"),
        ({"recurrent_activation": "glu"}, "each number alone. Received: <activation glu>"),
    ],
)
def test_what_is_not_supported_is_refused(kwargs: dict[str, Any], rule: str) -> None:
    with pytest.raises(UnsupportedError, match=re.escape(rule)):
        layers.ConvLSTM2D(**SMALL, **kwargs)(np.zeros((1, 2, 4, 4, 1), np.float32))


def test_a_sequence_too_long_to_unroll_is_refused() -> None:
    x = np.zeros((1, LARGEST_TIME + 1, 2, 1), np.float32)
    with pytest.raises(UnsupportedError, match=r"at most 1024 steps of time. Received: 1025"):
        layers.ConvLSTM1D(**SMALL)(x)


def test_no_filters_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`filters`\. Expected a strictly positive integer\. Rec"):
        layers.ConvLSTM2D(0, 2)


def test_an_image_smaller_than_the_window_is_refused() -> None:
    with pytest.raises(ValueError, match=r"zero or negative\. Received: input shape=") as error:
        layers.ConvLSTM2D(2, 5).build((None, 3, 4, 9, 1))
    assert "kernel_size=(5, 5)" in str(error.value)
