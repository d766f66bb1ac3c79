"""Where and how a dataset keeps its numbers, and reading them.

Format: HDF5 File Format Specification 3.0, sections IV.A.2.b (dataspace), d (datatype),
i (layout) and l (filters); chunk index: III.A.1 (version 1 B-trees).
"""

from __future__ import annotations

import itertools
import math
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cnnfast.files.bounded import BoundedReader
from cnnfast.files.source import Source

if TYPE_CHECKING:
    from cnnfast.files.hdf5_objects import ObjectHeader

_SPACE, _TYPE, _EXTERNAL, _LAYOUT, _FILTERS = 0x01, 0x03, 0x07, 0x08, 0x0B
_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = range(4)
_INTEGER, _FLOAT, _OPAQUE = 0, 1, 5
_GZIP, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_UNDEFINED_ADDRESS = 2**64 - 1
_MAX_RANK = 32

# Real weights hardly compress; a hundredfold is a bomb once it is large.
MAX_EXPANSION, EXPANSION_FLOOR = 100, 64 << 20

# Bits of (exponent, mantissa) and exponent bias of the floating-point types, by bytes.
_IEEE = {2: (5, 10, 15), 4: (8, 23, 127), 8: (11, 52, 1023)}
_BFLOAT16 = (8, 7, 127)


@dataclass(frozen=True)
class NumberType:
    """The type of one element: how numpy reads it, and whether it is a bfloat16."""

    numpy: np.dtype[Any]
    bfloat16: bool = False


@dataclass(frozen=True)
class Storage:
    """A dataset whose bytes are known to lie in the file; subclasses know how.

    Attributes
    ----------
    stored_bytes
        What it takes in the file.
    """

    shape: tuple[int, ...]
    dtype: NumberType
    stored_bytes: int

    @property
    def size(self) -> int:
        """Bytes of the array in the file's own type."""
        return math.prod(self.shape) * self.dtype.numpy.itemsize

    def read(self, source: Source) -> npt.NDArray[Any]:
        """Return the array in the file's own type, not a part of what `source` keeps in memory."""
        raise NotImplementedError


@dataclass(frozen=True)
class Contiguous(Storage):
    """The whole array in one piece at `offset`."""

    offset: int

    def read(self, source: Source) -> npt.NDArray[Any]:
        """As `Storage.read`."""
        piece = source.read(self.offset, self.size)
        array = piece.view(self.dtype.numpy).reshape(self.shape)
        return array.copy() if isinstance(source.content, np.ndarray) else array

    def read_again(self, source: Source) -> npt.NDArray[Any]:
        """As `read`, of a file that may have been written to."""
        piece = source.read_again(self.offset, self.size)
        return piece.view(self.dtype.numpy).reshape(self.shape)

    def read_rows(self, source: Source, first: int, last: int) -> npt.NDArray[Any]:
        """Return rows `first` to ``last - 1`` of the last axis; otherwise as `read_again`."""
        columns = self.shape[-1]
        row = columns * self.dtype.numpy.itemsize
        piece = source.read_again(self.offset + first * row, (last - first) * row)
        return piece.view(self.dtype.numpy).reshape(-1, columns)


@dataclass(frozen=True)
class Compact(Storage):
    """A small array inside the object header."""

    content: bytes

    def read(self, source: Source) -> npt.NDArray[Any]:
        """As `Storage.read`."""
        return np.frombuffer(self.content, self.dtype.numpy).reshape(self.shape).copy()


@dataclass(frozen=True)
class Chunked(Storage):
    """Equal blocks of shape `chunk`, each filtered on its own.

    Attributes
    ----------
    pieces
        Address, size and skipped filters (a bit each) of each block, by its first element.
    """

    chunk: tuple[int, ...]
    filters: tuple[int, ...]
    pieces: Mapping[tuple[int, ...], tuple[int, int, int]]

    def read(self, source: Source) -> npt.NDArray[Any]:
        """As `Storage.read`."""
        result = np.empty(self.shape, self.dtype.numpy)
        for corner, (address, size, skipped) in self.pieces.items():
            block = self._decode(source.read(address, size).tobytes(), skipped)
            target = tuple(
                slice(at, min(at + step, extent))
                for at, step, extent in zip(corner, self.chunk, self.shape, strict=True)
            )
            result[target] = block[tuple(slice(0, part.stop - part.start) for part in target)]
        return result

    def _decode(self, block: bytes, skipped: int) -> npt.NDArray[Any]:
        size = math.prod(self.chunk) * self.dtype.numpy.itemsize
        for position, code in reversed(list(enumerate(self.filters))):
            if not skipped >> position & 1:
                block = _unfilter(code, block, size, self.dtype.numpy.itemsize)
        if len(block) != size:
            raise ValueError(f"a chunk must hold {size} bytes. Received: {len(block)}")
        return np.frombuffer(block, self.dtype.numpy).reshape(self.chunk)


def shape_of(header: ObjectHeader) -> tuple[int, ...]:
    """Return the shape a dataset declares."""
    body = _required(header, _SPACE)
    version, rank = body[0], body[1]
    if version not in {1, 2} or rank > _MAX_RANK or (version == 2 and body[3] == 2):
        raise ValueError(f"dataspace version {version} of rank {rank}, or an empty one")
    extents: tuple[int, ...] = struct.unpack_from(f"<{rank}Q", body, 8 if version == 1 else 4)
    return extents


def describe(header: ObjectHeader) -> Storage:
    """How the dataset is stored, if it is in one of the ways that are read.

    Raises
    ------
    ValueError
        It is stored outside the file, beyond its end, or in a way no Keras file uses.
    """
    shape, dtype = shape_of(header), number_type(header)
    if header.message(_EXTERNAL) is not None:
        raise ValueError("its data are in another file, which is not opened")
    body = _required(header, _LAYOUT)
    version, kind = body[0], body[1]
    if version not in {3, 4}:
        raise ValueError(f"storage layout version {version}")
    size = math.prod(shape) * dtype.numpy.itemsize
    reader: BoundedReader = header.fh
    if kind == _VIRTUAL:
        raise ValueError("a virtual dataset; its data are in other files, which are not opened")
    if kind == _COMPACT:
        content = body[4 : 4 + struct.unpack_from("<H", body, 2)[0]]
        return Compact(shape, dtype, _same_size(len(content), size), content)
    if kind == _CONTIGUOUS:
        address, stored = struct.unpack_from("<QQ", body, 2)
        if size == 0:
            return Compact(shape, dtype, 0, b"")
        _check_stored(address, stored, reader.size)
        return Contiguous(shape, dtype, _same_size(stored, size), address)
    if kind == _CHUNKED and version == 3:
        return _chunked(header, body, shape, dtype)
    raise ValueError("a chunk index of a kind that is not read")


def _chunked(
    header: ObjectHeader, body: bytes, shape: tuple[int, ...], dtype: NumberType
) -> Storage:
    """Read version, class, rank + 1, address of the index, the block, element size."""
    rank, reader = len(shape), header.fh
    dimensions, address = struct.unpack_from("<BQ", body, 2)
    if dimensions != rank + 1 or rank == 0:
        raise ValueError(f"chunks of rank {dimensions - 1} for data of rank {rank}")
    chunk = struct.unpack_from(f"<{rank}I", body, 11)
    size = math.prod(shape) * dtype.numpy.itemsize
    if size == 0:
        return Compact(shape, dtype, 0, b"")
    chunk_size = math.prod(chunk) * dtype.numpy.itemsize
    if 0 in chunk or chunk_size > 64 * size + EXPANSION_FLOOR:
        raise ValueError(f"chunks of shape {chunk} for data of shape {shape}")
    _check_stored(address, 1, reader.size)
    filters, pieces = _filters(header), _pieces(reader, address, shape, chunk)
    stored = sum(piece_size for _, piece_size, _ in pieces.values())
    _check_expansion(size, stored)
    return Chunked(shape, dtype, stored, chunk, filters, pieces)


def _pieces(
    reader: BoundedReader, index: int, shape: tuple[int, ...], chunk: tuple[int, ...]
) -> dict[tuple[int, ...], tuple[int, int, int]]:
    """`Chunked.pieces` from the B-tree at `index`: every block once, inside the file."""
    from pyfive.btree import BTreeV1RawDataChunks  # type: ignore[import-untyped]

    tree = BTreeV1RawDataChunks(reader, index, len(chunk) + 1)
    pieces = {
        key["chunk_offset"][:-1]: (address, key["chunk_size"], key["filter_mask"])
        for node in tree.all_nodes[0]
        for key, address in zip(node["keys"], node["addresses"], strict=True)
    }
    steps = [range(0, extent, step) for extent, step in zip(shape, chunk, strict=True)]
    if len(pieces) != math.prod(len(step) for step in steps) or any(
        corner not in pieces for corner in itertools.product(*steps)
    ):
        raise ValueError("some of its chunks are missing or out of place")
    if any(address + size > reader.size for address, size, _ in pieces.values()):
        raise ValueError("a chunk ends beyond the end of the file")
    return pieces


def _required(header: ObjectHeader, kind: int) -> bytes:
    body = header.message(kind)
    if body is None:
        raise ValueError(f"no header message of type {kind}")
    return body


def _same_size(stored: int, size: int) -> int:
    if stored != size:
        raise ValueError(f"{size} bytes are declared. Received: {stored} stored")
    return stored


def _check_stored(address: int, size: int, file_size: int) -> None:
    if address == _UNDEFINED_ADDRESS:
        raise ValueError("its shape is declared, but no data are stored")
    if address + size > file_size:
        raise ValueError("its data end beyond the end of the file")


def _check_expansion(size: int, stored: int) -> None:
    if size > EXPANSION_FLOOR and size > MAX_EXPANSION * stored:
        raise ValueError(f"{size} bytes are declared. Received: {stored} stored")


def number_type(header: ObjectHeader) -> NumberType:
    """Return the element type, if it is a plain integer, an IEEE number or a bfloat16."""
    body = _required(header, _TYPE)
    kind, bits, size = body[0] & 0x0F, body[1], struct.unpack_from("<I", body, 4)[0]
    order = {0: "<", 1: ">"}.get(bits & 0x41)  # bits 0 and 6; VAX order sets both
    if kind == _INTEGER and size in {1, 2, 4, 8} and order:
        offset, precision = struct.unpack_from("<HH", body, 8)
        if (offset, precision) == (0, 8 * size):
            return NumberType(np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"))
    if kind == _FLOAT and size in _IEEE and order:
        layout = _float_layout(body, size)
        if layout == _IEEE[size]:
            return NumberType(np.dtype(f"{order}f{size}"))
        if size == 2 and layout == _BFLOAT16:
            return NumberType(np.dtype(f"{order}u2"), bfloat16=True)
    if kind == _OPAQUE and size == 2 and _says_bfloat16(header):
        return NumberType(np.dtype("<u2"), bfloat16=True)
    raise ValueError("expected an array of plain numbers. Received: another HDF5 type")


def _float_layout(body: bytes, size: int) -> tuple[int, int, int] | None:
    """Bits of exponent and mantissa and the bias, if all bits stand where IEEE has them."""
    offset, precision, exponent_at, exponent, mantissa_at, mantissa, bias = struct.unpack_from(
        "<HHBBBBI", body, 8
    )
    if (offset, precision, mantissa_at, exponent_at) != (0, 8 * size, 0, mantissa):
        return None
    return (exponent, mantissa, bias) if body[2] == 8 * size - 1 else None


def _says_bfloat16(header: ObjectHeader) -> bool:
    value = header.get_attributes().get("dtype")
    return value is not None and np.asarray(value).item() in {"bfloat16", b"bfloat16"}


def _filters(header: ObjectHeader) -> tuple[int, ...]:
    pipeline = header.filter_pipeline or []
    codes = tuple(entry["filter_id"] for entry in pipeline)
    unknown = set(codes) - {_GZIP, _SHUFFLE, _FLETCHER32}
    if unknown:
        raise ValueError(f"filters may be gzip, shuffle or fletcher32. Received: {sorted(unknown)}")
    if len(set(codes)) < len(codes):
        raise ValueError("a filter is applied twice")
    return codes


def _unfilter(code: int, block: bytes, size: int, itemsize: int) -> bytes:
    """Undo one filter; no step may yield more than the `size` of a block and a checksum."""
    if code == _GZIP:
        inflater = zlib.decompressobj()
        return inflater.decompress(block, size + 4)
    if code == _SHUFFLE:
        whole = len(block) - len(block) % itemsize
        planes = np.frombuffer(block, np.uint8, whole).reshape(itemsize, -1)
        return planes.T.tobytes() + block[whole:]
    # The sums are modulo 65535, where 0 and 65535 are the same.
    low, high = struct.unpack("<HH", block[-4:])
    if _fletcher32(block[:-4]) != (low % 65535, high % 65535):
        raise ValueError("the checksum of a chunk does not match its data")
    return block[:-4]


def _fletcher32(data: bytes) -> tuple[int, int]:
    """HDF5's checksum: two sums of big-endian 16-bit words, modulo 65535 (H5checksum.c)."""
    words = np.frombuffer(data + b"\0" * (len(data) % 2), ">u2").astype(np.uint64)
    low = high = 0
    for block in np.split(words, range(1 << 20, len(words), 1 << 20)):
        weights = np.arange(len(block), 0, -1, dtype=np.uint64)
        high = (high + len(block) * low + int((block * weights).sum())) % 65535
        low = (low + int(block.sum())) % 65535
    return low, high
