"""The closed table of classes that a config may name, and configs as whole objects.

A name that is not in the table is refused; it is never imported or looked up elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from cnnfast.errors import UnsupportedError
from cnnfast.layers.layer import Layer

_KERAS = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")


@cache
def table() -> Mapping[str, type[Layer]]:
    """Return every class that a config may name, by its name in Keras."""
    from cnnfast import layers
    from cnnfast.models.sequential import Sequential

    classes: tuple[type[Layer], ...] = (
        layers.Activation,
        layers.BatchNormalization,
        layers.Conv2D,
        layers.Dense,
        layers.Dropout,
        layers.Flatten,
        layers.InputLayer,
        layers.MaxPooling2D,
        layers.ReLU,
        layers.Softmax,
        Sequential,
    )
    return {cls.__name__: cls for cls in classes}


def serialize(layer: Layer) -> dict[str, Any]:
    """Return `layer` as a config object of Keras 3."""
    from cnnfast.models.model import Model

    config = {
        "module": "keras" if isinstance(layer, Model) else "keras.layers",
        "class_name": type(layer).__name__,
        "config": layer.get_config(),
        "registered_name": None,
    }
    build_config = layer._get_build_config()
    if build_config is not None:
        config["build_config"] = build_config
    if isinstance(layer, Model):
        config["compile_config"] = layer.get_compile_config()
    return config


def deserialize(config: Mapping[str, Any]) -> Layer:
    """Make the layer or model of a config object of Keras 1 to 3.

    Raises
    ------
    UnsupportedError
        If its class is not in the table; the message lists the table.
    ValueError
        If `config` is no config object, or an argument in it is illegal.
    """
    name = config.get("class_name") if isinstance(config, Mapping) else None
    inner = config.get("config") if isinstance(config, Mapping) else None
    if not isinstance(name, str):
        raise ValueError(
            "The config of a layer must be a dict with `class_name` and `config`. "
            f"Received: {config!r}"
        )
    cls = table().get(name)
    if cls is None or not _is_keras(config):
        layer_name = inner.get("name") if isinstance(inner, Mapping) else None
        raise UnsupportedError(
            f"Layer {layer_name!r} is of a class that is not supported. Supported: "
            f"{sorted(table())}. Received: class_name={name!r}, "
            f"module={config.get('module')!r}, registered_name={config.get('registered_name')!r}"
        )
    if name == "Sequential" and isinstance(inner, list):
        # Keras up to 2.2.2 wrote the bare list of layers.
        inner = {"name": None, "layers": inner}
    if not isinstance(inner, Mapping):
        raise ValueError(
            f"The `config` of a {name} must be a dict. Received: {type(inner).__name__}"
        )
    return cls.from_config(inner)


def _is_keras(config: Mapping[str, Any]) -> bool:
    """Whether Keras' own layers are meant, not a user's class or an operation of that name."""
    module, registered = config.get("module"), config.get("registered_name")
    own = module is None or (
        isinstance(module, str)
        and any(module == package or module.startswith(f"{package}.") for package in _KERAS)
        and ".ops" not in module
    )
    return own and (registered is None or registered == config.get("class_name"))
