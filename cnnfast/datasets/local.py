"""Where data sets are, and what is read of them; nothing is downloaded, nothing in them is run."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cnnfast.utils.data.local_files import get_file, keras_home

if TYPE_CHECKING:
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[Any]"
Split: TypeAlias = "tuple[tuple[Array, Array], tuple[Array, Array]]"

_STORE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def arrays(name: str, file_hash: str | None = None, path: str | None = None) -> dict[str, Array]:
    """Return the arrays of an ``.npz`` file in Keras' folder of data sets.

    Parameters
    ----------
    name
        Of the file.
    file_hash
        What Keras' own file hashes to.
    path
        Another name of it.
    """
    found = get_file(path or name, origin=f"{_STORE}{name}", file_hash=file_hash)
    with np.load(found, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def folder(names: Sequence[str], origin: str) -> Path:
    """Return the first of `names` that is a folder in Keras' folder of data sets.

    Raises
    ------
    FileNotFoundError
        If none is; the message says where to put it.
    """
    places = [keras_home() / "datasets" / name for name in names]
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(
        f"Nothing is downloaded here: unpack {origin} there. Looked for the folder: {places[0]}"
    )


def batch(path: Path) -> dict[bytes, Any]:
    """Return a file of CIFAR: a pickle of numbers, of which nothing else is taken."""
    with open(path, "rb") as file:
        found = _Numbers(io.BytesIO(file.read()), encoding="bytes").load()
    if not isinstance(found, dict):
        raise ValueError(f"{path} is no file of CIFAR. Received: a {type(found).__name__}")
    return found


class _Numbers(pickle.Unpickler):
    """Reads lists, dicts, texts and arrays of numbers."""

    _MAKERS = frozenset({"_reconstruct", "dtype", "ndarray"})

    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] != "numpy" or name not in self._MAKERS:
            raise ValueError(
                "A data set holds numbers and texts, and nothing in it is run. Received: "
                f"{module}.{name}"
            )
        if name == "_reconstruct":
            return _empty
        return getattr(np, name)


def _empty(kind: type, shape: Any, code: Any) -> Array:
    del kind, shape, code  # the array's state says all
    return np.empty(0, np.uint8)


def split(x: Array, y: Array, test_split: float, seed: int) -> Split:
    """Return the samples in random order, the last part of them apart."""
    if not 0 <= test_split < 1:
        raise ValueError(
            f"Invalid `test_split` argument: {test_split}. It must be between 0 and 1 (exclusive "
            "of 1)."
        )
    order = np.random.RandomState(seed).permutation(len(x))
    border = int(len(x) * (1 - test_split))
    first, last = order[:border], order[border:]
    return (x[first], y[first]), (x[last], y[last])
