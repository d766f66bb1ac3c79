"""Functional models that real Keras 3 writes give real Keras' outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.models import load_model

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

TOLERANCE = 1e-5


def _residual() -> Any:
    lay = keras.layers
    inputs = keras.Input((12, 10, 3))
    x = lay.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(inputs)
    y = lay.ReLU()(lay.BatchNormalization()(x))
    x = lay.Add()([x, lay.DepthwiseConv2D(3, padding="same")(y)])
    gate = lay.GlobalAveragePooling2D(keepdims=True)(x)
    x = lay.Multiply()([x, lay.Conv2D(6, 1, activation="sigmoid")(gate)])
    x = lay.Concatenate()([x, lay.MaxPooling2D(3, strides=1, padding="same")(x)])
    return keras.Model(inputs, lay.Dense(4, activation="softmax")(lay.Flatten()(x)))


def _operations() -> Any:
    inputs = keras.Input((6, 6, 4))
    x = keras.ops.relu(inputs * 2.0 + 0.5) - 0.25
    x = keras.ops.concatenate([x, 1.0 - x, x / 3.0], axis=-1)[:, 1:, ::2]
    x = keras.layers.Conv2D(4, 1)(x)
    x = keras.ops.transpose(keras.ops.reshape(x, (-1, 15, 4)), (0, 2, 1))
    x = keras.ops.mean(x * np.float32([1.0, 2.0, 3.0] * 5), axis=1, keepdims=True)
    return keras.Model(inputs, keras.layers.Dense(3)(x))


def _backbone(name: str) -> Any:
    lay = keras.layers
    inputs = keras.Input((8, 8, 3))
    x = lay.BatchNormalization()(lay.Conv2D(4, 3)(inputs))
    return keras.Model(inputs, lay.Add()([x, lay.Conv2D(4, 1)(x)]), name=name)


def _nested(freeze: Callable[[Any], None]) -> Any:
    backbone = _backbone("backbone")
    freeze(backbone)
    inputs = keras.Input((8, 8, 3))
    head = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)], name="head")
    features = backbone(inputs)
    return keras.Model(inputs, [head(features), features])


def _freeze(model: Any) -> None:
    model.trainable = False


def _thaw_top(model: Any) -> None:
    model.trainable = False
    model.layers[-2].trainable = True


def _freeze_first(model: Any) -> None:
    model.layers[1].trainable = False


def _output_inside() -> Any:
    inputs, outer = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    middle = keras.Model(inputs, _backbone("backbone")(inputs), name="middle")
    return keras.Model(outer, middle(outer))


def _shared() -> Any:
    left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    tower, dense = _backbone("tower"), keras.layers.Dense(4)
    a, b = (dense(keras.layers.Flatten()(tower(x))) for x in (left, right))
    return keras.Model([left, right], keras.layers.Subtract()([a, b]))


def _crossed() -> Any:
    """Layers whose order in the graph is not that in which they were made."""
    lay = keras.layers
    last, first, other = lay.Dense(4), lay.Dense(4), lay.Dense(4)
    inputs = keras.Input((4,))
    x = first(inputs)
    return keras.Model(inputs, lay.Add()([last(x), other(inputs)]))


def _part_of_another() -> Any:
    model = _residual()
    return keras.Model(model.inputs, model.layers[-4].output)


def _wrapped() -> Any:
    lay = keras.layers
    inputs = keras.Input((5, 8, 6))
    x = lay.TimeDistributed(lay.Conv1D(3, 3, activation="relu"))(inputs)
    x = lay.TimeDistributed(lay.Flatten())(x)
    x = lay.Bidirectional(lay.LSTM(3, return_sequences=True))(x)
    return keras.Model(inputs, lay.Bidirectional(lay.GRU(4), merge_mode="sum")(x))


def _dictionaries() -> Any:
    inputs = {name: keras.Input((4,), name=name) for name in ("b", "a")}
    x, y = keras.layers.Dense(3)(inputs["a"]), keras.layers.Dense(3)(inputs["b"])
    return keras.Model(inputs, {"sum": keras.layers.Add()([x, y]), "first": x})


MODELS: dict[str, Callable[[], Any]] = {
    "residual": _residual,
    "operations": _operations,
    "nested": lambda: _nested(lambda _: None),
    "nested and frozen": lambda: _nested(_freeze),
    "nested with a thawed top": lambda: _nested(_thaw_top),
    "nested with a frozen layer": lambda: _nested(_freeze_first),
    "output inside": _output_inside,
    "shared": _shared,
    "crossed": _crossed,
    "part of another": _part_of_another,
    "wrapped": _wrapped,
    "dictionaries": _dictionaries,
}


@pytest.fixture(scope="module", params=MODELS)
def original(request: pytest.FixtureRequest) -> Any:
    keras.utils.set_random_seed(7)
    model = MODELS[request.param]()
    rng = np.random.default_rng(7)
    model.set_weights([rng.uniform(0.2, 1.0, w.shape) - 0.1 for w in model.get_weights()])
    return model


def _inputs(model: Any) -> Any:
    rng = np.random.default_rng(1)
    return keras.tree.map_structure(
        lambda t: rng.normal(size=(2, *t.shape[1:])).astype(np.float32), model.input
    )


def _assert_same(ours: Any, original: Any) -> None:
    x = _inputs(original)
    received, expected = ours.predict(x, verbose=0), original.predict(x, verbose=0)
    keras.tree.map_structure(_assert_close, received, expected)


def _assert_close(received: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(received, expected, atol=TOLERANCE * np.abs(expected).max())


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_saved_model_predicts_as_the_original(original: Any, tmp_path: Path, suffix: str) -> None:
    original.save(tmp_path / f"m.{suffix}")
    ours = load_model(tmp_path / f"m.{suffix}")
    _assert_same(ours, original)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in original.layers]
    for got, expected in zip(ours.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("name", ["m.weights.h5", "m.h5"])
def test_weights_alone_are_loaded_into_a_model(original: Any, tmp_path: Path, name: str) -> None:
    if name == "m.h5":
        original.save(tmp_path / name)
    else:
        original.save_weights(tmp_path / name)
    ours = cnnfast.from_keras(original)
    ours.set_weights([np.zeros_like(w) for w in ours.get_weights()])
    ours.load_weights(tmp_path / name)
    _assert_same(ours, original)


def test_keras_loads_the_weights_written_here(original: Any, tmp_path: Path) -> None:
    cnnfast.from_keras(original).save_weights(tmp_path / "m.weights.h5")
    clone = keras.models.clone_model(original)
    clone.load_weights(tmp_path / "m.weights.h5")
    for got, value in zip(clone.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(got, value)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_operations_that_take_a_dtype_are_loaded(tmp_path: Path, suffix: str) -> None:
    ops = keras.ops
    x = keras.Input((4,))
    y = ops.cast(ops.cast(x * 3.0, "int32"), "float32") + x
    y = ops.concatenate([y, ops.prod(y, axis=1, keepdims=True, dtype="float32")], axis=1)
    model = keras.Model(x, keras.layers.Dense(2)(y))
    model.save(tmp_path / f"m.{suffix}")
    _assert_same(load_model(tmp_path / f"m.{suffix}"), model)


def _with_masks(config: Any) -> Any:
    """Add the masks that are none to each call of a config, as Keras 3.8 writes them."""
    for entry in config["config"]["layers"]:
        for call in entry["inbound_nodes"]:
            several = isinstance(call["args"][0], list)
            call["kwargs"]["mask"] = [None] * len(call["args"][0]) if several else None
    return config


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_masks_that_are_none_are_no_arguments() -> None:
    lay = keras.layers
    x = keras.Input((4,))
    y = lay.Concatenate()([x, lay.Add()([x, lay.ReLU()(x)])])
    y = lay.Lambda(lambda v: v[0] - v[1], output_shape=(8,), name="less")([y, lay.ReLU()(y)])
    theirs = keras.Model(x, y)
    config = _with_masks(json.loads(theirs.to_json()))
    ours = cnnfast.models.model_from_config(config, {"less": lambda v: v[0] - v[1]})
    _assert_same(ours, theirs)
