"""Heaps, in which HDF5 keeps names, texts, links and attributes.

Format: HDF5 File Format Specification 3.0, III.D (local heaps, names of links), III.E (global
heaps, texts of any length) and III.G (fractal heaps, links and attributes where there are many).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property

from cnnfast.files.bounded import BoundedReader
from cnnfast.files.hdf5_trees import UNDEFINED, bytes_for, number, records

_LOCAL = struct.Struct("<4s4xQ8xQ")  # signature, size, address
_GLOBAL = struct.Struct("<4s4xQ")  # signature, size with this
_GLOBAL_OBJECT = struct.Struct("<HxxxxxxQ")  # number, size
_FRACTAL = struct.Struct("<4sBxxHxI8xQ80xHQQHxxQH")
_HUGE_RECORD = struct.Struct("<QQQ")
_MANAGED, _HUGE = 0, 1
_HUGE_RECORDS = 1


class LocalHeap:
    """The names of what one group links to."""

    def __init__(self, reader: BoundedReader, address: int) -> None:
        signature, size, at = _LOCAL.unpack(reader.at(address, _LOCAL.size))
        if signature != b"HEAP":
            raise ValueError("a damaged heap of names")
        self._reader = reader
        self._data = reader.at(at, size)

    def text(self, offset: int) -> str:
        """Return the text that begins at `offset`."""
        end = self._data.index(0, offset)
        self._reader.count(end - offset)  # thousands of names could be parts of one
        return self._data[offset:end].decode("utf-8")


class Texts:
    """The texts of any length of a file, which stand in collections."""

    def __init__(self, reader: BoundedReader) -> None:
        self._reader = reader
        self._known: dict[int, dict[int, bytes]] = {}

    def __call__(self, address: int, index: int) -> bytes:
        """Return text number `index` of the collection at `address`."""
        if address not in self._known:
            self._known[address] = dict(_objects(self._reader, address))
        text = self._known[address][index]
        self._reader.count(len(text))  # thousands of attributes could have the same one
        return text


def _objects(reader: BoundedReader, address: int) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of each object of the collection at `address`."""
    signature, size = _GLOBAL.unpack(reader.at(address, _GLOBAL.size))
    if signature != b"GCOL":
        raise ValueError("a damaged heap of texts")
    data, at = reader.at(address, size), _GLOBAL.size
    while at + _GLOBAL_OBJECT.size <= len(data):
        index, size = _GLOBAL_OBJECT.unpack_from(data, at)
        if index == 0:  # the rest is free
            return
        at += _GLOBAL_OBJECT.size
        yield index, data[at : at + size]
        at += -(-size // 8) * 8


class FractalHeap:
    """Objects in blocks that double in size.

    The heap is one space of addresses. Rows of `width` blocks make it: two rows of the smallest
    blocks, then each row of blocks twice as large. A block up to a maximum holds objects, a
    larger one holds rows as the heap does.
    """

    _root: int
    _rows: int

    def __init__(self, reader: BoundedReader, address: int) -> None:
        fields = _FRACTAL.unpack(reader.at(address, _FRACTAL.size))
        signature, version, filters, largest_object, self._huge_index, *table = fields
        self._width, self._smallest, self._largest, bits, self._root, self._rows = table
        if (signature, version) != (b"FRHP", 0) or not self._width or not self._smallest:
            raise ValueError("a damaged heap")
        if filters:
            raise ValueError("links or attributes that are compressed, which are not read")
        self._reader = reader
        self._offset_bytes = -(-bits // 8)
        self._size_bytes = bytes_for(min(self._largest, largest_object))
        self._known: set[int] = set()

    def get(self, key: bytes) -> bytes:
        """Return the object that an index calls `key`."""
        kind, key = key[0] >> 4, key[1:]
        if kind == _HUGE:
            address, size = self._huge[number(key)]
            return self._reader.at(address, size)
        if kind != _MANAGED:
            raise ValueError("an object of a heap that is kept in its index")
        size_at = self._offset_bytes
        offset, size = number(key[:size_at]), number(key[size_at : size_at + self._size_bytes])
        return self._reader.at(self._place(offset, size), size)

    @cached_property
    def _huge(self) -> dict[int, tuple[int, int]]:
        """Address and size of what is larger than a block, by number."""
        found = map(_HUGE_RECORD.unpack, records(self._reader, self._huge_index, (_HUGE_RECORDS,)))
        return {index: (address, size) for address, size, index in found}

    def _place(self, offset: int, size: int) -> int:
        """Return the address of an object of `size` at `offset`, which is inside one block."""
        block, rows, block_bytes = self._root, self._rows, self._smallest
        row_bytes = self._width * self._smallest
        while rows:
            row = (offset // row_bytes).bit_length()
            first = row_bytes << row >> 1 if row else 0
            block_bytes = self._smallest << max(row - 1, 0)
            column, offset = divmod(offset - first, block_bytes)
            if row >= rows:
                raise ValueError("an object outside its heap")
            block = self._child(block, row * self._width + column)
            if block_bytes <= self._largest:
                break
            # A block of rows is as large as they are together, so the next row is a lower one.
            rows = (block_bytes // row_bytes).bit_length()
        if offset + size > block_bytes or block == UNDEFINED:
            raise ValueError("an object outside its heap")
        self._check(block, b"FHDB")
        return block + offset

    def _child(self, block: int, index: int) -> int:
        """Address of a block below: after signature, version, address of the heap and offset."""
        self._check(block, b"FHIB")
        return number(self._reader.at(block + 13 + self._offset_bytes + 8 * index, 8))

    def _check(self, block: int, signature: bytes) -> None:
        if block not in self._known:
            if self._reader.at(block, 4) != signature:
                raise ValueError("a damaged block of a heap")
            self._known.add(block)
