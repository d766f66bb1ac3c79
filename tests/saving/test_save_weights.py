"""`save_weights` writes a whole file or none."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import cnnfast
from cnnfast.errors import ModelFileError
from cnnfast.saving import load_weights, save_weights


@pytest.fixture
def model() -> Any:
    lay = cnnfast.layers
    inner = cnnfast.Sequential([cnnfast.Input((4,)), lay.Dense(4), lay.Dense(4)], name="inner")
    return cnnfast.Sequential([cnnfast.Input((4,)), lay.Dense(4, name="d"), inner, lay.Dense(2)])


def test_the_places_are_those_of_keras_3(model: Any, tmp_path: Path) -> None:
    save_weights(model, tmp_path / "m.weights.h5")
    kernels = {
        "layers/dense": model.layers[0],
        "layers/dense_1": model.layers[2],
        "layers/sequential/layers/dense": model.layers[1].layers[0],
        "layers/sequential/layers/dense_1": model.layers[1].layers[1],
    }
    with h5py.File(tmp_path / "m.weights.h5") as file:
        for place, layer in kernels.items():
            assert file[f"{place}/vars"].attrs["name"] == layer.name
            np.testing.assert_array_equal(file[f"{place}/vars/0"], layer.get_weights()[0])
            np.testing.assert_array_equal(file[f"{place}/vars/1"], layer.get_weights()[1])


def test_a_failure_leaves_the_old_file_whole(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.weights.h5"
    save_weights(model, path)
    before = path.read_bytes()

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(h5py.Group, "create_dataset", fail)
    with pytest.raises(OSError, match="disk full"):
        save_weights(model, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_may_be_saved_over_the_file_it_reads_its_weights_from(
    model: Any, tmp_path: Path
) -> None:
    path = tmp_path / "m.weights.h5"
    save_weights(model, path)
    expected = model.get_weights()
    load_weights(model, path)
    save_weights(model, path)
    load_weights(model, path)
    for got, value in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(got, value)


def test_without_h5py_the_error_says_what_to_install(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r"cnnfast\[save\]"):
        save_weights(model, tmp_path / "m.weights.h5")
    assert list(tmp_path.iterdir()) == []


def test_another_ending_is_refused(model: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in `.weights.h5`. Received: .*m.h5"):
        save_weights(model, tmp_path / "m.h5")


def test_an_existing_file_is_kept_where_asked(model: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.weights.h5"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError, match="overwrite"):
        save_weights(model, path, overwrite=False)
    assert path.read_bytes() == b"old"


def test_a_model_that_is_not_built_is_refused(tmp_path: Path) -> None:
    model = cnnfast.Sequential([cnnfast.layers.Dense(2)])
    with pytest.raises(ValueError, match="not yet been built"):
        save_weights(model, tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="not yet been built"):
        load_weights(model, tmp_path / "m.weights.h5")


def test_an_error_about_layers_lists_few_of_many(tmp_path: Path) -> None:
    def stacked(count: int) -> Any:
        stack = [cnnfast.layers.Dense(1, name=f"layer_{number}") for number in range(count)]
        return cnnfast.Sequential([cnnfast.Input((1,)), *stack])

    stacked(105).save(tmp_path / "m.h5")
    with pytest.raises(
        ModelFileError, match=r"has 60 layer.*and 57 more.*105 in.*: 'layer_60'.*and 102"
    ) as error:
        stacked(60).load_weights(tmp_path / "m.h5")
    assert len(str(error.value)) < 400 + len(str(tmp_path))
