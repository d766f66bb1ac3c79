"""The bytes of a model file: read when they are asked for, and only from regular files."""

from __future__ import annotations

import os
import stat
import sys
import weakref
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast.errors import ModelFileError

Bytes: TypeAlias = npt.NDArray[np.uint8]
PathLike: TypeAlias = str | os.PathLike[str]

# O_NONBLOCK keeps a named pipe from blocking before its type is known.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class File:
    """A regular file, open for reading.

    It is read and never mapped: where another program cuts a mapped file short, touching the map
    kills the process. What is read is what stood there when the file was opened, or an error. A
    file that another takes the place of, by its name, stays as it was for whoever has it open.

    Parameters
    ----------
    descriptor
        Of the open file, which is closed with this object.
    name
        What error messages call it.
    opened
        Size and time of last change when it was opened, where that was in another process.
    """

    def __init__(self, descriptor: int, name: str, opened: tuple[int, int] | None = None) -> None:
        weakref.finalize(self, os.close, descriptor)
        self._descriptor = descriptor
        self._name = name
        self._opened = opened or self._stamp()
        self.size = self._opened[0]

    def read(self, start: int, size: int) -> Bytes:
        """Return the `size` bytes at `start`, which the file had when it was opened.

        Raises
        ------
        ModelFileError
            The file was written to since.
        """
        data = np.empty(size, np.uint8)
        view, done = data.data, 0
        while done < size:
            count = os.preadv(self._descriptor, [view[done:]], start + done)
            if count == 0:
                break
            done += count
        if done < size or self._stamp() != self._opened:
            raise ModelFileError(
                f"{self._name}: the file was written to after it was opened, so its weights may be "
                "others by now. Load it again; to replace a file in use, rename another to its "
                "name."
            )
        return data

    def _stamp(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns

    def __reduce__(self) -> tuple[Any, ...]:
        # The child has the open file itself, so it does not matter what became of its name.
        child = _starting_child()
        if child is None:
            raise TypeError(f"{self._name}: an open file does not pickle.")
        inherited = child.DupFd(child.duplicate_for_child(self._descriptor))
        return _of_parent, (inherited, self._name, self._opened)


def _of_parent(inherited: Any, name: str, opened: tuple[int, int]) -> File:
    descriptor = inherited.detach()
    os.set_inheritable(descriptor, False)
    return File(descriptor, name, opened)


def _starting_child() -> Any:
    """Return the child process that is being started by pickling, if it can inherit open files."""
    context = sys.modules.get("multiprocessing.context")  # who starts one has imported it
    child = None if context is None else context.get_spawning_popen()
    return child if hasattr(child, "DupFd") else None


@dataclass(frozen=True)
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
    """

    content: File | Bytes
    name: str
    start: int
    size: int

    def __len__(self) -> int:
        return self.size

    @property
    def on_disk(self) -> bool:
        """Whether the bytes are in a file and can be read again at any time."""
        return isinstance(self.content, File)

    @property
    def shareable(self) -> bool:
        """Whether what is being pickled goes to a process that can read the same open file."""
        return self.on_disk and _starting_child() is not None

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

    def startswith(self, prefix: bytes) -> bool:
        """Whether the first bytes are `prefix`."""
        return self.read(0, len(prefix)).tobytes() == prefix

    def part(self, start: int, size: int, member: str) -> Source:
        """Return the member of an archive that stands uncompressed at `start`."""
        return Source(self.content, f"{self.name}!{member}", self.start + start, size)

    def error(self, what: str) -> ModelFileError:
        """Return an error about these bytes; `what` completes the sentence."""
        return ModelFileError(f"{self.name}: {what}")


def in_memory(data: bytes | Bytes, name: str) -> Source:
    """Return `data` as a source, without copying."""
    return Source(np.frombuffer(data, np.uint8), name, 0, len(data))


def open_file(path: PathLike, *, follow_symlinks: bool = True) -> Source:
    """Open the regular file at `path` for reading.

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
    file = File(descriptor, name)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise ModelFileError(f"{name}: expected a regular file. Received: a device or pipe.")
    if file.size == 0:
        raise ModelFileError(f"{name}: the file is empty.")
    return Source(file, name, 0, file.size)
