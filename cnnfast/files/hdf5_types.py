"""Shapes and element types, as datasets and attributes declare them.

Format: HDF5 File Format Specification 3.0, IV.A.2.b (dataspace) and d (datatype).
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from cnnfast.files.hdf5_trees import UNDEFINED
from cnnfast.utils.records import record

_MAX_RANK = 32
_NULL_SPACE, _HAS_LIMITS = 2, 1
_INTEGER, _FLOAT, STRING, OPAQUE, VARIABLE = 0, 1, 3, 5, 9

# Bits of (exponent, mantissa) and exponent bias of the floating-point types, by bytes.
_IEEE = {2: (5, 10, 15), 4: (8, 23, 127), 8: (11, 52, 1023)}
_BFLOAT16 = (8, 7, 127)


@record(frozen=True)
class NumberType:
    """The type of one element: how numpy reads it, and whether it is a bfloat16."""

    numpy: np.dtype[Any]
    bfloat16: bool = False


def is_empty(space: bytes) -> bool:
    """Whether a dataspace is the one without elements, not even none along an axis."""
    return space[0] == 2 and space[3] == _NULL_SPACE


def extents(space: bytes) -> tuple[int, ...]:
    """Return the shape that a dataspace declares."""
    _, rank, at = _layout_of(space)
    if is_empty(space):
        raise ValueError("an empty dataspace, which has no elements")
    found: tuple[int, ...] = struct.unpack_from(f"<{rank}Q", space, at)
    return found


def limits(space: bytes) -> tuple[int | None, ...]:
    """Return how large each extent may become; None of one that has no limit."""
    _, rank, at = _layout_of(space)
    if not space[2] & _HAS_LIMITS:
        return extents(space)
    found = struct.unpack_from(f"<{rank}Q", space, at + 8 * rank)
    return tuple(None if limit == UNDEFINED else limit for limit in found)


def _layout_of(space: bytes) -> tuple[int, int, int]:
    """Version, rank, and where the extents begin."""
    version, rank = space[0], space[1]
    if version not in {1, 2} or rank > _MAX_RANK:
        raise ValueError(f"dataspace version {version} of rank {rank}")
    return version, rank, 8 if version == 1 else 4


def class_and_size(kind: bytes) -> tuple[int, int, int]:
    """Return the class of a datatype, its lowest bits, and the bytes of an element."""
    return kind[0] & 0x0F, kind[1], struct.unpack_from("<I", kind, 4)[0]


def number_type(kind: bytes) -> NumberType | None:
    """Return a type, if it is a plain integer, an IEEE number or a bfloat16."""
    family, bits, size = class_and_size(kind)
    order = {0: "<", 1: ">"}.get(bits & 0x41)  # bits 0 and 6; VAX order sets both
    if family == _INTEGER and size in {1, 2, 4, 8} and order:
        offset, precision = struct.unpack_from("<HH", kind, 8)
        if (offset, precision) == (0, 8 * size):
            return NumberType(np.dtype(f"{order}{'i' if bits & 8 else 'u'}{size}"))
    if family == _FLOAT and size in _IEEE and order:
        layout = _float_layout(kind, size)
        if layout == _IEEE[size]:
            return NumberType(np.dtype(f"{order}f{size}"))
        if size == 2 and layout == _BFLOAT16:
            return NumberType(np.dtype(f"{order}u2"), bfloat16=True)
    return None


def _float_layout(kind: bytes, size: int) -> tuple[int, int, int] | None:
    """Bits of exponent and mantissa and the bias, if all bits stand where IEEE has them."""
    offset, precision, exponent_at, exponent, mantissa_at, mantissa, bias = struct.unpack_from(
        "<HHBBBBI", kind, 8
    )
    if (offset, precision, mantissa_at, exponent_at) != (0, 8 * size, 0, mantissa):
        return None
    return (exponent, mantissa, bias) if kind[2] == 8 * size - 1 else None
