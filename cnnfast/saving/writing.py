"""`save_model` and `save_weights`: files in the form of Keras 3."""

from __future__ import annotations

import io
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.files import archive
from cnnfast.files.atomic import check_overwrite, replacing, temporary
from cnnfast.files.contents import is_numbered, listed
from cnnfast.files.source import PathLike
from cnnfast.layers.serialization.stand_in import StandIn
from cnnfast.saving import keras_format, legacy_h5
from cnnfast.utils.warned import warn
from cnnfast.variables import snapshot

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer
    from cnnfast.models.model import Model

Writable: TypeAlias = PathLike | BinaryIO

WEIGHTS_SUFFIXES, MODEL_SUFFIXES = (".weights.h5",), (".keras", ".h5")
# The version whose form is written.
KERAS_VERSION = "3.15.0"

# Bytes that are copied at a time.
_COPIED = 1 << 20
# About what HDF5 adds to each array and to the file.
_HEADER_BYTES, _FILE_BYTES = 1 << 10, 64 << 10


def save_weights(model: Layer, filepath: Writable, overwrite: bool = True) -> None:
    """Write the weights of `model` to a `.weights.h5` file that Keras 3 loads.

    The file is written beside `filepath` and renamed when it is complete, so a failure leaves
    the old file as it was.

    Parameters
    ----------
    model
        A built model.
    filepath
        Must end in ``.weights.h5``; or a file that is open for writing in binary mode, which gets
        nothing where saving fails before.
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
    if not isinstance(filepath, str | os.PathLike):
        _write_into(filepath, model, _write_weights)
        return
    path = _checked(model, filepath, WEIGHTS_SUFFIXES, overwrite)
    with replacing(path) as beside:
        _write_weights(model, beside)


def save_model(
    model: Model,
    filepath: Writable,
    overwrite: bool = True,
    zipped: bool | None = None,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> None:
    """Write `model` to a file that Keras 3 loads; atomic as `save_weights` is.

    Parameters
    ----------
    model
        A built model.
    filepath
        Ends in ``.keras``, or in ``.h5`` for the older form, which does not say how the model
        is compiled. A directory where `zipped` is False. Or a file that is open for writing in
        binary mode, which gets what a ``.keras`` file would, and nothing where saving fails before.
    overwrite
        Whether an existing file is replaced.
    zipped
        Whether the parts of a ``.keras`` file are packed into one; False leaves them in a
        directory, each of which appears whole or not at all.
    include_optimizer
        Without effect: there is no state of an optimizer.
    save_format
        Of older versions; without effect, as the ending says it.

    Raises
    ------
    ValueError
        The model is not built, or `filepath` has another ending.
    FileExistsError
        There is a file and `overwrite` is False.
    ImportError
        h5py is not installed.
    """
    _warn_of_names(model)
    if not isinstance(filepath, str | os.PathLike):
        if zipped is False:
            raise ValueError(
                "With `zipped=False` the model becomes a directory, which must be given by its "
                f"path. Received: filepath={filepath!r}"
            )
        _write_into(filepath, model, _write_archive)
        return
    if zipped is not None and not zipped:
        _write_directory(model, filepath, overwrite)
        return
    path = _checked(model, filepath, MODEL_SUFFIXES, overwrite)
    if path.endswith(".h5") and model.quantization is not None:
        raise model.unsupported(
            "is in 8 bits, which a `.keras` file can say and an `.h5` file cannot. Received: "
            f"filepath={path}"
        )
    with replacing(path) as beside:
        (_write_archive if path.endswith(".keras") else _write_h5)(model, beside)


def _write_into(file: BinaryIO, model: Any, write: Callable[[Any, str], None]) -> None:
    """Write to a file of our own, and copy that when it is complete."""
    from tempfile import TemporaryDirectory

    if not hasattr(file, "write") or isinstance(file, io.TextIOBase):
        raise TypeError(
            "A model is written to a path or to a file that is open in binary mode. Received: "
            f"{file!r:.200}"
        )
    _check_built(model)
    with TemporaryDirectory() as directory:
        path = os.path.join(directory, "model")
        write(model, path)
        with open(path, "rb") as written:
            while part := written.read(_COPIED):
                _write_all(file, part)


def _write_all(file: BinaryIO, part: bytes) -> None:
    """Write all of `part`; a raw file, such as a pipe, may take less at a time and says so."""
    left = memoryview(part)
    while left:
        count = file.write(left)
        if count is None and not isinstance(file, io.RawIOBase):
            return  # an object that is no file of Python's, and says nothing
        if not count:
            raise OSError("A file must take what is written to it. Received: one that took nothing")
        left = left[count:]


def _checked(model: Layer, filepath: PathLike, suffixes: tuple[str, ...], overwrite: bool) -> str:
    path = os.fspath(filepath)
    if not path.endswith(suffixes):
        endings = " or ".join(f"`{suffix}`" for suffix in suffixes)
        raise ValueError(
            f"Invalid filepath extension for saving: the filename must end in {endings}. "
            f"Received: filepath={path}"
        )
    _check_built(model)
    check_overwrite(path, overwrite)
    return path


def _check_built(model: Layer) -> None:
    if not model.built:
        raise ValueError(
            "You are saving a model that has not yet been built. Call it on some data or use "
            f"`build()` first. Received: model {model.name!r}."
        )


def _metadata() -> str:
    saved = time.strftime("%Y-%m-%d@%H:%M:%S")
    return json.dumps({"keras_version": KERAS_VERSION, "date_saved": saved})


def _texts(model: Model) -> dict[str, str]:
    """Return the members of a `.keras` file that are text."""
    texts = {archive.METADATA: _metadata(), archive.CONFIG: model.to_json()}
    if model.quantization is not None:
        texts[archive.QUANTIZATION] = json.dumps(model.quantization.get_config())
    return texts


def _write_directory(model: Model, filepath: PathLike, overwrite: bool) -> None:
    path = os.fspath(filepath)
    if path.endswith(".keras"):
        raise ValueError(
            "With `zipped=False` the model becomes a directory, whose name should not end in "
            f"`.keras`. Received: filepath={path}"
        )
    _check_built(model)
    check_overwrite(path, overwrite)
    texts = _texts(model)
    os.makedirs(path, exist_ok=True)
    with suppress(FileNotFoundError):  # of the model that was here before
        os.remove(os.path.join(path, archive.QUANTIZATION))
    with replacing(os.path.join(path, archive.WEIGHTS)) as beside:
        _write_weights(model, beside)
    for name, text in texts.items():
        with replacing(os.path.join(path, name)) as beside, open(beside, "x") as file:
            file.write(text)


def _write_archive(model: Model, path: str) -> None:
    from zipfile import ZipFile

    with temporary(path) as weights:
        _write_weights(model, weights)
        with ZipFile(path, "x") as target:
            for name, text in _texts(model).items():
                target.writestr(name, text)
            target.write(weights, archive.WEIGHTS)


def _check_stand_ins(model: Layer, *, legacy: bool) -> None:
    """Refuse a form of file in which the order of a layer's weights is not known.

    They are the weights of layers for which functions stand in.

    Raises
    ------
    UnsupportedError
        They came from a file of the other form.
    """
    top = [model, *keras_format.sublayers(model)]
    for layer in model._flatten_layers():
        if not isinstance(layer, StandIn) or not layer.stored:
            continue
        places = [weight.place for weight in layer.stored]
        numbered, own = all(map(is_numbered, places)), all(p.count("/") == 1 for p in places)
        if numbered if not legacy else any(layer is x for x in top) and (own or not numbered):
            continue
        raise UnsupportedError(
            "can be saved in the form of file that its weights came from alone, and to `.h5` "
            f"where it is not a part of another. Received: weights {places}",
            layer=layer.name,
            class_name=layer._class_name,
        )


def _warn_of_names(model: Layer) -> None:
    names = [layer.name for layer in model._flatten_layers() if "/" in layer.name]
    if names:
        warn(
            "Keras 3 loads no layers with '/' in their names; Keras 2 and cnnfast do. "
            f"Received: {listed(names)}"
        )


def _write_h5(model: Model, path: str) -> None:
    _check_stand_ins(model, legacy=True)
    with _new_h5(path, model) as file:
        file.attrs["model_config"] = model.to_json()
        group = file.create_group(legacy_h5.MODEL_WEIGHTS)
        for holder in (file, group):
            holder.attrs["keras_version"] = KERAS_VERSION
            holder.attrs["backend"] = "tensorflow"
        _set_texts(group, legacy_h5.LAYER_NAMES, [layer.name for layer in model.layers])
        for layer in model.layers:
            # Where a name has a path, a group of another layer may be inside.
            inner = group.require_group(layer.name)
            weights = legacy_h5.ordered_by_keras_3(layer)
            names = [f"{i}/{weight.name}" for i, weight in enumerate(weights)]
            _set_texts(inner, legacy_h5.WEIGHT_NAMES, names)
            for name, weight in zip(names, weights, strict=True):
                inner.create_dataset(name, data=weight.numpy())


def _set_texts(group: Any, name: str, texts: list[str]) -> None:
    """Set an attribute, in parts where it is larger than the header of a group may be."""
    items = np.array([text.encode() for text in texts], dtype="S")
    parts = -(-items.nbytes // legacy_h5.MAX_ATTRIBUTE_BYTES)
    if parts <= 1:
        group.attrs[name] = items
        return
    for number, part in enumerate(np.array_split(items, parts)):
        group.attrs[f"{name}{number}"] = part


@contextmanager
def _new_h5(path: str, model: Layer) -> Iterator[Any]:
    library = h5py()
    _check_space(path, model)
    try:
        with snapshot(model.weights), library.File(path, "x") as file:
            yield file
    except RuntimeError as error:  # what h5py makes of a full disk where it closes the file
        raise OSError(f"{path} could not be written: {error}") from error


def _check_space(path: str, model: Layer) -> None:
    """Raise OSError if the disk has no room for the weights of `model` at `path`.

    HDF5 cannot be relied on to survive a write that fails: it tries again when objects are freed.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    size = sum(4 * math.prod(w.shape) + _HEADER_BYTES for w in model.weights) + _FILE_BYTES
    try:
        with open(path, "xb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
    finally:
        os.remove(path)


def _write_weights(model: Layer, path: str) -> None:
    _check_stand_ins(model, legacy=False)
    with _new_h5(path, model) as file:
        for place in keras_format.places(model):
            group = file.create_group(place.variables_path)
            group.attrs["name"] = place.layer.name
            if place.layer._stores_in_its_own_way:
                store: dict[str, Any] = {}
                place.layer.save_own_variables(store)
                for name, item in store.items():
                    group.create_dataset(name, data=np.asarray(item))
                continue
            _check_stored(place.layer)
            for dataset, weight in place.datasets:
                file.create_dataset(dataset, data=weight.numpy())


def _check_stored(layer: Layer) -> None:
    """Refuse weights that Keras would pass over when it loads the file.

    Raises
    ------
    UnsupportedError
        If a class of the user's has weights that the class of Keras does not store.
    """
    stored = set(layer._stored_variables())
    passed_over = [v.name for v in layer._own_variables() if v not in stored]
    if passed_over:
        raise layer.unsupported(
            "is made from a class of Keras that stores its own weights alone, so that a file would "
            f"lose the others. Received: {passed_over}",
            advice="Store them in a `save_own_variables` and take them in a `load_own_variables`.",
        )


def h5py() -> Any:
    """Import h5py, which only writing needs."""
    try:
        import h5py  # type: ignore[import-untyped]
    except ImportError as error:
        raise ImportError(
            "Writing HDF5 files needs h5py: pip install 'cnnfast[save]'. Reading does not."
        ) from error
    return h5py
