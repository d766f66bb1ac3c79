"""How large a model in a file may be: a few bytes can ask for any number of calls or numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cnnfast.errors import ModelFileError
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer

# The largest of keras.applications calls some 1,200 layers; making this many takes 0.3 seconds.
MAX_CALLS = 2_500
# Endings of arguments whose objects are no layers, and make none.
_HOLD_NO_LAYERS = ("_initializer", "_regularizer", "_constraint", "dtype")
# Numbers in one value for one image: 1 GiB, or 2048 x 2048 pixels of 64 channels.
MAX_ELEMENTS = 2**28


def check_calls(config: Any, name: str) -> None:
    """Refuse a model that calls more layers than any network, models inside it counted out.

    A model that calls a model twice, which calls another twice, and so on, calls a layer a
    million times in 20 levels.

    Raises
    ------
    ModelFileError
        If there are too many; `name` is the file.
    """
    calls = _calls(config, {})
    if calls > MAX_CALLS:
        raise ModelFileError(
            f"{name}: the model may call its layers {MAX_CALLS} times. Received: {calls} calls."
        )


def _calls(config: Any, shared: dict[int, int]) -> int:
    """Count the layers that one call of the layer or model of `config` calls.

    `shared` has the counts of the objects that stand elsewhere too, by number.
    """
    number = config.get("shared_object_id") if isinstance(config, Mapping) else None
    if not isinstance(number, int):
        return _own_calls(config, shared)
    if number not in shared:
        shared[number] = _own_calls(config, shared)
    return shared[number]


def _own_calls(config: Any, shared: dict[int, int]) -> int:
    inner = config.get("config") if isinstance(config, Mapping) else None
    layers = inner.get("layers") if isinstance(inner, Mapping) else inner
    if isinstance(layers, list):
        return sum(_times_called(layer) * _calls(layer, shared) for layer in layers)
    items = inner.items() if isinstance(inner, Mapping) else ()
    inside = (item for key, item in items if not str(key).endswith(_HOLD_NO_LAYERS))
    return 1 + sum(_calls(item, shared) for item in inside if _is_object(item))


def _times_called(layer: Any) -> int:
    nodes = layer.get("inbound_nodes") if isinstance(layer, Mapping) else None
    return max(len(nodes), 1) if isinstance(nodes, list) else 1


def _is_object(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("config"), Mapping | list)


def check_sizes(model: Layer, name: str) -> None:
    """Refuse a model with values far larger than those of any network, of a fixed input shape.

    Raises
    ------
    ModelFileError
        If a layer gives more than `MAX_ELEMENTS` numbers for one image; `name` is the file.
    """
    for layer, shape in _shapes(model):
        sizes = [size for size in shape[1:] if size is not None]
        if math.prod(sizes) > MAX_ELEMENTS:
            raise ModelFileError(
                f"{name}: layer {layer!r} may give at most {MAX_ELEMENTS} numbers for one "
                f"image. Received: an output of shape {tuple(shape)}."
            )


def _shapes(layer: Layer) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Every value inside `layer`: the name of what makes it and its shape."""
    from cnnfast.models.functional import Functional
    from cnnfast.models.model import Model

    inside = list(layer._file_children().values())
    if isinstance(layer, Functional):
        for node in layer.nodes:
            yield from ((node.operation.name, tensor.shape) for tensor in node.outputs)
    elif isinstance(layer, Model):
        for part, shapes in zip(layer.layers, layer.layer_output_shapes(), strict=True):
            flat: list[tuple[int | None, ...] | None] = []
            tree.map_shapes(flat.append, shapes)
            yield from ((part.name, shape) for shape in flat if shape is not None)
    if isinstance(layer, Model):
        inside += layer.layers
    for part in inside:
        yield from _shapes(part)
