"""Files that real Keras writes give real Keras' outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import cnnfast
from cnnfast.errors import ModelFileError
from cnnfast.saving import load_model, load_weights, save_weights

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TOLERANCE = 1e-5
Build = Callable[[], Any]


def _every_layer() -> Any:
    lay = keras.layers
    return keras.Sequential(
        [
            keras.Input((16, 15, 3)),
            lay.Conv2D(8, 3, padding="same", activation="relu", name="first"),
            lay.BatchNormalization(),
            lay.Conv2D(8, (3, 2), strides=2, use_bias=False),
            lay.BatchNormalization(scale=False),
            lay.Activation("tanh"),
            lay.MaxPooling2D(),
            lay.Conv2D(16, 3, groups=2, padding="same", dilation_rate=2),
            lay.BatchNormalization(center=False, epsilon=0.01),
            lay.ReLU(max_value=6.0, negative_slope=0.1),
            lay.Dropout(0.3, seed=3),
            lay.Flatten(),
            lay.Dense(12, activation="elu"),
            lay.Dense(5),
            lay.Softmax(),
        ]
    )


def _nested(trainable: bool | None) -> Any:
    lay = keras.layers
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            lay.Conv2D(4, 3, trainable=trainable is not None),
            lay.BatchNormalization(),
            lay.Conv2D(4, 3),
            keras.Sequential([lay.Conv2D(4, 1), lay.BatchNormalization(trainable=False)]),
        ],
        name="backbone",
    )
    if trainable is False:
        inner.trainable = False
    return keras.Sequential([keras.Input((8, 8, 3)), inner, lay.Flatten(), lay.Dense(3)])


def _frozen_layers() -> Any:
    lay = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            lay.Conv2D(4, 3, trainable=False),
            lay.BatchNormalization(trainable=False),
            lay.Flatten(),
            lay.Dense(3, trainable=False),
        ]
    )


def _without_input() -> Any:
    model = keras.Sequential([keras.layers.Conv2D(3, 3), keras.layers.Flatten()])
    model.build((None, 5, 5, 2))
    return model


def _many_of_a_class() -> Any:
    lay = keras.layers
    dense = [lay.Dense(7, activation="tanh") for _ in range(12)]
    return keras.Sequential([keras.Input((6,)), *dense])


def _video() -> Any:
    lay = keras.layers
    return keras.Sequential(
        [
            keras.Input((3, 6, 5, 2)),
            lay.Bidirectional(lay.ConvLSTM2D(2, 3, padding="same", return_sequences=True)),
            lay.ConvLSTM2D(3, 2, go_backwards=True),
            lay.Flatten(),
            lay.Dense(3),
        ]
    )


MODELS: dict[str, Build] = {
    "every layer": _every_layer,
    "nested": lambda: _nested(True),
    "nested with a frozen layer": lambda: _nested(None),
    "nested and frozen": lambda: _nested(False),
    "frozen layers": _frozen_layers,
    "without input": _without_input,
    "many of a class": _many_of_a_class,
    "video": _video,
}


@pytest.fixture(scope="module", params=MODELS)
def original(request: pytest.FixtureRequest) -> Any:
    keras.utils.set_random_seed(7)
    model = MODELS[request.param]()
    rng = np.random.default_rng(7)
    model.set_weights([rng.uniform(0.2, 1.0, w.shape) - 0.1 for w in model.get_weights()])
    return model


def _images(model: Any) -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.normal(size=(3, *model.input_shape[1:])).astype(np.float32)


def _assert_same(ours: Any, original: Any) -> None:
    x = _images(original)
    expected = np.asarray(original(x, training=False))
    scale = np.abs(expected).max()
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, atol=TOLERANCE * scale)


def _save(model: Any, path: Path) -> Path:
    if path.suffix == "":
        keras.saving.save_model(model, path, zipped=False)
    else:
        model.save(path)
    return path


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model"])
def test_a_saved_model_predicts_as_the_original(original: Any, tmp_path: Path, name: str) -> None:
    ours = load_model(_save(original, tmp_path / name))
    _assert_same(ours, original)
    assert ours.name == original.name
    assert [layer.name for layer in ours.layers] == [layer.name for layer in original.layers]
    for got, expected in zip(ours.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_the_name_of_the_file_does_not_matter(original: Any, tmp_path: Path) -> None:
    for name in ("model.keras", "model.h5"):
        path = _save(original, tmp_path / name).rename(tmp_path / "model.bin")
        _assert_same(load_model(path), original)


@pytest.mark.parametrize("name", ["model.weights.h5", "model.keras", "model.h5"])
def test_weights_alone_are_loaded_into_a_model(original: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "model.weights.h5":
        original.save_weights(path)
    else:
        original.save(path)
    ours = load_model(_save(original, tmp_path / "blank.keras"))
    ours.set_weights([np.zeros_like(w) for w in ours.get_weights()])
    load_weights(ours, path)
    _assert_same(ours, original)


def test_keras_loads_the_weights_written_here(original: Any, tmp_path: Path) -> None:
    ours = load_model(_save(original, tmp_path / "model.keras"))
    save_weights(ours, tmp_path / "ours.weights.h5")
    expected = [w.copy() for w in original.get_weights()]
    clone = keras.models.clone_model(original)
    if not clone.built:
        clone.build(original.input_shape)
    clone.load_weights(tmp_path / "ours.weights.h5")
    for got, value in zip(clone.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(got, value)


def test_weights_written_here_come_back(original: Any, tmp_path: Path) -> None:
    ours = load_model(_save(original, tmp_path / "model.keras"))
    ours.save_weights(tmp_path / "ours.weights.h5")
    values = ours.get_weights()
    ours.set_weights([np.zeros_like(w) for w in values])
    ours.load_weights(tmp_path / "ours.weights.h5")
    for got, expected in zip(ours.get_weights(), values, strict=True):
        np.testing.assert_array_equal(got, expected)


LOSSES = {
    "name": ("categorical_crossentropy", ["accuracy"]),
    "object": ("object", ["accuracy", "mse"]),
    "nothing": (None, None),
}


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("kind", LOSSES)
def test_a_compiled_model_evaluates_as_the_original(
    tmp_path: Path, rng: np.random.Generator, suffix: str, kind: str
) -> None:
    loss, metrics = LOSSES[kind]
    if loss == "object":
        loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    lay = keras.layers
    model = keras.Sequential([keras.Input((5, 5, 1)), lay.Flatten(), lay.Dense(4)])
    if loss is not None:
        model.compile("adam", loss, metrics=metrics)
    ours = load_model(_save(model, tmp_path / f"model.{suffix}"))
    assert ours.compiled == (loss is not None)
    if loss is None:
        return
    x = rng.normal(size=(50, 5, 5, 1)).astype(np.float32)
    y = np.eye(4, dtype=np.float32)[rng.integers(4, size=50)]
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    received = ours.evaluate(x, y, verbose=0, return_dict=True)
    assert received == pytest.approx(expected, rel=1e-4)
    assert not load_model(tmp_path / f"model.{suffix}", compile=False).compiled


def test_a_loss_that_is_not_known_leaves_the_model_uncompiled(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        training = json.loads(file.attrs["training_config"])
        training["loss"] = "my_own_loss"
        file.attrs["training_config"] = json.dumps(training)
    with pytest.warns(UserWarning, match=r"m\.h5: the model was not compiled.*my_own_loss"):
        ours = load_model(tmp_path / "m.h5")
    assert not ours.compiled
    assert ours.predict(np.ones((1, 3), np.float32), verbose=0).shape == (1, 2)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "mixed_float16"])
def test_weights_of_other_types_are_converted(tmp_path: Path, dtype: str) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype=dtype)])
    model.save(tmp_path / "m.keras")
    ours = load_model(tmp_path / "m.keras")
    expected = np.asarray(model.layers[0].kernel).astype(np.float32)
    np.testing.assert_array_equal(ours.get_weights()[0], expected)


def test_sizes_that_do_not_fit_name_the_layer_and_both_shapes(tmp_path: Path) -> None:
    lay = keras.layers
    model = keras.Sequential([keras.Input((3,)), lay.Dense(4, name="one"), lay.Dense(2)])
    for name in ("m.weights.h5", "m.h5"):
        model.save_weights(tmp_path / name) if "weights" in name else model.save(tmp_path / name)
        other = cnnfast.Sequential(
            [cnnfast.Input((3,)), cnnfast.layers.Dense(4), cnnfast.layers.Dense(5, name="last")]
        )
        before = other.get_weights()
        with pytest.raises(ModelFileError) as caught:
            load_weights(other, tmp_path / name)
        for part in (name, "'last'", "(4, 5)", "(4, 2)", "kernel"):
            assert part in str(caught.value)
        for got, expected in zip(other.get_weights(), before, strict=True):
            np.testing.assert_array_equal(got, expected)


def test_another_number_of_weights_names_the_layer(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model.save(tmp_path / "m.h5")
    model.save_weights(tmp_path / "m.weights.h5")
    other = cnnfast.Sequential(
        [cnnfast.Input((3,)), cnnfast.layers.Dense(4, use_bias=False, name="bare")]
    )
    for name in ("m.h5", "m.weights.h5"):
        with pytest.raises(ModelFileError, match=r"'bare'.*has 1 weight\(s\). Received: 2"):
            load_weights(other, tmp_path / name)


def test_another_number_of_layers_lists_both(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, name="theirs")])
    model.save(tmp_path / "m.h5")
    model.save_weights(tmp_path / "m.weights.h5")
    dense = cnnfast.layers.Dense
    other = cnnfast.Sequential([cnnfast.Input((3,)), dense(4, name="ours"), dense(4, name="more")])
    with pytest.raises(ModelFileError, match=r"'ours', 'more'.*Received: 1.*'theirs'"):
        load_weights(other, tmp_path / "m.h5")
    with pytest.raises(ModelFileError, match=r"there is no '/layers/dense_1'"):
        load_weights(other, tmp_path / "m.weights.h5")
