"""HDF5 files whose own structure attacks their reader: circles, and much made of little."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from saving import model_files as files
from saving.attacks import fixture

UNDEFINED = 2**64 - 1
LINKS_1 = struct.pack("<HHB3x", 0x11, 16, 0)  # a header message: the links of a group


def _old() -> bytearray:
    buffer = io.BytesIO()
    files.write_legacy(buffer, files.config_2(), files.legacy_layers(files.weights()))  # type: ignore[arg-type]
    return bytearray(buffer.getvalue())


def _new(alter: Callable[[h5py.File], object] | None = None, **how: Any) -> bytearray:
    """Give the small network as the newest HDF5 writes it."""
    buffer = io.BytesIO(files.rewritten(bytes(_old()), "latest", **how))
    with h5py.File(buffer, "r+", libver="latest") as file:
        if alter is not None:
            alter(file)
    return bytearray(buffer.getvalue())


def _many_links(file: h5py.File) -> None:
    for i in range(100):
        file[f"another link, so that there is an index, {i}"] = file["model_weights"]


def _appended(data: bytearray, block: bytes) -> int:
    """Add a block at the end, tell the superblock, and return where it stands."""
    at = len(data)
    data += block
    end_at = 40 if data[8] < 2 else 28
    struct.pack_into("<Q", data, end_at, len(data))
    return at


# --- circles ----------------------------------------------------------------------------------


@fixture("header_that_continues_itself.h5", "refers to itself")
def header_that_continues_itself(path: Path) -> None:
    data = _old()
    at = data.index(LINKS_1)
    data[at : at + 24] = struct.pack("<HHB3xQQ", 0x10, 16, 0, at, 24)
    path.write_bytes(data)


@fixture("headers_that_continue_each_other.h5", "refers to itself")
def headers_that_continue_each_other(path: Path) -> None:
    data = _new()
    (root,) = struct.unpack_from("<Q", data, 36)
    start = data.index(b"\x02\x12\x00", root)  # its first message: 18 bytes about links
    at = len(data)
    blocks = [
        b"OCHK" + struct.pack("<BHBQQ", 0x10, 16, 0, other, 28) + bytes(4)
        for other in (at + 28, at)
    ]
    _appended(data, b"".join(blocks))
    struct.pack_into("<BHBQQ", data, start, 0x10, 18, 0, at, 28)
    path.write_bytes(data)


@fixture("new_index_with_one_node_twice.h5", "B-tree that refers to itself")
def new_index_with_one_node_twice(path: Path) -> None:
    data = _new(_many_links)
    node = data.index(b"BTIN")
    records = 11 * struct.unpack_from("<H", data, data.index(b"BTHD") + 24)[0]
    first, second = node + 6 + records, node + 6 + records + 9
    data[second : second + 9] = data[first : first + 9]
    path.write_bytes(data)


@fixture("new_index_of_great_depth.h5", "damaged B-tree")
def new_index_of_great_depth(path: Path) -> None:
    """The sizes of its pointers would be numbers of megabytes."""
    data = _new(_many_links)
    struct.pack_into("<H", data, data.index(b"BTHD") + 12, 65535)
    path.write_bytes(data)


@fixture("new_index_of_empty_records.h5", "nodes hold nothing")
def new_index_of_empty_records(path: Path) -> None:
    data = _new(_many_links)
    struct.pack_into("<H", data, data.index(b"BTHD") + 10, 0)
    path.write_bytes(data)


@fixture("heap_without_its_objects.h5", "outside its heap")
def heap_without_its_objects(path: Path) -> None:
    data = _new(_many_links)
    heap = data.index(b"FRHP")
    struct.pack_into("<H", data, heap + 140, 1)  # one row of blocks, where there are more
    path.write_bytes(data)


@fixture("heap_of_blocks_in_themselves.h5", "cannot read '/'")
def heap_of_blocks_in_themselves(path: Path) -> None:
    """The smallest block is larger than the largest, so each holds rows, and is the same."""
    data = _new(_many_links)
    heap = data.index(b"FRHP")
    struct.pack_into("<HQQ", data, heap + 110, 1, 1 << 62, 1)
    block = data.index(b"FHIB")
    struct.pack_into("<Q", data, block + 17, block)
    path.write_bytes(data)


# --- much made of little ----------------------------------------------------------------------


@fixture("names_that_are_parts_of_one.h5", "far larger than its content")
def names_that_are_parts_of_one(path: Path) -> None:
    """Thirty thousand links, each a part of one long name: a gigabyte of names."""
    data, length, count = _old(), 60_000, 30_000
    text = _appended(data, b"a" * length + bytes(8))
    heap = _appended(data, struct.pack("<4s4xQQQ", b"HEAP", length + 8, UNDEFINED, text))
    links = b"".join(struct.pack("<QQ24x", i, 96) for i in range(count))
    leaf = _appended(data, struct.pack("<4sBxH", b"SNOD", 1, count) + links)
    node = struct.pack("<4sBBHQQQQQ", b"TREE", 0, 0, 1, UNDEFINED, UNDEFINED, 0, leaf, 0)
    tree = _appended(data, node)
    at = data.index(LINKS_1) + 8
    struct.pack_into("<QQ", data, at, tree, heap)
    path.write_bytes(data)


@fixture("texts_that_are_one.h5", "far larger than its content")
def texts_that_are_one(path: Path) -> None:
    """The names of four thousand layers are one text of 60 kB: 240 MB."""

    def alter(file: h5py.File) -> None:
        names = np.array(["x" * 60_000, *["y"] * 3_999], h5py.string_dtype())
        file["model_weights"].attrs["layer_names"] = names

    buffer = io.BytesIO(_old())
    with h5py.File(buffer, "r+") as file:
        alter(file)
    data = bytearray(buffer.getvalue())
    start = data.index(struct.pack("<I", 60_000))
    reference = bytes(data[start : start + 16])
    data[start : start + 16 * 4_000] = reference * 4_000
    path.write_bytes(data)


@fixture("header_of_empty_messages.h5", "far larger than its content")
def header_of_empty_messages(path: Path) -> None:
    """A million header messages without a byte."""
    data, size = _new(), 4_000_000
    start = _appended(data, b"OHDR\x02\x02" + struct.pack("<I", size) + bytes(size + 4))
    struct.pack_into("<Q", data, 36, start)
    path.write_bytes(data)
