"""Files where Keras keeps its downloads; nothing is downloaded here."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit


def keras_home() -> Path:
    """Return the folder of Keras' settings and downloads."""
    home = os.environ.get("KERAS_HOME")
    return Path(home) if home else Path.home() / ".keras"


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """Return the path of a file that Keras, or the user, has put into Keras' folder.

    Parameters
    ----------
    fname
        Name of the file; the last part of `origin` where None.
    origin
        Its address; ``file://`` addresses are read, nothing is downloaded.
    untar, extract, archive_format
        Whether it is an archive, whose folder of files is returned; it must be unpacked already.
    md5_hash, file_hash, hash_algorithm
        What the file must hash to.
    cache_subdir, cache_dir
        Where it is: ``~/.keras`` (or ``KERAS_HOME``) and ``datasets`` by default.
    force_download
        Must be False.

    Returns
    -------
    str
        The path.

    Raises
    ------
    FileNotFoundError
        If it is not there; the message says where to put it.
    ValueError
        If it does not hash to what is given, or an argument is illegal.

    Examples
    --------
    >>> cnnfast.utils.get_file("labels.txt", "https://example.org/labels.txt", cache_dir="data")
    ... # doctest: +SKIP
    'data/datasets/labels.txt'
    """
    if origin is None and fname is None:
        raise ValueError('Please specify the "origin" argument (URL of the file to download).')
    name = os.fspath(fname) if fname else os.path.basename(urlsplit(origin or "").path)
    if not name:
        raise ValueError(
            f"Can't parse the file name from the origin provided: '{origin}'. Please specify the "
            "`fname` argument."
        )
    if os.sep in name:
        raise ValueError(
            "Paths are no longer accepted as the `fname` argument. To specify the file's parent "
            f"directory, use the `cache_dir` argument. Received: fname={name}"
        )
    if force_download:
        raise ValueError("Nothing is downloaded here. Received: force_download=True")
    folder = Path(cache_dir).expanduser() if cache_dir is not None else keras_home()
    folder = folder / cache_subdir
    path = folder / name
    if not path.exists():
        _copy_local(origin, path)
    if extract or untar:
        return _extracted(path, bool(fname))
    if not path.exists():
        raise FileNotFoundError(_not_there(path, origin))
    _check_hash(path, md5_hash, file_hash, hash_algorithm)
    return str(path)


def _copy_local(origin: str | None, path: Path) -> None:
    address = urlsplit(origin or "")
    if address.scheme == "file" and os.path.exists(address.path):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(address.path, path)


def _extracted(path: Path, named: bool) -> str:
    stem = path.name.partition(".")[0] if named else path.name
    folder = path.with_name(f"{stem}_extracted" if named and "." in path.name else stem)
    if not folder.is_dir():
        raise FileNotFoundError(
            "Nothing is downloaded or unpacked here: unpack the archive there. Looked for the "
            f"folder: {folder}"
        )
    return str(folder)


def _not_there(path: Path, origin: str | None) -> str:
    return f"Nothing is downloaded here: put the file of {origin} there. Looked for: {path}"


def _check_hash(path: Path, md5: str | None, expected: str | None, algorithm: str) -> None:
    if md5 is not None and expected is None:
        expected, algorithm = md5, "md5"
    if expected is None:
        return
    long = algorithm == "sha256" or (algorithm == "auto" and len(expected) == 64)
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256" if long else "md5").hexdigest()
    if found != expected:
        raise ValueError(
            f"{path} is not the file that was asked for, or damaged. Expected hash: {expected}. "
            f"Received: {found}"
        )
