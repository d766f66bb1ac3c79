"""What is in a model file: read from its configuration; nothing in it is run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cnnfast.errors import ModelFileError, Refusal, UnsupportedError
from cnnfast.files import json, kinds
from cnnfast.files.archive import Container
from cnnfast.files.hdf5 import H5File
from cnnfast.files.kinds import Kind
from cnnfast.saving import legacy_h5, load_model
from cnnfast.saving.model import KERAS_VERSION, MODEL_CONFIG, TRAINING_CONFIG

if TYPE_CHECKING:
    from cnnfast.models import Model

_COMPILE_SETTINGS = ("optimizer", "optimizer_config", "loss", "loss_weights", "metrics")


@dataclass(frozen=True)
class LayerFacts:
    """One layer; `depth` counts the models around it. The last three are None if not known."""

    name: str
    class_name: str
    depth: int
    output_shape: Any = None
    parameter_count: int | None = None
    trainable: bool | None = None


@dataclass
class FileFacts:
    """Everything that `info` shows.

    Attributes
    ----------
    file_bytes, weight_bytes
        Size of the whole file, and of the part with the weights.
    problems
        What is wrong; empty if nothing is.
    unsupported
        Why the model cannot run here, an entry for each cause; empty if it can.
    """

    file: str
    format: str = "unknown"
    file_bytes: int = 0
    weight_bytes: int = 0
    keras_version: str | None = None
    backend: str | None = None
    saved: str | None = None
    model_class: str | None = None
    model_name: str | None = None
    input_shape: Any = None
    output_shape: Any = None
    parameter_count: int | None = None
    trainable_parameter_count: int | None = None
    layers: list[LayerFacts] = field(default_factory=list)
    compile_settings: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unsupported: tuple[Refusal, ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether the file is one that Keras saved, so that there is something to show."""
        return self.format != FileFacts.format

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        return asdict(self) | {"unsupported": [item.to_dict() for item in self.unsupported]}


def inspect(path: str) -> FileFacts:
    """Find out what is in the file or directory at `path`; whatever is wrong stands in it."""
    facts = FileFacts(path)
    try:
        config = _read(path, facts)
        if config is None:
            return facts
        facts.model_class = _class_name(config)
        facts.layers = list(_layers_of_config(config))
        facts.model_name = _inner(config).get("name")
        _describe(load_model(path, compile=False), facts)
    except UnsupportedError as error:
        facts.problems, facts.unsupported = [str(error)], error.items
    except (ModelFileError, OSError) as error:
        facts.problems = [str(error)]
    return facts


def _read(path: str, facts: FileFacts) -> Any:
    """Fill in what the container says; return the model's configuration if there is one."""
    with kinds.opened(path) as found:
        facts.file_bytes = len(found.whole)
        if found.container is None and found.kind is not Kind.HDF5:
            raise found.foreign("a file that Keras saved")
        facts.format = found.kind.value
        if found.container is not None:
            return _from_container(found.container, facts)
        facts.weight_bytes = len(found.whole)
        return _from_h5(found.weights, facts)


def _from_container(container: Container, facts: FileFacts) -> Any:
    facts.weight_bytes = len(container.weights)
    facts.file_bytes = facts.file_bytes or len(container.weights) + len(container.config)
    metadata: Any = None
    if container.metadata is not None:
        metadata = json.loads(container.metadata.read().tobytes(), container.metadata.name)
    if isinstance(metadata, Mapping):
        facts.keras_version = _text(metadata.get(KERAS_VERSION))
        facts.saved = _text(metadata.get("date_saved"))
    config = json.loads(container.config.read().tobytes(), container.config.name)
    facts.compile_settings = _settings(_part(config, "compile_config"))
    return config


def _from_h5(file: H5File, facts: FileFacts) -> Any:
    root = file.root
    text = root.text(MODEL_CONFIG)
    group = legacy_h5.weights_group(root)
    facts.format = facts.format if text is not None else "HDF5, weights only"
    for holder in (root, group):
        if holder is not None:
            facts.keras_version = facts.keras_version or holder.text(KERAS_VERSION)
            facts.backend = facts.backend or holder.text("backend")
    training = root.text(TRAINING_CONFIG)
    if training is not None:
        facts.compile_settings = _settings(json.loads(training, f"{facts.file}@{TRAINING_CONFIG}"))
    return None if text is None else json.loads(text, f"{facts.file}@{MODEL_CONFIG}")


def _settings(config: Any) -> dict[str, Any]:
    if not isinstance(config, Mapping):
        return {}
    return {name: config[name] for name in _COMPILE_SETTINGS if config.get(name) is not None}


def _describe(model: Model, facts: FileFacts) -> None:
    facts.model_name = model.name
    facts.input_shape, facts.output_shape = model.input_shape, model.output_shape
    facts.parameter_count = model.count_params()
    facts.trainable_parameter_count = sum(math.prod(w.shape) for w in model.trainable_weights)
    facts.layers = list(_layers_of_model(model))


def _layers_of_model(model: Model, depth: int = 0) -> Iterator[LayerFacts]:
    from cnnfast.models import Model

    for layer, shape in zip(model.layers, model.layer_output_shapes(), strict=True):
        count = layer.count_params() if layer.built else None
        name = type(layer).__name__
        yield LayerFacts(layer.name, name, depth, shape, count, layer.trainable)
        if isinstance(layer, Model):
            yield from _layers_of_model(layer, depth + 1)


def _layers_of_config(config: Any, depth: int = 0) -> Iterator[LayerFacts]:
    """Yield the layers that a configuration names, whether they are known or not."""
    inner = _part(config, "config")
    layers = inner if isinstance(inner, list) else _part(inner, "layers")
    for layer in layers if isinstance(layers, list) else ():
        name = _inner(layer).get("name") or _part(layer, "name")
        yield LayerFacts(str(name), _class_name(layer), depth)
        yield from _layers_of_config(layer, depth + 1)


def _inner(config: Any) -> Mapping[str, Any]:
    inner = _part(config, "config")
    return inner if isinstance(inner, Mapping) else {}


def _part(config: Any, key: str) -> Any:
    return config.get(key) if isinstance(config, Mapping) else None


def _class_name(config: Any) -> str:
    return str(_part(config, "class_name"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
