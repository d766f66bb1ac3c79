"""How many cores this process may use: what it may run on, what it may spend, what is there."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def usable_cores() -> int:
    """Return the least of the allowed processors' physical cores and the quota of CPU time.

    A second thread on one core shares its arithmetic units with the first, and threads beyond
    the quota are stopped for the rest of each period, which the others then wait for.
    """
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    cores = physical_cores(os.sched_getaffinity(0))
    quota = cpu_quota()
    return cores if quota is None else min(cores, math.ceil(quota))


def physical_cores(processors: Collection[int], root: Path = _ROOT) -> int:
    """Count the cores that `processors` belong to; where Linux does not say, each is its own.

    Parameters
    ----------
    processors
        Numbers of logical processors, as in ``os.sched_getaffinity``.
    root
        Where ``sys`` stands.
    """
    cores = set()
    for number in processors:
        cpu = root / f"sys/devices/system/cpu/cpu{number}"
        cores.add(_read(cpu / "topology/thread_siblings_list") or str(number))
    return len(cores)


def cpu_quota(root: Path = _ROOT) -> float | None:
    """Return how much CPU time the control groups allow, in processors; None without limit.

    The least of this process' group and all groups above it that can be seen, of version 2
    (``cpu.max``) and version 1 (``cpu.cfs_quota_us``); see cgroups(7).

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` stand.
    """
    quotas = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            limits = [_read(d / "cpu.max") for d in _groups(root / "sys/fs/cgroup", path)]
        elif "cpu" in controllers.split(","):
            names = dict.fromkeys(("cpu", controllers))
            limits = [
                f"{_read(d / 'cpu.cfs_quota_us')} {_read(d / 'cpu.cfs_period_us')}"
                for name in names
                for d in _groups(root / "sys/fs/cgroup" / name, path)
            ]
        else:
            continue
        quotas += [quota for quota in map(_quota, limits) if quota is not None]
    return min(quotas, default=None)


def _groups(mount: Path, path: str) -> Iterator[Path]:
    """Yield the directories of a group and of those above it; inside a container `mount` is its."""
    group = PurePosixPath(*(part for part in PurePosixPath(path).parts if part not in ("/", "..")))
    yield mount / group
    yield from (mount / parent for parent in group.parents)


def _quota(text: str) -> float | None:
    """Read ``"quota period"``; no quota is ``"max"`` or -1."""
    fields = text.split()
    if len(fields) != 2 or not all(field.isdecimal() for field in fields):
        return None
    quota, period = map(int, fields)
    return quota / period if quota and period else None


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
