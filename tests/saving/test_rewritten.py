"""A `.h5` that another tool wrote anew holds the same weights, whatever version of HDF5 it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast.files.hdf5 import H5File
from cnnfast.files.source import open_file
from cnnfast.saving import load_model
from saving import model_files as files

FIXTURES = sorted(Path(__file__).with_name("fixtures").rglob("*.h5"))
WAYS: dict[str, dict[str, Any]] = {
    "1.8": {"version": "v108"},
    "1.10, in order": {"version": "v110", "track_order": True},
    "newest": {"version": "latest"},
    "newest, in order, packed": {
        "version": "latest",
        "track_order": True,
        "compression": "gzip",
        "shuffle": True,
        "fletcher32": True,
    },
}


def _everything(group: Any, found: dict[str, Any], path: str = "") -> dict[str, Any]:
    """Collect numbers and Keras' attributes by their paths."""
    for name in ("model_config", "keras_version", "backend", "name"):
        found[f"{path}@{name}"] = group.text(name)
    for name in ("layer_names", "weight_names"):
        found[f"{path}@{name}"] = group.texts(name)
    for name in group.names():
        inner = group.subgroup(name)
        if inner is None:
            dataset = group.dataset(name)
            found[f"{path}/{name}"] = dataset.read(dataset.shape).tolist()
        else:
            _everything(inner, found, f"{path}/{name}")
    return found


@pytest.mark.long
@pytest.mark.parametrize("how", WAYS)
def test_what_keras_wrote_is_the_same_in_every_generation(tmp_path: Path, how: str) -> None:
    for fixture in FIXTURES:
        path = tmp_path / fixture.name
        path.write_bytes(files.rewritten(fixture.read_bytes(), **WAYS[how]))
        before = _everything(H5File(open_file(fixture)).root, {})
        assert _everything(H5File(open_file(path)).root, {}) == before


@pytest.mark.parametrize("how", WAYS)
def test_a_model_loads_from_every_generation(tmp_path: Path, how: str) -> None:
    legacy, weights = files.legacy_file(tmp_path / "whole.h5").read_bytes(), files.weights_h5()
    (tmp_path / "m.h5").write_bytes(files.rewritten(legacy, **WAYS[how]))
    files.keras_file(tmp_path / "m.keras", data=files.rewritten(weights, **WAYS[how]))
    for name in ("m.h5", "m.keras"):
        got = load_model(tmp_path / name).get_weights()
        for read, expected in zip(got, files.weights().values(), strict=True):
            np.testing.assert_array_equal(read, expected)
