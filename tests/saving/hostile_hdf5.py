"""HDF5 files that attack their reader, one function each."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from saving import model_files as files
from saving.attacks import fixture

KERNEL = "model_weights/conv/conv/kernel:0"


def _replaced(path: Path, make: Callable[[h5py.File], object]) -> Path:
    """Write a `.h5` in which `make` has put something else in place of the first kernel."""

    def alter(file: h5py.File) -> None:
        del file[KERNEL]
        make(file)

    return files.legacy_file(path, alter=alter)


# --- HDF5: data outside the file --------------------------------------------------------------


@fixture("soft_link.h5", "soft link")
def soft_link(path: Path) -> None:
    _replaced(path, lambda file: file.__setitem__(KERNEL, h5py.SoftLink("/model_weights/dense")))


@fixture("soft_link_loop.h5", "soft link")
def soft_link_loop(path: Path) -> None:
    _replaced(path, lambda file: file.__setitem__(KERNEL, h5py.SoftLink(f"/{KERNEL}")))


@fixture("external_link.h5", "link to another file")
def external_link(path: Path) -> None:
    other = path.with_name("other.h5")
    files.legacy_file(other)
    _replaced(path, lambda file: file.__setitem__(KERNEL, h5py.ExternalLink(str(other), KERNEL)))


@fixture("external_link_to_group.h5", "link to another file")
def external_link_to_group(path: Path) -> None:
    other = path.with_name("other.h5")
    files.legacy_file(other)

    def alter(file: h5py.File) -> None:
        del file["model_weights/conv"]
        file["model_weights/conv"] = h5py.ExternalLink(str(other), "/model_weights/conv")

    files.legacy_file(path, alter=alter)


@fixture("external_storage.h5", "in another file")
def external_storage(path: Path) -> None:
    secret = path.with_name("secret.bin")
    secret.write_bytes(bytes(72))
    outside = [(str(secret), 0, 72)]
    _replaced(path, lambda file: file.create_dataset(KERNEL, (3, 3, 1, 2), "f4", external=outside))


@fixture("virtual_dataset.h5", "virtual")
def virtual_dataset(path: Path) -> None:
    other = path.with_name("other.h5")
    files.legacy_file(other)
    layout = h5py.VirtualLayout((3, 3, 1, 2), "f4")
    layout[:] = h5py.VirtualSource(str(other), KERNEL, (3, 3, 1, 2))
    _replaced(path, lambda file: file.create_virtual_dataset(KERNEL, layout))


# --- HDF5: more than the file holds -----------------------------------------------------------


@fixture("shape_bomb.h5", r"shape \(3, 3, 1, 2\). Received: \(1099511627776,\)")
def shape_bomb(path: Path) -> None:
    _replaced(
        path,
        lambda file: file.create_dataset(KERNEL, (1 << 40,), "f4", chunks=True, compression="gzip"),
    )


@fixture("shape_bomb_in_config.h5", "may give at most")
def shape_bomb_in_config(path: Path) -> None:
    """The config asks for 32 GB, the file declares them and holds nothing."""
    layers = files.layers_2(batch_input_shape=[None, *files.INPUT_SHAPE])
    layers[-1]["config"]["units"] = 1 << 30

    def alter(file: h5py.File) -> None:
        kernel = "model_weights/dense/dense/kernel:0"
        del file[kernel]
        file.create_dataset(kernel, (8, 1 << 30), "f4", chunks=(8, 1 << 20))
        bias = "model_weights/dense/dense/bias:0"
        del file[bias]
        file.create_dataset(bias, (1 << 30,), "f4", chunks=(1 << 20,))

    values = files.legacy_layers(files.weights())
    files.write_legacy(path, files.config_2(layers), values, alter=alter)


@fixture("dimensions_beyond_64_bits.h5", "built|shape")
def dimensions_beyond_64_bits(path: Path) -> None:
    layers = files.layers_2(batch_input_shape=[None, *files.INPUT_SHAPE])
    layers[-1]["config"]["units"] = 1 << 62
    files.write_legacy(path, files.config_2(layers), files.legacy_layers(files.weights()))


@fixture("chunk_bomb.h5", "a chunk must hold 72 bytes")
def chunk_bomb(path: Path) -> None:
    """One chunk of 72 bytes inflates to 64 MB."""

    def make(file: h5py.File) -> None:
        kernel = file.create_dataset(
            KERNEL, (3, 3, 1, 2), "f4", chunks=(3, 3, 1, 2), compression="gzip"
        )
        kernel.id.write_direct_chunk((0, 0, 0, 0), zlib.compress(bytes(64 << 20), 9))

    _replaced(path, make)


@fixture("gzip_bomb.h5", "bytes are declared")
def gzip_bomb(path: Path) -> None:
    """The config asks for 400 MB of weights, all zero, in 400 kB."""
    layers = files.layers_2(batch_input_shape=[None, *files.INPUT_SHAPE])
    layers[-1]["config"]["units"] = 12_500_000

    def alter(file: h5py.File) -> None:
        kernel = "model_weights/dense/dense/kernel:0"
        del file[kernel]
        chunk = (8, 1_250_000)
        data = file.create_dataset(kernel, (8, 12_500_000), "f4", chunks=chunk, compression="gzip")
        packed = zlib.compress(bytes(40_000_000), 9)
        for start in range(0, 12_500_000, 1_250_000):
            data.id.write_direct_chunk((0, start), packed)

    values = files.weights() | {"dense/bias": np.zeros(12_500_000, np.float32)}
    files.write_legacy(path, files.config_2(layers), files.legacy_layers(values), alter=alter)


@fixture("many_small_gzip_bombs.h5", "larger than the file")
def many_small_gzip_bombs(path: Path) -> None:
    """Each of forty layers has 32 MB of weights, all zero, in 32 kB."""
    layers = [
        files.layer("Dense", f"d{i}", units=8 if i % 2 else 1 << 20, use_bias=False)
        for i in range(40)
    ]
    layers[0]["config"]["batch_input_shape"] = [None, 8]
    packed = zlib.compress(bytes(32 << 20), 9)

    def alter(file: h5py.File) -> None:
        for i in range(40):
            shape = (1 << 20, 8) if i % 2 else (8, 1 << 20)
            group = file[f"model_weights/d{i}"]
            data = group.create_dataset("k", shape, "f4", chunks=shape, compression="gzip")
            data.id.write_direct_chunk((0, 0), packed)
            group.attrs["weight_names"] = [b"k"]

    files.write_legacy(
        path, files.config_2(layers), [(f"d{i}", []) for i in range(40)], alter=alter
    )


@fixture("missing_chunks.h5", "missing or out of place")
def missing_chunks(path: Path) -> None:
    def make(file: h5py.File) -> None:
        kernel = file.create_dataset(KERNEL, (3, 3, 1, 2), "f4", chunks=(1, 3, 1, 2))
        kernel[0] = 1.0

    _replaced(path, make)


@fixture("arrays_used_twice.h5", "larger than the file")
def arrays_used_twice(path: Path) -> None:
    """Four layers take copies of the same two arrays; it could be thousands."""
    wide, width = np.ones((8, 4096), np.float16), 4096

    def alter(file: h5py.File) -> None:
        arrays = (file.create_dataset("wide", data=wide), file.create_dataset("tall", data=wide.T))
        for i in range(4):
            file[f"model_weights/d{i}/kernel"] = arrays[i % 2]
            file[f"model_weights/d{i}"].attrs["weight_names"] = [b"kernel"]

    layers = [
        files.layer("Dense", f"d{i}", units=8 if i % 2 else width, use_bias=False) for i in range(4)
    ]
    layers[0]["config"]["batch_input_shape"] = [None, 8]
    files.write_legacy(path, files.config_2(layers), [(f"d{i}", []) for i in range(4)], alter=alter)


def _patched(path: Path, old: bytes, new: bytes) -> None:
    """Write a `.h5` in which `old`, which must occur, is replaced by `new`."""
    data = files.legacy_file(path).read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


@fixture("attribute_of_a_terabyte.h5", "an attribute of shape")
def attribute_of_a_terabyte(path: Path) -> None:
    """The five layer names become 2**40 of them."""
    # A dataspace message: version 1, rank 1, maximum given, padding, the size, the maximum.
    space = struct.Struct("<BBBB4xQQ")
    _patched(path, space.pack(1, 1, 1, 0, 5, 5), space.pack(1, 1, 1, 0, 1 << 40, 1 << 40))


@fixture("data_beyond_the_end.h5", "beyond the end of the file")
def data_beyond_the_end(path: Path) -> None:
    data = bytearray(files.legacy_file(path).read_bytes())
    with h5py.File(path) as file:
        offset = file[KERNEL].id.get_offset()
    # A layout message of class 1 (contiguous): version 3, class, address, size.
    layout = struct.pack("<BBQQ", 3, 1, offset, 72)
    at = data.index(layout)
    data[at : at + len(layout)] = struct.pack("<BBQQ", 3, 1, len(data) - 8, 72)
    path.write_bytes(data)


@fixture("index_of_a_billion_nodes.h5", "refers to itself")
def index_of_a_billion_nodes(path: Path) -> None:
    """Every entry of each level of the root group's B-tree is the one node below."""
    data = files.legacy_file(path).read_bytes()
    tree, heap = data.index(b"TREE"), data.index(b"HEAP")
    (leaf,) = struct.unpack_from("<Q", data, tree + 32)
    below, entries = leaf, 1000
    for level in range(6):
        node = struct.pack("<4sBBHQQ", b"TREE", 0, level, entries, 2**64 - 1, 2**64 - 1)
        node += struct.pack("<QQ", 0, below) * entries + bytes(8)
        below = len(data)
        data += node
    # The root group's symbol table message: addresses of its B-tree and of its names.
    data = data.replace(struct.pack("<QQ", tree, heap), struct.pack("<QQ", below, heap))
    path.write_bytes(data)


@fixture("index_below_its_level.h5", "cannot read")
def index_below_its_level(path: Path) -> None:
    """Every node of a B-tree claims to stand 60 levels high and to have 30,000 entries."""
    data = bytearray(files.legacy_file(path).read_bytes())
    at = -1
    while (at := data.find(b"TREE", at + 1)) >= 0:
        struct.pack_into("<BBH", data, at + 4, 0, 60, 30_000)
    path.write_bytes(data)


# --- HDF5: what is no array of numbers --------------------------------------------------------


@fixture("text_for_numbers.h5", "plain numbers")
def text_for_numbers(path: Path) -> None:
    values = np.full((3, 3, 1, 2), "x", dtype=h5py.string_dtype())
    _replaced(path, lambda file: file.create_dataset(KERNEL, data=values))


@fixture("compound_for_numbers.h5", "plain numbers")
def compound_for_numbers(path: Path) -> None:
    values = np.zeros((3, 3, 1, 2), [("a", "f4"), ("b", "i4")])
    _replaced(path, lambda file: file.create_dataset(KERNEL, data=values))


@fixture("group_for_dataset.h5", "expected a dataset. Received: a group")
def group_for_dataset(path: Path) -> None:
    _replaced(path, lambda file: file.create_group(KERNEL))


@fixture("lzf_filter.h5", "filters may be gzip")
def lzf_filter(path: Path) -> None:
    values = np.zeros((3, 3, 1, 2), np.float32)
    _replaced(path, lambda file: file.create_dataset(KERNEL, data=values, compression="lzf"))


@fixture("null_dataset.h5", "dataspace")
def null_dataset(path: Path) -> None:
    _replaced(path, lambda file: file.create_dataset(KERNEL, data=h5py.Empty("f4")))


@fixture("names_are_numbers.h5", "expected text")
def names_are_numbers(path: Path) -> None:
    def alter(file: h5py.File) -> None:
        file["model_weights"].attrs["layer_names"] = np.arange(5)

    files.legacy_file(path, alter=alter)


@fixture("names_that_climb.h5", "there is no")
def names_that_climb(path: Path) -> None:
    def alter(file: h5py.File) -> None:
        file["model_weights"].attrs["layer_names"] = [b"../../etc/passwd"]

    files.write_legacy(path, files.config_2(), [], alter=alter)
