"""An open file that is read piece by piece, as it was when it was opened."""

from __future__ import annotations

import os
import sys
import weakref
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from cnnfast._core import digest_blocks
from cnnfast.errors import ModelFileError

if TYPE_CHECKING:
    import numpy.typing as npt

Bytes: TypeAlias = "npt.NDArray[np.uint8]"

# A read is compared by whole blocks, so that large ones make reads of small arrays dear.
BLOCK_BYTES = 4 << 10
_BLOCKS_AT_ONCE = 256
_ALIGNMENT = 16


class Checksum(NamedTuple):
    """What an archive says of the bytes of a member: their CRC-32."""

    start: int
    size: int
    crc: int


@dataclass
class Blocks:
    """What the blocks of a file were like when they were first read.

    Attributes
    ----------
    seed
        Of the digests; nobody who writes to the file knows it.
    digests, known
        Of each block, the digest, and whether there is one yet.
    """

    seed: int
    digests: npt.NDArray[np.uint64]
    known: npt.NDArray[np.bool_]

    @classmethod
    def of_size(cls, size: int) -> Blocks:
        """Return those of a file of `size` bytes, none of which is known."""
        count = -(-size // BLOCK_BYTES)
        seed = int.from_bytes(os.urandom(8), sys.byteorder)
        return cls(seed, np.zeros(count, np.uint64), np.zeros(count, np.bool_))

    def digest(self, data: Bytes) -> npt.NDArray[np.uint64]:
        """Return the digest of each block of `data`."""
        return digest_blocks(data, BLOCK_BYTES, self.seed)

    def all_known(self, first: int, last: int) -> bool:
        """Whether the digests of blocks `first` to ``last - 1`` are known."""
        return int(np.count_nonzero(self.known[first:last])) == last - first

    def agree(self, first: int, digests: npt.NDArray[np.uint64]) -> bool:
        """Whether the blocks from `first` on have these digests, where they are known.

        Of the others, they are known then.
        """
        where = slice(first, first + len(digests))
        known = self.known[where]
        count = np.count_nonzero(known)
        if count and np.count_nonzero((self.digests[where] != digests) & known):
            return False
        if count < len(digests):
            # In this order, so that who finds a block known finds its digest.
            np.copyto(self.digests[where], digests, where=~known)
            self.known[where] = True
        return True


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
    opened, blocks
        Size and time of last change when it was opened, and what is known of its content since,
        where that was in another process.
    """

    def __init__(
        self,
        descriptor: int,
        name: str,
        opened: tuple[int, int] | None = None,
        blocks: Blocks | None = None,
    ) -> None:
        self._descriptor = descriptor
        self._close = weakref.finalize(self, os.close, descriptor)
        self._name = name
        self._opened = opened or self._stamp()
        self.size = self._opened[0]
        self._blocks = blocks or Blocks.of_size(self.size)

    def close(self) -> None:
        """Close the file, which cannot be read any more then."""
        self._descriptor = -1  # another file may get the number
        self._close()

    def read(self, start: int, size: int) -> Bytes:
        """Return the `size` bytes at `start`, which the file had when it was opened.

        Raises
        ------
        ModelFileError
            The file was written to since.
        """
        data = np.empty(size, np.uint8)
        if not self._fill(data, start) or self._stamp() != self._opened:
            raise self._changed()
        return data

    def read_again(self, start: int, size: int, checksum: Checksum | None = None) -> Bytes:
        """As `read`, also where the file was written to but has the same bytes there as before.

        They are compared with what was first read there. What was not read before the file was
        written to is compared with `checksum`, where there is one.
        """
        first, last = start // BLOCK_BYTES, -(-(start + size) // BLOCK_BYTES)
        lower, upper = first * BLOCK_BYTES, min(last * BLOCK_BYTES, self.size)
        blocks = _aligned(upper - lower, start - lower)
        if not self._fill(blocks, lower):
            raise self._changed()
        digests = self._blocks.digest(blocks)
        if not self._blocks.all_known(first, last) and self._stamp() != self._opened:
            self._learn_from(checksum)
        if not self._blocks.agree(first, digests):
            raise self._changed()
        return blocks[start - lower : start - lower + size]

    def _learn_from(self, checksum: Checksum | None) -> None:
        """Learn what the blocks of a member are like, if it is as its checksum says."""
        if checksum is None:
            raise self._changed()
        start, size, expected = checksum
        first, crc = start // BLOCK_BYTES, 0
        digests: list[npt.NDArray[np.uint64]] = []
        for lower in range(first * BLOCK_BYTES, start + size, _BLOCKS_AT_ONCE * BLOCK_BYTES):
            data = np.empty(min(_BLOCKS_AT_ONCE * BLOCK_BYTES, self.size - lower), np.uint8)
            if not self._fill(data, lower):
                raise self._changed()
            member = slice(max(start - lower, 0), min(start + size - lower, len(data)))
            crc = zlib.crc32(data[member].data, crc)
            digests.append(self._blocks.digest(data))
        if crc != expected or not self._blocks.agree(first, np.concatenate(digests)):
            raise self._changed()

    def _fill(self, data: Bytes, start: int) -> bool:
        """Read what stands at `start` into `data`; False if it is less."""
        view, done = data.data, 0
        while done < len(data):
            count = os.preadv(self._descriptor, [view[done:]], start + done)
            if count == 0:
                return False
            done += count
        return True

    def _changed(self) -> ModelFileError:
        return ModelFileError(
            f"{self._name}: the file was written to after it was opened, so its weights may be "
            "others by now. Load it again; to replace a file in use, rename another to its name, "
            "or load it with `in_memory=True`."
        )

    def _stamp(self) -> tuple[int, int]:
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns

    def __reduce__(self) -> tuple[Any, ...]:
        # The child has the open file itself, so it does not matter what became of its name.
        child = starting_child()
        if child is None:
            raise TypeError(f"{self._name}: an open file does not pickle.")
        inherited = child.DupFd(child.duplicate_for_child(self._descriptor))
        return _of_parent, (inherited, self._name, self._opened, self._blocks)


def _aligned(size: int, at: int) -> Bytes:
    """Return an empty array of `size` bytes, of which that at `at` is aligned for numbers."""
    skipped = -at % _ALIGNMENT  # arrays of NumPy begin at such addresses
    return np.empty(skipped + size, np.uint8)[skipped:]


def _of_parent(inherited: Any, name: str, opened: tuple[int, int], blocks: Blocks) -> File:
    descriptor = inherited.detach()
    os.set_inheritable(descriptor, False)
    return File(descriptor, name, opened, blocks)


def starting_child() -> Any:
    """Return the child process that is being started by pickling, if it can inherit open files."""
    context = sys.modules.get("multiprocessing.context")  # who starts one has imported it
    child = None if context is None else context.get_spawning_popen()
    return child if hasattr(child, "DupFd") else None
