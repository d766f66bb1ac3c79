"""`load_weights` and `save_weights`: the numbers of a model without its configuration."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from cnnfast.saving import archive, keras_format, legacy_h5
from cnnfast.saving.assignment import Assignment, assign_all
from cnnfast.saving.hdf5 import SIGNATURE as HDF5_SIGNATURE
from cnnfast.saving.hdf5 import H5File, H5Group
from cnnfast.saving.model import foreign
from cnnfast.saving.source import PathLike, map_file

if TYPE_CHECKING:
    from cnnfast.layers.layer import Layer

SUFFIX = ".weights.h5"


def load_weights(model: Layer, filepath: PathLike) -> None:
    """Replace the weights of `model` by those in a file.

    Parameters
    ----------
    model
        A built model.
    filepath
        `.weights.h5` of Keras 3, weights or whole-model `.h5` of any Keras, or `.keras`. What
        it is, is decided by its content.

    Raises
    ------
    ValueError
        The model is not built.
    FileNotFoundError
        Nothing is at `filepath`.
    ModelFileError
        The file is no such file, is damaged, or its weights do not fit the model; then no
        weight has changed. The message names the layer, the place in the file and both shapes.
    """
    if not model.built:
        raise ValueError(
            "You are loading weights into a model that has not yet been built. Call it on some "
            f"data or use `build()` first. Received: model {model.name!r}."
        )
    assign_all(_find(model, os.fspath(filepath)))


def _find(model: Layer, path: str) -> list[Assignment]:
    if os.path.isdir(path):
        return _in_keras_tree(model, H5File(archive.open_directory(path).weights).root)
    source = map_file(path)
    if source.startswith(archive.SIGNATURE):
        return _in_keras_tree(model, H5File(archive.open_zip(source).weights).root)
    if not source.startswith(HDF5_SIGNATURE):
        raise foreign(source, "weights that Keras saved (.weights.h5, .h5 or .keras)")
    root = H5File(source).root
    group = legacy_h5.weights_group(root)
    return _in_keras_tree(model, root) if group is None else legacy_h5.find_weights(model, group)


def _in_keras_tree(model: Layer, root: H5Group) -> list[Assignment]:
    if not keras_format.is_keras_tree(root):
        raise root.error(f"expected the weights of a Keras model. Received: {root.names()[:8]}.")
    return keras_format.find_weights(model, root, check_names=False)


def save_weights(model: Layer, filepath: PathLike, overwrite: bool = True) -> None:
    """Write the weights of `model` to a `.weights.h5` file that Keras 3 loads.

    The file is written beside `filepath` and renamed when it is complete, so a failure leaves
    the old file as it was.

    Parameters
    ----------
    model
        A built model.
    filepath
        Must end in ``.weights.h5``.
    overwrite
        Whether an existing file is replaced.

    Raises
    ------
    ValueError
        The model is not built, or `filepath` has another ending.
    FileExistsError
        There is a file and `overwrite` is False.
    ImportError
        h5py is not installed.
    """
    path = os.fspath(filepath)
    if not path.endswith(SUFFIX):
        raise ValueError(f"The filename must end in `{SUFFIX}`. Received: filepath={path}")
    if not model.built:
        raise ValueError(
            "You are saving a model that has not yet been built. Call it on some data or use "
            f"`build()` first. Received: model {model.name!r}."
        )
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{path} exists, and `overwrite` is False.")
    beside = f"{path}.{secrets.token_hex(8)}.tmp"
    try:
        _write(model, beside)
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.remove(beside)


def _write(model: Layer, path: str) -> None:
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "Writing HDF5 files needs h5py: pip install 'cnnfast[save]'. Reading does not."
        ) from error
    with h5py.File(path, "x") as file:
        for place in keras_format.places(model):
            group = file.create_group(place.variables_path)
            group.attrs["name"] = place.layer.name
            for number, weight in enumerate(place.weights):
                group.create_dataset(str(number), data=weight.numpy())
