"""Files in the words of Keras 1 and 2, also those that Keras 3 does not load any more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import cnnfast
from cnnfast.errors import ModelFileError
from cnnfast.models import model_from_json
from cnnfast.saving import load_model, load_weights
from saving import model_files as files

SHAPE = [None, *files.INPUT_SHAPE]
INPUT_LAYER = {
    "class_name": "InputLayer",
    "config": {
        "batch_input_shape": SHAPE,
        "dtype": "float32",
        "sparse": False,
        "ragged": False,
        "name": "conv_input",
    },
}


def _assert_loaded(model: Any) -> None:
    expected = files.weights()
    assert model.input_shape == (None, *files.INPUT_SHAPE)
    assert [weight.name for weight in model.weights] == [p.split("/")[1] for p in expected]
    for got, value in zip(model.get_weights(), expected.values(), strict=True):
        np.testing.assert_array_equal(got, value)
    probabilities = model.predict(np.ones((2, *files.INPUT_SHAPE)), verbose=0)
    np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=1e-6)


CONFIGS: dict[str, Any] = {
    "shape in the first layer": files.config_2(),
    "input layer": files.config_2([INPUT_LAYER, *files.layers_2()]),
    "input layer and shape": files.config_2(
        [INPUT_LAYER, *files.layers_2(batch_input_shape=SHAPE)]
    ),
    "bare list": {
        "class_name": "Sequential",
        "config": files.layers_2(batch_input_shape=SHAPE),
    },
    "shape of the build": {
        "class_name": "Sequential",
        "config": {"name": "net", "layers": files.layers_2(), "build_input_shape": SHAPE},
    },
    "policy objects": files.config_2(
        [
            {
                **item,
                "config": {
                    **item["config"],
                    "dtype": {"class_name": "Policy", "config": {"name": "float32"}},
                },
            }
            for item in files.layers_2(batch_input_shape=SHAPE)
        ]
    ),
}


@pytest.mark.parametrize("dialect", CONFIGS)
def test_a_sequential_config_of_any_age_is_loaded(tmp_path: Path, dialect: str) -> None:
    layers = files.legacy_layers(files.weights())
    _assert_loaded(load_model(files.write_legacy(tmp_path / "m.h5", CONFIGS[dialect], layers)))


NAMES = {
    "with output number": "{layer}/{weight}:0",
    "of Keras 3": "net/{layer}/{weight}",
    "repeated": "{layer}_1/{weight}:0",
    "of another model": "model_3/{layer}_7/{weight}_2:0",
    "of Keras 1": "{layer}_{weight}",
    "flat": "{weight}:0",
}


@pytest.mark.parametrize("names", NAMES)
def test_the_names_of_weights_do_not_matter(tmp_path: Path, names: str) -> None:
    layers = files.legacy_layers(files.weights(), NAMES[names])
    _assert_loaded(load_model(files.write_legacy(tmp_path / "m.h5", files.config_2(), layers)))


@pytest.mark.parametrize("as_bytes", [False, True])
@pytest.mark.parametrize("version", ["1.2.2", "2.0.8", "2.15.0", "3.5.0", None])
def test_attributes_may_be_text_or_bytes_or_missing(
    tmp_path: Path, as_bytes: bool, version: str | None
) -> None:
    path = files.legacy_file(tmp_path / "m.h5", keras_version=version, as_bytes=as_bytes)
    _assert_loaded(load_model(path))


def test_layer_names_that_were_split_are_put_together(tmp_path: Path) -> None:
    def split(file: h5py.File) -> None:
        for group, name in (
            (file["model_weights"], "layer_names"),
            (file["model_weights/bn"], "weight_names"),
        ):
            values = group.attrs[name]
            del group.attrs[name]
            group.attrs[f"{name}0"], group.attrs[f"{name}1"] = values[:2], values[2:]

    _assert_loaded(load_model(files.legacy_file(tmp_path / "m.h5", alter=split)))


def test_weights_alone_are_loaded_into_a_model(tmp_path: Path) -> None:
    model = load_model(files.legacy_file(tmp_path / "m.h5"))
    model.set_weights([np.zeros_like(value) for value in model.get_weights()])
    layers = files.legacy_layers(files.weights())
    load_weights(model, files.write_legacy(tmp_path / "weights.h5", None, layers))
    _assert_loaded(model)


def test_a_frozen_normalization_keeps_the_order_of_its_weights(tmp_path: Path) -> None:
    layers = files.layers_2(batch_input_shape=SHAPE)
    layers[1]["config"]["trainable"] = False
    values = files.legacy_layers(files.weights())
    _assert_loaded(
        load_model(files.write_legacy(tmp_path / "m.h5", files.config_2(layers), values))
    )


# What tf.keras 2 writes: what training would change, then the rest.
NESTED_ORDERS = {
    "": "a/kernel a/bias b/gamma b/beta c/kernel c/bias b/mean b/variance",
    "a": "b/gamma b/beta c/kernel c/bias a/kernel a/bias b/mean b/variance",
    "b": "a/kernel a/bias c/kernel c/bias b/gamma b/beta b/mean b/variance",
    "abc": "a/kernel a/bias b/gamma b/beta b/mean b/variance c/kernel c/bias",
}


@pytest.mark.parametrize("frozen", NESTED_ORDERS)
def test_weights_of_a_model_inside_follow_the_flags_of_its_layers(
    tmp_path: Path, frozen: str
) -> None:
    order = NESTED_ORDERS[frozen].split()
    rng = np.random.default_rng(3)
    shapes = {"kernel": (1, 1, 4, 4)}
    values = {
        path: rng.uniform(1, 2, shapes.get(path.split("/")[1], (4,))).astype(np.float32)
        for path in order
    }
    inner = [
        files.layer(
            "Conv2D", "a", filters=4, kernel_size=[1, 1], batch_input_shape=[None, 5, 5, 4]
        ),
        files.layer("BatchNormalization", "b", axis=[3]),
        files.layer("Conv2D", "c", filters=4, kernel_size=[1, 1]),
    ]
    for item in inner:
        item["config"]["trainable"] = item["config"]["name"] not in frozen
    nested = {"class_name": "Sequential", "config": {"name": "inner", "layers": inner}}
    stored = [(f"{path}:0", value) for path, value in values.items()]
    config = files.config_2([nested])
    model = load_model(files.write_legacy(tmp_path / "m.h5", config, [("inner", stored)]))
    names = {"gamma": "gamma", "beta": "beta", "mean": "moving_mean", "variance": "moving_variance"}
    for path, value in values.items():
        owner, name = path.split("/")
        layer = model.layers[0].get_layer(owner)
        (weight,) = [w for w in layer.weights if w.name == names.get(name, name)]
        np.testing.assert_array_equal(weight.numpy(), value)


def test_names_in_an_unexpected_order_are_refused(tmp_path: Path) -> None:
    values = files.weights()
    swapped = dict(values) | {"bn/gamma": values["bn/beta"]}
    layers = [
        (name, [stored[1], stored[0], *stored[2:]] if name == "bn" else stored)
        for name, stored in files.legacy_layers(swapped)
    ]
    path = files.write_legacy(tmp_path / "m.h5", files.config_2(), layers)
    with pytest.raises(ModelFileError, match=r"'bn' must be in the order.*gamma.*beta"):
        load_model(path)


def _one_convolution(data_format: str) -> dict[str, Any]:
    shape = [None, 6, 5, 3] if data_format == "channels_last" else [None, 3, 6, 5]
    item = files.layer(
        "Conv2D",
        "c",
        batch_input_shape=shape,
        filters=4,
        kernel_size=[3, 2],
        use_bias=False,
        data_format=data_format,
    )
    return files.config_2([item])


def _kernel() -> np.ndarray:
    return np.random.default_rng(5).normal(size=(3, 2, 3, 4)).astype(np.float32)


@pytest.mark.parametrize("version", ["1.2.2", None])
def test_kernels_of_keras_1_with_channels_first_are_transposed(
    tmp_path: Path, version: str | None
) -> None:
    stored = np.ascontiguousarray(_kernel().transpose(3, 2, 0, 1))
    path = files.write_legacy(
        tmp_path / "m.h5",
        _one_convolution("channels_first"),
        [("c", [("c_W:0", stored)])],
        keras_version=version,
    )
    np.testing.assert_array_equal(load_model(path).get_weights()[0], _kernel())


def test_kernels_that_theano_wrote_are_mirrored(tmp_path: Path) -> None:
    stored = np.ascontiguousarray(_kernel()[::-1, ::-1])
    path = files.write_legacy(
        tmp_path / "m.h5",
        _one_convolution("channels_last"),
        [("c", [("c/kernel:0", stored)])],
        keras_version="2.0.8",
        backend="theano",
    )
    np.testing.assert_array_equal(load_model(path).get_weights()[0], _kernel())


@pytest.mark.parametrize("doubled", [False, True])
def test_archives_of_tensorflow_2_13_are_loaded(tmp_path: Path, doubled: bool) -> None:
    """There layers with weights are counted twice, or once, under another name."""
    rng = np.random.default_rng(2)
    kernels = [rng.normal(size=(3, 3)).astype(np.float32) for _ in range(3)]
    dense = [files.layer("Dense", f"d{i}", units=3, use_bias=False) for i in range(3)]
    dense[0]["config"]["batch_input_shape"] = [None, 3]

    def move(file: h5py.File) -> None:
        del file["layers"]
        for i, kernel in enumerate(kernels):
            number = i * (1 + doubled)
            name = f"dense_{number}" if number else "dense"
            file[f"_layer_checkpoint_dependencies/{name}/vars/0"] = kernel
        file.create_group("_layer_checkpoint_dependencies/dropout/vars")

    path = files.keras_file(
        tmp_path / "m.keras",
        config=files.config_2(dense),
        data=files.weights_h5(alter=move),
        version="2.13.1",
    )
    for got, expected in zip(load_model(path).get_weights(), kernels, strict=True):
        np.testing.assert_array_equal(got, expected)


def test_metrics_in_the_words_of_keras_2_are_understood(tmp_path: Path) -> None:
    wrapper = {
        "class_name": "MeanMetricWrapper",
        "config": {"name": "accuracy", "dtype": "float32", "fn": "sparse_categorical_accuracy"},
    }
    training = {
        "loss": {
            "class_name": "SparseCategoricalCrossentropy",
            "config": {"reduction": "auto", "name": "loss", "from_logits": False},
        },
        "metrics": [[wrapper]],
        "weighted_metrics": None,
        "loss_weights": None,
        "optimizer_config": {"class_name": "Adam", "config": {"name": "Adam", "decay": 0.0}},
    }
    model = load_model(files.legacy_file(tmp_path / "m.h5", training=training))
    x = np.ones((4, *files.INPUT_SHAPE), np.float32)
    label = int(model.predict(x, verbose=0).argmax(1)[0])
    assert model.evaluate(x, np.full(4, label), verbose=0, return_dict=True)["accuracy"] == 1.0


HARD_SIGMOIDS: dict[str, Any] = {
    "name": "hard_sigmoid",
    "function": {"module": "builtins", "class_name": "function", "config": "hard_sigmoid"},
}


@pytest.mark.parametrize("spelling", HARD_SIGMOIDS)
def test_hard_sigmoid_of_keras_2_is_not_taken_for_that_of_keras_3(
    tmp_path: Path, spelling: str
) -> None:
    dense = files.layer("Dense", "d", batch_input_shape=[None, 2], units=2, use_bias=False)
    dense["config"]["activation"] = HARD_SIGMOIDS[spelling]
    layers = [("d", [("d/kernel:0", np.eye(2, dtype=np.float32))])]
    x = np.float32([[-2.0, 1.0]])
    formulas = {"2.15.0": np.clip(0.2 * x + 0.5, 0, 1), "3.15.1": np.clip(x / 6 + 0.5, 0, 1)}
    for version, expected in formulas.items():
        path = files.write_legacy(
            tmp_path / f"{version}.h5", files.config_2([dense]), layers, keras_version=version
        )
        np.testing.assert_allclose(load_model(path).predict(x, verbose=0), expected, atol=1e-6)


def test_a_functional_model_without_layers_is_refused(tmp_path: Path) -> None:
    config = {"class_name": "Functional", "config": {"name": "net", "layers": []}}
    layers = files.legacy_layers(files.weights())
    with pytest.raises(ModelFileError, match="layer, call, output"):
        load_model(files.write_legacy(tmp_path / "m.h5", config, layers))


def test_a_missing_file_is_not_found_and_the_value_error_of_keras(tmp_path: Path) -> None:
    for call in (load_model, lambda path: load_weights(_small_model(), path)):
        for kind in (FileNotFoundError, ValueError):
            with pytest.raises(kind, match=r"File not found: .*absent.keras"):
                call(tmp_path / "absent.keras")


def _small_model() -> Any:
    return cnnfast.Sequential([cnnfast.Input((2,)), cnnfast.layers.Dense(1)])


def _other_model() -> Any:
    lay = cnnfast.layers
    return cnnfast.Sequential(
        [
            cnnfast.Input(files.INPUT_SHAPE),
            lay.Conv2D(2, 3, name="conv"),
            lay.Flatten(),
            lay.Dense(4, name="new"),
            lay.Dense(7, name="dense"),
        ]
    )


def test_weights_are_taken_by_name_where_asked(tmp_path: Path) -> None:
    path = files.legacy_file(tmp_path / "m.h5")
    model = _other_model()
    model.pop()
    before = model.get_layer("new").get_weights()
    load_weights(model, path, by_name=True)
    expected = files.weights()
    np.testing.assert_array_equal(model.get_layer("conv").get_weights()[0], expected["conv/kernel"])
    for got, value in zip(model.get_layer("new").get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, value)


def test_layers_that_do_not_fit_are_skipped_where_asked(tmp_path: Path) -> None:
    path = files.legacy_file(tmp_path / "m.h5")
    model = _other_model()
    before = model.get_layer("dense").get_weights()
    with pytest.raises(ModelFileError, match=r"layer 'dense' must have the shape \(4, 7\)"):
        load_weights(model, path, by_name=True)
    with pytest.warns(UserWarning, match=r"(?s)keep their weights:.*'dense'"):
        load_weights(model, path, by_name=True, skip_mismatch=True)
    expected = files.weights()
    np.testing.assert_array_equal(model.get_layer("conv").get_weights()[0], expected["conv/kernel"])
    for got, value in zip(model.get_layer("dense").get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, value)


def test_layers_that_do_not_fit_a_file_of_keras_3_are_skipped_where_asked(tmp_path: Path) -> None:
    path = files.keras_file(tmp_path / "m.keras")
    model = _other_model()
    before = [layer.get_weights() for layer in model.layers[2:]]
    with pytest.warns(UserWarning, match=r"(?s)keep their weights:.*'dense'.*'new'"):
        model.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(model.get_weights()[0], files.weights()["conv/kernel"])
    for layer, values in zip(model.layers[2:], before, strict=True):
        for got, value in zip(layer.get_weights(), values, strict=True):
            np.testing.assert_array_equal(got, value)


def test_a_file_of_keras_3_has_no_names_to_go_by(tmp_path: Path) -> None:
    path = files.keras_file(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"`by_name` needs an `\.h5` file"):
        load_weights(_other_model(), path, by_name=True)


# --- what a user's function stands in for ------------------------------------------------------


def _scaled_net(**first: Any) -> dict[str, Any]:
    """Give a network that begins with a `Lambda`, as Keras 2.3 writes it."""
    code = ["4wEAAAABAAAAAQAAAAIAAABTAAAA", None, None]
    options = {"function_type": "lambda", "output_shape": None, "output_shape_type": "raw"}
    entry = files.layer("Lambda", "scale", **first, function=code, arguments={}, **options)
    return files.config_2([entry, *files.layers_2()])


@pytest.mark.parametrize("field", ["batch_input_shape", "batch_shape", "input_shape"])
def test_a_lambda_that_comes_first_says_the_shape_of_the_input(
    tmp_path: Path, field: str, rng: np.random.Generator
) -> None:
    shape = SHAPE if field.startswith("batch") else list(files.INPUT_SHAPE)
    config = _scaled_net(**{field: shape})
    layers = [("scale", []), *files.legacy_layers(files.weights())]
    path = files.write_legacy(tmp_path / "m.h5", config, layers)
    model = load_model(path, {"scale": lambda x: x / 255})
    _assert_loaded(model)
    x = rng.random((2, *files.INPUT_SHAPE), dtype=np.float32)
    plain = load_model(files.legacy_file(tmp_path / "plain.h5"))
    np.testing.assert_allclose(model.predict(255 * x, verbose=0), plain(x), rtol=1e-5)


def test_a_model_from_json_that_begins_with_a_lambda_is_built(tmp_path: Path) -> None:
    config = {**_scaled_net(batch_input_shape=SHAPE), "keras_version": "2.3.1"}
    model = model_from_json(json.dumps(config), {"scale": lambda x: x})
    assert model.built
    load_weights(model, files.legacy_file(tmp_path / "m.h5"))
    _assert_loaded(model)


# --- names as they stand -----------------------------------------------------------------------


def _renamed(name: str) -> str:
    return {"conv": "conv1/conv", "bn": "conv1/bn", "dense": "head/0/dense"}.get(name, name)


def test_paths_may_be_names_in_files_alone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot contain character `/`"):
        cnnfast.layers.Dense(2, name="a/b")
    entry = files.layer("Dense", "a/b", units=2)
    layer = cnnfast.layers.deserialize(entry)
    assert type(layer).from_config(layer.get_config()).name == "a/b"
    for name in ("a//b", "/a", "a/", "../b", "a/./b"):
        with pytest.raises(ValueError, match="cannot contain character `/`"):
            cnnfast.layers.deserialize(files.layer("Dense", name, units=2))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_model_with_paths_as_names_is_saved_and_loaded(tmp_path: Path, suffix: str) -> None:
    layers = files.layers_2(batch_input_shape=SHAPE)
    for entry in layers:
        entry["config"]["name"] = _renamed(entry["config"]["name"])
    values = [(_renamed(name), item) for name, item in files.legacy_layers(files.weights())]
    model = load_model(files.write_legacy(tmp_path / "m.h5", files.config_2(layers), values))
    _assert_loaded(model)
    assert model.get_layer("conv1/bn") is model.layers[1]
    with pytest.warns(UserWarning, match="Keras 3 loads no layers with '/'"):
        model.save(tmp_path / f"again{suffix}")
    again = load_model(tmp_path / f"again{suffix}")
    _assert_loaded(again)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
