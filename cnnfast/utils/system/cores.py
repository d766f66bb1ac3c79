"""How many cores this process may use: what it may run on, what it may spend, what is there."""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from os.path import join

from cnnfast import _core
from cnnfast.utils.system import control_groups
from cnnfast.utils.system.control_groups import ROOT, Directory


def usable_cores() -> int:
    """Return the least of the allowed processors' physical cores and the quota of CPU time.

    A second thread on one core shares its arithmetic units with the first, and threads beyond
    the quota are stopped for the rest of each period, which the others then wait for.

    What ``taskset``, a batch system or ``os.sched_setaffinity`` allows counts. Where OpenMP's
    variables bind threads (``OMP_PROC_BIND``, ``OMP_PLACES``, ``GOMP_CPU_AFFINITY``), its runtime
    has left the calling thread one of its places only: all of its places count then.
    """
    processors = _core.allowed_processors()
    if not processors:
        return os.cpu_count() or 1
    cores = physical_cores(processors)
    quota = cpu_quota()
    return cores if quota is None else min(cores, math.ceil(quota))


def physical_cores(processors: Collection[int], root: Directory = ROOT) -> int:
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
        cpu = join(root, f"sys/devices/system/cpu/cpu{number}")
        cores.add(control_groups.read(join(cpu, "topology/thread_siblings_list")) or str(number))
    return len(cores)


def cpu_quota(root: Directory = ROOT) -> float | None:
    """Return how much CPU time the control groups allow, in processors; None without limit.

    The least of this process' group and all groups above it that can be seen, of version 2
    (``cpu.max``) and version 1 (``cpu.cfs_quota_us``); see cgroups(7).

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` stand.
    """
    settings = control_groups.settings(
        ("cpu.max",), "cpu", ("cpu.cfs_quota_us", "cpu.cfs_period_us"), root
    )
    quotas = (_quota(" ".join(texts)) for texts in settings)
    return min((quota for quota in quotas if quota is not None), default=None)


def _quota(text: str) -> float | None:
    """Read ``"quota period"``; no quota is ``"max"`` or -1."""
    fields = text.split()
    if len(fields) != 2 or not all(field.isdecimal() for field in fields):
        return None
    quota, period = map(int, fields)
    return quota / period if quota and period else None
