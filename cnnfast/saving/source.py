"""The bytes of a model file: mapped, never copied, and only from regular files."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast.errors import ModelFileError

Bytes: TypeAlias = npt.NDArray[np.uint8]
PathLike: TypeAlias = str | os.PathLike[str]

# O_NONBLOCK keeps a named pipe from blocking before its type is known.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True)
class Source:
    """Bytes and where they come from.

    Attributes
    ----------
    data
        The bytes, read-only.
    name
        What error messages call them: the path of the file and, after ``!``, the member of
        an archive.
    mapped
        Whether `data` is a memory map, so that arrays may stay views of it.
    """

    data: Bytes
    name: str
    mapped: bool

    def __len__(self) -> int:
        return len(self.data)

    def startswith(self, prefix: bytes) -> bool:
        """Whether the first bytes are `prefix`."""
        return self.data[: len(prefix)].tobytes() == prefix

    def part(self, start: int, size: int, member: str) -> Source:
        """Return the member of an archive that stands uncompressed at `start`."""
        return Source(self.data[start : start + size], f"{self.name}!{member}", self.mapped)

    def error(self, what: str) -> ModelFileError:
        """Return an error about these bytes; `what` completes the sentence."""
        return ModelFileError(f"{self.name}: {what}")


def map_file(path: PathLike, *, follow_symlinks: bool = True) -> Source:
    """Map the regular file at `path` for reading.

    Raises
    ------
    FileNotFoundError
        Nothing is at `path`.
    ModelFileError
        It is empty, or not a regular file.
    """
    name = os.fspath(path)
    if not follow_symlinks and os.path.islink(name):
        raise ModelFileError(f"{name}: symbolic links inside a model directory are not followed.")
    if os.path.isdir(name):
        raise ModelFileError(f"{name}: expected a file. Received: a directory.")
    descriptor = os.open(name, _OPEN_FLAGS | (0 if follow_symlinks else _NO_FOLLOW))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ModelFileError(f"{name}: expected a regular file. Received: a device or pipe.")
        if status.st_size == 0:
            raise ModelFileError(f"{name}: the file is empty.")
        return Source(np.memmap(file, dtype=np.uint8, mode="r"), name, mapped=True)
