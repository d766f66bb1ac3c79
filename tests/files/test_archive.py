"""The `.keras` container: what stays in the file, what is copied, and what may be missing."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from cnnfast.errors import ModelFileError
from cnnfast.files import archive
from cnnfast.files.source import open_file
from cnnfast.saving import load_model
from saving import model_files as files


def _padded(path: Path, padding: int) -> Path:
    """Write a `.keras` file whose weights begin at an address shifted by `padding`."""
    members = [("x" * (padding + 1), b""), *files.keras_members().items()]
    return files.write_zip(path, members)


def test_weights_stay_in_the_file_wherever_they_stand_and_give_the_same_bits(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    predictions = []
    images = rng.random((2, *files.INPUT_SHAPE), dtype=np.float32)
    for padding in range(4):
        model = load_model(_padded(tmp_path / f"{padding}.keras", padding))
        for weight, expected in zip(model.weights, files.weights().values(), strict=True):
            assert weight.storage == "file"
            np.testing.assert_array_equal(weight.numpy(), expected)
        predictions.append(model.predict(images, verbose=0))
        assert {weight.storage for weight in model.weights} == {"file"}
    for prediction in predictions[1:]:
        np.testing.assert_array_equal(prediction, predictions[0])


def test_members_may_be_compressed(tmp_path: Path) -> None:
    model = load_model(files.keras_file(tmp_path / "m.keras", method=zipfile.ZIP_DEFLATED))
    for got, expected in zip(model.get_weights(), files.weights().values(), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert model.weights[0].storage == "own"


def test_a_large_archive_with_long_records_is_read(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as file:
        for name, data in files.keras_members().items():
            with file.open(name, "w", force_zip64=True) as member:
                member.write(data)
    np.testing.assert_array_equal(load_model(path).get_weights()[0], files.weights()["conv/kernel"])


def test_a_comment_and_bytes_before_the_archive_do_no_harm(tmp_path: Path) -> None:
    path = files.keras_file(tmp_path / "m.keras")
    with zipfile.ZipFile(path, "a") as file:
        file.comment = b"trained on a Sunday"
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    with pytest.raises(ModelFileError, match="expected a model that Keras saved"):
        load_model(path)
    path.write_bytes(b"PK" + path.read_bytes())
    container = archive.open_zip(open_file(path))
    assert container.weights.read().tobytes() == files.keras_members()["model.weights.h5"]


def test_a_directory_is_a_container_too(tmp_path: Path) -> None:
    for name, data in files.keras_members().items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "assets").mkdir()
    model = load_model(tmp_path)
    assert model.weights[0].storage == "file"


@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_a_missing_member_is_named(tmp_path: Path, member: str) -> None:
    members = files.keras_members()
    del members[member]
    for name, data in members.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ModelFileError, match=f"must hold '{member}'"):
        load_model(tmp_path)
    with pytest.raises(ModelFileError, match=f"must hold '{member}'"):
        load_model(files.write_zip(tmp_path / "m.keras", members.items()))


def test_metadata_may_be_missing(tmp_path: Path) -> None:
    members = files.keras_members()
    del members["metadata.json"]
    assert load_model(files.write_zip(tmp_path / "m.keras", members.items())).built


def test_a_changed_config_does_not_match_its_checksum(tmp_path: Path) -> None:
    path = files.keras_file(tmp_path / "m.keras")
    path.write_bytes(path.read_bytes().replace(b'"units": 3', b'"units": 4'))
    with pytest.raises(ModelFileError, match=r"'config.json' does not match its checksum"):
        load_model(path)


def test_a_saved_model_of_tensorflow_is_called_what_it_is(tmp_path: Path) -> None:
    """Where the advice leads is `through_saved_model.keras` among the fixtures."""
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    (tmp_path / "variables").mkdir()
    with pytest.raises(
        ModelFileError, match=r"TensorFlow SavedModel.*tf_keras\.models\.load_model"
    ):
        load_model(tmp_path)
    model = load_model(files.keras_file(tmp_path / "m.keras"))
    with pytest.raises(ModelFileError, match="TensorFlow SavedModel"):
        model.load_weights(tmp_path)
