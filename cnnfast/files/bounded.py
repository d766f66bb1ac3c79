"""A file-like view of bytes that limits how much can be asked of it."""

from __future__ import annotations

from cnnfast.files.source import Source

# A node of an index can be linked to itself: what one file makes its reader do must stay
# in proportion to the file. A small network needs about 50 reads per layer.
_MIN_READS, _MAX_READS, _BYTES_PER_READ = 20_000, 2_000_000, 8
_MIN_BYTES, _REREADS = 1 << 20, 4
# Headers stand close together: one read of the file serves many small ones.
_BLOCK_BYTES = 4096


class BoundedReader:
    """What the structure of a file is read through, by address or as of a file.

    Reads as of a file stop at the end of the bytes, whatever size was asked for. The number of
    reads and of bytes read in total is limited in proportion to the file.

    Attributes
    ----------
    size
        Number of bytes.

    Raises
    ------
    OSError
        A position outside the file.
    ValueError
        More reads than an honest file needs, or bytes that are not there.
    """

    closed = False

    def __init__(self, source: Source) -> None:
        self._source = source
        self._block, self._block_start = b"", 0
        self._position = 0
        self.size = size = len(source)
        self._reads_left = min(max(size // _BYTES_PER_READ, _MIN_READS), _MAX_READS)
        self._bytes_left = max(size * _REREADS, _MIN_BYTES)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move to `offset`, counted from the start (0), from here (1) or from the end (2)."""
        position = offset + (0, self._position, self.size)[whence]
        if not 0 <= position <= self.size:
            raise OSError(f"an address outside the file: {position}")
        self._position = position
        return position

    def tell(self) -> int:
        """Return the position, in bytes from the start."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return at most `size` bytes (all that are left if negative)."""
        available = self.size - self._position
        size = available if size < 0 else min(size, available)
        self.count(size)
        start, self._position = self._position, self._position + size
        return self._bytes(start, size)

    def at(self, address: int, size: int) -> bytes:
        """Return the `size` bytes at `address`, all of which must be there."""
        if size < 0 or address + size > self.size:
            raise ValueError("a structure that ends beyond the end of the file")
        self.count(size)
        return self._bytes(address, size)

    def count(self, size: int) -> None:
        """Count `size` bytes as read, which were and are now used once more."""
        self._reads_left -= 1
        self._bytes_left -= size
        if self._reads_left < 0 or self._bytes_left < 0:
            raise ValueError("its structure refers to itself, or is far larger than its content")

    def _bytes(self, start: int, size: int) -> bytes:
        if size > _BLOCK_BYTES:
            return self._source.read(start, size).tobytes()
        inside = start - self._block_start
        if not 0 <= inside <= len(self._block) - size:
            self._block = self._source.read(start, _BLOCK_BYTES).tobytes()
            self._block_start, inside = start, 0
        return self._block[inside : inside + size]
