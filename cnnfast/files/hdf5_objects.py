"""Groups and datasets: what the messages of their headers say.

Format: HDF5 File Format Specification 3.0, II.A (superblock), III.B and C (groups of the first
generation) and IV.A (object headers, their messages for links and attributes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Any, TypeAlias

from cnnfast.files import hdf5_attributes, hdf5_trees
from cnnfast.files.bounded import BoundedReader
from cnnfast.files.hdf5_heaps import FractalHeap, LocalHeap, Texts
from cnnfast.files.hdf5_trees import UNDEFINED

# What a hard link leads to: the address of an object header.
Address: TypeAlias = int

SPACE, TYPE, EXTERNAL, LAYOUT, FILTERS = 0x01, 0x03, 0x07, 0x08, 0x0B
_LINK_INFO, _LINK, _ATTRIBUTE, _CONTINUATION, _LINKS_1, _ATTRIBUTE_INFO = 2, 6, 12, 16, 17, 21
_SHARED = 2
_LINKS_TREE, _LINK_RECORDS, _ATTRIBUTE_RECORDS = 0, (5,), (8,)
_HARD_LINK, _SOFT_LINK, _CACHED_SOFT_LINK = 0, 1, 2

# Bytes of addresses and lengths, start and end of the file, the header of the root group.
_SUPERBLOCKS = {
    0: struct.Struct("<13x2s9xQ8xQ16xQ"),
    1: struct.Struct("<13x2s13xQ8xQ16xQ"),
    2: struct.Struct("<9x2sxQ8xQQ"),
    3: struct.Struct("<9x2sxQ8xQQ"),
}
_HEADER = struct.Struct("<4sBB")
# Type, size and flags of a header message; behind them the order of creation.
_MESSAGE_1, _MESSAGE_2, _MESSAGE_2_IN_ORDER = map(struct.Struct, ("<HHB3x", "<BHB", "<BHB2x"))
_TWO_NUMBERS = struct.Struct("<QQ")
_SYMBOL = struct.Struct("<QQI4xI12x")  # offset of the name, header, kind of cache, the cache


class Detour(str):
    """The target of a link that is not hard; the string says of which kind it is."""


class ObjectReader:
    """Object headers of one file, by address."""

    def __init__(self, reader: BoundedReader) -> None:
        self.reader = reader
        self.root: Address = _root(reader)
        self._texts = Texts(reader)
        self._known: dict[Address, ObjectHeader] = {}

    def at(self, address: Address) -> ObjectHeader:
        """Return the object whose header stands at `address`."""
        if address not in self._known:
            self._known[address] = ObjectHeader(self.reader, self._texts, address)
        return self._known[address]


class ObjectHeader:
    """One group or dataset: its header messages, its links, its attributes."""

    def __init__(self, reader: BoundedReader, texts: Texts, address: Address) -> None:
        self.reader = reader
        self._texts = texts
        self._values: dict[str, Any] = {}
        self._messages: dict[int, list[bytes]] = {}
        self._shared: set[int] = set()
        for kind, flags, body in _messages(reader, address):
            self._messages.setdefault(kind, []).append(body)
            if flags & _SHARED:
                self._shared.add(kind)

    @property
    def is_dataset(self) -> bool:
        """Whether it is a dataset, and no group."""
        return SPACE in self._messages

    def message(self, kind: int) -> bytes | None:
        """Return the body of the only header message of type `kind`, or None."""
        bodies = self._all(kind)
        if len(bodies) > 1:
            raise ValueError(f"a repeated header message of type {kind}")
        return bodies[0] if bodies else None

    def required(self, kind: int) -> bytes:
        """As `message`, of one that must be there."""
        body = self.message(kind)
        if body is None:
            raise ValueError(f"no header message of type {kind}")
        return body

    @cached_property
    def links(self) -> dict[str, Address | Detour]:
        """What the group links to, by name in order: the address of an object, or a `Detour`."""
        table = self.message(_LINKS_1)
        if table is not None:
            return dict(_symbols(self.reader, *_TWO_NUMBERS.unpack_from(table)))
        info = self.message(_LINK_INFO)
        if info is None:
            raise ValueError("expected a group. Received: neither a group nor a dataset")
        stored = _stored_apart(self.reader, info, 8, _LINK_RECORDS, slice(4, None))
        return dict(sorted(map(_link, [*self._all(_LINK), *stored])))

    def attribute(self, name: str) -> Any:
        """Return attribute `name`: a number, text as bytes, or an array of them.

        None where it is absent, or of a type that no Keras file uses.
        """
        if name not in self._values:
            found = self._attributes.get(name)
            self._values[name] = None if found is None else found.value(self._texts)
        return self._values[name]

    @cached_property
    def _attributes(self) -> dict[str, hdf5_attributes.Attribute]:
        bodies, info = self._all(_ATTRIBUTE), self.message(_ATTRIBUTE_INFO)
        if info is not None:
            stored = _stored_apart(self.reader, info, 2, _ATTRIBUTE_RECORDS, slice(0, 8))
            bodies = [*bodies, *stored]
        return {found.name: found for found in map(hdf5_attributes.parsed, bodies)}

    def _all(self, kind: int) -> list[bytes]:
        if kind in self._shared:
            raise ValueError(f"a shared header message of type {kind}")
        return self._messages.get(kind, [])


def _root(reader: BoundedReader) -> Address:
    """Return where the root group is, from the superblock.

    Addresses count from the superblock, wherever it says that it stands, as in libhdf5.
    """
    version = reader.at(8, 1)[0]
    if version not in _SUPERBLOCKS:
        raise ValueError(f"superblock version {version}")
    form = _SUPERBLOCKS[version]
    sizes, start, end, root = form.unpack(reader.at(0, form.size))
    if sizes != b"\x08\x08":
        raise ValueError("addresses or lengths of other than 8 bytes")
    if end - start > reader.size:
        raise ValueError(f"the file is cut short: it has {reader.size} of {end - start} bytes")
    return int(root)


def _messages(reader: BoundedReader, address: Address) -> Iterator[tuple[int, int, bytes]]:
    """Return type, flags and body of each message of the object header at `address`.

    In front of them are, in version 2, times and limits, if there are, and the size of them all.
    """
    mark, version, flags = _HEADER.unpack(reader.at(address, _HEADER.size))
    if mark[0] == 1:
        (size,) = struct.unpack("<I", reader.at(address + 8, 4))
        return _in_blocks(reader, (address + 16, size), _MESSAGE_1, b"", 0)
    if mark != b"OHDR" or version != 2:
        raise ValueError("no object header")
    at = address + _HEADER.size + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    size_bytes = 1 << (flags & 3)
    size = hdf5_trees.number(reader.at(at, size_bytes))
    head = _MESSAGE_2_IN_ORDER if flags & 4 else _MESSAGE_2
    return _in_blocks(reader, (at + size_bytes, size), head, b"OCHK", 4)


def _in_blocks(
    reader: BoundedReader, first: tuple[int, int], head: struct.Struct, mark: bytes, checksum: int
) -> Iterator[tuple[int, int, bytes]]:
    """Yield the messages of the first block and of those that continue it.

    `head` is type, size and flags of a message. A further block begins with `mark` and ends with
    a checksum.
    """
    blocks, seen = [first], {first[0]}
    for start, size in blocks:
        data, at = reader.at(start, size), 0
        while at + head.size <= len(data):
            reader.count(0)  # so that a large header is none of millions of empty messages
            kind, length, flags = head.unpack_from(data, at)
            at += head.size
            if at + length > len(data):
                raise ValueError("a header message that ends beyond its block")
            body = data[at : at + length]
            at += length
            if kind != _CONTINUATION:
                yield kind, flags, body
                continue
            further, size_of_it = _TWO_NUMBERS.unpack_from(body)
            if further in seen or reader.at(further, len(mark)) != mark:
                raise ValueError("an object header that refers to itself, or is damaged")
            seen.add(further)
            blocks.append((further + len(mark), size_of_it - len(mark) - checksum))


def _symbols(
    reader: BoundedReader, tree: Address, heap: Address
) -> Iterator[tuple[str, Address | Detour]]:
    """Yield name and target of each link of a group of the first generation."""
    names = LocalHeap(reader, heap)
    for _, node in hdf5_trees.entries(reader, tree, _LINKS_TREE, 8):
        signature, count = struct.unpack("<4s2xH", reader.at(node, 8))
        if signature != b"SNOD":
            raise ValueError("a damaged list of links")
        symbols = reader.at(node + 8, count * _SYMBOL.size)
        for name, header, cached, _ in _SYMBOL.iter_unpack(symbols):
            yield names.text(name), Detour("soft link") if cached == _CACHED_SOFT_LINK else header


def _stored_apart(
    reader: BoundedReader, info: bytes, order_bytes: int, kinds: tuple[int, ...], key: slice
) -> list[bytes]:
    """Return the messages that a group or dataset with many of them keeps in a heap.

    `info` is: version, flags, the last number in order of creation if the flags say so, address
    of the heap, and of the index, of whose records `key` is the part that the heap knows.
    """
    at = 2 + (order_bytes if info[1] & 1 else 0)
    heap_at, index = _TWO_NUMBERS.unpack_from(info, at)
    if heap_at == UNDEFINED:
        return []
    heap = FractalHeap(reader, heap_at)
    return [heap.get(record[key]) for record in hdf5_trees.records(reader, index, kinds)]


def _link(message: bytes) -> tuple[str, Address | Detour]:
    """Name and target of a link message: version, flags, what they say is there, the name."""
    version, flags = message[0], message[1]
    if version != 1:
        raise ValueError(f"link message version {version}")
    at, kind = 2, _HARD_LINK
    if flags & 0b1000:
        kind, at = message[2], 3
    at += 8 if flags & 0b0100 else 0  # the order of creation
    at += 1 if flags & 0b1_0000 else 0  # the character set: ASCII is UTF-8 too
    size_bytes = 1 << (flags & 3)
    size = hdf5_trees.number(message[at : at + size_bytes])
    at += size_bytes
    name = message[at : at + size].decode("utf-8")
    if kind == _HARD_LINK:
        return name, struct.unpack_from("<Q", message, at + size)[0]
    return name, Detour("soft link" if kind == _SOFT_LINK else "link to another file")
