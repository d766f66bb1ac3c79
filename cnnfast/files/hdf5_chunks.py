"""Where the chunks of a dataset are: the six indexes that HDF5 has for them.

Format: HDF5 File Format Specification 3.0, IV.A.2.i (layout), III.A (B-trees) and VII (the
indexes of layout version 4).
"""

from __future__ import annotations

import itertools
import math
import operator
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from cnnfast.files import hdf5_trees
from cnnfast.files.bounded import BoundedReader
from cnnfast.files.hdf5_trees import UNDEFINED, number
from cnnfast.utils.records import record

Corner: TypeAlias = tuple[int, ...]
Piece: TypeAlias = tuple[int, int, int]
"""Address, size and skipped filters (a bit each)."""

_CHUNK_TREE, _CHUNK_RECORDS = 1, (10, 11)
_SINGLE, _IMPLICIT, _FIXED_ARRAY, _EXTENSIBLE_ARRAY, _TREE_2 = 1, 2, 3, 4, 5
_PARAMETER_BYTES = {_SINGLE: 0, _IMPLICIT: 0, _FIXED_ARRAY: 1, _EXTENSIBLE_ARRAY: 5, _TREE_2: 6}
_WHOLE_EDGES, _FILTERED_SINGLE = 1, 2
_FIXED_HEADER = struct.Struct("<4sxxBBQQ")  # …, bytes of an element, bits of a page, count, block
_EXTENSIBLE_HEADER = struct.Struct("<4sxxBBBBBB48xQ")
_BLOCK_BYTES = 14  # signature, version, client, address of the header
_CHECKSUM_BYTES = 4
_ABSENT = struct.pack("<Q", UNDEFINED)
_MAX_CHUNKS = 1 << 18


@record(frozen=True)
class Grid:
    """The chunks of a dataset.

    Attributes
    ----------
    shape, limits
        Of the dataset, now and at most.
    chunk, size
        Shape and bytes of a chunk.
    filtered
        Whether chunks have sizes of their own.
    """

    shape: tuple[int, ...]
    limits: tuple[int | None, ...]
    chunk: tuple[int, ...]
    size: int
    filtered: bool

    def places(self) -> Iterator[Corner]:
        """Yield the place of each chunk, counted in chunks."""
        counts = (-(-extent // step) for extent, step in zip(self.shape, self.chunk, strict=True))
        return itertools.product(*map(range, counts))

    def corner(self, place: Sequence[int]) -> Corner:
        """Return the first element of the chunk at `place`."""
        return tuple(at * step for at, step in zip(place, self.chunk, strict=True))

    def piece(self, element: bytes) -> Piece:
        """Return what an element of an index says: an address and, if filtered, size and mask."""
        if not (12 < len(element) <= 20 if self.filtered else len(element) == 8):
            raise ValueError("a damaged chunk index")
        if not self.filtered:
            return number(element), self.size, 0
        return number(element[:8]), number(element[8:-4]), number(element[-4:])


def pieces(reader: BoundedReader, layout: bytes, grid: Grid) -> Mapping[Corner, Piece]:
    """Return each chunk by its first element.

    Raises
    ------
    ValueError
        A chunk is missing, out of place or beyond the end of the file, or the index is damaged.
    """
    count = math.prod(-(-n // step) for n, step in zip(grid.shape, grid.chunk, strict=True))
    if count > _MAX_CHUNKS:
        raise ValueError(f"there may be {_MAX_CHUNKS} chunks. Received: {count}")
    found = dict(_found_1(reader, layout, grid) if layout[0] == 3 else _found(reader, layout, grid))
    if len(found) != count or any(grid.corner(place) not in found for place in grid.places()):
        raise ValueError("some of its chunks are missing or out of place")
    if any(address + size > reader.size for address, size, _ in found.values()):
        raise ValueError("a chunk ends beyond the end of the file")
    return found


def shape(layout: bytes) -> tuple[int, ...]:
    """Return the shape of a chunk and, last, the bytes of an element."""
    if layout[0] == 3:
        return struct.unpack_from(f"<{layout[2]}I", layout, 11)
    rank, size = layout[3], layout[4]
    return tuple(number(layout[at : at + size]) for at in range(5, 5 + rank * size, size or 1))


def _found_1(reader: BoundedReader, layout: bytes, grid: Grid) -> Iterator[tuple[Corner, Piece]]:
    """Yield what a version 1 B-tree says: size, mask and first element are its keys."""
    (root,) = struct.unpack_from("<Q", layout, 3)
    if root == UNDEFINED:
        return
    key = struct.Struct(f"<II{len(grid.chunk) + 1}Q")
    for found, address in hdf5_trees.entries(reader, root, _CHUNK_TREE, key.size):
        size, skipped, *corner, _ = key.unpack(found)
        yield tuple(corner), (address, size, skipped)


def _found(reader: BoundedReader, layout: bytes, grid: Grid) -> Iterator[tuple[Corner, Piece]]:
    """Yield what an index of layout version 4 says: parameters of its kind, then its address."""
    flags, at = layout[2], 5 + layout[3] * layout[4]
    kind, at = layout[at], at + 1
    if flags & _WHOLE_EDGES or kind not in _PARAMETER_BYTES:
        raise ValueError(f"chunks with the flags {flags} and an index of kind {kind}")
    size_and_mask = layout[at : at + 12] if flags & _FILTERED_SINGLE else b""
    at += len(size_and_mask) + _PARAMETER_BYTES[kind]
    (address,) = struct.unpack_from("<Q", layout, at)
    if address == UNDEFINED:
        return
    if kind == _SINGLE:
        yield (0,) * len(grid.chunk), grid.piece(layout[at : at + 8] + size_and_mask)
    elif kind == _TREE_2:
        offsets = struct.Struct(f"<{len(grid.chunk)}Q")
        for record in hdf5_trees.records(reader, address, _CHUNK_RECORDS):
            place = offsets.unpack(record[-offsets.size :])
            yield grid.corner(place), grid.piece(record[: -offsets.size])
    else:
        element_at = _elements(reader, kind, address, grid)
        weights = _weights(grid)
        for place in grid.places():
            element = element_at(sum(map(operator.mul, place, weights)))
            if number(element[:8]) != UNDEFINED:
                yield grid.corner(place), grid.piece(element)


def _weights(grid: Grid) -> list[int]:
    """How far apart chunks stand in an index, by axis.

    The last axis is the fastest; one without a limit is the slowest, wherever it is.
    """
    free = grid.limits.index(None) if None in grid.limits else 0
    order = [free, *(axis for axis in range(len(grid.chunk)) if axis != free)]
    weights, weight = [0] * len(order), 1
    for axis in reversed(order):
        weights[axis] = weight
        weight *= -(-(grid.limits[axis] or 0) // grid.chunk[axis])
    return weights


def _elements(reader: BoundedReader, kind: int, address: int, grid: Grid) -> Callable[[int], bytes]:
    """Return what gives an element of an index by its number."""

    def implied(index: int) -> bytes:
        at = address + index * grid.size
        if at + grid.size > reader.size:
            raise ValueError("a chunk ends beyond the end of the file")
        return struct.pack("<Q", at)

    if kind == _IMPLICIT:
        return implied
    return (_fixed_array if kind == _FIXED_ARRAY else _extensible_array)(reader, address)


def _fixed_array(reader: BoundedReader, address: int) -> Callable[[int], bytes]:
    """Elements in one block; many are in pages, each with a bit in front of all that says so."""
    signature, size, page_bits, count, block = _FIXED_HEADER.unpack(
        reader.at(address, _FIXED_HEADER.size)
    )
    _check(reader, signature == b"FAHD", block, b"FADB")
    page, start = 1 << page_bits, block + _BLOCK_BYTES
    pages = -(-count // page) if count > page else 0
    made = reader.at(start, -(-pages // 8))
    first = start + len(made) + _CHECKSUM_BYTES

    def element(index: int) -> bytes:
        if index >= count:
            raise ValueError("a chunk index that is too short")
        if not pages:
            return reader.at(start + index * size, size)
        number_of_page, index = divmod(index, page)
        if not made[number_of_page // 8] << number_of_page % 8 & 0x80:
            return _ABSENT
        at = first + number_of_page * (page * size + _CHECKSUM_BYTES) + index * size
        return reader.at(at, size)

    return element


def _extensible_array(reader: BoundedReader, address: int) -> Callable[[int], bytes]:
    """Elements in an index block and in data blocks that grow.

    Data blocks are in groups: group k has ``2**(k // 2)`` of ``2**((k + 1) // 2)`` times the
    fewest elements. The index block has the addresses of the first blocks, and then of blocks
    with the addresses of a group each.
    """
    signature, size, bits, inside, fewest, pointers, page_bits, index_block = (
        _EXTENSIBLE_HEADER.unpack(reader.at(address, _EXTENSIBLE_HEADER.size))
    )
    _check(reader, signature == b"EAHD" and fewest > 0 < pointers, index_block, b"EAIB")
    start, prefix = index_block + _BLOCK_BYTES, _BLOCK_BYTES + -(-bits // 8)
    addresses = start + inside * size
    groups_inside = 2 * (pointers.bit_length() - 1)

    def element(index: int) -> bytes:
        if index < inside:
            return reader.at(start + index * size, size)
        index -= inside
        group = (index // fewest + 1).bit_length() - 1
        length = fewest << (group + 1) // 2
        block, index = divmod(index - fewest * ((1 << group) - 1), length)
        if length > 1 << page_bits:
            raise ValueError("more chunks than are read")
        if group < groups_inside:
            before = sum(1 << k // 2 for k in range(group))
            data_block = reader.at(addresses + 8 * (before + block), 8)
        else:
            further = addresses + 8 * (2 * (pointers - 1) + group - groups_inside)
            data_block = _inside(reader, reader.at(further, 8), prefix + 8 * block, 8)
        return _inside(reader, data_block, prefix + index * size, size)

    return element


def _inside(reader: BoundedReader, block: bytes, offset: int, size: int) -> bytes:
    """Return `size` bytes in the block of that address, if there is one."""
    return _ABSENT if block == _ABSENT else reader.at(number(block) + offset, size)


def _check(reader: BoundedReader, good: bool, block: int, signature: bytes) -> None:
    if not good or reader.at(block, 4) != signature:
        raise ValueError("a damaged chunk index")
