"""What a tree of weights holds: each dataset once, in one order, so that none is left unread."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import Protocol

from cnnfast.errors import ModelFileError
from cnnfast.files.hdf5 import H5Dataset

VARIABLES = "vars"
# Groups inside a model or layer that say nothing about its outputs.
_NOT_WEIGHTS = frozenset({"optimizer", "metrics", "_metrics", "_loss_tracker", "_compile_metrics"})
# A generator of random numbers keeps a few integers, under a name such as `seed_generator`.
_GENERATOR, _STATE_SIZE = "generator", 8
MAX_DEPTH = 64


class Tree(Protocol):
    """A group of the file, or of several files together; see `H5Group`."""

    @property
    def identity(self) -> Hashable: ...
    def names(self) -> list[str]: ...
    def __contains__(self, name: str, /) -> bool: ...
    def error(self, what: str) -> ModelFileError: ...
    def subgroup(self, name: str) -> Tree | None: ...
    def group(self, path: str) -> Tree: ...
    def dataset(self, path: str) -> H5Dataset: ...
    def text(self, name: str) -> str | None: ...


def weights_below(group: Tree) -> list[str]:
    """Return the path of each weight below `group`, in the order of `in_order`.

    The states of optimizers, metrics and random generators are none.
    """
    return in_order([path for path in _datasets(group, "", set(), 0) if _is_weight(group, path)])


def unread(group: Tree, name: str, read: Collection[str]) -> list[str]:
    """Return the path of each weight below the group `name` of `group` that is not in `read`."""
    below = _datasets(group.group(name), f"{name}/", set(), 0)
    return [path for path in below if path not in read and _is_weight(group, path)]


def in_order(paths: Collection[str]) -> list[str]:
    """Return paths of weights in the order in which a function gets them.

    First the layer's own by number, then those of the layers inside by the names of the
    attributes that hold them; numbers in names count as numbers.
    """
    return sorted(paths, key=_place)


def is_numbered(path: str) -> bool:
    """Whether `path` ends as those of `.keras` files do, with the number of a weight."""
    *_, group, name = ("", *path.split("/"))
    return group == VARIABLES and name.isdecimal()


def _place(path: str) -> list[tuple[bool, list[tuple[int, str]]]]:
    return [(part != VARIABLES, _natural(part)) for part in path.split("/")]


def _natural(name: str) -> list[tuple[int, str]]:
    parts = re.split(r"([0-9]+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts if part]


def _datasets(group: Tree, path: str, seen: set[Hashable], depth: int) -> Iterator[str]:
    """Yield the path of each dataset below the group at `path`; a group counts once."""
    if group.identity in seen:
        return
    if depth > MAX_DEPTH:
        raise group.error(f"groups may stand inside one another {MAX_DEPTH} deep.")
    seen.add(group.identity)
    numbered = path.endswith(f"{VARIABLES}/")
    for name in group.names():
        inner = None if numbered and name.isdecimal() else group.subgroup(name)
        if inner is None:
            yield path + name
        elif name not in _NOT_WEIGHTS:
            yield from _datasets(inner, f"{path}{name}/", seen, depth + 1)


def _is_weight(group: Tree, path: str) -> bool:
    owner = path.split("/")[:-2]
    if not owner or not owner[-1].endswith(_GENERATOR):
        return True
    dataset = group.dataset(path)
    return not (dataset.is_integer and sum(dataset.shape) <= _STATE_SIZE)


def listed(paths: Sequence[str]) -> str:
    """Return the first few of `paths` for a message."""
    more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
    return ", ".join(map(repr, paths[:3])) + more
