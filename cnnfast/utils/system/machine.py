"""What this machine can do at best, measured: arithmetic and reading."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from cnnfast import _core
from cnnfast.utils.system.threads import positive

_SECONDS = 0.06  # for each figure; the best rate in that time counts
# Of arrays, in bytes: from what fits in a core's own cache to what is in memory.
_CORE_SIZE = 1 << 19
_SIZES = (1 << 21, 1 << 23, 1 << 25, 1 << 27)


@dataclass(frozen=True)
class Machine:
    """What so many cores of this machine can do together.

    Attributes
    ----------
    isa
        The instruction set that the kernels use.
    threads
        How many cores took part.
    gflops
        Multiply-adds in registers, in 10^9 operations per second.
    reading
        Pairs of a size in bytes and how fast an array of that size is read again and again, in
        10^9 bytes per second; the sizes ascend from a core's own cache to memory.
    """

    isa: str
    threads: int
    gflops: float
    reading: tuple[tuple[int, float], ...]

    def gbs(self, working_set: float) -> float:
        """Return how fast what is used again after `working_set` bytes is read, in GB/s."""
        for size, rate in self.reading:
            if working_set <= size:
                return rate
        return self.reading[-1][1]


def measure(threads: int = 1) -> Machine:
    """Measure `threads` cores together; takes half a second, once per process and number.

    Raises
    ------
    ValueError
        If `threads` is not a positive integer, or more than the system starts or a run takes.
    """
    return _measured(positive(threads, "threads"))


@cache
def _measured(threads: int) -> Machine:
    own = _CORE_SIZE * threads
    sizes = (own, *(size for size in _SIZES if size > own))
    return Machine(
        isa=_core.isa(),
        threads=threads,
        gflops=_core.fma_peak(_SECONDS, threads),
        reading=tuple((size, _core.read_peak(size, _SECONDS, threads)) for size in sizes),
    )
