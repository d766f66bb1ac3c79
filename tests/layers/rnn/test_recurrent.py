"""Recurrent layers and the wrappers around layers, against Keras."""

from __future__ import annotations

from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from layer_parity import LayerParity
from parity import both, keras, plain, randomize
from reference import tolerance

SEQUENCE = (None, 6, 5)
KINDS = ("SimpleRNN", "LSTM", "GRU")
MODES = ("concat", "sum", "mul", "ave", None)

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    *[(kind, {"units": 4}, SEQUENCE) for kind in KINDS],
    *[(kind, {"units": 4, "return_sequences": True}, SEQUENCE) for kind in KINDS],
    *[
        (kind, {"units": 3, "go_backwards": True, "return_sequences": True}, SEQUENCE)
        for kind in KINDS
    ],
    *[(kind, {"units": 3, "go_backwards": True, "use_bias": False}, SEQUENCE) for kind in KINDS],
    *[(kind, {"units": 2, "activation": "relu", "unroll": True}, SEQUENCE) for kind in KINDS],
    *[(kind, {"units": 1}, (None, 1, 1)) for kind in KINDS],
    ("SimpleRNN", {"units": 4, "activation": None, "trainable": False}, SEQUENCE),
    ("LSTM", {"units": 3, "recurrent_activation": "hard_sigmoid"}, SEQUENCE),
    ("LSTM", {"units": 3, "unit_forget_bias": False, "seed": 3, "dropout": 0.5}, SEQUENCE),
    ("LSTM", {"units": 3, "kernel_regularizer": "l2", "activity_regularizer": "l2"}, SEQUENCE),
    ("GRU", {"units": 4, "reset_after": False}, SEQUENCE),
    ("GRU", {"units": 4, "reset_after": False, "use_bias": False}, SEQUENCE),
    ("GRU", {"units": 4, "recurrent_activation": "tanh", "recurrent_dropout": 0.2}, SEQUENCE),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 60
    magnitude = 10.0


def _unbuilt(config: Any) -> Any:
    """Return `config` without what says that layers inside were built."""
    if isinstance(config, dict):
        return {key: _unbuilt(v) for key, v in config.items() if key != "build_config"}
    return config


def _same(theirs: Any, ours: Any, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    """Assert equal weights, configs in both directions, shapes and numbers."""
    theirs.build((None, *shape))
    ours.build((None, *shape))
    assert [(w.path, w.shape) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]
    saved = plain(keras.saving.serialize_keras_object(theirs))
    assert plain(layers.serialize(ours)) == saved
    loaded = layers.deserialize(saved)
    assert _unbuilt(plain(loaded.get_config())) == _unbuilt(saved["config"])
    reloaded = keras.saving.deserialize_keras_object(plain(layers.serialize(ours)))
    assert _unbuilt(plain(reloaded.get_config())) == _unbuilt(saved["config"])
    randomize(theirs, ours, rng)
    x = rng.normal(size=(2, *shape)).astype(np.float32)
    expected = theirs(x, training=False)
    y = ours(x)
    if not isinstance(expected, list | tuple):
        expected, y = [expected], [y]
    shapes = ours.compute_output_shape((2, *shape))
    assert [a.shape for a in y] == (shapes if isinstance(shapes, list) else [shapes])
    for mine, their in zip(y, expected, strict=True):
        bound = 2 * tolerance(200, max(1.0, 2 * float(np.abs(mine).max())))
        np.testing.assert_allclose(mine, np.asarray(their), rtol=0, atol=bound)


@pytest.mark.parametrize(
    ("kind", "mode", "sequences"),
    [
        *[("LSTM", mode, sequences) for mode in MODES for sequences in (False, True)],
        *[
            (kind, "concat", sequences)
            for kind in ("SimpleRNN", "GRU")
            for sequences in (False, True)
        ],
    ],
)
def test_bidirectional(
    kind: str, mode: str | None, sequences: bool, rng: np.random.Generator
) -> None:
    inner = both(kind, units=3, return_sequences=sequences, name="rnn")
    theirs = keras.layers.Bidirectional(inner[0], merge_mode=mode, name="layer")
    ours = layers.Bidirectional(inner[1], merge_mode=mode, name="layer")
    _same(theirs, ours, (5, 4), rng)


def test_bidirectional_with_a_backward_layer_of_its_own(rng: np.random.Generator) -> None:
    forward = both("LSTM", units=3, name="there")
    backward = both("GRU", units=2, go_backwards=True, name="back")
    theirs = keras.layers.Bidirectional(forward[0], backward_layer=backward[0], name="layer")
    ours = layers.Bidirectional(forward[1], backward_layer=backward[1], name="layer")
    theirs.build((None, 5, 4))
    ours.build((None, 5, 4))
    randomize(theirs, ours, rng)
    x = rng.normal(size=(2, 5, 4)).astype(np.float32)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-5)
    assert ours.compute_output_shape((None, 5, 4)) == (None, 5)


@pytest.mark.parametrize("cell", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_rnn_with_a_cell(cell: str, rng: np.random.Generator) -> None:
    cells = both(cell, units=3, name="cell")
    theirs = keras.layers.RNN(cells[0], return_sequences=True, name="layer")
    ours = layers.RNN(cells[1], return_sequences=True, name="layer")
    _same(theirs, ours, (5, 4), rng)


WRAPPED: list[tuple[str, dict[str, Any], tuple[int, ...]]] = [
    ("Dense", {"units": 4, "activation": "softmax"}, (3, 5)),
    ("Dense", {"units": 4}, (3, 2, 5)),
    ("Flatten", {}, (3, 2, 4, 5)),
    ("Reshape", {"target_shape": (5, -1)}, (3, 2, 5)),
    ("Permute", {"dims": (2, 1)}, (3, 2, 5)),
    ("Activation", {"activation": "tanh"}, (3, 5)),
    ("Dropout", {"rate": 0.5}, (3, 5)),
    ("BatchNormalization", {}, (3, 4, 5, 2)),
    ("BatchNormalization", {"axis": 1}, (3, 4, 5, 2)),
    ("LayerNormalization", {}, (3, 4, 5)),
    ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal"}, (4, 6, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, (4, 6, 7, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 1, "activation": "relu"}, (4, 6, 7, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "same", "strides": 2}, (3, 7, 6, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": 2, "strides": 3, "groups": 2}, (3, 7, 8, 2)),
    ("Conv2D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2}, (2, 7, 8, 2)),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "data_format": "channels_first"}, (2, 2, 5, 6)),
    ("DepthwiseConv2D", {"kernel_size": 3, "padding": "same"}, (4, 5, 6, 2)),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2}, (2, 3, 4, 2)),
    ("MaxPooling2D", {"padding": "same"}, (4, 5, 6, 2)),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2}, (4, 8, 6, 2)),
    ("AveragePooling2D", {"pool_size": 3, "padding": "same"}, (4, 5, 6, 2)),
    ("GlobalAveragePooling2D", {}, (3, 5, 6, 2)),
    ("UpSampling2D", {"interpolation": "bilinear"}, (3, 5, 6, 2)),
    ("ZeroPadding2D", {}, (3, 5, 6, 2)),
    ("LSTM", {"units": 3}, (3, 5, 4)),
    ("LSTM", {"units": 3}, (1, 5, 4)),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), WRAPPED)
def test_time_distributed(
    class_name: str, kwargs: dict[str, Any], shape: tuple[int, ...], rng: np.random.Generator
) -> None:
    inner = both(class_name, name="inner", **kwargs)
    theirs = keras.layers.TimeDistributed(inner[0], name="layer")
    ours = layers.TimeDistributed(inner[1], name="layer")
    _same(theirs, ours, shape, rng)


@hypothesis.given(
    height=st.integers(1, 9),
    kernel=st.integers(1, 4),
    stride=st.integers(1, 4),
    padding=st.sampled_from(["same", "valid"]),
    layer=st.sampled_from(["Conv2D", "MaxPooling2D"]),
)
@hypothesis.settings(max_examples=40)
def test_frames_do_not_see_one_another(
    height: int, kernel: int, stride: int, padding: str, layer: str
) -> None:
    hypothesis.assume(padding == "same" or height >= kernel)
    size: dict[str, Any] = {"filters": 3, "kernel_size": (kernel, 2)}
    if layer == "MaxPooling2D":
        size = {"pool_size": (kernel, 2)}
    inner = getattr(layers, layer)(**size, strides=stride, padding=padding)
    x = np.random.default_rng(height).normal(size=(2, 3, height, 5, 2)).astype(np.float32)
    y = layers.TimeDistributed(inner)(x)
    frames = np.stack([inner(np.ascontiguousarray(x[:, i])) for i in range(3)], axis=1)
    np.testing.assert_allclose(y, frames, rtol=0, atol=tolerance(16, 40.0))


def _frame_network(package: Any) -> Any:
    """Return a small CNN with a residual block, of Keras or of this package."""
    make = package.layers
    x = image = make.Input((8, 9, 4))
    x = make.Conv2D(4, 3, padding="same")(x)
    x = make.Add()([x, image])
    x = make.ReLU()(x)
    x = make.BatchNormalization()(x)
    x = make.MaxPooling2D()(x)
    x = make.Dense(3)(make.Flatten()(x))
    return package.Model(image, x, name="cnn")


def test_time_distributed_model(rng: np.random.Generator) -> None:
    theirs = keras.layers.TimeDistributed(_frame_network(keras), name="layer")
    ours = layers.TimeDistributed(_frame_network(cnnfast), name="layer")
    x = rng.normal(size=(2, 3, 8, 9, 4)).astype(np.float32)
    theirs.build((None, *x.shape[1:]))
    ours.build((None, *x.shape[1:]))
    randomize(theirs, ours, rng)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-5)


def _branching_network(package: Any) -> Any:
    """Return branches that are joined, multiplied and shifted by the same map for each frame."""
    make = package.layers
    image = make.Input((6, 5, 4))
    sharp = make.Conv2D(3, 3, padding="same")(image)
    blurred = make.AveragePooling2D(3, strides=1, padding="same")(image)
    x = make.Concatenate()([sharp, blurred])
    x = make.Multiply()([x, make.Activation("sigmoid")(x)])
    x = x + np.linspace(-1, 1, 42, dtype=np.float32).reshape(1, 6, 1, 7)
    return package.Model(image, x, name="branches")


def test_time_distributed_branches(rng: np.random.Generator) -> None:
    theirs = keras.layers.TimeDistributed(_branching_network(keras), name="layer")
    ours = layers.TimeDistributed(_branching_network(cnnfast), name="layer")
    x = rng.normal(size=(2, 3, 6, 5, 4)).astype(np.float32)
    theirs.build((None, *x.shape[1:]))
    ours.build((None, *x.shape[1:]))
    randomize(theirs, ours, rng)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-5)


def test_lstm_of_keras_2() -> None:
    layer = layers.LSTM.from_config(
        {
            "name": "lstm",
            "trainable": True,
            "batch_input_shape": [None, 6, 5],
            "dtype": "float32",
            "return_sequences": True,
            "return_state": False,
            "go_backwards": False,
            "stateful": False,
            "unroll": False,
            "time_major": False,
            "units": 3,
            "activation": "tanh",
            "recurrent_activation": "sigmoid",
            "use_bias": True,
            "unit_forget_bias": True,
            "implementation": 2,
            "dropout": 0.0,
            "recurrent_dropout": 0.0,
        }
    )
    layer.build((None, 6, 5))
    assert [w.shape for w in layer.weights] == [(5, 12), (3, 12), (12,)]
    np.testing.assert_array_equal(layer.get_weights()[2], [0] * 3 + [1] * 3 + [0] * 6)


def test_gru_from_before_there_was_reset_after() -> None:
    old, new = layers.GRU.from_config({"units": 3, "implementation": 0}), layers.GRU(3)
    old.build((None, 6, 5))
    new.build((None, 6, 5))
    assert [layer.weights[2].shape for layer in (old, new)] == [(9,), (2, 9)]


def test_bidirectional_of_keras_2() -> None:
    layer = layers.deserialize(
        {
            "class_name": "Bidirectional",
            "config": {
                "name": "bidirectional",
                "merge_mode": "concat",
                "layer": {"class_name": "LSTM", "config": {"name": "lstm_1", "units": 3}},
            },
        }
    )
    assert isinstance(layer, layers.Bidirectional)
    names = [inner.name for inner in (layer.forward_layer, layer.backward_layer)]
    assert names == ["forward_lstm_1", "backward_lstm_1"]


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: layers.LSTM(3, time_major=True), "takes \\(batch, steps, features\\)"),
        (lambda: layers.RNN(layers.GRUCell(3), num_constants=1), "no constants beside them"),
        (lambda: layers.Bidirectional(layers.Dense(3)), "takes an RNN"),
        (lambda: layers.LSTM(3, activation="softmax")(np.ones((1, 2, 2))), "on each number alone"),
    ],
)
def test_what_is_not_supported_is_refused(make: Any, rule: str) -> None:
    with pytest.raises(UnsupportedError, match=rule):
        make()


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: layers.LSTM(0), "invalid value for argument `units`"),
        (lambda: layers.RNN(layers.Dense(3)), "state_size must be specified"),
        (lambda: layers.GRU(3, foo=1), "Unrecognized keyword arguments"),
        (lambda: layers.Bidirectional(layers.LSTM(3), merge_mode="max"), "Invalid merge mode"),
        (
            lambda: layers.Bidirectional(layers.LSTM(3), backward_layer=layers.LSTM(3)),
            "different `go_backwards` value",
        ),
        (lambda: layers.TimeDistributed(3), "with a `Layer` instance"),
        (lambda: layers.LSTM(3, name="l")(np.ones((1, 2))), "'l'.*expected ndim=3"),
        (
            lambda: layers.TimeDistributed(layers.Dense(3), name="t")(np.ones((1, 2))),
            "'t'.*min_ndim",
        ),
    ],
)
def test_what_is_illegal_is_refused(make: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        make()


def test_files_name_the_layers_inside_as_attributes() -> None:
    rnn = layers.LSTM(3)
    both_ways = layers.Bidirectional(rnn)
    assert rnn._file_children() == {"cell": rnn.cell}
    assert both_ways._file_children() == {
        "forward_layer": both_ways.forward_layer,
        "backward_layer": both_ways.backward_layer,
    }
    assert list(layers.TimeDistributed(rnn)._file_children()) == ["layer"]
    assert layers.Dense(2)._file_children() == {}
