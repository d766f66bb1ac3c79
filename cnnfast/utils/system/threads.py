"""How many threads a run may use: one knob."""

from __future__ import annotations

import os
import warnings

from cnnfast.utils.locks import Guard
from cnnfast.utils.system.cores import usable_cores

# What the core can be told.
_MOST = 2**31 - 1

_guard = Guard()
_chosen: int | None = None


def set_num_threads(threads: int | None) -> None:
    """Set the number of threads that predictions use from now on.

    Parameters
    ----------
    threads : int or None
        At least 1; None returns to the default of `get_num_threads`.

    Raises
    ------
    ValueError
        If `threads` is not a positive integer.
    """
    global _chosen  # noqa: PLW0603 - the knob is process-wide, as in other array libraries
    chosen = None if threads is None else positive(threads, "threads")
    with _guard.lock:
        _chosen = chosen


def get_num_threads() -> int:
    """Return the number of threads that predictions use.

    That is the number set by `set_num_threads`, else `CNNFAST_NUM_THREADS`, else
    `OMP_NUM_THREADS`, else the physical cores among the processors that this process may run
    on, or the CPU time that its control group may spend, rounded up, where that is less. Where
    OpenMP's variables bind threads (`OMP_PROC_BIND`, `OMP_PLACES`, `GOMP_CPU_AFFINITY`), all
    their places count.

    A run takes fewer where the work would not pay for waking them, and where the calling thread
    has lowered OpenMP's limit, as ``threadpoolctl.threadpool_limits`` does.
    """
    global _chosen  # noqa: PLW0603
    chosen = _chosen
    if chosen is not None:
        return chosen
    with _guard.lock:
        if _chosen is None:
            _chosen = _default()
        return _chosen


def _default() -> int:
    wanted = os.environ.get("CNNFAST_NUM_THREADS", "").strip()
    if wanted:
        return positive(wanted, "CNNFAST_NUM_THREADS")
    wanted = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if wanted:
        try:
            return positive(wanted, "OMP_NUM_THREADS")
        except ValueError as error:  # not ours: OpenMP's runtimes warn, too, and go on
            warnings.warn(f"{error}. It is ignored", RuntimeWarning, stacklevel=3)
    return usable_cores()


def positive(threads: object, name: str) -> int:
    """Return `threads` as an integer; `name` is what the error calls it.

    Raises
    ------
    ValueError
        If it is not a positive integer, or more than an integer of 32 bits holds.
    """
    try:
        number = int(threads)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        number = 0
    if isinstance(threads, (bool, float)) or number < 1:
        raise ValueError(f"{name} must be a positive integer. Received: {threads!r}")
    if number > _MOST:
        raise ValueError(f"{name} must be at most {_MOST}. Received: {threads!r}")
    return int(number)
