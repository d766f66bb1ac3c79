"""The bytes of a model file: in a file, where they are read when they are asked for, or in memory.

Files must be regular ones.
"""

from __future__ import annotations

import io
import os
import stat
from dataclasses import replace
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from cnnfast.errors import MissingFileError, ModelFileError
from cnnfast.files.file import Bytes, Checksum, File, starting_child
from cnnfast.utils.records import record

PathLike: TypeAlias = str | os.PathLike[str]
Readable: TypeAlias = PathLike | bytes | bytearray | memoryview | BinaryIO

# O_NONBLOCK keeps a named pipe from blocking before its type is known.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


@record(frozen=True)
class Source:
    """Bytes and where they come from.

    Attributes
    ----------
    content
        A file or an array that holds the bytes.
    name
        What error messages call them: the path of the file and, after ``!``, the member of
        an archive.
    start, size
        Where in `content` they stand.
    stays
        Whether they are in a file and can be read again at any time.
    crc
        The checksum of all of them, where an archive has one.
    """

    content: File | Bytes
    name: str
    start: int
    size: int
    stays: bool = False
    crc: int | None = None

    def __len__(self) -> int:
        return self.size

    @property
    def shareable(self) -> bool:
        """Whether what is being pickled goes to a process that can read the same open file."""
        return self.stays and starting_child() is not None

    def read(self, start: int = 0, size: int | None = None) -> Bytes:
        """Return `size` bytes from `start` on, or as many as there are; all of them by default.

        Raises
        ------
        ModelFileError
            The file was written to since it was opened.
        """
        left = max(self.size - start, 0)
        size = left if size is None else min(size, left)
        at = self.start + start
        if isinstance(self.content, File):
            return self.content.read(at, size)
        return self.content[at : at + size]

    def read_again(self, start: int, size: int) -> Bytes:
        """As `read`, also where the file was written to but still has the same bytes."""
        if not isinstance(self.content, File):
            return self.read(start, size)
        checksum = None if self.crc is None else Checksum(self.start, self.size, self.crc)
        return self.content.read_again(self.start + start, size, checksum)

    def startswith(self, prefix: bytes) -> bool:
        """Whether the first bytes are `prefix`."""
        return self.read(0, len(prefix)).tobytes() == prefix

    def part(self, start: int, size: int, member: str, crc: int) -> Source:
        """Return the member of an archive that stands uncompressed at `start`."""
        name = f"{self.name}!{member}"
        return replace(self, name=name, start=self.start + start, size=size, crc=crc)

    def behind(self, start: int) -> Source:
        """Return what stands from `start` on."""
        if start == 0:
            return self
        return replace(self, start=self.start + start, size=self.size - start, crc=None)

    def close(self) -> None:
        """Close the file, if it is one."""
        if isinstance(self.content, File):
            self.content.close()

    def error(self, what: str) -> ModelFileError:
        """Return an error about these bytes; `what` completes the sentence."""
        return ModelFileError(f"{self.name}: {what}")


def in_memory(data: bytes | bytearray | memoryview | Bytes, name: str) -> Source:
    """Return `data` as a source, without copying."""
    array = np.frombuffer(data, np.uint8)
    return Source(array, name, 0, len(array))


def open_source(readable: Readable, *, stays: bool = True) -> Source:
    """Return the bytes of a file, of a file object from its position on, or of a buffer.

    Parameters
    ----------
    readable
        A path, an object with a method `read` that returns bytes, or the bytes themselves.
    stays
        Whether a file may stay open to be read again.

    Raises
    ------
    FileNotFoundError
        Nothing is at the path.
    ModelFileError
        There are no bytes, or the path is not that of a regular file.
    TypeError
        `readable` is something else.
    """
    if isinstance(readable, bytes | bytearray | memoryview):
        return _checked_in_memory(readable, f"<{type(readable).__name__}>")
    if hasattr(readable, "read"):
        return _read(readable)
    return open_file(path_of(readable), stays=stays)


def path_of(path: Any) -> str:
    """Return a path as a string.

    Raises
    ------
    TypeError
        If it is none.
    """
    try:
        return os.fsdecode(path)
    except TypeError as error:
        raise TypeError(
            f"Expected a path, bytes or a file that is open in binary mode. Received: {path!r:.200}"
        ) from error


def _read(file: Any) -> Source:
    own = getattr(file, "name", None)
    name = own if isinstance(own, str) else f"<{type(file).__name__}>"
    text = isinstance(file, io.TextIOBase)  # may stumble over what is no text
    data = "" if text else file.read()
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(
            f"{name}: a file must be open for reading in binary mode, such as `open(path, 'rb')`. "
            f"Received: one that reads {type(data).__name__}"
        )
    return _checked_in_memory(data, name, " from its position on; `seek(0)` goes to its start")


def _checked_in_memory(data: bytes | bytearray | memoryview, name: str, where: str = "") -> Source:
    view = memoryview(data)
    if view.nbytes == 0:
        raise ModelFileError(f"{name}: the file is empty{where}.")
    # What may be written to meanwhile is copied.
    kept = view.readonly and view.c_contiguous
    return in_memory(view.cast("B") if kept else view.tobytes(), name)


def open_file(path: PathLike, *, follow_symlinks: bool = True, stays: bool = True) -> Source:
    """Open the regular file at `path` for reading.

    Raises
    ------
    MissingFileError
        Nothing is at `path`.
    ModelFileError
        It is empty, or not a regular file.
    """
    name = os.fspath(path)
    if not follow_symlinks and os.path.islink(name):
        raise ModelFileError(f"{name}: symbolic links inside a model directory are not followed.")
    if os.path.isdir(name):
        raise ModelFileError(f"{name}: expected a file. Received: a directory.")
    try:
        descriptor = os.open(name, _OPEN_FLAGS | (0 if follow_symlinks else _NO_FOLLOW))
    except FileNotFoundError as error:
        raise MissingFileError(error.errno, "File not found", name) from error
    file = File(descriptor, name)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise ModelFileError(f"{name}: expected a regular file. Received: a device or pipe.")
    if file.size == 0:
        raise ModelFileError(f"{name}: the file is empty.")
    return Source(file, name, 0, file.size, stays)
