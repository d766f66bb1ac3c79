"""HDF5 as a stranger may have written it: groups, attributes and plain arrays, nothing else.

Every step of a path must be a hard link, so no other file is ever opened. What a dataset
declares is compared with what the caller expects before memory is taken for it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.errors import ModelFileError
from cnnfast.files import hdf5_storage
from cnnfast.files.bounded import BoundedReader
from cnnfast.files.hdf5_objects import ObjectHeader, ObjectReader
from cnnfast.files.hdf5_types import NumberType
from cnnfast.files.source import Source
from cnnfast.utils.records import record

if TYPE_CHECKING:
    import numpy.typing as npt

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SMALLEST_USER_BLOCK = 512
MAX_ATTRIBUTE_BYTES = 64 << 20


def within(source: Source) -> Source | None:
    """Return the HDF5 file in `source`; None if there is none.

    It may begin behind a block of the user's own, of 512 bytes or twice, four times… as many.
    """
    at = 0
    while at < len(source):
        if source.read(at, len(_SIGNATURE)).tobytes() == _SIGNATURE:
            return source.behind(at)
        at = max(2 * at, _SMALLEST_USER_BLOCK)
    return None


class H5File:
    """An HDF5 file open for reading.

    Parameters
    ----------
    source
        Its bytes.

    Raises
    ------
    ModelFileError
        The bytes are not an HDF5 file, or are damaged. Every method of this class and of
        `H5Group` raises it too, with the file, the path inside it and what is wrong.
    """

    def __init__(self, source: Source) -> None:
        found = within(source)
        if found is None:
            raise source.error("not an HDF5 file.")
        self.source = source = found
        with self.reading("/"):
            self.objects = ObjectReader(BoundedReader(source))
            self._root = self.objects.at(self.objects.root)
            _ = self.root  # which is no group in some damaged files
        self._unread = len(source)
        self._room = hdf5_storage.MAX_EXPANSION * len(source) + hdf5_storage.EXPANSION_FLOOR

    @property
    def root(self) -> H5Group:
        """The group that holds all others; it holds the file, and not the other way round."""
        return H5Group(self, "/", self._root)

    @contextmanager
    def reading(self, path: str) -> Iterator[None]:
        """Turn whatever parsing raises into a `ModelFileError` about `path`."""
        try:
            yield
        except ModelFileError:
            raise
        except Exception as error:
            detail = str(error) or "a broken HDF5 structure"
            raise self.source.error(f"cannot read {path!r}: {detail}.") from error

    def take(self, stored: int, size: int) -> None:
        """Count `stored` bytes, which make an array of `size` bytes, as read.

        An honest file needs each of its bytes once. Otherwise many links to one small array,
        or many small arrays compressed a thousandfold, would cost any amount of memory.
        """
        self._unread -= stored
        self._room -= size
        if self._unread < 0 or self._room < 0:
            raise ValueError("its datasets together are larger than the file")


class H5Group:
    """A group: links by name and attributes.

    Attributes
    ----------
    path
        Where it is in the file, for error messages.
    """

    def __init__(self, file: H5File, path: str, header: ObjectHeader) -> None:
        self.file = file
        self.path = path
        self._header = header
        with file.reading(path):
            if header.is_dataset:
                raise ValueError("expected a group. Received: a dataset")
            self._links = header.links

    def names(self) -> list[str]:
        """Return the names of what the group links to, of whatever kind the links are."""
        return list(self._links)

    def __contains__(self, name: str) -> bool:
        return name in self._links

    @property
    def identity(self) -> Hashable:
        """What two paths to the same group have in common."""
        return id(self._header)

    def subgroup(self, name: str) -> H5Group | None:
        """Return the group called `name`, or None if it is a dataset; raises as `group` does."""
        header, path = self._follow(name), _join(self.path, name)
        with self.file.reading(path):
            dataset = header.is_dataset
        return None if dataset else H5Group(self.file, path, header)

    def error(self, what: str) -> ModelFileError:
        """Return an error about this group."""
        return self.file.source.error(f"{self.path!r}: {what}")

    def group(self, path: str) -> H5Group:
        """Return the group at `path` below this one.

        Raises
        ------
        ModelFileError
            A step of the path is missing, is no hard link, or is a dataset.
        """
        found = self
        for name in path.split("/"):
            found = H5Group(self.file, _join(found.path, name), found._follow(name))
        return found

    def dataset(self, path: str) -> H5Dataset:
        """Return the dataset at `path` below this group; raises as `group` does."""
        *groups, name = path.split("/")
        parent = self.group("/".join(groups)) if groups else self
        return H5Dataset(self.file, _join(parent.path, name), parent._follow(name))

    def attribute(self, name: str) -> Any:
        """Return attribute `name`: str, int, float, an array, or None if absent."""
        with self.file.reading(f"{self.path}@{name}"):
            value = self._header.attribute(name)
            if isinstance(value, np.ndarray) and value.shape == ():
                value = value[()]
            return _decoded(value) if isinstance(value, bytes | str) else value

    def text(self, name: str) -> str | None:
        """Return attribute `name`, which must be text; None if absent."""
        value = self.attribute(name)
        if value is None or isinstance(value, str):
            return value
        raise self.error(f"attribute {name!r} must be text. Received: {type(value).__name__}.")

    def texts(self, name: str) -> list[str] | None:
        """Return the list of strings in attribute `name`, also where Keras split it.

        An attribute over 64512 bytes is stored as name0, name1, …
        (keras/src/legacy/saving/legacy_h5_format.py, `save_attributes_to_hdf5_group`).
        """
        parts = [self.attribute(name)]
        if parts[0] is None:
            parts = []
            while (part := self.attribute(f"{name}{len(parts)}")) is not None:
                parts.append(part)
            if not parts:
                return None
        with self.file.reading(f"{self.path}@{name}"):
            items = [item for part in parts for item in np.atleast_1d(part).ravel()]
            if sum(map(_text_size, items)) > MAX_ATTRIBUTE_BYTES:
                raise ValueError(f"its strings are longer than {MAX_ATTRIBUTE_BYTES} bytes")
            return [_decoded(item) for item in items]

    def _follow(self, name: str) -> ObjectHeader:
        path = _join(self.path, name)
        if name not in self._links:
            raise self.file.source.error(f"there is no {path!r}.")
        target = self._links[name]
        if isinstance(target, str):
            raise self.file.source.error(
                f"{path!r} must be stored in the file itself. Received: a {target}."
            )
        with self.file.reading(path):
            return self.file.objects.at(target)


class H5Dataset:
    """One array of the file, not read yet.

    Attributes
    ----------
    path
        Where it is in the file, for error messages.
    shape
        The shape it declares.
    """

    def __init__(self, file: H5File, path: str, header: ObjectHeader) -> None:
        self.file = file
        self.path = path
        with file.reading(path):
            if not header.is_dataset:
                raise ValueError("expected a dataset. Received: a group")
            self._header = header
            self.shape: tuple[int, ...] = hdf5_storage.shape_of(header)
        self._storage: hdf5_storage.Storage | None = None

    def error(self, what: str) -> ModelFileError:
        """Return an error about this dataset."""
        return self.file.source.error(f"{self.path!r}: {what}")

    def checked_shape(self) -> tuple[int, ...]:
        """Return the shape, if the file holds as many numbers; raises as `locate` does."""
        with self.file.reading(self.path):
            return hdf5_storage.describe(self._header).shape

    @property
    def is_integer(self) -> bool:
        """Whether it holds integers."""
        return self.dtype.startswith(("int", "uint"))

    @property
    def dtype(self) -> str:
        """The name of the type of its numbers."""
        with self.file.reading(self.path):
            kind = hdf5_storage.number_type(self._header)
            return "bfloat16" if kind.bfloat16 else kind.numpy.name

    def locate(self, shape: Sequence[int]) -> None:
        """Check that the array has the expected `shape` and may be read; read nothing of it.

        Raises
        ------
        ModelFileError
            The shape differs, or the array is stored in a way that is refused: outside the
            file, virtual, with an unknown filter, of a type that is not a plain number, or
            more than a hundredfold compressed.
        """
        if self.shape != tuple(shape):
            raise self.error(f"expected the shape {tuple(shape)}. Received: {self.shape}.")
        if self._storage is None:
            with self.file.reading(self.path):
                storage = hdf5_storage.describe(self._header)
                self.file.take(storage.stored_bytes, storage.size)
                self._storage = storage

    def read(self, shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Read the array; raises as `locate` does.

        Returns
        -------
        ndarray
            float32, C-contiguous, read-only, not a part of what the file keeps in memory.
        """
        self.locate(shape)
        assert self._storage is not None
        with self.file.reading(self.path):
            array = self._storage.read(self.file.source)
            return _as_float32(array, self._storage.dtype)

    def stored(self, shape: Sequence[int]) -> StoredArray | None:
        """Return how to read the array later; None where it takes more than copying its bytes.

        Raises as `locate` does.
        """
        self.locate(shape)
        storage, source = self._storage, self.file.source
        if not isinstance(storage, hdf5_storage.Contiguous) or not source.stays:
            return None
        plain = storage.dtype.numpy == np.float32 and not storage.dtype.bfloat16
        return StoredArray(source, storage) if plain else None


@record(frozen=True)
class StoredArray:
    """Float32 numbers that stand in a file as they do in memory.

    A child process that is being started gets the open file; other pickles hold the array, because
    they may be read after the file is gone, or where there is none or another of its name.
    """

    source: Source
    storage: hdf5_storage.Contiguous

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.storage.shape

    def read(self) -> npt.NDArray[np.float32]:
        """Return the numbers, in an array of their own each time.

        Raises
        ------
        ModelFileError
            The file was written to since it was opened, and has other bytes there.
        """
        return self.storage.read_again(self.source)

    def rows(self, first: int, last: int) -> npt.NDArray[np.float32]:
        """Return rows `first` to ``last - 1`` of the last axis; raises as `read` does."""
        return self.storage.read_rows(self.source, first, last)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.source.shareable:
            return super().__reduce_ex__(protocol)
        return self.read().__reduce_ex__(protocol)


def _as_float32(array: npt.NDArray[Any], dtype: NumberType) -> npt.NDArray[np.float32]:
    if dtype.bfloat16:
        array = (array.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        result = array.astype(np.float32, order="C", copy=False)
    result.flags.writeable = False
    return result


def _join(path: str, name: str) -> str:
    return f"{path.rstrip('/')}/{name}"


def _text_size(item: Any) -> int:
    if not isinstance(item, bytes | str):
        raise TypeError(f"expected text. Received: {type(item).__name__}")
    return len(item)


def _decoded(item: bytes | str) -> str:
    if len(item) > MAX_ATTRIBUTE_BYTES:
        raise ValueError(f"text longer than {MAX_ATTRIBUTE_BYTES} bytes")
    return bytes(item).decode("utf-8") if isinstance(item, bytes) else str(item)
