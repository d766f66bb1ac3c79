"""How many threads a run may use: one knob."""

from __future__ import annotations

import os

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
    _chosen = None if threads is None else positive(threads, "threads")


def get_num_threads() -> int:
    """Return the number of threads that predictions use.

    That is the number set by `set_num_threads`, else `CNNFAST_NUM_THREADS`, else
    `OMP_NUM_THREADS`, else the processors that this process may run on.
    """
    global _chosen  # noqa: PLW0603
    if _chosen is None:
        _chosen = _default()
    return _chosen


def _default() -> int:
    for name in ("CNNFAST_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(name, "").split(",")[0].strip()
        if text:
            return positive(text, name)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def positive(threads: object, name: str) -> int:
    """Return `threads` as a number of at least 1; a ValueError with `name` where it is none."""
    try:
        number = int(threads)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        number = 0
    if isinstance(threads, (bool, float)) or number < 1:
        raise ValueError(f"{name} must be a positive integer. Received: {threads!r}")
    return int(number)
