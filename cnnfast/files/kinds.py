"""What a file is, which its content says and not its name: told apart here alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum

from cnnfast.errors import ModelFileError
from cnnfast.files import archive, hdf5, shards
from cnnfast.files.archive import Container
from cnnfast.files.hdf5 import H5File
from cnnfast.files.source import Readable, Source, open_source, path_of
from cnnfast.utils.records import record


class Kind(Enum):
    """The kinds of files that Keras writes, by what a person calls them."""

    DIRECTORY = "Keras 3 directory"
    ARCHIVE = "Keras 3 archive (.keras)"
    HDF5 = "HDF5 (.h5)"
    SHARDS = "map of weights in shards (.weights.json)"
    FOREIGN = "unknown"


@record(frozen=True)
class Found:
    """An open file.

    Attributes
    ----------
    kind
        What it is.
    whole
        Its bytes; none of a directory.
    container
        Its members, if it is a directory or an archive.
    """

    kind: Kind
    whole: Source
    container: Container | None = None

    @property
    def name(self) -> str:
        """What error messages call it."""
        return self.whole.name

    @property
    def weights(self) -> H5File:
        """The HDF5 file with the weights, which may be the whole."""
        return H5File(self.whole if self.container is None else self.container.weights)

    def foreign(self, expected: str) -> ModelFileError:
        """Return an error for a file of another kind than `expected`; says how it starts."""
        start = self.whole.read(0, 16).tobytes()
        return self.whole.error(
            f"expected {expected}. Received: a file that starts with {start!r}."
        )


@contextmanager
def opened(readable: Readable, in_memory: bool = False) -> Iterator[Found]:
    """Open a file, or a directory of Keras 3, for as long as it is read.

    Files stay open afterwards for weights that are left in them, unless `in_memory`.

    Parameters
    ----------
    readable
        A directory, or what `open_source` takes.
    in_memory
        Whether the file is closed at the end.

    Raises
    ------
    ModelFileError
        If it is a directory or an archive, and no model is in it.
    """
    with ExitStack() as stack:
        if isinstance(readable, str | os.PathLike) and os.path.isdir(readable):
            container = archive.open_directory(path_of(readable), stays=not in_memory)
            found = Found(Kind.DIRECTORY, container.whole, container)
        else:
            source = open_source(readable, stays=not in_memory)
            if in_memory:
                stack.callback(source.close)
            found = _found(source)
        if in_memory and found.container is not None:
            stack.callback(found.container.close)
        yield found


def _found(source: Source) -> Found:
    if source.startswith(archive.SIGNATURE):
        return Found(Kind.ARCHIVE, source, archive.open_zip(source))
    if hdf5.within(source) is not None:
        return Found(Kind.HDF5, source)
    return Found(Kind.SHARDS if source.startswith(shards.SIGNATURE) else Kind.FOREIGN, source)
