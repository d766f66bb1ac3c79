"""A file cut short or with flipped bytes is refused, or loads; nothing else happens."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.saving import load_model
from fuzz.mutations import JUNK, spots
from saving import functional_files as graphs
from saving import model_files as files

pytestmark = pytest.mark.long

REFUSALS = (ModelFileError, UnsupportedError)
SEED, FLIPS, CUTS = 20261122, 300, 100

PACKED: dict[str, Any] = {
    "chunks": True,
    "compression": "gzip",
    "shuffle": True,
    "fletcher32": True,
}


def _rewritten(path: Path, version: str, **how: Any) -> Path:
    whole = files.legacy_file(path).read_bytes()
    path.write_bytes(files.rewritten(whole, version, **how))
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "legacy": files.legacy_file,
    "legacy chunked": lambda path: files.legacy_file(path, **PACKED),
    "newest HDF5": lambda path: _rewritten(path, "latest", track_order=True),
    "HDF5 1.10 chunked": lambda path: _rewritten(path, "v110", **PACKED),
    "HDF5 1.10 resizable": lambda path: _rewritten(path, "v110", resizable=1, **PACKED),
    "newest HDF5 resizable": lambda path: _rewritten(path, "latest", resizable=2, **PACKED),
    "keras": files.keras_file,
    "keras deflated": lambda path: files.keras_file(path, method=8),
}


@pytest.fixture(params=WRITERS)
def content(request: pytest.FixtureRequest, tmp_path: Path) -> bytes:
    return WRITERS[request.param](tmp_path / "whole").read_bytes()


def _weights(path: Path) -> list[np.ndarray] | None:
    """Load the weights; None if the file is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*the model was not compiled")
        try:
            return load_model(path).get_weights()
        except REFUSALS:
            return None


def test_a_file_cut_short_is_refused_or_whole(content: bytes, tmp_path: Path) -> None:
    whole = list(files.weights().values())
    refused = 0
    for size in np.linspace(1, len(content) - 1, CUTS).astype(int):
        path = tmp_path / "cut"
        path.write_bytes(content[:size])
        read = _weights(path)
        refused += read is None
        if read is not None:
            for got, expected in zip(read, whole, strict=True):
                np.testing.assert_array_equal(got, expected)
    assert refused > CUTS // 2


def test_flipped_bytes_raise_no_other_error(content: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    shapes = [value.shape for value in files.weights().values()]
    loaded = 0
    for _ in range(FLIPS):
        damaged = bytearray(content)
        for at in rng.integers(len(content), size=rng.integers(1, 8)):
            damaged[at] = rng.integers(256)
        path = tmp_path / "flipped"
        path.write_bytes(damaged)
        read = _weights(path)
        if read is not None:
            loaded += 1
            assert [value.shape for value in read] == shapes
    assert 0 < loaded < FLIPS


CONFIGS: dict[str, tuple[Callable[[], Any], Callable[[Path, Any], object]]] = {
    "stack of Keras 2": (files.config_2, graphs.write_2),
    "stack of Keras 3": (files.config_3, graphs.write_3),
    "graph of Keras 2": (graphs.functional_2, graphs.write_2),
    "graph of Keras 3": (graphs.functional_3, graphs.write_3),
}


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_config_with_anything_in_it_raises_no_other_error(tmp_path: Path, kind: str) -> None:
    make, write = CONFIGS[kind]
    rng = np.random.default_rng(SEED)
    refused = 0
    for _ in range(FLIPS):
        config = make()
        places = list(spots(config))
        container, key = places[rng.integers(len(places))]
        container[key] = copy.deepcopy(JUNK[rng.integers(len(JUNK))])
        write(tmp_path / "config", config)
        refused += _weights(tmp_path / "config") is None
    assert FLIPS // 4 < refused < FLIPS
