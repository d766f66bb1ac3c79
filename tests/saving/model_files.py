"""Model files written by hand, as Keras of different ages would, without Keras."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Layers = Sequence[tuple[str, Sequence[tuple[str, Array]]]]

INPUT_SHAPE = (4, 4, 1)


def weights(seed: int = 0) -> dict[str, Array]:
    """Draw the weights of the small network that the files hold."""
    rng = np.random.default_rng(seed)
    shapes = {
        "conv/kernel": (3, 3, 1, 2),
        "conv/bias": (2,),
        "bn/gamma": (2,),
        "bn/beta": (2,),
        "bn/moving_mean": (2,),
        "bn/moving_variance": (2,),
        "dense/kernel": (8, 3),
        "dense/bias": (3,),
    }
    return {name: rng.uniform(0.5, 1.5, shape).astype(np.float32) for name, shape in shapes.items()}


def layer(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    """Give a layer's config object as Keras 1 and 2 write it."""
    return {"class_name": class_name, "config": {"name": name, "trainable": True, **config}}


def layers_2(**first: Any) -> list[dict[str, Any]]:
    """Give the network's layers in the words of Keras 2; `first` goes to the first one."""
    return [
        layer(
            "Conv2D",
            "conv",
            **first,
            dtype="float32",
            filters=2,
            kernel_size=[3, 3],
            strides=[1, 1],
            padding="valid",
            data_format="channels_last",
            dilation_rate=[1, 1],
            groups=1,
            activation="relu",
            use_bias=True,
            kernel_initializer={"class_name": "GlorotUniform", "config": {"seed": None}},
            bias_initializer={"class_name": "Zeros", "config": {}},
            kernel_regularizer=None,
            bias_regularizer=None,
            activity_regularizer=None,
            kernel_constraint=None,
            bias_constraint=None,
        ),
        layer("BatchNormalization", "bn", dtype="float32", axis=[3], momentum=0.99, epsilon=0.001),
        layer("Flatten", "flatten", dtype="float32", data_format="channels_last"),
        layer("Dropout", "dropout", dtype="float32", rate=0.5, noise_shape=None, seed=None),
        layer("Dense", "dense", dtype="float32", units=3, activation="softmax", use_bias=True),
    ]


def config_2(layers: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Give the root object as Keras 2.2.3 and later write it for `.h5`."""
    shape = [None, *INPUT_SHAPE]
    source = {"name": "net", "layers": layers or layers_2(batch_input_shape=shape)}
    return {"class_name": "Sequential", "config": source}


def config_3() -> dict[str, Any]:
    """Give the root object as Keras 3 writes it for `.keras`."""
    objects = [{"module": "keras.layers", "registered_name": None, **item} for item in layers_2()]
    first = {
        "module": "keras.layers",
        "class_name": "InputLayer",
        "config": {"batch_shape": [None, *INPUT_SHAPE], "dtype": "float32", "name": "input"},
        "registered_name": None,
    }
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "net", "trainable": True, "layers": [first, *objects]},
        "registered_name": None,
        "build_config": {"input_shape": [None, *INPUT_SHAPE]},
    }


def legacy_layers(values: Mapping[str, Array], names: str = "{layer}/{weight}:0") -> Layers:
    """Group `values` as `.h5` has them; `names` makes each entry of `weight_names`."""
    grouped: dict[str, list[tuple[str, Array]]] = {
        "conv": [],
        "bn": [],
        "flatten": [],
        "dropout": [],
        "dense": [],
    }
    for path, value in values.items():
        owner, weight = path.split("/")
        grouped[owner].append((names.format(layer=owner, weight=weight), value))
    return list(grouped.items())


def write_legacy(
    path: Path,
    config: Any,
    layers: Layers,
    *,
    keras_version: str | None = "2.9.0",
    backend: str = "tensorflow",
    training: Any = None,
    as_bytes: bool = False,
    alter: Callable[[h5py.File], None] | None = None,
    **dataset: Any,
) -> Path:
    """Write a whole-model `.h5`; without `config`, one of weights only."""
    text = np.bytes_ if as_bytes else str
    with h5py.File(path, "w") as file:
        group = file
        if config is not None:
            file.attrs["model_config"] = text(json.dumps(config))
            if training is not None:
                file.attrs["training_config"] = text(json.dumps(training))
            group = file.create_group("model_weights")
        for holder in {file, group}:
            if keras_version is not None:
                holder.attrs["keras_version"] = text(keras_version)
            holder.attrs["backend"] = text(backend)
        group.attrs["layer_names"] = [name.encode() for name, _ in layers]
        for name, values in layers:
            inner = group.create_group(name)
            inner.attrs["weight_names"] = [weight.encode() for weight, _ in values]
            for weight, value in values:
                inner.create_dataset(weight, data=value, **dataset)
        if alter is not None:
            alter(file)
    return path


def legacy_file(path: Path, **kwargs: Any) -> Path:
    """Write the small network as Keras 2.9 does."""
    return write_legacy(path, config_2(), legacy_layers(weights()), **kwargs)


KERAS_PLACES = {
    "layers/conv2d": ("conv", ("kernel", "bias")),
    "layers/batch_normalization": ("bn", ("gamma", "beta", "moving_mean", "moving_variance")),
    "layers/dense": ("dense", ("kernel", "bias")),
}


def weights_h5(
    values: Mapping[str, Array] | None = None,
    alter: Callable[[h5py.File], None] | None = None,
    **dataset: Any,
) -> bytes:
    """Give the bytes of the network's `.weights.h5`."""
    values = weights() if values is None else values
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for place, (name, parts) in KERAS_PLACES.items():
            group = file.create_group(f"{place}/vars")
            group.attrs["name"] = name
            for number, part in enumerate(parts):
                group.create_dataset(str(number), data=values[f"{name}/{part}"], **dataset)
        if alter is not None:
            alter(file)
    return buffer.getvalue()


def write_zip(path: Path, members: Iterable[tuple[Any, bytes]], method: int = 0) -> Path:
    """Write a zip archive; a name may be a `ZipInfo`, and may occur twice."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def read_zip(path: Path) -> dict[str, bytes]:
    """Give the members of an archive by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def altered_h5(data: bytes, alter: Callable[[h5py.File], None]) -> bytes:
    """Give the bytes of an HDF5 file after `alter` has changed it."""
    buffer = io.BytesIO(data)
    with h5py.File(buffer, "r+") as file:
        alter(file)
    return buffer.getvalue()


def rewritten(
    data: bytes, version: str, track_order: bool = False, resizable: int = 0, **dataset: Any
) -> bytes:
    """Give what an HDF5 file holds, written by another version of HDF5, and in other chunks.

    Datasets have no limit along the first `resizable` axes.
    """

    def copy(source: h5py.Group, target: h5py.Group) -> None:
        target.attrs.update(source.attrs)
        for name, child in source.items():
            if isinstance(child, h5py.Group):
                copy(child, target.create_group(name, track_order=track_order))
            else:
                how = dict(dataset) if child.size and child.ndim else {}
                if how and resizable:
                    how["maxshape"] = (None,) * resizable + child.shape[resizable:]
                    how["maxshape"] = how["maxshape"][: child.ndim]
                made = target.create_dataset(name, data=child[()], dtype=child.dtype, **how)
                made.attrs.update(child.attrs)

    buffer = io.BytesIO()
    how = {"libver": version, "track_order": track_order}
    with h5py.File(io.BytesIO(data)) as source, h5py.File(buffer, "w", **how) as target:
        copy(source, target)
    return buffer.getvalue()


def keras_members(
    config: Any = None, data: bytes | None = None, version: str = "3.15.1"
) -> dict[str, bytes]:
    """Give the three members of a `.keras` file, by name."""
    return {
        "metadata.json": json.dumps({"keras_version": version}).encode(),
        "config.json": json.dumps(config_3() if config is None else config).encode(),
        "model.weights.h5": weights_h5() if data is None else data,
    }


def keras_file(path: Path, method: int = 0, **kwargs: Any) -> Path:
    """Write the small network as Keras 3 does."""
    return write_zip(path, keras_members(**kwargs).items(), method)
