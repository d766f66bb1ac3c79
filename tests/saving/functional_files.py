"""Functional models in files, written by hand in the words of Keras 2 and 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from saving import model_files as files

Config = dict[str, Any]
SHAPE = (None, *files.INPUT_SHAPE)
CHAIN = ["conv", "bn", "flatten", "dropout", "dense"]


def tensor(layer: str, call: Any = 0, index: Any = 0) -> Config:
    """Give a tensor of Keras 3."""
    history = [layer, call, index]
    config = {"shape": list(SHAPE), "dtype": "float32", "keras_history": history}
    return {"class_name": "__keras_tensor__", "config": config}


def call_3(*args: Any, **kwargs: Any) -> Config:
    """Give a call of Keras 3."""
    return {"args": list(args), "kwargs": kwargs}


def call_2(*layers: str, **kwargs: Any) -> list[Any]:
    """Give a call of Keras 2, on the first output of each of `layers`."""
    return [[layer, 0, 0, kwargs] for layer in layers]


def entry(item: Config, *calls: Any, module: str | None = "keras.layers") -> Config:
    """Make a layer of a functional model out of a layer."""
    own = {"module": module, "registered_name": None} if module else {}
    return {**own, **item, "name": item["config"]["name"], "inbound_nodes": list(calls)}


def _input(module: str | None) -> Config:
    key = "batch_shape" if module else "batch_input_shape"
    item = {"class_name": "InputLayer", "config": {"name": "input", key: list(SHAPE)}}
    return entry(item, module=module)


def functional_3() -> Config:
    """Give the small network of `model_files` as Keras 3 writes a functional model."""
    sources = ["input", *CHAIN]
    layers = [
        entry(item, call_3(tensor(source)))
        for item, source in zip(files.layers_2(), sources, strict=False)
    ]
    return root_3([_input("keras.layers"), *layers], ["dense", 0, 0])


def root_3(layers: list[Config], output: Any, source: Any = None) -> Config:
    """Give the root object of a functional model as Keras 3 writes it."""
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {
            "name": "net",
            "trainable": True,
            "layers": layers,
            "input_layers": source or [["input", 0, 0]],
            "output_layers": [output],
        },
        "registered_name": "Functional",
    }


def functional_2() -> Config:
    """Give the same network as Keras 2 writes it."""
    sources = ["input", *CHAIN]
    layers = [
        entry(item, call_2(source), module=None)
        for item, source in zip(files.layers_2(), sources, strict=False)
    ]
    return root_2([_input(None), *layers], ["dense", 0, 0])


def root_2(layers: list[Config], output: Any, name: str = "net") -> Config:
    """Give the root object of a functional model as Keras 2 writes it."""
    return {
        "class_name": "Functional",
        "config": {
            "name": name,
            "layers": layers,
            "input_layers": [["input", 0, 0]],
            "output_layers": [output],
        },
    }


def input_2() -> Config:
    """Give the input layer of Keras 2."""
    return _input(None)


def input_3() -> Config:
    """Give the input layer of Keras 3."""
    return _input("keras.layers")


def operation(class_name: str, name: str, *calls: Any, module: str = "numpy", **config: Any) -> Any:
    """Give an operation between layers as Keras 3 writes it."""
    item = {"class_name": class_name, "config": {"name": name, **config}}
    return {
        **entry(item, *calls, module=f"keras.src.ops.{module}"),
        "registered_name": class_name,
    }


def write_3(path: Path, config: Config) -> Path:
    """Write a `.keras` file."""
    return files.keras_file(path, config=config)


def write_2(path: Path, config: Config) -> Path:
    """Write an `.h5` file."""
    return files.write_legacy(path, config, files.legacy_layers(files.weights()))


def inserted(config: Config, item: Config, before: str = "flatten") -> Config:
    """Put the layer or operation `item` before the layer called `before`."""
    layers = config["config"]["layers"]
    position = [layer["name"] for layer in layers].index(before)
    layers[position]["inbound_nodes"] = (
        [call_3(tensor(item["name"]))] if "module" in layers[0] else [call_2(item["name"])]
    )
    layers.insert(position, item)
    return config
