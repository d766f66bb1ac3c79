"""What else a layer does that is a function: weights got and set, copies, saving."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.models import clone_model, model_from_json
from cnnfast.saving import from_keras, load_model
from saving import model_files as files
from saving import own_layers as own
from saving.roads import NAMED, ROADS, around, assert_same, loaded, randomized

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")


@pytest.mark.parametrize("road", ROADS)
def test_weights_are_got_set_listed_and_counted(
    road: str, tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = around(own.LayerNormalization(name="mine"), rng=rng)
    ours = loaded(theirs, road, tmp_path, {"mine": own.normalized_in_order})
    layer = ours.get_layer("mine")
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    x = rng.normal(size=(2, 4)).astype(np.float32)
    ours.predict(x, verbose=0)
    changed = [2 * weight for weight in layer.get_weights()]
    layer.set_weights(changed)
    theirs.get_layer("mine").set_weights(changed)
    assert_same(ours, theirs, rng)
    assert layer.count_params() == 8
    ours.summary()
    shown = capsys.readouterr().out
    assert "mine (LayerNormalization)" in " ".join(shown.split())
    names = [weight.name for weight in layer.weights]
    assert names == (["gamma", "beta"] if road in NAMED else ["0", "1"])


def test_the_function_of_a_layer_can_be_another(tmp_path: Path, rng: np.random.Generator) -> None:
    theirs = around(own.LayerNormalization(name="mine"), rng=rng)
    ours = loaded(theirs, ".keras", tmp_path, {"mine": lambda x, *_: x})
    layer = ours.get_layer("mine")
    weights = layer.get_weights()
    ours.predict(np.zeros((1, 4)), verbose=0)
    layer.name, layer.function = "other", own.normalized_in_order
    assert layer.name == "other"
    for one, same in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, same)
    assert_same(ours, theirs, rng)
    with pytest.raises(ValueError, match="must take all weights"):
        layer.function = np.tanh
    assert_same(ours, theirs, rng)


def test_copies_have_the_function_and_the_weights(tmp_path: Path, rng: np.random.Generator) -> None:
    theirs = around(own.LayerNormalization(), rng=rng)
    given = {"LayerNormalization": own.normalized_in_order, "mymish": own.own_mish}
    theirs = around(own.LayerNormalization(), keras.layers.Activation(own.mymish), rng=rng)
    ours = loaded(theirs, ".keras", tmp_path, given)
    clone = clone_model(ours)
    clone.set_weights(ours.get_weights())
    for twin in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours), clone):
        assert_same(twin, theirs, rng)


CLASSES = {
    "LayerNormalization": own.LayerNormalization,
    "Excited": own.Excited,
    "mymish": own.mymish,
}


@pytest.mark.parametrize("road", [".keras", "directory", "from_keras"])
def test_a_saved_model_is_one_of_the_users_classes_again(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(
        own.Excited(name="a"),
        own.LayerNormalization(),
        keras.layers.Dense(4, activation=own.mymish),
        rng=rng,
    )
    given = {
        "LayerNormalization": own.normalized_in_order,
        "Excited": own.excited,
        "mymish": own.own_mish,
    }
    ours = loaded(theirs, road, tmp_path, given)
    ours.save(tmp_path / "again.keras")
    assert_same(load_model(tmp_path / "again.keras", given), theirs, rng)
    again = keras.models.load_model(tmp_path / "again.keras", custom_objects=CLASSES)
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(again(x)), np.asarray(theirs(x)), rtol=1e-6)
    ours.save_weights(tmp_path / "again.weights.h5")
    again.set_weights([0 * weight for weight in again.get_weights()])
    again.load_weights(tmp_path / "again.weights.h5")
    np.testing.assert_allclose(np.asarray(again(x)), np.asarray(theirs(x)), rtol=1e-6)


def test_a_saved_h5_model_is_one_of_the_users_classes_again(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Excited(), own.LayerNormalization(), rng=rng)
    given = {"LayerNormalization": own.normalized, "Excited": own.excited_as_made}
    ours = loaded(theirs, ".h5", tmp_path, given)
    ours.save(tmp_path / "again.h5")
    assert_same(load_model(tmp_path / "again.h5", given), theirs, rng)
    again = keras.models.load_model(tmp_path / "again.h5", custom_objects=CLASSES)
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(again(x)), np.asarray(theirs(x)), rtol=1e-6)


class Dense(keras.layers.Dense):
    """Has the name and the arguments of its parent, and another formula."""

    def call(self, x: Any) -> Any:
        return 2 * super().call(x)


def doubled(x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    return 2 * (x @ weights[0] + weights[1])


@pytest.mark.parametrize("key", ["Dense", "mine"])
def test_a_class_named_as_its_parent_is_not_taken_for_it_when_loaded_again(
    key: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(Dense(4, name="mine"), rng=rng)
    ours = loaded(theirs, ".h5", tmp_path, {"mine": doubled})
    assert_same(ours, theirs, rng)
    ours.save(tmp_path / "again.h5")
    (tmp_path / "outer").mkdir()
    rule = r"with a function in its place.*\n.*custom_objects=\{'mine': function"
    with pytest.raises(UnsupportedError, match=rule):
        load_model(tmp_path / "again.h5")
    outer = keras.Sequential([keras.Input((4,)), theirs])
    for model in (ours, loaded(outer, ".h5", tmp_path / "outer", {"mine": doubled})):
        with pytest.raises(UnsupportedError, match=rule):
            model_from_json(model.to_json())
    assert_same(load_model(tmp_path / "again.h5", {key: doubled}), theirs, rng)
    again = keras.models.load_model(tmp_path / "again.h5", custom_objects={"Dense": Dense})
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(again(x)), np.asarray(theirs(x)), rtol=1e-6)


@pytest.mark.parametrize("ending", [".h5", ".keras"])
def test_keras_reads_its_own_layer_where_a_function_was_in_its_place(
    ending: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(keras.layers.Dense(4, name="mine"), keras.layers.Dense(4), rng=rng)
    ours = loaded(theirs, ending, tmp_path, {"mine": doubled})
    path = tmp_path / f"again{ending}"
    ours.save(path)
    x = rng.normal(size=(2, 4)).astype(np.float32)
    for again in (keras.models.load_model(path), keras.models.model_from_json(ours.to_json())):
        again.set_weights(theirs.get_weights())
        np.testing.assert_allclose(np.asarray(again(x)), np.asarray(theirs(x)), rtol=1e-6)
    with pytest.raises(UnsupportedError, match="was saved with a function in its place") as caught:
        load_model(path)
    assert "{'mine': cnnfast.layers.Dense}" in caught.value.items[0].advice
    assert_same(load_model(path, {"mine": layers.Dense}), theirs, rng)
    expected = ours.predict(x, verbose=0)
    np.testing.assert_array_equal(load_model(path, {"mine": doubled}).predict(x), expected)


def test_a_layer_whose_call_was_set_is_not_saved_as_it_was_before(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    layer = keras.layers.ReLU(name="twice")
    layer.call = lambda x: x * 2
    ours = from_keras(around(layer, rng=rng), {"twice": lambda x: x * 2})
    ours.save(tmp_path / "m.keras")
    with pytest.raises(UnsupportedError, match=r"custom_objects=\{'twice': function"):
        load_model(tmp_path / "m.keras")


def test_weights_are_not_saved_in_an_order_that_is_not_known(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Excited(), rng=rng)
    for road, other in ((".keras", ".h5"), (".h5", ".keras"), (".h5", ".weights.h5")):
        ours = loaded(theirs, road, tmp_path, own.with_excited(road))
        path = tmp_path / f"other{other}"
        with pytest.raises(UnsupportedError, match="in the form of file that its weights came fro"):
            ours.save_weights(path) if "weights" in other else ours.save(path)
        assert not list(tmp_path.glob("other*"))


def test_weights_alone_go_into_a_model_with_a_function(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Excited(), own.LayerNormalization(), rng=rng)
    for road, name in ((".keras", "w.weights.h5"), (".h5", "w.h5")):
        given = {"LayerNormalization": own.normalized_in_order, **own.with_excited(road)}
        ours = loaded(theirs, road, tmp_path, given)
        randomized(theirs, rng)
        theirs.save_weights(tmp_path / name) if "weights" in name else theirs.save(tmp_path / name)
        ours.load_weights(tmp_path / name)
        assert_same(ours, theirs, rng)


def test_weights_that_are_larger_than_the_file_are_refused_before_a_function_is_tried(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    def bomb(file: h5py.File) -> None:
        place = file["layers/layer_normalization/vars"]
        del place["0"]
        place.create_dataset("0", shape=(1 << 40,), dtype=np.float32, chunks=(1 << 20,))

    def tried(x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
        pytest.fail(f"called with {[weight.shape for weight in weights]}")

    around(own.LayerNormalization(), rng=rng).save(tmp_path / "m.keras")
    members = files.read_zip(tmp_path / "m.keras")
    members["model.weights.h5"] = files.altered_h5(members["model.weights.h5"], bomb)
    files.write_zip(tmp_path / "bomb.keras", members.items())
    with pytest.raises(ModelFileError, match="vars/0"):
        load_model(tmp_path / "bomb.keras", {"LayerNormalization": tried})


def test_what_takes_anything_takes_the_inputs(tmp_path: Path, rng: np.random.Generator) -> None:
    theirs = around(own.Attention(), rng=rng)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return own.attended(*args, **kwargs)

    given = {"Attention": wrapped}
    model_from_json(theirs.to_json(), given)
    for road in ROADS:
        assert_same(loaded(theirs, road, tmp_path, given), theirs, rng)


def test_the_state_of_a_random_generator_is_no_weight(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Excited(name="mine"), keras.layers.Dropout(0.5), rng=rng)
    theirs.save(tmp_path / "m.keras")
    members = files.read_zip(tmp_path / "m.keras")

    def alter(file: h5py.File) -> None:
        # As Keras 3.0 writes it.
        for place in ("excited/seeds_generator", "dropout/seed_generator"):
            file.create_dataset(f"layers/{place}/vars/0", data=np.zeros(2, np.uint32))

    members["model.weights.h5"] = files.altered_h5(members["model.weights.h5"], alter)
    files.write_zip(tmp_path / "old.keras", members.items())
    assert_same(load_model(tmp_path / "old.keras", {"mine": own.excited}), theirs, rng)
