"""The parts of pyfive this package stands on, with their gaps closed.

pyfive parses object headers, links and attributes. It does not say of what kind a link is,
and allocates what an attribute declares before looking whether the file holds that much.
Importing this module imports pyfive, so only a file that is being read does it.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from cnnfast.files.bounded import BoundedReader
from cnnfast.utils.postponed import postponed

# pyfive imports one for files elsewhere, the other for a checksum: 6 MB, 35 ms.
with postponed({"fsspec": (), "fsspec.utils": (), "numcodecs": ("Fletcher32",)}):
    from pyfive.dataobjects import (  # type: ignore[import-untyped]
        DataObjects,
        determine_data_shape,
    )
    from pyfive.datatype_msg import DatatypeMessage  # type: ignore[import-untyped]
    from pyfive.misc_low_level import SuperBlock  # type: ignore[import-untyped]
    from pyfive.p5t import (  # type: ignore[import-untyped]
        P5FixedStringType,
        P5FloatType,
        P5IntegerType,
        P5VlenStringType,
    )

# What a hard link leads to: the address of an object header.
Address: TypeAlias = int

_HARD_LINK, _SOFT_LINK = 0, 1
_VLEN_ITEM_BYTES = 16
_READABLE_ATTRIBUTES = (P5FixedStringType, P5VlenStringType, P5IntegerType, P5FloatType)


class Detour(str):
    """The target of a link that is not hard; the string says of which kind it is."""


class ObjectHeader(DataObjects):  # type: ignore[misc]
    """One group or dataset: its header messages, its links, its attributes.

    Attributes whose type no Keras file uses come out as None instead of with a warning.
    """

    @cached_property
    def links(self) -> dict[str, Address | Detour]:
        """What the group links to: the address of an object, or a `Detour`."""
        # pyfive gives the target of a soft link of an old-style group as plain text.
        return {
            name: Detour("soft link") if type(target) is str else target
            for name, target in self.iter_links()
        }

    def _parse_attribute_msg(self, buffer: bytes, offset: int) -> tuple[str, Any]:
        """Name and value of the attribute at `offset`.

        A message is: version, flags, three sizes (name, type, space), in version 3 the
        name's encoding, then the three parts, padded to 8 bytes in version 1 only.
        """
        version, _, name_size, type_size, space_size = struct.unpack_from("<BBHHH", buffer, offset)
        if version not in {1, 3}:
            raise ValueError(f"attribute message version {version}")
        padding = 8 if version == 1 else 1
        start = offset + (8 if version == 1 else 9)
        name = buffer[start : start + name_size].split(b"\0")[0].decode("utf-8")
        start += _padded(name_size, padding)
        try:
            kind = DatatypeMessage(buffer, start).ptype
        except NotImplementedError:
            return name, None
        start += _padded(type_size, padding)
        shape, _ = determine_data_shape(buffer, start)
        start += _padded(space_size, padding)
        if shape is None or not isinstance(kind, _READABLE_ATTRIBUTES):
            return name, None
        count = _checked_count(kind, shape, len(buffer) - start)
        value = self._attr_value(kind, buffer, count, start)
        return name, value.reshape(shape)

    @staticmethod
    def _decode_link_msg(
        data: bytes, offset: int
    ) -> tuple[int | None, tuple[str, Address | Detour]]:
        """Creation order and (name, target) of the link message at `offset`."""
        version, flags = struct.unpack_from("<BB", data, offset)
        if version != 1:
            raise ValueError(f"link message version {version}")
        at = offset + 2
        kind, order = _HARD_LINK, None
        if flags & 0b1000:
            kind = data[at]
            at += 1
        if flags & 0b0100:
            (order,) = struct.unpack_from("<Q", data, at)
            at += 8
        if flags & 0b1_0000:
            at += 1  # the character set: ASCII is UTF-8 too
        size_format = "<" + "BHIQ"[flags & 3]
        (name_size,) = struct.unpack_from(size_format, data, at)
        at += struct.calcsize(size_format)
        name = data[at : at + name_size].decode("utf-8")
        at += name_size
        target: Address | Detour
        if kind == _HARD_LINK:
            (target,) = struct.unpack_from("<Q", data, at)
        else:
            target = Detour("soft link" if kind == _SOFT_LINK else "link to another file")
        return order, (name, target)

    def message(self, kind: int) -> bytes | None:
        """Return the body of the only header message of type `kind`, or None."""
        found = self.find_msg_type(kind)
        if not found:
            return None
        if len(found) > 1 or found[0]["flags"] & 2:
            raise ValueError(f"repeated or shared header message of type {kind}")
        start = found[0]["offset_to_message"]
        body: bytes = self.msg_data[start : start + found[0]["size"]]
        return body


class ObjectReader:
    """Object headers of one file, by address."""

    def __init__(self, reader: BoundedReader) -> None:
        superblock = SuperBlock(reader, 0)
        if superblock._contents["base_address"] != 0:
            raise ValueError("an HDF5 file with a user block")
        self.reader = reader
        self.root: Address = superblock.offset_to_dataobjects
        self._global_heaps: dict[int, Any] = {}
        self._known: dict[Address, ObjectHeader] = {}

    def at(self, address: Address) -> ObjectHeader:
        """Return the object whose header stands at `address`."""
        if address not in self._known:
            self._known[address] = ObjectHeader(
                self.reader, address, global_heaps=self._global_heaps
            )
        return self._known[address]


def _padded(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple


def _checked_count(kind: Any, shape: tuple[int, ...], available: int) -> int:
    """How many items an attribute has, once it is clear that the file holds them."""
    size = _VLEN_ITEM_BYTES if isinstance(kind, P5VlenStringType) else np.dtype(kind.dtype).itemsize
    count = 1
    for extent in shape:
        count *= extent
    if count * max(size, 1) > available:
        raise ValueError(f"an attribute of shape {shape} in {available} bytes")
    return count
