"""Everything that a file holds is read or refused, and no weight of a loaded model is made up."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import cnnfast
from cnnfast.errors import ModelFileError
from cnnfast.saving import load_model
from saving import model_files as files
from saving.roads import ROADS, assert_same, loaded, randomized

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")

Alter = Callable[[h5py.File], None]


def adding(*paths: str, value: Any = None) -> Alter:
    def alter(file: h5py.File) -> None:
        for path in paths:
            file.create_dataset(path, data=np.ones(2, np.float32) if value is None else value)

    return alter


LEFT: dict[str, Alter] = {
    "of a layer that has none": adding("layers/flatten/vars/0"),
    "of a layer that there is not": adding("layers/conv2d_1/vars/0"),
    "of a class that there is not": adding("layers/layer_scale/vars/0"),
    "inside a layer": adding("layers/dense/inner/vars/0"),
    "deep inside a layer": adding("layers/dense/inner/blocks/block_2/vars/0"),
    "of a dropout, and no state": adding("layers/dropout/seed_generator/vars/0"),
    "of a model called a generator": adding("layers/dense/generator/vars/0"),
    "of the model itself": adding("vars/0"),
    "under the old name": adding("_layer_checkpoint_dependencies/dense/vars/0"),
}


@pytest.mark.parametrize("case", LEFT)
def test_a_weight_that_no_layer_takes_is_refused(case: str, tmp_path: Path) -> None:
    data = files.weights_h5(alter=LEFT[case])
    with pytest.raises(ModelFileError, match="must have a place in the model"):
        load_model(files.keras_file(tmp_path / "m.keras", data=data))
    model = load_model(files.keras_file(tmp_path / "good.keras"))
    before = model.get_weights()
    (tmp_path / "w.weights.h5").write_bytes(data)
    with pytest.raises(ModelFileError, match="which no layer of model 'net' takes"):
        model.load_weights(tmp_path / "w.weights.h5")
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


IGNORED: dict[str, Alter] = {
    "an optimizer": adding("optimizer/vars/0", "optimizer/vars/1"),
    "metrics": adding("metrics/mean/vars/0", "_loss_tracker/vars/0"),
    "a generator": adding("layers/dropout/seed_generator/vars/0", value=np.zeros(2, np.uint32)),
    "a generator of Keras 2": adding(
        "layers/dropout/_random_generator/vars/0", value=np.zeros(3, np.int64)
    ),
    "empty groups": lambda file: file.create_group("layers/flatten/vars") and None,
}


@pytest.mark.parametrize("case", IGNORED)
def test_what_keras_keeps_for_training_is_no_weight(case: str, tmp_path: Path) -> None:
    data = files.weights_h5(alter=IGNORED[case])
    model = load_model(files.keras_file(tmp_path / "m.keras", data=data))
    for one, other in zip(model.get_weights(), files.weights().values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_does_not_fit_is_left_with_a_warning_where_that_is_asked_for(tmp_path: Path) -> None:
    data = files.weights_h5(alter=adding("layers/conv2d_1/vars/0", "layers/flatten/vars/0"))
    (tmp_path / "w.weights.h5").write_bytes(data)
    model = load_model(
        files.keras_file(tmp_path / "m.keras", data=files.weights_h5(files.weights(1)))
    )
    with pytest.warns(UserWarning, match="conv2d_1/vars/0', 'layers/flatten/vars/0', which no lay"):
        model.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)
    for one, other in zip(model.get_weights(), files.weights().values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_groups_that_contain_themselves_end(tmp_path: Path) -> None:
    def cyclic(file: h5py.File) -> None:
        for name in ("a", "b"):
            file[f"layers/dense/{name}"] = file["layers"]

    data = files.weights_h5(alter=cyclic)
    assert load_model(files.keras_file(tmp_path / "m.keras", data=data)).built

    def deep(file: h5py.File) -> None:
        file.create_dataset(f"layers/dense/{'a/' * 500}vars/0", data=np.ones(2))

    data = files.weights_h5(alter=deep)
    with pytest.raises(ModelFileError, match="inside one another 64 deep"):
        load_model(files.keras_file(tmp_path / "deep.keras", data=data))


def test_an_h5_file_with_weights_of_the_model_itself_is_refused(tmp_path: Path) -> None:
    def alter(file: h5py.File) -> None:
        group = file["model_weights"].create_group("top_level_model_weights")
        group.attrs["weight_names"] = [b"scale:0"]
        group.create_dataset("scale:0", data=np.ones(2))

    with pytest.raises(ModelFileError, match="no weights but those of its layers"):
        load_model(files.legacy_file(tmp_path / "m.h5", alter=alter))


def test_a_live_model_with_a_weight_that_no_layer_takes_is_refused() -> None:
    relu = keras.layers.ReLU(name="relu")
    model = keras.Sequential([keras.Input((4,)), relu, keras.layers.Dense(2)])
    relu._tracker.unlock()
    relu.add_weight(name="extra", shape=(4,))
    with pytest.raises(ValueError, match=r"Received: '.*extra', which no layer takes"):
        cnnfast.from_keras(model)


@pytest.mark.parametrize("road", [".keras", ".h5"])
def test_a_model_that_was_saved_without_weights_is_refused(road: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.layers.Dense(2, name="dense")], name="net")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(tmp_path / f"m{road}")
    with pytest.raises(ModelFileError, match=r"Received: none for dense.*build it in Keras"):
        load_model(tmp_path / f"m{road}")
    # The advice, done:
    model(np.zeros((1, 3), np.float32))
    model.save(tmp_path / f"built{road}")
    assert load_model(tmp_path / f"built{road}").count_params() == 8


def test_a_model_without_weights_needs_no_shape(tmp_path: Path) -> None:
    model = keras.Sequential([keras.layers.ReLU(), keras.layers.Activation("tanh")])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(tmp_path / "m.keras")
    x = np.array([[-1.0, 2.0]], np.float32)
    np.testing.assert_allclose(
        load_model(tmp_path / "m.keras")(x), np.tanh([[0.0, 2.0]]), rtol=1e-6
    )


# --- weights that files hold in a form of their own --------------------------------------------


def normalizing(library: Any = keras) -> Any:
    lay = library.layers
    inner = library.Sequential(
        [library.Input((4, 4, 3)), lay.SpectralNormalization(lay.Conv2D(4, 2))], name="inner"
    )
    x = library.Input((5, 5, 2))
    y = lay.SpectralNormalization(lay.Conv2D(3, 2), trainable=False)(x)
    y = lay.Flatten()(inner(y))
    return library.Model(x, lay.SpectralNormalization(lay.Dense(2))(y))


@pytest.mark.parametrize("road", [*ROADS, ".weights.h5"])
def test_spectral_normalization_is_read_from_every_form(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = randomized(normalizing(), rng)
    if road == ".weights.h5":
        ours = cnnfast.from_keras(randomized(normalizing(), rng))
        theirs.save_weights(tmp_path / "m.weights.h5")
        ours.load_weights(tmp_path / "m.weights.h5")
    else:
        ours = loaded(theirs, road, tmp_path)
    assert_same(ours, theirs, rng)
    assert ours.count_params() == theirs.count_params()


def test_spectral_normalization_is_written_as_keras_reads_it(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    ours = cnnfast.from_keras(randomized(normalizing(), rng))
    for name in ("m.keras", "m.h5"):
        ours.save(tmp_path / name)
        assert_same(ours, keras.models.load_model(tmp_path / name), rng)
        assert_same(load_model(tmp_path / name), keras.models.load_model(tmp_path / name), rng)


def adapted(rng: np.random.Generator, alpha: float | None = None) -> Any:
    """Give each kind of layer that takes one a low-rank adapter that changes its numbers."""
    lay = keras.layers
    x = keras.Input((6, 6, 2))
    block = keras.Sequential([keras.Input((5, 5, 3)), lay.Conv2D(4, 2), lay.BatchNormalization()])
    y = block(lay.Conv2D(3, 2)(x))
    y = lay.EinsumDense("bhwc,cd->bhwd", (4, 4, 5), bias_axes="d")(y)
    y = lay.TimeDistributed(lay.Dense(3))(lay.Reshape((4, 20))(y))
    model = keras.Model(x, lay.Dense(2)(lay.Dense(4)(lay.Flatten()(y))))
    for layer in model._flatten_layers():
        if hasattr(layer, "enable_lora") and layer is not model.layers[-1]:
            layer.enable_lora(2, lora_alpha=alpha)
    model.set_weights([rng.normal(0.0, 0.4, w.shape) ** 2 for w in model.get_weights()])
    return model


@pytest.mark.parametrize("alpha", [None, 3.0])
@pytest.mark.parametrize("road", ROADS)
def test_low_rank_adapters_are_added_to_their_kernels(
    road: str, alpha: float | None, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = adapted(rng, alpha)
    ours = loaded(theirs, road, tmp_path)
    assert_same(ours, theirs, rng)


@pytest.mark.parametrize("road", [".keras", ".h5", "from_keras"])
def test_the_adapter_of_a_table_is_added_too(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = keras.Input((3,))
    table = keras.layers.Embedding(7, 4)
    theirs = keras.Model(x, table(x))
    table.enable_lora(2, lora_alpha=5)
    randomized(theirs, rng)
    ours = loaded(theirs, road, tmp_path)
    numbers = rng.integers(0, 7, (2, 3)).astype(np.float32)
    expected = np.asarray(theirs(numbers))
    np.testing.assert_allclose(ours.predict(numbers, verbose=0), expected, rtol=1e-5)


def test_an_adapter_whose_scale_nothing_says_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = adapted(rng, alpha=3.0)
    theirs.save(tmp_path / "m.h5")
    plain = keras.models.clone_model(theirs, clone_function=_without_adapter)
    ours = cnnfast.from_keras(randomized(plain, rng))
    with pytest.raises(ModelFileError, match=r"2 weight.*Received: 4"):
        ours.load_weights(tmp_path / "m.h5")


def _without_adapter(layer: Any) -> Any:
    config = layer.get_config()
    for field in ("lora_rank", "lora_alpha"):
        config.pop(field, None)
    return type(layer).from_config(config)


def test_an_activation_that_was_taken_off_is_none(rng: np.random.Generator) -> None:
    lay = keras.layers
    theirs = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            lay.Conv2D(3, 2, activation="relu"),
            lay.Flatten(),
            lay.Dense(4, activation="softmax"),
        ]
    )
    randomized(theirs, rng)
    theirs.layers[-1].activation = None
    theirs.layers[0].activation = None
    assert_same(cnnfast.from_keras(theirs), theirs, rng)
    assert theirs.layers[-1].activation is None


def test_an_activation_of_null_in_a_file_is_none(tmp_path: Path) -> None:
    layers = files.layers_2(batch_input_shape=[None, *files.INPUT_SHAPE])
    layers[-1]["config"]["activation"] = None
    values = files.legacy_layers(files.weights())
    path = files.write_legacy(tmp_path / "m.h5", files.config_2(layers), values)
    layers[-1]["config"]["activation"] = "linear"
    other = files.write_legacy(tmp_path / "n.h5", files.config_2(layers), values)
    x = np.ones((1, *files.INPUT_SHAPE), np.float32)
    np.testing.assert_array_equal(load_model(path)(x), load_model(other)(x))
