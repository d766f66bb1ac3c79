"""Weights in several files, as Keras 3 writes them with `max_shard_size`.

``m.weights.json`` says which of ``m_00000.weights.h5``, ``m_00001.weights.h5`` and so on has which
weights. Only files of these names, beside it, are opened.
"""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from cnnfast.errors import ModelFileError
from cnnfast.files import json
from cnnfast.files.hdf5 import H5Dataset, H5File, H5Group
from cnnfast.files.source import Source, open_file

SIGNATURE, SUFFIX = b"{", ".weights.json"
MAX_SHARDS = 1000


class ShardedGroup:
    """The groups of one path in several files, which look like one; see `H5Group`."""

    def __init__(self, parts: Sequence[H5Group]) -> None:
        self._parts = parts

    def close(self) -> None:
        """Close the files."""
        for part in self._parts:
            part.file.source.close()

    def names(self) -> list[str]:
        """Return the names of what the groups link to."""
        return list(dict.fromkeys(name for part in self._parts for name in part.names()))

    def __contains__(self, name: str) -> bool:
        return any(name in part for part in self._parts)

    @property
    def identity(self) -> Hashable:
        """What two paths to the same groups have in common."""
        return tuple(part.identity for part in self._parts)

    def subgroup(self, name: str) -> ShardedGroup | None:
        """Return the groups called `name`, or None if it is a dataset in a file that has it."""
        parts = [part.subgroup(name) for part in self._parts if name in part]
        groups = [part for part in parts if part is not None]
        return ShardedGroup(groups) if groups and len(groups) == len(parts) else None

    def error(self, what: str) -> ModelFileError:
        """Return an error about the first of the groups."""
        return self._parts[0].error(what)

    def group(self, path: str) -> ShardedGroup:
        """Return the groups at `path` below these."""
        found = self
        for name in path.split("/"):
            holders = [part for part in found._parts if name in part] or found._parts[:1]
            found = ShardedGroup([part.group(name) for part in holders])
        return found

    def dataset(self, path: str) -> H5Dataset:
        """Return the dataset called `path`, of the first group that has one."""
        return next((p for p in self._parts if path in p), self._parts[0]).dataset(path)

    def text(self, name: str) -> str | None:
        """Return attribute `name` of the first group that has it."""
        return next((text for part in self._parts if (text := part.text(name)) is not None), None)


def open_shards(source: Source, path: str) -> ShardedGroup:
    """Open the files that the map at `path`, whose bytes are `source`, tells of.

    Raises
    ------
    ModelFileError
        It is no such map, or names other files.
    FileNotFoundError
        One of the files is not there.
    """
    config = json.loads(source.read().tobytes(), source.name)
    stored = config.get("weight_map") if isinstance(config, Mapping) else None
    if not isinstance(stored, Mapping) or not stored:
        raise source.error("expected a map of weights, as Keras writes beside files in shards.")
    directory, file_name = os.path.split(path)
    pattern = re.compile(re.escape(file_name.removesuffix(SUFFIX)) + r"_[0-9]{5}\.weights\.h5")
    names = sorted(set(_file_names(stored.values())))
    for name in names:
        if not pattern.fullmatch(name):
            raise source.error(f"the files must be called {pattern.pattern}. Received: {name!r}.")
    if len(names) > MAX_SHARDS:
        raise source.error(f"there may be {MAX_SHARDS} files. Received: {len(names)}.")
    files = [
        open_file(os.path.join(directory, name), follow_symlinks=False, stays=source.stays)
        for name in names
    ]
    return ShardedGroup([H5File(file).root for file in files])


def _file_names(values: Any) -> Iterator[str]:
    for value in values:
        yield from map(str, value if isinstance(value, list) else [value])
