"""Where and how a dataset keeps its numbers, and reading them.

Format: HDF5 File Format Specification 3.0, IV.A.2.i (layout) and l (filters).
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.files import hdf5_chunks, hdf5_types
from cnnfast.files.hdf5_objects import EXTERNAL, FILTERS, LAYOUT, SPACE, TYPE, ObjectHeader
from cnnfast.files.hdf5_trees import UNDEFINED
from cnnfast.files.hdf5_types import NumberType, extents
from cnnfast.files.source import Source
from cnnfast.utils.records import record

if TYPE_CHECKING:
    import numpy.typing as npt

_COMPACT, _CONTIGUOUS, _CHUNKED, _VIRTUAL = range(4)
_GZIP, _SHUFFLE, _FLETCHER32 = 1, 2, 3
_NAMED_FILTERS = 256  # codes from here on have a name beside them, before version 2 all

# Real weights hardly compress; a hundredfold is a bomb once it is large.
MAX_EXPANSION, EXPANSION_FLOOR = 100, 64 << 20


@record(frozen=True)
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


@record(frozen=True)
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


@record(frozen=True)
class Compact(Storage):
    """A small array inside the object header."""

    content: bytes

    def read(self, source: Source) -> npt.NDArray[Any]:
        """As `Storage.read`."""
        return np.frombuffer(self.content, self.dtype.numpy).reshape(self.shape).copy()


@record(frozen=True)
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
    return extents(header.required(SPACE))


def describe(header: ObjectHeader) -> Storage:
    """How the dataset is stored, if it is in one of the ways that are read.

    Raises
    ------
    ValueError
        It is stored outside the file, beyond its end, or in a way no Keras file uses.
    """
    shape, dtype = shape_of(header), number_type(header)
    if header.message(EXTERNAL) is not None:
        raise ValueError("its data are in another file, which is not opened")
    body = header.required(LAYOUT)
    version, kind = body[0], body[1]
    if version not in {3, 4, 5}:
        raise ValueError(f"storage layout version {version}")
    size = math.prod(shape) * dtype.numpy.itemsize
    if kind == _VIRTUAL:
        raise ValueError("a virtual dataset; its data are in other files, which are not opened")
    if kind == _COMPACT:
        content = body[4 : 4 + struct.unpack_from("<H", body, 2)[0]]
        return Compact(shape, dtype, _same_size(len(content), size), content)
    if kind == _CONTIGUOUS:
        address, stored = struct.unpack_from("<QQ", body, 2)
        if size == 0:
            return Compact(shape, dtype, 0, b"")
        _check_stored(address, stored, header.reader.size)
        return Contiguous(shape, dtype, _same_size(stored, size), address)
    if kind == _CHUNKED:
        return _chunked(header, body, shape, dtype)
    raise ValueError(f"storage layout of class {kind}")


def _chunked(
    header: ObjectHeader, layout: bytes, shape: tuple[int, ...], dtype: NumberType
) -> Storage:
    *chunk, itemsize = hdf5_chunks.shape(layout)
    if len(chunk) != len(shape) or not shape or itemsize != dtype.numpy.itemsize:
        raise ValueError(f"chunks of shape {tuple(chunk)} for data of shape {shape}")
    size = math.prod(shape) * itemsize
    if size == 0:
        return Compact(shape, dtype, 0, b"")
    chunk_size = math.prod(chunk) * itemsize
    if 0 in chunk or chunk_size > 64 * size + EXPANSION_FLOOR:
        raise ValueError(f"chunks of shape {tuple(chunk)} for data of shape {shape}")
    filters = _filters(header)
    limits = hdf5_types.limits(header.required(SPACE))
    grid = hdf5_chunks.Grid(shape, limits, tuple(chunk), chunk_size, bool(filters))
    pieces = hdf5_chunks.pieces(header.reader, layout, grid)
    stored = sum(piece_size for _, piece_size, _ in pieces.values())
    _check_expansion(size, stored)
    return Chunked(shape, dtype, stored, grid.chunk, filters, pieces)


def _same_size(stored: int, size: int) -> int:
    if stored != size:
        raise ValueError(f"{size} bytes are declared. Received: {stored} stored")
    return stored


def _check_stored(address: int, size: int, file_size: int) -> None:
    if address == UNDEFINED:
        raise ValueError("its shape is declared, but no data are stored")
    if address + size > file_size:
        raise ValueError("its data end beyond the end of the file")


def _check_expansion(size: int, stored: int) -> None:
    if size > EXPANSION_FLOOR and size > MAX_EXPANSION * stored:
        raise ValueError(f"{size} bytes are declared. Received: {stored} stored")


def number_type(header: ObjectHeader) -> NumberType:
    """Return the element type, if it is a plain integer, an IEEE number or a bfloat16."""
    body = header.required(TYPE)
    found = hdf5_types.number_type(body)
    if found is not None:
        return found
    family, _, size = hdf5_types.class_and_size(body)
    if family == hdf5_types.OPAQUE and size == 2 and _says_bfloat16(header):
        return NumberType(np.dtype("<u2"), bfloat16=True)
    raise ValueError("expected an array of plain numbers. Received: another HDF5 type")


def _says_bfloat16(header: ObjectHeader) -> bool:
    value = header.attribute("dtype")
    return value is not None and np.asarray(value).item() == b"bfloat16"


def _filters(header: ObjectHeader) -> tuple[int, ...]:
    body = header.message(FILTERS)
    codes = () if body is None else tuple(_codes(body))
    unknown = set(codes) - {_GZIP, _SHUFFLE, _FLETCHER32}
    if unknown:
        raise ValueError(f"filters may be gzip, shuffle or fletcher32. Received: {sorted(unknown)}")
    if len(set(codes)) < len(codes):
        raise ValueError("a filter is applied twice")
    return codes


def _codes(body: bytes) -> Iterator[int]:
    """Yield the code of each filter: code, bytes of its name, flags, number of values, both."""
    version, count = body[0], body[1]
    if version not in {1, 2}:
        raise ValueError(f"filter pipeline version {version}")
    at = 8 if version == 1 else 2
    for _ in range(count):
        (code,) = struct.unpack_from("<H", body, at)
        named = version == 1 or code >= _NAMED_FILTERS
        (name,) = struct.unpack_from("<H", body, at + 2) if named else (0,)
        at += 6 if named else 4
        (values,) = struct.unpack_from("<H", body, at)
        if version == 1:  # both padded to 8 bytes
            name, values = -(-name // 8) * 8, values + values % 2
        at += 2 + name + 4 * values
        yield code


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
