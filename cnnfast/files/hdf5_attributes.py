"""Attributes: texts and numbers.

Format: HDF5 File Format Specification 3.0, IV.A.2.m (attribute) and III.E (texts of any length).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from cnnfast.files.hdf5_heaps import Texts
from cnnfast.files.hdf5_types import (
    STRING,
    VARIABLE,
    class_and_size,
    extents,
    is_empty,
    number_type,
)
from cnnfast.utils.records import record

_HEAD = struct.Struct("<BBHHH")  # version, flags, bytes of the name, of the type, of the space
_SHARED = 0b11
_TEXT = 1
_REFERENCE = struct.Struct("<IQI")  # length, and the collection and number of an object


@record(frozen=True)
class Attribute:
    """One attribute, not read yet.

    Attributes
    ----------
    kind, space
        Its datatype and dataspace.
    data
        Its elements and what follows.
    """

    name: str
    kind: bytes
    space: bytes
    data: bytes

    def value(self, texts: Texts) -> Any:
        """Return a number, text as bytes, or an array of them; None of another type.

        Raises
        ------
        ValueError
            The file does not hold what is declared.
        """
        if not self.kind:
            raise ValueError("an attribute of a type that is stored elsewhere")
        family, bits, size = class_and_size(self.kind)
        number = number_type(self.kind)
        text_of_any_length = family == VARIABLE and bits & 0x0F == _TEXT
        if text_of_any_length:
            size = _REFERENCE.size
        elif family != STRING and (number is None or number.bfloat16):
            return None
        if is_empty(self.space):
            return None
        shape = extents(self.space)
        count = math.prod(shape)
        if count * max(size, 1) > len(self.data):
            raise ValueError(f"an attribute of shape {shape} in {len(self.data)} bytes")
        if number is not None:
            return np.frombuffer(self.data, number.numpy, count).reshape(shape)
        pieces = (self.data[at : at + size] for at in range(0, count * size, size or 1))
        array = np.empty(count, object)
        if text_of_any_length:
            array[:] = _referenced(pieces, texts)
        else:
            array[:] = [_without_padding(piece, bits & 0x0F) for piece in pieces]
        return array.reshape(shape)


def parsed(message: bytes) -> Attribute:
    """Return the attribute that a header message holds.

    It is: version, flags, three sizes, in version 3 the encoding of the name, then name, type
    and space, which are padded to 8 bytes in version 1 only.
    """
    version, flags, *sizes = _HEAD.unpack_from(message)
    if version not in {1, 2, 3}:
        raise ValueError(f"attribute message version {version}")
    at, parts = _HEAD.size + (version == 3), []
    for size in sizes:
        parts.append(message[at : at + size])
        at += -(-size // 8) * 8 if version == 1 else size
    name, kind, space = parts
    if version > 1 and flags & _SHARED:
        kind = b""
    return Attribute(name.split(b"\0")[0].decode("utf-8"), kind, space, message[at:])


def _referenced(pieces: Iterable[bytes], texts: Texts) -> list[bytes]:
    """Texts that stand in global heaps, each up to its length or a zero byte."""
    references = map(_REFERENCE.unpack, pieces)
    return [
        texts(address, index)[:size].split(b"\0")[0] if size else b""
        for size, address, index in references
    ]


def _without_padding(piece: bytes, padding: int) -> bytes:
    """Return a text of fixed length up to its end: a zero byte, or what zeros or spaces fill."""
    if padding == 0:
        return piece.split(b"\0")[0]
    return piece.rstrip(b"\0" if padding == 1 else b" ")
