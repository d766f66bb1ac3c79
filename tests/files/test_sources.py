"""What a model is loaded from and saved to: paths of any kind, bytes, open files; and memory."""

from __future__ import annotations

import io
import mmap
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import ModelFileError
from cnnfast.models import clone_model, load_model, model_from_json, save_model

pytest.importorskip("h5py")

SUFFIXES = (".keras", ".h5")


class Bytes:
    """A path as another library may have it, which is bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> bytes:
        return os.fsencode(self.path)


class Text(Bytes):
    """A path as another library may have it."""

    def __fspath__(self) -> str:  # type: ignore[override]
        return str(self.path)


class Stream:
    """A file with nothing but `read`, such as what a server answers."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        return self._data


def behind(data: bytes) -> io.BytesIO:
    file = io.BytesIO(b"header" + data)
    file.seek(6)
    return file


def mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


SOURCES: dict[str, Callable[[Path], Any]] = {
    "str": str,
    "pathlib": Path,
    "os.PathLike": Text,
    "os.PathLike of bytes": Bytes,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "memoryview": lambda path: memoryview(path.read_bytes()),
    "memoryview with gaps": lambda path: memoryview(np.repeat(_array(path), 2))[::2],
    "memoryview of floats": lambda path: memoryview(_array(path, pad=4).view(np.float32)),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "BytesIO from its position on": lambda path: behind(path.read_bytes()),
    "open file": lambda path: path.open("rb"),
    "unbuffered file": lambda path: path.open("rb", buffering=0),
    "stream": lambda path: Stream(path.read_bytes()),
    "mmap": mapped,
}
IN_MEMORY = [name for name in SOURCES if name not in ("str", "pathlib") and "PathLike" not in name]


def _array(path: Path, pad: int = 1) -> Any:
    data = path.read_bytes()
    return np.frombuffer(data + bytes(-len(data) % pad), np.uint8)


@pytest.fixture(scope="module")
def model() -> cnnfast.Sequential:
    conv = layers.Conv2D(4, 3, activation="relu")
    return cnnfast.Sequential([cnnfast.Input((6, 6, 2)), conv, layers.Flatten(), layers.Dense(3)])


def assert_same_weights(actual: Any, expected: Any) -> None:
    for a, b in zip(actual.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_model_loads_from(model: Any, tmp_path: Path, suffix: str, kind: str) -> None:
    if kind == "memoryview of floats" and suffix == ".keras":
        pytest.skip("zeros behind an archive hide its end")
    model.save(tmp_path / f"m{suffix}")
    source = SOURCES[kind](tmp_path / f"m{suffix}")
    loaded = load_model(source)
    assert_same_weights(loaded, model)
    if kind in IN_MEMORY:
        assert {weight.storage for weight in loaded.weights} == {"own"}
    if hasattr(source, "close"):
        assert not source.closed  # it is the caller's
        source.close()


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("suffix", [".weights.h5", *SUFFIXES])
def test_weights_load_from(model: Any, tmp_path: Path, suffix: str, kind: str) -> None:
    if kind == "memoryview of floats" and suffix == ".keras":
        pytest.skip("zeros behind an archive hide its end")
    path = tmp_path / f"m{suffix}"
    model.save_weights(path) if suffix == ".weights.h5" else model.save(path)
    other = clone_model(model)
    source = SOURCES[kind](path)
    other.load_weights(source)
    assert_same_weights(other, model)
    if hasattr(source, "close"):
        source.close()


def test_a_buffer_can_be_written_over_once_the_model_is_loaded(model: Any, tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        model.save(tmp_path / f"m{suffix}")
        data = bytearray((tmp_path / f"m{suffix}").read_bytes())
        loaded = load_model(data)
        data[:] = bytes(len(data))
        data += b"and resized"
        assert_same_weights(loaded, model)


def test_what_is_no_source_is_refused(model: Any, tmp_path: Path) -> None:
    model.save(tmp_path / "m.keras")
    for read in (load_model, clone_model(model).load_weights):
        for source in (3, None, model, ["m.keras"]):
            with pytest.raises(TypeError, match=r"a path, bytes or a file.*Received"):
                read(source)
        (tmp_path / "text.txt").write_bytes(b"PK\x03\x04\xff\x89HDF")  # which is no UTF-8
        refused = pytest.raises(TypeError, match=r"text\.txt: .*binary mode.* Received: .* str")
        with (tmp_path / "text.txt").open() as file, refused:
            read(file)
        at_end = io.BytesIO((tmp_path / "m.keras").read_bytes())
        at_end.seek(0, io.SEEK_END)
        with pytest.raises(ModelFileError, match=r"<BytesIO>: .*empty from its position on"):
            read(at_end)
        for empty in (b"", bytearray(), memoryview(b"")):
            with pytest.raises(ModelFileError, match=r"<\w+>: the file is empty\.$"):
                read(empty)
        with pytest.raises(ModelFileError, match=r"<bytes>: expected .* starts with b'no model'"):
            read(b"no model")


def test_weights_in_shards_are_given_by_their_path(model: Any) -> None:
    with pytest.raises(ModelFileError, match=r"<bytes>: .*by the path of their map"):
        model.load_weights(b'{"weight_map": {}}')


@pytest.mark.parametrize("read", [str.encode, lambda text: bytearray(text.encode())])
def test_a_config_is_taken_as_bytes(model: Any, read: Any) -> None:
    assert model_from_json(read(model.to_json())).to_json() == model.to_json()


def test_a_config_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match=r"`json_string` must be the text.*Received: PosixPath"):
        model_from_json(Path("config.json"))  # type: ignore[arg-type]


# --- in memory -----------------------------------------------------------------------------


def open_files(below: Path) -> int:
    found = (os.readlink(entry.path) for entry in os.scandir("/proc/self/fd") if entry.is_symlink())
    return sum(path.startswith(str(below)) for path in found)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="lists open files as Linux does")
@pytest.mark.parametrize("kind", [*SUFFIXES, "directory", ".weights.h5", "shards"])
def test_in_memory_reads_everything_and_closes_the_file(
    model: Any, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"m{kind}" if kind.startswith(".") else tmp_path / "m"
    if kind == "directory":
        model.save(path, zipped=False)
    elif kind == "shards":
        path = shards(tmp_path, model)
    else:
        model.save_weights(path) if kind == ".weights.h5" else model.save(path)
    outcomes = {}
    for in_memory in (True, False):
        loaded = clone_model(model)
        if kind in (".weights.h5", "shards"):
            loaded.load_weights(path, in_memory=in_memory)
        else:
            loaded = load_model(path, in_memory=in_memory)
        outcomes[in_memory] = open_files(tmp_path), {w.storage for w in loaded.weights}
        for file in [path] if path.is_file() else path.iterdir():
            if in_memory:
                file.rename(f"{file}.kept")
                file.with_name(file.name).write_bytes(b"other")
        assert_same_weights(loaded, model)
        for file in tmp_path.rglob("*.kept"):
            file.rename(str(file).removesuffix(".kept"))
    assert outcomes[True] == (0, {"own"})
    assert outcomes[False] == (1, {"file"})


def shards(directory: Path, model: Any) -> Path:
    """Write the weights of `model` as Keras does with `max_shard_size`, in one file."""
    model.save_weights(directory / "m_00000.weights.h5")
    path = directory / "m.weights.json"
    path.write_text('{"metadata": {}, "weight_map": {"/": "m_00000.weights.h5"}}')
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_model_in_memory_outlives_whatever_becomes_of_its_file(
    model: Any, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"m{suffix}"
    model.save(path)
    loaded = load_model(path, in_memory=True)
    path.write_bytes(bytes(path.stat().st_size))
    x = np.ones((2, 6, 6, 2), np.float32)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_file_that_is_refused_is_closed_too(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelFileError, match="must hold"):
        load_model(path, in_memory=True)
    if Path("/proc/self/fd").is_dir():
        assert open_files(tmp_path) == 0


# --- saving ------------------------------------------------------------------------------------


def test_a_model_and_weights_are_saved_to_open_files(model: Any, tmp_path: Path) -> None:
    memory = io.BytesIO(b"header")
    memory.seek(6)
    model.save(memory)
    memory.seek(6)
    assert_same_weights(load_model(memory), model)
    with (tmp_path / "anything").open("wb") as file:
        save_model(model, file)
        assert not file.closed
    assert_same_weights(load_model(tmp_path / "anything"), model)
    memory = io.BytesIO()
    model.save_weights(memory)
    other = clone_model(model)
    other.load_weights(memory.getvalue())
    assert_same_weights(other, model)


class Reluctant(io.RawIOBase):
    """Takes a part of what is written at a time, as a pipe does, or nothing."""

    def __init__(self, most: int | None) -> None:
        self.most, self.taken = most, bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int | None:
        part = bytes(data[: self.most or 0])
        self.taken += part
        return None if self.most is None else len(part)


def test_a_raw_file_that_takes_a_part_at_a_time_gets_all(model: Any) -> None:
    file = Reluctant(1000)
    model.save(file)
    loaded = cnnfast.load_model(bytes(file.taken))
    for weight, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("most", [0, None])
def test_a_raw_file_that_takes_nothing_is_an_error(model: Any, most: int | None) -> None:
    with pytest.raises(OSError, match="must take what is written to it"):
        model.save(Reluctant(most))


def test_keras_loads_what_is_saved_to_an_open_file(model: Any, tmp_path: Path, keras: Any) -> None:
    with (tmp_path / "m.keras").open("wb") as file:
        model.save(file)
    theirs = keras.saving.load_model(tmp_path / "m.keras")
    x = np.ones((1, 6, 6, 2), np.float32)
    np.testing.assert_allclose(theirs(x), model(x), rtol=1e-5, atol=1e-6)


def test_an_open_file_gets_nothing_where_saving_fails(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> str:
        raise OSError("no more")

    memory = io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr("cnnfast.models.model.Model.to_json", fail)
        with pytest.raises(OSError, match="no more"):
            model.save(memory)
    with pytest.raises(ValueError, match="not yet been built"):
        cnnfast.Sequential([layers.Dense(2)]).save(memory)
    assert memory.getvalue() == b""


def test_what_cannot_be_written_to_is_refused(model: Any, tmp_path: Path) -> None:
    for save in (model.save, model.save_weights):
        for target in (3, b"m.keras", io.StringIO()):
            with pytest.raises(TypeError, match=r"open in binary mode\. Received"):
                save(target)
    with pytest.raises(ValueError, match=r"`zipped=False`.*by its path"):
        model.save(io.BytesIO(), zipped=False)
