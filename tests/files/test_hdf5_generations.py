"""Files of every generation of HDF5, by whatever writes them, hold for us what h5py finds there."""

from __future__ import annotations

import gc
import struct
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from cnnfast.errors import ModelFileError
from cnnfast.files import kinds
from cnnfast.files.hdf5 import H5File, H5Group
from cnnfast.files.source import open_file

VERSIONS = ["earliest", "v108", "v110", "latest"]
SHAPE = (37, 11, 5)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def root_of(path: Path) -> H5Group:
    return H5File(open_file(path)).root


def everything(ours: H5Group, theirs: h5py.Group) -> None:
    """Compare all names, attributes and numbers below two groups."""
    assert sorted(ours.names()) == sorted(theirs)
    assert_same_attributes(ours, theirs)
    for name, child in theirs.items():
        if isinstance(child, h5py.Group):
            everything(ours.group(name), child)
        else:
            read = ours.dataset(name).read(child.shape)
            np.testing.assert_array_equal(read, child[()].astype(np.float32))


def assert_same_attributes(ours: H5Group, theirs: h5py.Group) -> None:
    for name, expected in theirs.attrs.items():
        if isinstance(expected, np.ndarray) and expected.dtype.kind in "OS":
            texts = [t.decode() if isinstance(t, bytes) else t for t in expected.ravel()]
            assert ours.texts(name) == texts
        elif isinstance(expected, str | bytes):
            text = expected.decode() if isinstance(expected, bytes) else expected
            assert ours.text(name) == text
        else:
            np.testing.assert_array_equal(ours.attribute(name), expected)
            assert np.asarray(ours.attribute(name)).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize("track_order", [False, True])
@pytest.mark.parametrize("count", [0, 1, 8, 9, 90])
def test_groups_and_attributes_few_and_many(
    tmp_path: Path, version: str, track_order: bool, count: int
) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version, track_order=track_order) as file:
        outer = file.create_group("outer", track_order=track_order)
        data = outer.create_dataset("data", data=np.arange(6.0).reshape(2, 3))
        for i in range(count):
            name = f"größe_{count - i}_{'x' * (i % 40)}"
            outer[name] = data
            inner = outer.create_group(f"group_{i}", track_order=track_order)
            inner.attrs["weight_names"] = [f"kernel_{i}".encode()]
            outer.attrs[name] = f"value {i}"
            outer.attrs[f"number {i}"] = np.int16(i)
            data.attrs[name] = i
    with h5py.File(path) as file:
        everything(root_of(path), file)


@pytest.mark.long
def test_a_group_of_links_to_many_for_one_row_of_blocks(tmp_path: Path) -> None:
    """The heap of links has rows inside rows, and its index three levels."""
    names = [f"{i:0100d}" for i in range(9_000)]
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_dataset("data", data=np.float32([1, 2]))
        for name in names:
            file[f"many/{name}"] = data
        file["many/last"] = np.float32([3])
    many = root_of(path).group("many")
    assert many.names() == [*names, "last"]
    np.testing.assert_array_equal(many.dataset(names[4321]).read((2,)), [1, 2])
    assert many.dataset("last").read((1,)) == 3


def _texts() -> dict[str, Any]:
    utf8 = h5py.string_dtype("utf-8", 12)
    ascii_ = h5py.string_dtype("ascii", 12)
    return {
        "fixed ASCII": np.array([b"kernel:0", b"bias:0", b""], ascii_),
        "fixed UTF-8": np.array(["größe".encode(), b"bias"], utf8),
        "one fixed UTF-8": np.array("größe".encode(), utf8),
        "any length ASCII": np.array([b"a", b"", b"ccc" * 50], h5py.string_dtype("ascii")),
        "any length UTF-8": np.array(["größe", "", "x" * 5000], h5py.string_dtype()),
        "a matrix of texts": np.array([["a", "b"], ["c", "d"]], h5py.string_dtype()),
        "no texts": np.array([], h5py.string_dtype()),
        "one text": "größe",
        "bytes": np.bytes_(b"2.9.0"),
        "long": "x" * 100_000,
        "many": [f"layer_{i}".encode() for i in range(3_000)],
        "large fixed": np.array([b"a" * 50] * 1200),
    }


def test_texts_of_every_kind(tmp_path: Path, version: str) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version) as file:
        for name, value in _texts().items():
            file.attrs[name] = value
    with h5py.File(path) as file:
        assert_same_attributes(root_of(path), file)


def test_an_attribute_larger_than_a_header_message(tmp_path: Path) -> None:
    """What earlier versions cannot hold, so Keras splits it; a newer one puts it in a heap."""
    names = [f"layer_{i:060d}".encode() for i in range(4_000)]
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver="latest") as file:
        file.attrs["layer_names"] = names
        file.attrs["numbers"] = np.arange(40_000.0)
    with h5py.File(path) as file:
        assert_same_attributes(root_of(path), file)


@pytest.mark.parametrize("padding", ["STR_NULLTERM", "STR_NULLPAD", "STR_SPACEPAD"])
def test_texts_of_fixed_length_end_where_their_padding_begins(tmp_path: Path, padding: str) -> None:
    path = tmp_path / "x.h5"
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(6)
    kind.set_strpad(getattr(h5py.h5t, padding))
    filler = b" " if padding == "STR_SPACEPAD" else b"\0"
    with h5py.File(path, "w") as file:
        made = h5py.h5a.create(file.id, b"name", kind, h5py.h5s.create(h5py.h5s.SCALAR))
        made.write(np.array(b"bias".ljust(6, filler), "S6"), kind)
    assert root_of(path).text("name") == "bias"


@pytest.mark.parametrize(
    "value",
    [
        *(np.float16(1.5), np.float32([1, 2]), np.float64(3), np.int8(-4), np.array([5], ">u2")),
        *(np.array([[6]], ">f8"), np.uint64(2**63), np.array([], np.int32)),
    ],
    ids=str,
)
def test_attributes_that_are_numbers(tmp_path: Path, version: str, value: Any) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version) as file:
        file.attrs["value"] = value
    with h5py.File(path) as file:
        assert_same_attributes(root_of(path), file)


@pytest.mark.parametrize(
    "value",
    [True, 1 + 2j, h5py.Empty("f4"), np.zeros(2, [("a", "f4")]), np.void(b"xy"), "sequences"],
    ids=lambda value: type(value).__name__,
)
def test_attributes_of_other_types_are_none(tmp_path: Path, version: str, value: Any) -> None:
    path = tmp_path / "x.h5"
    kind = h5py.vlen_dtype(np.int64) if isinstance(value, str) else None
    with h5py.File(path, "w", libver=version) as file:
        sequences = np.array([np.arange(2), np.arange(3)], object)
        file.attrs.create("odd", sequences if kind else value, dtype=kind)
        file.attrs["text"] = "beside it"
    assert root_of(path).attribute("odd") is None
    assert root_of(path).text("text") == "beside it"


def _layouts() -> Iterator[tuple[str, dict[str, Any]]]:
    filters: dict[str, dict[str, Any]] = {
        "plain": {},
        "gzip": {"compression": "gzip"},
        "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
    }
    chunks: dict[str, dict[str, Any]] = {
        "one chunk": {"chunks": SHAPE},
        "some chunks": {"chunks": (10, 4, 3)},
        "many chunks": {"chunks": (1, 2, 1)},
        "room to grow": {"chunks": (10, 4, 3), "maxshape": (90, 20, 5)},
        "first axis without limit": {"chunks": (1, 4, 3), "maxshape": (None, 20, 5)},
        "middle axis without limit": {"chunks": (5, 1, 2), "maxshape": (40, None, 5)},
        "last axis without limit": {"chunks": (1, 1, 1), "maxshape": (37, 11, None)},
        "two axes without limit": {"chunks": (4, 4, 3), "maxshape": (None, 11, None)},
        "many chunks without limits": {"chunks": (1, 2, 1), "maxshape": (None, None, None)},
    }
    for name, how in chunks.items():
        for filtered, also in filters.items():
            yield f"{name}, {filtered}", how | also
    yield "contiguous", {}


@pytest.mark.parametrize("layout", dict(_layouts()))
@pytest.mark.parametrize("dtype", ["<f4", ">f2"])
def test_datasets_in_every_layout(
    tmp_path: Path, version: str, layout: str, dtype: str, rng: np.random.Generator
) -> None:
    path = tmp_path / "x.h5"
    data = rng.integers(-100, 100, SHAPE).astype(dtype)
    with h5py.File(path, "w", libver=version) as file:
        file.create_dataset("data", data=data, **dict(_layouts())[layout])
    np.testing.assert_array_equal(root_of(path).dataset("data").read(SHAPE), data)


def _created(path: Path, version: str, prepare: Callable[[Any], object]) -> np.ndarray:
    data = np.arange(40, dtype=np.float32).reshape(8, 5)
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    prepare(properties)
    with h5py.File(path, "w", libver=version) as file:
        space = h5py.h5s.create_simple(data.shape)
        made = h5py.h5d.create(file.id, b"data", h5py.h5t.IEEE_F32BE, space, properties)
        h5py.Dataset(made)[:] = data
    return data


def test_an_array_in_the_header(tmp_path: Path, version: str) -> None:
    path = tmp_path / "x.h5"
    data = _created(path, version, lambda how: how.set_layout(h5py.h5d.COMPACT))
    np.testing.assert_array_equal(root_of(path).dataset("data").read(data.shape), data)


def test_chunks_that_are_allocated_early_and_have_no_index(tmp_path: Path, version: str) -> None:
    def prepare(how: Any) -> None:
        how.set_chunk((3, 2))
        how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)

    path = tmp_path / "x.h5"
    data = _created(path, version, prepare)
    np.testing.assert_array_equal(root_of(path).dataset("data").read(data.shape), data)


def test_a_chunk_that_no_filter_was_worth_for(tmp_path: Path, version: str) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version) as file:
        made = file.create_dataset("data", (4, 2), "<f4", chunks=(2, 2), compression="gzip")
        made[:] = np.arange(8).reshape(4, 2)
        raw = np.float32([[9, 8], [7, 6]])
        made.id.write_direct_chunk((2, 0), raw.tobytes(), filter_mask=1)
    read = root_of(path).dataset("data").read((4, 2))
    np.testing.assert_array_equal(read, [[0, 1], [2, 3], [9, 8], [7, 6]])


@pytest.mark.parametrize("limits", [(3000,), (None,), (None, 1)], ids=str)
@pytest.mark.parametrize("compression", [None, "gzip"])
def test_missing_chunks_are_refused_by_every_index(
    tmp_path: Path, version: str, limits: tuple[int | None, ...], compression: str | None
) -> None:
    """A page of an index, or all of it, may not be there either."""
    shape = (3000, 1)[: len(limits)]
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version) as file:
        how: dict[str, Any] = {"chunks": (1,) * len(limits), "compression": compression}
        made = file.create_dataset("data", shape, "f4", maxshape=limits, **how)
        made[:7] = 1
        file.create_dataset("nothing", shape, "f4", maxshape=limits, **how)
    for name in ("data", "nothing"):
        with pytest.raises(ModelFileError, match=f"{name}.*missing or out of place"):
            root_of(path).dataset(name).read(shape)


@pytest.mark.parametrize("size", [512, 4096])
def test_a_file_behind_a_block_of_the_user(tmp_path: Path, version: str, size: int) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version, userblock_size=size) as file:
        file["group/data"] = np.arange(5, dtype=np.float32)
        file["group/chunked"] = np.arange(5, dtype=np.float32)
        file.create_dataset("chunks", data=np.arange(99.0), chunks=(10,), compression="gzip")
        file.attrs["names"] = ["a", "b"]
    with path.open("r+b") as raw:
        raw.write(b'{"written by": "an instrument"}')
    with kinds.opened(path) as found:
        assert found.kind is kinds.Kind.HDF5
    with h5py.File(path) as file:
        everything(root_of(path), file)
    stored = root_of(path).dataset("group/data").stored((5,))
    assert stored is not None
    np.testing.assert_array_equal(stored.read(), np.arange(5))


def test_links_elsewhere_are_refused_and_do_no_harm_to_others(tmp_path: Path, version: str) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version) as file:
        file["here"] = np.float32([1])
        file["soft"] = h5py.SoftLink("/here")
        file["external"] = h5py.ExternalLink("other.h5", "/here")
    root = root_of(path)
    assert set(root.names()) == {"here", "soft", "external"}
    assert root.dataset("here").read((1,)) == 1
    with pytest.raises(ModelFileError, match=r"stored in the file itself\. Received: a soft link"):
        root.dataset("soft")
    with pytest.raises(ModelFileError, match="Received: a link to another file"):
        root.dataset("external")


def test_a_type_of_the_file_is_neither_group_nor_dataset(tmp_path: Path, version: str) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version) as file:
        file["type"] = np.dtype("<f4")
        file.create_dataset("data", data=np.float32([1]), dtype=file["type"])
        file.attrs.create("shared", np.float32(1), dtype=file["type"])
        file.attrs["plain"] = "text"
    root = root_of(path)
    with pytest.raises(ModelFileError, match="expected a group"):
        root.group("type")
    with pytest.raises(ModelFileError, match="shared header message"):
        root.dataset("data").read((1,))
    with pytest.raises(ModelFileError, match="stored elsewhere"):
        root.attribute("shared")
    assert root.text("plain") == "text"


@pytest.mark.parametrize("kept", [0.3, 0.999])
def test_a_file_cut_short_says_so(tmp_path: Path, version: str, kept: float) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version) as file:
        file["data"] = np.arange(5000.0)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(ModelFileError, match=f"cut short: it has .* of {len(content)} bytes"):
        root_of(path)


def test_addresses_of_other_sizes_are_refused(tmp_path: Path) -> None:
    properties = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    properties.set_sizes(4, 4)
    path = tmp_path / "x.h5"
    h5py.h5f.create(bytes(path), h5py.h5f.ACC_TRUNC, properties).close()
    with pytest.raises(ModelFileError, match="other than 8 bytes"):
        root_of(path)


@pytest.mark.long
@pytest.mark.parametrize("claimed", [2_000_004, 1 << 17, 1 << 40])
def test_chunks_whose_places_follow_from_their_number_must_be_there(
    tmp_path: Path, claimed: int
) -> None:
    """Their index is only where the first one is."""
    path, count = tmp_path / "x.h5", 1 << 16
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_chunk((1,))
    how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    with h5py.File(path, "w", libver="v110") as file:
        space = h5py.h5s.create_simple((count,))
        h5py.h5d.create(file.id, b"data", h5py.h5t.STD_I8LE, space, how)
    assert root_of(path).dataset("data").read((count,)).sum() == 0
    content = path.read_bytes()
    sizes = struct.pack("<QQ", count, count)
    assert content.count(sizes) == 1
    path.write_bytes(content.replace(sizes, struct.pack("<QQ", claimed, claimed)))
    with pytest.raises(ModelFileError, match=r"chunks\. Received|beyond the end"):
        root_of(path).dataset("data").read((claimed,))


def test_a_file_that_nobody_holds_any_more_is_closed_at_once(tmp_path: Path, version: str) -> None:
    """The collector of circles may come late, and open files are few."""
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=version) as file:
        file["group/data"] = np.float32([1])
        file["group"].attrs["names"] = ["a", "b"]
    source = open_file(path)
    file_of_source = weakref.ref(source.content)
    root = H5File(source).root
    assert root.group("group").texts("names") == ["a", "b"]
    assert root.dataset("group/data").read((1,)) == 1
    gc.collect()
    gc.disable()
    try:
        del source, root
        assert file_of_source() is None
    finally:
        gc.enable()
