"""Changes to model files that leave enough of them whole to be read further."""

from __future__ import annotations

import copy
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

HDF5, ZIP = b"\x89HDF\r\n\x1a\n", b"PK"
_CONFIG = b'{"'  # how a configuration that is an attribute of an HDF5 file starts

JUNK: list[Any] = [None, True, -1, 0, 2, 10**15, 2**63, 1e308, -0.5, "", "x", "conv", [], [None]]
JUNK += [["conv", 0, 0], {"class_name": "__keras_tensor__", "config": {}}]
JUNK += [[0, 0], [2**40] * 4, {}, {"class_name": "Dense"}, {"class_name": "x", "config": {}}]
"""What a place in a configuration does not expect."""

ChangeBytes = Callable[[bytes], bytes]


def spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a configuration, as a container and a key."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield value, key
        if isinstance(item, dict | list):
            yield from spots(item)


def changed_config(config: Any, rng: random.Random) -> None:
    """Put junk, another part of the configuration, or nothing in one to three of its places."""
    for _ in range(rng.randint(1, 3)):
        places = list(spots(config))
        if not places:
            return
        container, key = rng.choice(places)
        kind = rng.randrange(4)
        if kind == 0:
            del container[key]
        elif kind == 1:
            other, other_key = rng.choice(places)
            container[key] = copy.deepcopy(other[other_key])
        else:
            container[key] = copy.deepcopy(rng.choice(JUNK))


def flipped(data: bytes, rng: random.Random) -> bytes:
    """Write up to eight bytes over, or cut or repeat a stretch."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        if changed:
            changed[rng.randrange(len(changed))] = rng.choice(
                (0, 1, 0x7F, 0xFF, rng.randrange(256))
            )
    if rng.randrange(8) == 0:
        start = rng.randrange(len(changed) + 1)
        end = min(len(changed), start + rng.randint(1, 64))
        changed[start:end] = b"" if rng.randrange(2) else changed[start:end] * 2
    return bytes(changed)


def mutated(data: bytes, rng: random.Random, change: ChangeBytes) -> bytes:
    """Change one layer of a file: its own bytes, or what an archive or HDF5 file in it holds.

    `change` is what is done to bytes that have no further form.
    """
    if rng.randrange(8) == 0:
        return change(data)
    if data.startswith(ZIP):
        return _with_changed_member(data, rng, change)
    if data.startswith(HDF5):
        return _with_changed_attribute(data, rng) if rng.randrange(2) else change(data)
    return _with_changed_places(data, rng) or change(data)


def _with_changed_member(data: bytes, rng: random.Random, change: ChangeBytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # Python's own reader fails in any way
        return change(data)
    if not members:
        return change(data)
    name = rng.choice(list(members))
    members[name] = mutated(members[name], rng, change)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", rng.choice((0, 8))) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return packed.getvalue()


def _with_changed_attribute(data: bytes, rng: random.Random) -> bytes:
    """Change a configuration where it stands; what is shorter now is filled up with spaces."""
    starts = [at for at in range(len(data)) if data.startswith(_CONFIG, at)]
    if not starts:
        return flipped(data, rng)
    start = rng.choice(starts)
    end = data.find(b"\0", start)
    text = data[start : end if end >= 0 else len(data)]
    changed = _with_changed_places(text, rng)
    if changed is None or len(changed) > len(text):
        return flipped(data, rng)
    return data[:start] + changed.ljust(len(text)) + data[start + len(text) :]


def _with_changed_places(text: bytes, rng: random.Random) -> bytes | None:
    try:
        config = json.JSONDecoder().raw_decode(text.decode())[0]
    except (ValueError, RecursionError):
        return None
    if not isinstance(config, dict | list):
        return None
    changed_config(config, rng)
    return json.dumps(config, separators=(",", ":")).encode()
