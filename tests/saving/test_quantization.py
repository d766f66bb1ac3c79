"""Models in 8 bits in files: found by `load_model`, passed over by Keras."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.files.archive import QUANTIZATION
from networks_in_bytes import images, network


@pytest.fixture
def made() -> cnnfast.Model:
    return cnnfast.quantize(network("residual"), images(4), keep=["second"], verbose=0)


def changed(path: Path, change: Any) -> Path:
    """Return a copy of an archive, one member put through `change`."""
    other = path.with_name("changed.keras")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, change(data) if name == QUANTIZATION else data)
    return other


@pytest.mark.parametrize("zipped", [True, False])
def test_a_file_brings_the_same_bits_back(made, tmp_path, zipped):
    path = tmp_path / ("net.keras" if zipped else "net")
    made.save(path, zipped=zipped)
    loaded, x = cnnfast.load_model(path), images(3)
    assert loaded.quantization == made.quantization
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), made.predict(x, verbose=0))


def test_keras_loads_it_in_float32(made, tmp_path, keras):
    made.save(tmp_path / "net.keras")
    theirs, x = keras.saving.load_model(tmp_path / "net.keras"), images(3)
    expected = made.quantized(None).predict(x, verbose=0)
    np.testing.assert_allclose(theirs.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-5)


def test_a_file_of_bytes_is_in_8_bits_too(made):
    file = io.BytesIO()
    made.save(file)
    assert cnnfast.load_model(file.getvalue()).quantization == made.quantization


def test_a_float32_model_in_the_same_directory_is_in_float32(made, tmp_path):
    made.save(tmp_path / "net", zipped=False)
    made.quantized(None).save(tmp_path / "net", zipped=False)
    assert cnnfast.load_model(tmp_path / "net").quantization is None


def test_h5_cannot_say_it(made, tmp_path):
    with pytest.raises(UnsupportedError, match="is in 8 bits"):
        made.save(tmp_path / "net.h5")
    assert not list(tmp_path.iterdir())


def test_other_weights_in_the_file_are_refused(made, tmp_path):
    made.save(tmp_path / "net.keras")
    path = changed(
        tmp_path / "net.keras",
        lambda data: json.dumps(json.loads(data) | {"weights_sha256": 64 * "0"}),
    )
    with pytest.raises(ModelFileError, match="Received: other weights"):
        cnnfast.load_model(path)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff", b'{"format": 1}'])
def test_a_member_that_says_nothing_is_refused(made, tmp_path, data):
    made.save(tmp_path / "net.keras")
    with pytest.raises(ModelFileError, match=QUANTIZATION):
        cnnfast.load_model(changed(tmp_path / "net.keras", lambda _: data))


def test_ranges_of_another_network_are_refused_when_it_runs(made, tmp_path):
    made.save(tmp_path / "net.keras")

    def without_one(data: bytes) -> str:
        config = json.loads(data)
        config["ranges"].popitem()
        return json.dumps(config)

    model = cnnfast.load_model(changed(tmp_path / "net.keras", without_one))
    with pytest.raises(UnsupportedError, match="as it was measured"):
        model.predict(images(1), verbose=0)
