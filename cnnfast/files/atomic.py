"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def temporary(path: str) -> Iterator[str]:
    """Yield an unused path beside `path`; what is there at the end is removed."""
    beside = f"{path}.{os.urandom(8).hex()}.tmp"
    try:
        yield beside
    finally:
        if os.path.exists(beside):
            os.remove(beside)


@contextmanager
def replacing(path: str) -> Iterator[str]:
    """Yield a path beside `path`; what was written there takes the place of `path` at the end.

    A failure inside leaves whatever was at `path` as it was. The bytes are on the disk before
    the name is theirs, so a crash cannot leave half a file under it.
    """
    with temporary(path) as beside:
        yield beside
        _flush(beside)
        os.replace(beside, path)
        _flush_directory(os.path.dirname(path) or ".")


def check_overwrite(path: str, overwrite: bool) -> None:
    """Raise FileExistsError if something is at `path` that may not be replaced."""
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{path} exists, and `overwrite` is False.")


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_directory(path: str) -> None:
    if os.name != "posix":
        return  # a directory cannot be opened there, and renaming needs no flush
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
