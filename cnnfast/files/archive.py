"""The `.keras` container: a zip archive, or a directory with the same members.

Nothing is ever extracted. Four members are looked at, by their exact names; whatever else a
container holds is ignored, as Keras ignores the fourth.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections import Counter
from typing import TYPE_CHECKING

from cnnfast.files import json
from cnnfast.files.bounded import BoundedReader
from cnnfast.files.source import Source, open_file
from cnnfast.files.source import in_memory as from_bytes
from cnnfast.utils.records import record

if TYPE_CHECKING:
    from zipfile import ZipInfo

SIGNATURE = b"PK"
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
QUANTIZATION = "cnnfast_quantization.json"
SAVED_MODEL = "saved_model.pb"
MEMBERS = (CONFIG, METADATA, WEIGHTS, QUANTIZATION)

MAX_DIRECTORY_BYTES = 4 << 20
MAX_INFLATED_BYTES = 8 << 30
# Real weights hardly compress; a hundredfold is a bomb once it is large.
_MAX_EXPANSION, _EXPANSION_FLOOR = 100, 16 << 20

_STORED, _DEFLATED, _ENCRYPTED = 0, 8, 0x1
_SYMLINK_MODE = 0o120000
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


@record(frozen=True)
class Container:
    """The members of a `.keras` file, which is `whole`; the last two may be missing."""

    whole: Source
    config: Source
    weights: Source
    metadata: Source | None = None
    quantization: Source | None = None

    @property
    def name(self) -> str:
        """What error messages call the whole."""
        return self.whole.name

    def close(self) -> None:
        """Close the files."""
        for member in (self.config, self.weights, self.metadata, self.quantization):
            if member is not None:
                member.close()


def open_directory(path: str, *, stays: bool = True) -> Container:
    """Open a directory that holds the members as files, in which weights may be left if `stays`.

    Raises
    ------
    ModelFileError
        A member is missing, empty, or a symbolic link; or it is a SavedModel.
    """
    files = {
        name: open_file(os.path.join(path, name), follow_symlinks=False, stays=stays)
        for name in MEMBERS
        if os.path.lexists(os.path.join(path, name))
    }
    whole = from_bytes(b"", path)
    if not files and os.path.lexists(os.path.join(path, SAVED_MODEL)):
        raise whole.error(
            "a TensorFlow SavedModel, which is a graph of TensorFlow's and no file of Keras. Load "
            "it with the Keras 2 that saved it, `tf_keras.models.load_model(path)`, and save the "
            'model there as a file, `model.save("model.keras")`. What `model.export` of Keras 3 '
            "wrote cannot be loaded as a model: save the model itself."
        )
    return _container(whole, files, "a directory without it")


def open_zip(source: Source) -> Container:
    """Open a zip archive; members that are not compressed stay where they are.

    Raises
    ------
    ModelFileError
        The archive is damaged or lacks a member; or a member is there twice, overlaps another,
        is encrypted, a link, compressed in another way than by deflate, or more than a
        hundredfold.
    """
    entries = _entries(source)
    names = Counter(entry.filename for entry in entries)
    twice = [name for name in MEMBERS if names[name] > 1]
    if twice:
        raise source.error(f"the archive holds {twice[0]!r} more than once.")
    _check_overlap(source, entries)
    found = {e.filename: _member(source, e) for e in entries if e.filename in MEMBERS}
    return _container(source, found, f"an archive of {sorted(names)[:8]}")


def _container(whole: Source, members: dict[str, Source], received: str) -> Container:
    for name in (CONFIG, WEIGHTS):
        if name not in members:
            raise whole.error(f"a Keras model must hold {name!r}. Received: {received}.")
    for name in (CONFIG, METADATA, QUANTIZATION):
        if name in members and len(members[name]) > json.MAX_BYTES:
            raise whole.error(f"{name!r} may have at most {json.MAX_BYTES} bytes.")
    optional = (members.get(METADATA), members.get(QUANTIZATION))
    return Container(whole, members[CONFIG], members[WEIGHTS], *optional)


def _entries(source: Source) -> list[ZipInfo]:
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(_AsFile(source)) as archive:
            return archive.infolist()
    except (BadZipFile, ValueError, OSError, EOFError, struct.error, NotImplementedError) as error:
        raise source.error(f"a damaged zip archive ({error}).") from error


class _AsFile(BoundedReader):
    """What `ZipFile` looks for the end of the archive and the list of members in.

    It makes an object of each member, so a huge list is refused before.
    """

    def seekable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """As `BoundedReader.read`, for the size of a list of members at most."""
        if size > MAX_DIRECTORY_BYTES:
            raise ValueError(f"its list of members has {size} of {MAX_DIRECTORY_BYTES} bytes")
        return super().read(size)


def _check_overlap(source: Source, entries: list[ZipInfo]) -> None:
    """Each member must end before the next begins, so that no bytes count twice."""
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    starts = [entry.header_offset for entry in ordered[1:]] + [len(source)]
    for entry, following in zip(ordered, starts, strict=False):  # no entry has no next one
        data = entry.header_offset + _LOCAL_HEADER.size + len(entry.orig_filename)
        if entry.header_offset < 0 or data + entry.compress_size > following:
            raise source.error(f"member {entry.filename!r} overlaps the next one or the end.")


def _member(source: Source, entry: ZipInfo) -> Source:
    name = entry.filename
    if entry.flag_bits & _ENCRYPTED:
        raise source.error(f"member {name!r} is encrypted.")
    if (entry.external_attr >> 16) & 0o170000 == _SYMLINK_MODE:
        raise source.error(f"member {name!r} is a symbolic link.")
    if entry.compress_type not in {_STORED, _DEFLATED}:
        raise source.error(f"member {name!r} is compressed by method {entry.compress_type}.")
    start = _data_offset(source, entry)
    if entry.compress_type == _DEFLATED:
        return _inflate(source, entry, start)
    if entry.compress_size != entry.file_size:
        raise source.error(f"member {name!r} is stored, but has two sizes.")
    if entry.file_size == 0:
        raise source.error(f"member {name!r} is empty.")
    member = source.part(start, entry.file_size, name, entry.CRC)
    # The weights stay in the file, and may never be read whole: their checksum is not computed.
    if name != WEIGHTS and zlib.crc32(member.read().data) != entry.CRC:
        raise source.error(f"member {name!r} does not match its checksum.")
    return member


def _data_offset(source: Source, entry: ZipInfo) -> int:
    """Where the bytes of a member begin: behind its own header, its name and extra fields."""
    header = source.read(entry.header_offset, _LOCAL_HEADER.size)
    fields = _LOCAL_HEADER.unpack(header.tobytes())
    signature, flags, method, name_size, extra_size = (fields[i] for i in (0, 2, 3, 9, 10))
    start = entry.header_offset + _LOCAL_HEADER.size
    name = source.read(start, name_size).tobytes()
    data = int(start + name_size + extra_size)
    if (
        signature != b"PK\3\4"
        or name != entry.orig_filename.encode("ascii", "replace")
        or method != entry.compress_type
        or flags & _ENCRYPTED
        or data + entry.compress_size > len(source)
    ):
        raise source.error(f"member {entry.filename!r} does not match the list of members.")
    return data


def _inflate(source: Source, entry: ZipInfo, start: int) -> Source:
    size, name = entry.file_size, entry.filename
    limit = json.MAX_BYTES if name != WEIGHTS else MAX_INFLATED_BYTES
    too_dense = size > _EXPANSION_FLOOR and size > _MAX_EXPANSION * entry.compress_size
    if size > limit or too_dense:
        raise source.error(
            f"member {name!r} declares {size} bytes in {entry.compress_size} compressed ones."
        )
    packed = source.read(start, entry.compress_size)
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflater.decompress(packed.data, size + 1)
    except zlib.error as error:
        raise source.error(f"member {name!r} is damaged ({error}).") from error
    if len(content) != size or zlib.crc32(content) != entry.CRC or size == 0:
        raise source.error(f"member {name!r} does not match its size and checksum.")
    return from_bytes(content, f"{source.name}!{name}")
