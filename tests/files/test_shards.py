"""Weights in several files are read as one, and only files of the expected names are opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import ModelFileError

keras = pytest.importorskip("keras")


def _saved(directory: Path) -> Any:
    lay = keras.layers
    model = keras.Sequential(
        [keras.Input((30,)), lay.Dense(50), lay.Dense(50), keras.Sequential([lay.Dense(40)])]
    )
    model.save_weights(directory / "m.weights.json", max_shard_size=10_300 / 1024**3)
    return model


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    _saved(tmp_path)
    return tmp_path


def _alter(directory: Path, new: Any) -> None:
    path = directory / "m.weights.json"
    config = json.loads(path.read_text())
    first = next(iter(config["weight_map"]))
    config["weight_map"][first] = new
    path.write_text(json.dumps(config))


def test_shards_of_keras_are_loaded(tmp_path: Path) -> None:
    theirs = _saved(tmp_path)
    assert len(list(tmp_path.glob("m_*.weights.h5"))) > 2
    ours = cnnfast.from_keras(theirs)
    ours.set_weights([np.zeros(w.shape) for w in ours.weights])
    ours.load_weights(tmp_path / "m.weights.json")
    for got, expected in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


def _model() -> cnnfast.Sequential:
    return cnnfast.Sequential([cnnfast.Input((30,)), cnnfast.layers.Dense(50)])


@pytest.mark.parametrize(
    "name", ["../m_00000.weights.h5", "/etc/passwd", "m_0.weights.h5", "n_00000.weights.h5", 3]
)
def test_files_of_other_names_are_not_opened(directory: Path, name: Any) -> None:
    _alter(directory, name)
    with pytest.raises(ModelFileError, match=r"m\.weights\.json: the files must be called m_"):
        _model().load_weights(directory / "m.weights.json")


def test_a_map_of_too_many_files_is_refused_before_one_is_opened(tmp_path: Path) -> None:
    names = [f"m_{number:05}.weights.h5" for number in range(1001)]
    (tmp_path / "m.weights.json").write_text(json.dumps({"weight_map": {"kernel": names}}))
    with pytest.raises(ModelFileError, match=r"there may be 1000 files\. Received: 1001"):
        _model().load_weights(tmp_path / "m.weights.json")


def test_a_link_in_place_of_a_file_is_not_followed(directory: Path) -> None:
    shard = directory / "m_00000.weights.h5"
    shard.rename(directory / "elsewhere.h5")
    shard.symlink_to(directory / "elsewhere.h5")
    with pytest.raises(ModelFileError, match="symbolic links"):
        _model().load_weights(directory / "m.weights.json")


def test_a_missing_file_is_a_file_not_found_error(directory: Path) -> None:
    (directory / "m_00001.weights.h5").unlink()
    with pytest.raises(FileNotFoundError, match="m_00001"):
        _model().load_weights(directory / "m.weights.json")


def test_a_missing_weight_names_its_place_and_layer(directory: Path) -> None:
    model = cnnfast.Sequential(
        [cnnfast.Input((30,)), *(cnnfast.layers.Dense(50) for _ in range(2))]
    )
    model.add(cnnfast.layers.Dense(3, name="last"))
    with pytest.raises(ModelFileError, match=r"no '/layers/dense_2'.* layer 'last'"):
        model.load_weights(directory / "m.weights.json")


@pytest.mark.parametrize("text", ["{}", '{"weight_map": []}', '{"weight_map": {}}', "{"])
def test_another_json_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.weights.json").write_text(text)
    with pytest.raises(ModelFileError, match=r"m\.weights\.json"):
        _model().load_weights(tmp_path / "m.weights.json")
