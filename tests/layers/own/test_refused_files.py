"""Files with own layers that do not fit their class, and classes that do not fit a file."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.saving import load_model

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")


def scaled(package: Any, *, weights: int = 1, size: int = 4, base: Any = None) -> Any:
    """Return the user's class, with as many weights of that size."""

    class Scaled(base or package.layers.Layer):  # type: ignore[misc]
        def __init__(self, factor: float = 2.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape: Any) -> None:
            self.all = [
                self.add_weight(shape=(size,), initializer="ones", name=f"w{number}")
                for number in range(weights)
            ]

        def call(self, x: Any) -> Any:
            for weight in self.all:
                x = x * weight
            return x * self.factor

        def get_config(self) -> Any:
            return {**super().get_config(), "factor": self.factor}

    return Scaled


@pytest.fixture(params=[".keras", ".h5"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    model = keras.Sequential(
        [keras.Input((4,)), scaled(keras)(name="mine"), keras.layers.Dense(2, name="last")]
    )
    model.save(tmp_path / f"m{request.param}")
    return tmp_path / f"m{request.param}"


@pytest.mark.parametrize("weights", [0, 2])
def test_a_class_with_more_or_fewer_weights_is_refused(path: Path, weights: int) -> None:
    with pytest.raises(ModelFileError, match=r"weight|layers"):
        load_model(path, custom_objects={"Scaled": scaled(cnnfast, weights=weights)})


def test_a_class_with_weights_of_another_shape_is_refused(path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"'mine'|shape"):
        load_model(path, custom_objects={"Scaled": scaled(cnnfast, size=1)})


def test_without_the_class_the_file_is_refused_with_what_to_hand_over(path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"custom_objects=\{'Scaled': Scaled\}"):
        load_model(path)


@pytest.mark.parametrize("given", [object, dict, type("Other", (), {})])
def test_a_class_that_is_no_layer_is_refused(path: Path, given: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"a function of arrays: the code of a class"):
        load_model(path, custom_objects={"Scaled": given})


def test_a_class_of_keras_itself_is_refused(path: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"the code of a class of Keras cannot run here"):
        load_model(path, custom_objects={"Scaled": scaled(keras)})


def test_a_constructor_that_does_not_take_the_config_is_named(path: Path) -> None:
    class Scaled(layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises((ModelFileError, ValueError), match=r"'mine' of class Scaled.*factor"):
        load_model(path, custom_objects={"Scaled": Scaled})


def test_a_from_config_that_returns_no_layer_is_refused(path: Path) -> None:
    made = scaled(cnnfast)
    made.from_config = classmethod(lambda cls, config: None)
    with pytest.raises((ModelFileError, TypeError), match="must return a layer"):
        load_model(path, custom_objects={"Scaled": made})


def test_weights_that_do_not_fit_change_nothing(tmp_path: Path) -> None:
    theirs = keras.Sequential([keras.Input((4,)), scaled(keras, weights=2)(name="mine")])
    theirs.save_weights(tmp_path / "a.weights.h5")
    ours = cnnfast.Sequential([layers.Input((4,)), scaled(cnnfast, weights=3)(name="mine")])
    before = ours.get_weights()
    with pytest.raises(ModelFileError, match=r"'mine' of class Scaled has 3 weight.*2 in the file"):
        ours.load_weights(tmp_path / "a.weights.h5")
    for weight, old in zip(ours.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_a_layer_whose_arguments_are_no_plain_values_is_not_saved(tmp_path: Path) -> None:
    class Holding(layers.Layer):
        def __init__(self, thing: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.thing = thing

        def call(self, x: Any) -> Any:
            return x * 2

    model = cnnfast.Sequential([layers.Input((4,)), Holding(object(), name="holding")])
    with pytest.raises(NotImplementedError, match=r"must override `get_config\(\)`.*'holding'"):
        model.save(tmp_path / "m.keras")
    assert list(tmp_path.iterdir()) == []
    model.save_weights(tmp_path / "m.weights.h5")  # which needs no config


def test_a_registered_name_is_that_of_one_class() -> None:
    register = cnnfast.saving.register_keras_serializable("refused", "One")
    register(scaled(cnnfast))

    class Another(layers.Layer):
        def call(self, x: Any) -> Any:
            return x

    with pytest.raises(ValueError, match=r"that of one class.*'refused>One'"):
        register(Another)
    assert cnnfast.saving.get_registered_object("refused>One").__name__ == "Scaled"
    cnnfast.saving.get_custom_objects().pop("refused>One")


@pytest.mark.parametrize("key", ["Scaled", "Custom>Scaled"])
def test_only_what_is_registered_under_the_files_name_is_found(path: Path, key: str) -> None:
    with cnnfast.saving.custom_object_scope({key: scaled(cnnfast)}):
        if key == "Scaled":
            assert load_model(path).layers[0].factor == 2.0
        else:
            with pytest.raises(UnsupportedError, match="Scaled"):
                load_model(path)


HOSTILE = ["os.system", "builtins>eval", "__class__", "__init__", "cnnfast.layers.Dense", "object"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_file_is_never_imported(name: str, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), scaled(keras)(name="mine")])
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    config = json.loads(parts["config.json"])
    entry = config["config"]["layers"][1]
    entry |= {"class_name": name, "registered_name": name, "module": "os"}
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "n.keras", "w") as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    with pytest.raises((UnsupportedError, ModelFileError)):
        load_model(tmp_path / "n.keras", custom_objects={"Scaled": scaled(cnnfast)})


def test_a_class_for_a_name_of_keras_own_stands_in_for_no_layer_of_keras(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).save(tmp_path / "m.keras")

    class Dense(layers.Layer):
        def call(self, x: Any) -> Any:
            return 0.0 * x

    with pytest.warns(UserWarning, match=r"'Dense' \(the file says that this is Keras' own"):
        loaded = load_model(tmp_path / "m.keras", custom_objects={"Dense": Dense})
    assert type(loaded.layers[-1]) is layers.Dense


def test_a_dataset_too_many_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), scaled(keras)(name="mine")])
    model.save_weights(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5", "r+") as file:
        file["layers/scaled/vars"].create_dataset("1", data=np.ones(4, np.float32))
    ours = cnnfast.Sequential([layers.Input((4,)), scaled(cnnfast)(name="mine")])
    with pytest.raises(ModelFileError, match=r"has 1 weight.*2 in the file"):
        ours.load_weights(tmp_path / "a.weights.h5")
