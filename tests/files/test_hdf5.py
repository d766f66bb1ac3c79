"""The HDF5 reader gives what h5py gives, for every way in which weights are stored."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import h5py
import ml_dtypes
import numpy as np
import pytest

from cnnfast.errors import ModelFileError
from cnnfast.files.hdf5 import H5File, H5Group
from cnnfast.files.source import in_memory, open_file

SHAPE = (37, 11, 5)
FILTERS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunked": {"chunks": (10, 4, 3)},
    "one chunk": {"chunks": SHAPE},
    "chunks wider than the data": {"chunks": (64, 4, 8), "maxshape": (None, None, None)},
    "gzip": {"chunks": (10, 4, 3), "compression": "gzip"},
    "shuffle": {"chunks": (10, 4, 3), "shuffle": True},
    "fletcher32": {"chunks": (10, 4, 3), "fletcher32": True},
    "all filters": {
        "chunks": (9, 5, 2),
        "compression": "gzip",
        "shuffle": True,
        "fletcher32": True,
    },
}
TYPES = ["<f4", ">f4", "<f2", ">f2", "<f8", ">f8", "i1", "u1", "<i2", ">u2", "<i4", ">i8", "<u8"]


def written(path: Path, data: Any, **kwargs: Any) -> H5Group:
    with h5py.File(path, "w") as file:
        file.create_dataset("group/data", data=data, **kwargs)
    return H5File(open_file(path)).root


@pytest.mark.parametrize("storage", FILTERS)
@pytest.mark.parametrize("dtype", TYPES)
def test_numbers_are_those_that_were_written(
    tmp_path: Path, rng: np.random.Generator, storage: str, dtype: str
) -> None:
    data = rng.integers(0, 100, SHAPE).astype(dtype)
    root = written(tmp_path / "x.h5", data, **FILTERS[storage])
    read = root.dataset("group/data").read(SHAPE)
    assert read.dtype == np.float32
    assert read.flags.c_contiguous
    assert read.flags.aligned
    assert not read.flags.writeable
    np.testing.assert_array_equal(read, data.astype(np.float32))


@pytest.mark.parametrize("mark", ["native", "opaque"])
def test_bfloat16_in_either_spelling_keeps_its_values(
    tmp_path: Path, rng: np.random.Generator, mark: str
) -> None:
    data = rng.normal(size=(6, 7)).astype(ml_dtypes.bfloat16)
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        if mark == "native":
            kind = h5py.h5t.IEEE_F32LE.copy()
            kind.set_fields(15, 7, 8, 0, 7)
            kind.set_size(2)
            kind.set_ebias(127)
            space = h5py.h5s.create_simple(data.shape)
            made = h5py.h5d.create(file.id, b"data", kind, space)
            made.write(space, space, np.ascontiguousarray(data.view(np.int16)), mtype=kind)
        else:
            made = file.create_dataset("data", data=data)
            assert isinstance(made.id.get_type(), h5py.h5t.TypeOpaqueID)
            made.attrs["dtype"] = "bfloat16"
    read = H5File(open_file(path)).root.dataset("data").read(data.shape)
    np.testing.assert_array_equal(read, data.astype(np.float32))


def test_a_scalar_and_an_empty_array_are_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["scalar"] = np.float32(3.5)
        file["empty"] = np.empty((0, 4), np.float32)
    root = H5File(open_file(tmp_path / "x.h5")).root
    assert root.dataset("scalar").read(()) == np.float32(3.5)
    assert root.dataset("empty").read((0, 4)).shape == (0, 4)


def test_an_array_in_the_object_header_is_read(tmp_path: Path) -> None:
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.COMPACT)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        space = h5py.h5s.create_simple((3,))
        made = h5py.h5d.create(file.id, b"data", h5py.h5t.IEEE_F32LE, space, properties)
        h5py.Dataset(made)[:] = [1, 2, 3]
    read = H5File(open_file(tmp_path / "x.h5")).root.dataset("data").read((3,))
    np.testing.assert_array_equal(read, np.float32([1, 2, 3]))


def test_contiguous_float32_can_be_left_in_the_file_and_other_data_not(tmp_path: Path) -> None:
    data = np.arange(3000, dtype=np.float32).reshape(30, 100)
    stored = written(tmp_path / "x.h5", data).dataset("group/data").stored(data.shape)
    assert stored is not None
    np.testing.assert_array_equal(stored.read(), data)
    double = written(tmp_path / "y.h5", data.astype(np.float64)).dataset("group/data")
    assert double.stored(data.shape) is None
    chunked = written(tmp_path / "z.h5", data, chunks=(10, 10)).dataset("group/data")
    assert chunked.stored(data.shape) is None


def test_bytes_in_memory_are_not_kept_for_one_array() -> None:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["data"] = np.arange(5, dtype=np.float32)
    dataset = H5File(in_memory(buffer.getvalue(), "memory")).root.dataset("data")
    assert dataset.stored((5,)) is None
    assert dataset.read((5,)).flags.owndata


def test_another_shape_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    dataset = written(tmp_path / "x.h5", np.zeros((2, 3), np.float32)).dataset("group/data")
    with pytest.raises(ModelFileError, match=r"group/data.*\(3, 2\). Received: \(2, 3\)"):
        dataset.read((3, 2))


def test_a_wrong_checksum_of_a_chunk_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("data", data=np.arange(8.0), chunks=(8,), fletcher32=True)
        start = made.id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[start + 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="checksum"):
        H5File(open_file(path)).root.dataset("data").read((8,))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 4096, 3 * 1_000_003])
def test_checksums_of_long_and_odd_chunks_are_right(tmp_path: Path, size: int) -> None:
    data = np.full(size, 255, np.uint8)
    root = written(tmp_path / "x.h5", data, chunks=(size,), fletcher32=True)
    np.testing.assert_array_equal(root.dataset("group/data").read((size,)), data)


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_attributes_of_every_kind_are_read(tmp_path: Path, version: str) -> None:
    names = [f"layer_{i}" for i in range(40)]
    with h5py.File(tmp_path / "x.h5", "w", libver=version) as file:
        file.attrs["text"] = "späße"
        file.attrs["bytes"] = np.bytes_(b"2.9.0")
        file.attrs["long"] = "x" * 100_000
        file.attrs["fixed"] = [name.encode() for name in names]
        file.attrs["variable"] = names
        file.attrs["none"] = np.array([])
        file.attrs["odd"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
    root = H5File(open_file(tmp_path / "x.h5")).root
    assert root.text("text") == "späße"
    assert root.text("bytes") == "2.9.0"
    assert root.text("long") == "x" * 100_000
    assert root.texts("fixed") == names
    assert root.texts("variable") == names
    assert root.texts("none") == []
    assert root.texts("absent") is None
    assert root.attribute("odd") is None


def test_an_attribute_that_keras_split_is_put_together(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for i, part in enumerate((["a", "b"], ["c"], ["d", "e"])):
            file.attrs[f"layer_names{i}"] = [name.encode() for name in part]
    assert H5File(open_file(tmp_path / "x.h5")).root.texts("layer_names") == list("abcde")


@pytest.mark.parametrize("count", [3, 500])
def test_groups_of_both_generations_are_followed(tmp_path: Path, count: int) -> None:
    for version in ("earliest", "latest"):
        path = tmp_path / f"{version}.h5"
        with h5py.File(path, "w", libver=version) as file:
            for i in range(count):
                file[f"model/layer_{i}/kernel"] = np.float32([i])
        root = H5File(open_file(path)).root
        assert sorted(root.group("model").names()) == sorted(f"layer_{i}" for i in range(count))
        last = root.dataset(f"model/layer_{count - 1}/kernel").read((1,))
        assert last == np.float32(count - 1)
