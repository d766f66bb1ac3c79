"""`save` writes `.keras` files that real Keras loads, whole or not at all."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import cnnfast
from cnnfast.models import load_model, save_model

keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore:Skipping variable loading for optimizer"
)

TOLERANCE = 1e-5
lay = cnnfast.layers


def _sequential() -> Any:
    return cnnfast.Sequential(
        [
            cnnfast.Input((12, 11, 3)),
            lay.Conv2D(4, 3, padding="same", activation="gelu", kernel_regularizer="l2"),
            lay.BatchNormalization(),
            lay.MaxPooling2D(),
            lay.DepthwiseConv2D(3, activation="relu6"),
            lay.ReLU(max_value=6.0),
            lay.Flatten(),
            lay.Dense(400, activation="elu"),
            lay.Dense(5, activation="softmax"),
        ]
    )


def _without_input() -> Any:
    model = cnnfast.Sequential([lay.Conv2D(3, 3), lay.GlobalAveragePooling2D()])
    model.build((None, 6, 6, 2))
    return model


def _nested_sequential() -> Any:
    inner = cnnfast.Sequential(
        [cnnfast.Input((8, 8, 3)), lay.Conv2D(4, 3), lay.BatchNormalization()], name="inner"
    )
    inner.trainable = False
    return cnnfast.Sequential([cnnfast.Input((8, 8, 3)), inner, lay.Conv2D(4, 3)])


def _recurrent() -> Any:
    return cnnfast.Sequential(
        [
            cnnfast.Input((7, 4)),
            lay.TimeDistributed(lay.Dense(5)),
            lay.Bidirectional(lay.LSTM(3, return_sequences=True)),
            lay.GRU(4),
        ]
    )


def _functional() -> Any:
    inputs = cnnfast.Input((9, 8, 3), name="image")
    x = lay.Conv2D(4, 3, strides=2, padding="same", activation="relu")(inputs)
    y = lay.BatchNormalization()(x)
    y = lay.Add()([x, lay.Conv2D(4, 1, activation="hard_sigmoid")(y)])
    z = lay.Concatenate()([y, x * 2.0 + 0.5, (y - 1.0) / 3.0, 1.0 - x])
    z = lay.GlobalAveragePooling2D()(z[:, 1:, ::2])
    return cnnfast.Model(inputs, lay.Dense(3, activation="softmax")(z))


def _backbone(name: str) -> Any:
    inputs = cnnfast.Input((8, 8, 3))
    x = lay.Conv2D(4, 3)(inputs)
    x = lay.BatchNormalization()(x)
    return cnnfast.Model(inputs, lay.Add()([x, lay.Conv2D(4, 1)(x)]), name=name)


def _nested() -> Any:
    backbone = _backbone("backbone")
    backbone.trainable = False
    head = cnnfast.Sequential([cnnfast.Input((6, 6, 4)), lay.Flatten(), lay.Dense(3)], name="head")
    inputs = cnnfast.Input((8, 8, 3))
    features = backbone(inputs)
    return cnnfast.Model(inputs, [head(features), features])


def _nested_output() -> Any:
    """A model whose output is that of a model inside a model inside."""
    inputs, outer = cnnfast.Input((8, 8, 3)), cnnfast.Input((8, 8, 3))
    middle = cnnfast.Model(inputs, _backbone("backbone")(inputs), name="middle")
    return cnnfast.Model(outer, middle(outer))


def _shared() -> Any:
    left, right = cnnfast.Input((8, 8, 3), name="left"), cnnfast.Input((8, 8, 3), name="right")
    tower, flatten, dense = _backbone("tower"), lay.Flatten(), lay.Dense(4)
    a, b = (dense(flatten(tower(x))) for x in (left, right))
    return cnnfast.Model([left, right], lay.Subtract()([a, b]))


def _wrapped() -> Any:
    inputs = cnnfast.Input((3, 8, 8, 3))
    x = lay.TimeDistributed(_backbone("backbone"))(inputs)
    x = lay.TimeDistributed(lay.GlobalAveragePooling2D())(x)
    return cnnfast.Model(inputs, lay.Bidirectional(lay.GRU(3))(x))


MODELS: dict[str, Callable[[], Any]] = {
    "sequential": _sequential,
    "without input": _without_input,
    "nested": _nested_sequential,
    "recurrent": _recurrent,
    "functional": _functional,
    "nested functional": _nested,
    "output of a nested model": _nested_output,
    "shared": _shared,
    "wrapped": _wrapped,
}


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, rng: np.random.Generator) -> Any:
    model = MODELS[request.param]()
    model.set_weights(
        [rng.uniform(0.2, 0.8, w.shape) - 0.2 * ("variance" not in w.path) for w in model.weights]
    )
    return model


def _inputs(model: Any) -> Any:
    rng = np.random.default_rng(5)
    shapes = model.input_shape
    if isinstance(shapes, list):
        return [rng.normal(size=(2, *shape[1:])).astype(np.float32) for shape in shapes]
    return rng.normal(size=(2, *shapes[1:])).astype(np.float32)


def _assert_same(received: Any, expected: Any) -> None:
    if not isinstance(expected, list):
        received, expected = [received], [expected]
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=TOLERANCE * np.abs(other).max())


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_keras_predicts_the_same_with_the_file(model: Any, tmp_path: Path, name: str) -> None:
    model.save(tmp_path / name)
    theirs = keras.saving.load_model(tmp_path / name)
    x = _inputs(model)
    _assert_same(theirs.predict(x, verbose=0), model.predict(x, verbose=0))
    assert theirs.name == model.name
    assert [layer.name for layer in theirs.layers] == [layer.name for layer in model.layers]
    assert [w.trainable for w in theirs.weights] == [w.trainable for w in model.weights]


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_the_file_comes_back_as_it_was(model: Any, tmp_path: Path, name: str) -> None:
    model.save(tmp_path / name)
    again = load_model(tmp_path / name)
    assert json.loads(again.to_json()) == json.loads(model.to_json())
    for got, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_what_keras_saved_is_saved_again_as_it_was(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m.keras")
    keras.saving.load_model(tmp_path / "m.keras").save(tmp_path / "theirs.keras")
    load_model(tmp_path / "theirs.keras").save(tmp_path / "again.keras")
    theirs = keras.saving.load_model(tmp_path / "again.keras")
    x = _inputs(model)
    _assert_same(theirs.predict(x, verbose=0), model.predict(x, verbose=0))


# As Keras 2 wrote them into a file.
OLD_LOSS = {
    "class_name": "SparseCategoricalCrossentropy",
    "config": {"reduction": "auto", "name": "loss", "from_logits": False},
}
OLD_METRIC = {
    "class_name": "MeanMetricWrapper",
    "config": {"name": "accuracy", "dtype": "float32", "fn": "sparse_categorical_accuracy"},
}


@pytest.mark.parametrize(
    ("loss", "metric"),
    [("sparse_categorical_crossentropy", "accuracy"), (OLD_LOSS, OLD_METRIC)],
    ids=["names", "Keras 2"],
)
def test_keras_compiles_the_model_as_it_was(tmp_path: Path, loss: Any, metric: Any) -> None:
    model = cnnfast.Sequential(
        [cnnfast.Input((5, 4, 2)), lay.Flatten(), lay.Dense(5, activation="softmax")]
    )
    model.compile("adam", loss, metrics=[metric])
    model.save(tmp_path / "m.keras")
    theirs = keras.saving.load_model(tmp_path / "m.keras")
    x, y = _inputs(model), np.array([1, 3])
    expected = model.evaluate(x, y, verbose=0, return_dict=True)
    received = theirs.evaluate(x, y, verbose=0, return_dict=True)
    assert received == pytest.approx(expected, rel=1e-4)


def test_the_members_are_those_of_keras_and_not_compressed(tmp_path: Path) -> None:
    _sequential().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.testzip() is None
        names = [entry.filename for entry in archive.infolist()]
        assert names == ["metadata.json", "config.json", "model.weights.h5"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert json.loads(archive.read("metadata.json")).keys() == {"keras_version", "date_saved"}


def test_a_model_may_be_saved_over_the_file_it_reads_its_weights_from(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    model = _sequential()
    model.save(path)
    again = load_model(path)
    again.save(path)
    for got, expected in zip(load_model(path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_failure_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, path = _sequential(), tmp_path / "m.keras"
    path.write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    for owner, name in ((h5py.Group, "create_dataset"), (zipfile.ZipFile, "open")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, fail)
            with pytest.raises(OSError, match="disk full"):
                model.save(path)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_is_kept_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError, match="overwrite"):
        save_model(_sequential(), path, overwrite=False)
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("make", [_sequential, _functional])
def test_a_directory_is_loaded_by_keras_and_here(make: Callable[[], Any], tmp_path: Path) -> None:
    model, path = make(), tmp_path / "parts"
    for _ in range(2):  # the second time over the first
        model.save(path, zipped=False)
    assert sorted(p.name for p in path.iterdir()) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
    ]
    x = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype(np.float32)
    expected = model.predict(x, verbose=0)
    np.testing.assert_array_equal(load_model(path).predict(x, verbose=0), expected)
    theirs = keras.saving.load_model(path)
    np.testing.assert_allclose(theirs.predict(x, verbose=0), expected, atol=TOLERANCE)


def test_a_directory_has_no_ending_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"should not end in `.keras`. Received: .*m.keras"):
        _sequential().save(tmp_path / "m.keras", zipped=False)
    _sequential().save(tmp_path / "m", zipped=False)
    with pytest.raises(FileExistsError, match="overwrite"):
        _sequential().save(tmp_path / "m", overwrite=False, zipped=False)


def test_arguments_of_older_versions_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    _sequential().save(path, include_optimizer=False, save_format="h5")
    assert load_model(path).built
    with pytest.raises(ValueError, match="must end in"):
        _sequential().save(tmp_path / "m", save_format="tf")


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in `.keras` or `.h5`. Received: .*m.tflite"):
        _sequential().save(tmp_path / "m.tflite")


def test_a_model_that_is_not_built_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not yet been built"):
        cnnfast.Sequential([lay.Dense(2)]).save(tmp_path / "m.keras")


def test_names_that_do_not_fit_an_attribute_are_split(tmp_path: Path) -> None:
    model = cnnfast.Sequential([cnnfast.Input((2,))])
    for i in range(300):
        model.add(lay.Dense(2, name=f"{'x' * 240}{i:03}"))
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert {"layer_names0", "layer_names1"} <= set(file["model_weights"].attrs)
    again = load_model(tmp_path / "m.h5")
    for got, expected in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)
