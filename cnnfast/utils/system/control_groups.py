"""What the control groups of this process say, of version 1 and 2; see cgroups(7)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from os.path import join
from typing import TypeAlias

Directory: TypeAlias = str | os.PathLike[str]

ROOT = "/"


def settings(
    version_2: tuple[str, ...], controller: str, version_1: tuple[str, ...], root: Directory = ROOT
) -> Iterator[list[str]]:
    """Yield the files' texts for this process' group and all groups above it that can be seen.

    Parameters
    ----------
    version_2
        Names of files in a group of version 2.
    controller
        The controller of version 1 that has the same.
    version_1
        Names of files in a group of that.
    root
        Where ``proc`` and ``sys`` stand.

    Yields
    ------
    list of str
        The texts of one group's files, "" for one that is not there.
    """
    for line in read(join(root, "proc/self/cgroup")).splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mounts, files = [join(root, "sys/fs/cgroup")], version_2
        elif controller in controllers.split(","):
            names = dict.fromkeys((controller, controllers))
            mounts, files = [join(root, "sys/fs/cgroup", name) for name in names], version_1
        else:
            continue
        for mount in mounts:
            for group in _groups(mount, path):
                yield [read(join(group, file)) for file in files]


def read(path: str) -> str:
    """Return the text of a file without white space at its ends; "" if it cannot be read."""
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def _groups(mount: str, path: str) -> Iterator[str]:
    """Yield the directories of a group and of those above it; inside a container `mount` is its."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    for depth in range(len(parts), -1, -1):
        yield join(mount, *parts[:depth])
