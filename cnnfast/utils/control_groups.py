"""What the control groups of this process say, of version 1 and 2; see cgroups(7)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def settings(
    version_2: tuple[str, ...], controller: str, version_1: tuple[str, ...], root: Path = ROOT
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
    for line in read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mounts, files = [root / "sys/fs/cgroup"], version_2
        elif controller in controllers.split(","):
            names = dict.fromkeys((controller, controllers))
            mounts, files = [root / "sys/fs/cgroup" / name for name in names], version_1
        else:
            continue
        for mount in mounts:
            for group in _groups(mount, path):
                yield [read(group / file) for file in files]


def read(path: Path) -> str:
    """Return the text of a file without white space at its ends; "" if it cannot be read."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _groups(mount: Path, path: str) -> Iterator[Path]:
    """Yield the directories of a group and of those above it; inside a container `mount` is its."""
    group = PurePosixPath(*(part for part in PurePosixPath(path).parts if part not in ("/", "..")))
    yield mount / group
    yield from (mount / parent for parent in group.parents)
