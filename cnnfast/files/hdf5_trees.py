"""B-trees of both versions, in which HDF5 keeps links, attributes and chunks.

Format: HDF5 File Format Specification 3.0, III.A. A node that is reached twice, or stands on
another level than its parent says, is refused, so that each is read once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from cnnfast.files.bounded import BoundedReader

UNDEFINED = 2**64 - 1
"""The address of what is not there."""

_NODE_1 = struct.Struct("<4sBBH")  # signature, type, level, entries; then both neighbours
_NODE_1_BYTES = 24
_HEADER_2 = struct.Struct("<4sBBIHHxxQH")  # …, bytes of a node, of a record, depth, root, entries
_NODE_2_BYTES, _CHECKSUM_BYTES = 6, 4
_MAX_DEPTH = 32


def entries(
    reader: BoundedReader, root: int, kind: int, key_bytes: int
) -> Iterator[tuple[bytes, int]]:
    """Yield key and address of each entry of the leaves of a version 1 B-tree, in their order.

    Raises
    ------
    ValueError
        It is no tree of type `kind`, or one that refers to itself.
    """
    entry = struct.Struct(f"<{key_bytes}sQ")
    seen: set[int] = set()
    nodes: list[tuple[int, int | None]] = [(root, None)]
    while nodes:
        address, expected = nodes.pop()
        signature, found, level, count = _NODE_1.unpack(reader.at(address, _NODE_1.size))
        if (signature, found) != (b"TREE", kind) or expected not in {None, level}:
            raise ValueError("a damaged B-tree")
        _visit(address, seen)
        body = reader.at(address + _NODE_1_BYTES, count * entry.size)
        if level == 0:
            yield from entry.iter_unpack(body)
        else:
            below = [(child, level - 1) for _, child in entry.iter_unpack(body)]
            nodes.extend(reversed(below))


def records(reader: BoundedReader, address: int, kinds: tuple[int, ...]) -> Iterator[bytes]:
    """Yield the records of the version 2 B-tree whose header is at `address`, in any order.

    Raises
    ------
    ValueError
        It is no tree of one of the types `kinds`, or one that refers to itself.
    """
    signature, version, kind, node_bytes, record_bytes, depth, root, count = _HEADER_2.unpack(
        reader.at(address, _HEADER_2.size)
    )
    if (signature, version) != (b"BTHD", 0) or kind not in kinds or depth > _MAX_DEPTH:
        raise ValueError("a damaged B-tree")
    counts, pointers = _pointer_bytes(node_bytes, record_bytes, depth)
    seen: set[int] = set()
    nodes = [(root, count, depth)] if count else []
    while nodes:
        address, count, level = nodes.pop()
        _visit(address, seen)
        last = _NODE_2_BYTES + count * record_bytes
        body = reader.at(address, last + (count + 1) * pointers[level])
        if body[:_NODE_2_BYTES] != struct.pack("<4sBB", b"BTIN" if level else b"BTLF", 0, kind):
            raise ValueError("a damaged B-tree")
        for at in range(_NODE_2_BYTES, last, record_bytes):
            yield body[at : at + record_bytes]
        for at in range(last, len(body), pointers[level] or 1):
            child, entries_of_child = body[at : at + 8], body[at + 8 : at + 8 + counts]
            nodes.append((number(child), number(entries_of_child), level - 1))


def number(data: bytes) -> int:
    """Return an unsigned number of any size."""
    return int.from_bytes(data, "little")


def bytes_for(limit: int) -> int:
    """Return how many bytes HDF5 takes for a number of at most `limit`."""
    return max(limit.bit_length() - 1, 0) // 8 + 1


def _pointer_bytes(node_bytes: int, record_bytes: int, depth: int) -> tuple[int, list[int]]:
    """Bytes of the number of entries in a pointer, and of a pointer of a node, by its level.

    A pointer is the address of a node, the number of its entries and, of a node that has others
    below, the number of all entries from there on. The numbers have as many bytes as the most
    that nodes of `node_bytes` can hold.
    """
    room = node_bytes - _NODE_2_BYTES - _CHECKSUM_BYTES
    if not 0 < record_bytes <= room:
        raise ValueError("a B-tree whose nodes hold nothing")
    below = room // record_bytes
    counts, totals, pointers = bytes_for(below), 0, [0]
    for _ in range(depth):
        pointers.append(8 + counts + totals)
        most = (room - pointers[-1]) // (record_bytes + pointers[-1])
        below += most * (below + 1)
        totals = bytes_for(below)
    return counts, pointers


def _visit(address: int, seen: set[int]) -> None:
    if address in seen:
        raise ValueError("a B-tree that refers to itself")
    seen.add(address)
