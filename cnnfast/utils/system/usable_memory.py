"""How much memory this process may use: what is there, and what it is limited to."""

from __future__ import annotations

import os
from collections.abc import Iterator

from cnnfast.utils.system import control_groups
from cnnfast.utils.system.control_groups import ROOT, Directory


def usable_memory(root: Directory = ROOT) -> int | None:
    """Return how many bytes this process may use; None where the system does not say.

    The least of the machine's memory, the process' own limits (``ulimit -v``, ``-d``) and those of
    its control groups: of this process' group and all groups above it that can be seen, of version
    2 (``memory.max``, ``memory.high``) and version 1 (``memory.limit_in_bytes``).

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` stand.
    """
    limits = [*_machine(), *_process(), *_groups(root)]
    return min(limits, default=None)


def _machine() -> Iterator[int]:
    try:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return


def _process() -> Iterator[int]:
    try:
        import resource
    except ImportError:
        return
    for limit in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        soft, _ = resource.getrlimit(limit)
        if soft != resource.RLIM_INFINITY:
            yield soft


def _groups(root: Directory) -> Iterator[int]:
    version_2 = ("memory.max", "memory.high")
    for texts in control_groups.settings(version_2, "memory", ("memory.limit_in_bytes",), root):
        yield from (int(text) for text in texts if text.isdecimal())
