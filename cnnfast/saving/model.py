"""`load_model`: from a file that Keras wrote to a model that runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cnnfast.errors import ModelFileError
from cnnfast.files import json, kinds
from cnnfast.files.archive import Container
from cnnfast.files.hdf5 import H5File
from cnnfast.files.kinds import Found, Kind
from cnnfast.files.source import Readable
from cnnfast.saving import keras_format, legacy_h5, stored
from cnnfast.saving.assignment import Mismatches, assign_all, check_complete
from cnnfast.saving.config import CustomObjects, build_model
from cnnfast.saving.training import compile_from
from cnnfast.utils import handed_over

if TYPE_CHECKING:
    from cnnfast.models.model import Model

MODEL_CONFIG, TRAINING_CONFIG, KERAS_VERSION = "model_config", "training_config", "keras_version"


def load_model(
    filepath: Readable,
    custom_objects: CustomObjects = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    weight_dtype: str | None = None,
    precision: str | None = None,
    in_memory: bool = False,
) -> Model:
    """Load a whole model that Keras saved: `.keras` (zip or directory) or `.h5`.

    What the file is, is decided by its content, not by its name. Nothing in it is executed,
    imported or opened by path. Weights that stand uncompressed in the file stay there, and are
    read when a plan packs them. Replacing the file by another is safe. Where it is written to in
    place, its content is checked: the same numbers run on, and others raise `ModelFileError`.

    Parameters
    ----------
    filepath
        The file or directory, bytes, or a file that is open for reading in binary mode, which is
        read from its position to its end.
    custom_objects
        What stands in for layers that no file can describe, activations, losses and metrics, and
        wins over Keras' own: by the name of the layer, or by that of the class or function, a
        function of NumPy arrays, float32 with the batch as first axis, or a subclass of
        `cnnfast.layers.Layer`. For a layer with weights ``f(x, *weights)`` gets them in the order
        of the file. A warning names what nothing goes by.
    compile
        Whether to compile the model as it was when it was saved.
    safe_mode
        As in Keras. There is no unsafe mode: nothing in a file is executed.
    weight_dtype
        ``"float16"`` or ``"bfloat16"`` stores the weights of large dense layers in 16 bits, which
        halves the time to read them; see `Model.weight_dtype`.
    precision
        ``"bfloat16"`` rounds the operands of products in convolutions and dense layers, which
        processors with AVX512_BF16 multiply two at a time; see `Model.precision`.
    in_memory
        Whether all weights are read now and the file is closed, so that the model needs it no more.
        Bytes and open files always are.

    Returns
    -------
    Model
        The model, built, with its weights.

    Raises
    ------
    FileNotFoundError
        Nothing is at `filepath`.
    TypeError
        `filepath` is no path, bytes or binary file.
    ModelFileError
        It is no model that Keras saved, is damaged, tries something that a model file has no
        need of, or its weights do not fit its configuration.
    UnsupportedError
        The model has layers or options that are not supported; all are listed.
    ValueError
        `weight_dtype` or `precision` is another one.
    """
    with handed_over.scope(custom_objects) as given, kinds.opened(filepath, in_memory) as found:
        model = _load(found, compile)
    given.warn_of_unused()
    model.weight_dtype, model.precision = weight_dtype, precision
    return model


def _load(found: Found, compile: bool) -> Model:
    if found.container is not None:
        return _from_container(found.container, found.name, compile)
    if found.kind is Kind.HDF5:
        return _from_h5(found.weights, found.name, compile)
    raise found.foreign("a model that Keras saved (.keras or .h5)")


def _from_container(container: Container, path: str, compile: bool) -> Model:
    config = json.loads(container.config.read().tobytes(), container.config.name)
    root = H5File(container.weights).root
    model = build_model(
        config, path, _version(container), lambda renamed: stored.in_keras_tree(renamed, root)
    )
    none = Mismatches()
    classes = keras_format.classes_in_file(model, config)
    found = keras_format.find_weights(
        model, root, mismatches=none, check_names=True, classes=classes
    )
    assign_all(found, none)
    check_complete(model, found, path)
    training = config.get("compile_config") if isinstance(config, Mapping) else None
    handed_over.mention(training)
    if compile:
        compile_from(model, training, path)
    if container.quantization is not None:
        from cnnfast.saving.quantization import quantized

        return quantized(model, container.quantization)
    return model


def _version(container: Container) -> str | None:
    """Return the version of Keras that wrote the archive, if it says so."""
    if container.metadata is None:
        return None
    metadata = json.loads(container.metadata.read().tobytes(), container.metadata.name)
    version = metadata.get(KERAS_VERSION) if isinstance(metadata, Mapping) else None
    return version if isinstance(version, str) else None


def _from_h5(file: H5File, path: str, compile: bool) -> Model:
    text = file.root.text(MODEL_CONFIG)
    if text is None:
        raise ModelFileError(
            f"{path}: the file has no `{MODEL_CONFIG}`, so it holds weights at most. Make the "
            "model and call `model.load_weights` on it."
        )
    group = legacy_h5.weights_group(file.root)
    if group is None:
        raise ModelFileError(f"{path}: the file has a `{MODEL_CONFIG}`, but no weights.")
    version = file.root.text(KERAS_VERSION) or group.text(KERAS_VERSION)
    config = json.loads(text, f"{path}@{MODEL_CONFIG}")
    model = build_model(
        config, path, version, lambda renamed: stored.in_legacy_groups(renamed, group)
    )
    none = Mismatches()
    found = legacy_h5.find_weights(model, group, by_name=False, mismatches=none)
    assign_all(found, none)
    check_complete(model, found, path)
    training = file.root.text(TRAINING_CONFIG)
    handed_over.mention(training)
    if compile and training is not None:
        compile_from(model, json.loads(training, f"{path}@{TRAINING_CONFIG}"), path)
    return model
