"""The `.keras` container: what is mapped, what is copied, and what may be missing."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast.errors import ModelFileError
from cnnfast.saving import archive, load_model
from cnnfast.saving.source import map_file
from saving import model_files as files


def _is_mapped(array: Any) -> bool:
    while array is not None and not isinstance(array, np.memmap):
        array = array.base
    return array is not None


def _padded(path: Path, padding: int) -> Path:
    """Write a `.keras` file whose weights begin at an address shifted by `padding`."""
    members = [("x" * (padding + 1), b""), *files.keras_members().items()]
    return files.write_zip(path, members)


def test_weights_are_mapped_wherever_they_stand_and_give_the_same_bits(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    aligned, predictions = [], []
    images = rng.random((2, *files.INPUT_SHAPE), dtype=np.float32)
    for padding in range(4):
        model = load_model(_padded(tmp_path / f"{padding}.keras", padding))
        for weight, expected in zip(model.weights, files.weights().values(), strict=True):
            assert _is_mapped(weight.numpy())
            np.testing.assert_array_equal(weight.numpy(), expected)
        aligned.append(model.weights[0].numpy().flags.aligned)
        predictions.append(model.predict(images, verbose=0))
    # One shift in four puts the weights at a multiple of their size.
    assert sorted(aligned) == [False, False, False, True]
    for prediction in predictions[1:]:
        np.testing.assert_array_equal(prediction, predictions[0])


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux tells what is resident")
def test_mapped_weights_stay_in_memory_only_as_the_plan_packed_them(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = files.keras_file(tmp_path / "m.keras")
    model = load_model(path)
    kernel = model.weights[0].numpy()
    np.testing.assert_array_equal(kernel, files.weights()["conv/kernel"])
    assert _resident_kilobytes(path) > 0
    model.predict(rng.random((2, *files.INPUT_SHAPE), dtype=np.float32), verbose=0)
    assert _resident_kilobytes(path) == 0
    np.testing.assert_array_equal(kernel, files.weights()["conv/kernel"])


def _resident_kilobytes(path: Path) -> int:
    """Return how much of the file at `path` is mapped into this process and in memory."""
    lines = Path("/proc/self/smaps").read_text().splitlines()
    starts = [i for i, line in enumerate(lines) if line.endswith(str(path))]
    sizes = [next(line for line in lines[i:] if line.startswith("Rss:")) for i in starts]
    return sum(int(size.split()[1]) for size in sizes)


def test_members_may_be_compressed(tmp_path: Path) -> None:
    model = load_model(files.keras_file(tmp_path / "m.keras", method=zipfile.ZIP_DEFLATED))
    for got, expected in zip(model.get_weights(), files.weights().values(), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert not _is_mapped(model.weights[0].numpy())


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
    container = archive.open_zip(map_file(path))
    assert container.weights.data.tobytes() == files.keras_members()["model.weights.h5"]


def test_a_directory_is_a_container_too(tmp_path: Path) -> None:
    for name, data in files.keras_members().items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "assets").mkdir()
    model = load_model(tmp_path)
    assert _is_mapped(model.weights[0].numpy())


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
