"""Hashes of integers, those that TensorFlow puts into buckets: each a number of 64 bits.

FarmHash's Fingerprint64 (github.com/google/farmhash) and SipHash-2-4 (131002.net/siphash), of an
integer's decimal digits, of which there are no more than fifteen here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_BITS = (1 << 64) - 1
_K0, _K2 = 0xC3A5C85C97CB3127, 0x9AE16A3B2F90404F
_K_MURMUR = 0xC6A4A7935BD1E995


def _right(value: int, by: int) -> int:
    return (value >> by | value << (64 - by)) & _BITS


def _left(value: int, by: int) -> int:
    return _right(value, 64 - by)


def _mixed(value: int) -> int:
    return value ^ (value >> 47)


def _number(text: bytes) -> int:
    return int.from_bytes(text, "little")


def farm_hash(text: bytes) -> int:
    """Return the fingerprint of a text of 1 to 16 bytes."""
    size = len(text)
    if size < 4:
        first, last = text[0] + (text[size >> 1] << 8), size + (text[-1] << 2)
        return _mixed((first * _K2 ^ last * _K0) & _BITS) * _K2 & _BITS
    factor = _K2 + 2 * size
    if size < 8:
        u, v = size + (_number(text[:4]) << 3), _number(text[-4:])
    else:
        a, b = (_number(text[:8]) + _K2) & _BITS, _number(text[-8:])
        u = (_right(b, 37) * factor + a) & _BITS
        v = (_right(a, 25) + b) * factor & _BITS
    a = _mixed((u ^ v) * factor & _BITS)
    return _mixed((v ^ a) * factor & _BITS) * factor & _BITS


def sip_hash(text: bytes, key: Sequence[int]) -> int:
    """Return the hash of a text under a key of two integers."""
    first, second = (number & _BITS for number in key)
    v = [first ^ 0x736F6D6570736575, second ^ 0x646F72616E646F6D]
    v += [first ^ 0x6C7967656E657261, second ^ 0x7465646279746573]
    end = len(text) // 8 * 8
    words = [_number(text[at : at + 8]) for at in range(0, end, 8)]
    for word in (*words, _number(text[end:]) | (len(text) & 255) << 56):
        v[3] ^= word
        v = _round(_round(v))
        v[0] ^= word
    v[2] ^= 255
    for _ in range(4):
        v = _round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _round(v: Sequence[int]) -> list[int]:
    a, b, c, d = v
    a = (a + b) & _BITS
    b, a = _left(b, 13) ^ a, _left(a, 32)
    c = (c + d) & _BITS
    d = _left(d, 16) ^ c
    a = (a + d) & _BITS
    d = _left(d, 21) ^ a
    c = (c + b) & _BITS
    return [a, _left(b, 17) ^ c, _left(c, 32), d]


def joined(one: int, other: int) -> int:
    """Return the fingerprint of two of them."""
    mixed = one ^ _K_MURMUR ^ (_mixed(other * _K_MURMUR & _BITS) * _K_MURMUR & _BITS)
    return _mixed(_mixed(mixed * _K_MURMUR & _BITS) * _K_MURMUR & _BITS)


def crossed(numbers: Sequence[int]) -> int:
    """Return the hash of several integers, as `tf.sparse.cross_hashed` makes it."""
    made = 0xDECAFCAFFE
    for number in numbers:
        made = joined(made, number & _BITS)
    return made


def buckets(
    integers: npt.NDArray[np.int64], count: int, salt: Sequence[int] | None
) -> npt.NDArray[np.int64]:
    """Return a number below `count` for each integer, by SipHash where there is a `salt`."""

    def hashed(text: bytes) -> int:
        return farm_hash(text) if salt is None else sip_hash(text, salt)

    return of_each(integers.reshape(-1, 1), lambda row: hashed(b"%d" % row[0]) % count).reshape(
        integers.shape
    )


def of_each(
    rows: npt.NDArray[np.int64], function: Callable[[Sequence[int]], int]
) -> npt.NDArray[np.int64]:
    """Return what a function makes of each row, which it is called on once."""
    known, places = np.unique(rows, axis=0, return_inverse=True)
    made = np.array([function(row) for row in known.tolist()], np.int64)
    return made[places.ravel()] if len(made) else np.zeros(len(rows), np.int64)
