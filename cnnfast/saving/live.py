"""`from_keras`: a model that Keras holds in memory, without importing Keras."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cnnfast.files import json
from cnnfast.files.contents import listed
from cnnfast.files.versions import version_of
from cnnfast.layers.serialization.stand_in import StandIn
from cnnfast.saving import live_calls, live_quantized, live_unsaid, live_weights
from cnnfast.saving.assignment import with_adapter
from cnnfast.saving.config import CustomObjects, build_model
from cnnfast.saving.keras_format import LAYERS, children, group_name, own_weights
from cnnfast.saving.live_alike import ACTIVATIONS
from cnnfast.saving.live_drawn import Redrawn
from cnnfast.saving.training import compile_from
from cnnfast.utils import handed_over

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer
    from cnnfast.models.model import Model
    from cnnfast.variables import Variable

_CONTAINERS = (list, tuple, dict, set)


def from_keras(
    model: Any,
    custom_objects: CustomObjects = None,
    compile: bool = True,
    *,
    weight_dtype: str | None = None,
    precision: str | None = None,
) -> Model:
    """Make a model of one that is in memory, with copies of its weights.

    Parameters
    ----------
    model
        A built model of Keras 3, on any backend, or of tf_keras.
    custom_objects
        As `load_model` takes it.
    compile
        Whether to compile the model as Keras' is, where Keras says how.
    weight_dtype, precision
        As `load_model` takes them.

    Returns
    -------
    Model
        The same layers under the same names; later changes of one do not reach the other.

    Raises
    ------
    TypeError
        `model` is not a Keras model.
    ValueError
        It is not built, or its weights are not those that its configuration calls for, or
        `weight_dtype` or `precision` is unknown.
    UnsupportedError
        It has layers or options that are not supported, or a name that something was handed over
        for is that of different functions or classes; all are listed.
    """
    fields = ("to_json", "weights", "layers", "name")
    if isinstance(model, type) or not all(hasattr(model, field) for field in fields):
        raise TypeError(f"Expected a Keras model. Received: {model!r} (of type {type(model)})")
    name = f"Keras model {model.name!r}"
    with handed_over.scope(custom_objects) as given:
        ours = _made_like(model, name, compile)
    given.warn_of_unused()
    ours.weight_dtype, ours.precision = weight_dtype, precision
    return ours


def _made_like(model: Any, name: str, compile: bool) -> Model:
    if live_calls.needs_drawing(model):
        return _drawn_again(model, name, compile)
    config = json.loads(_json(model), name)
    live_quantized.complete(config, model)
    ours = build_model(
        config, name, version_of(config), lambda renamed: live_weights.stored(renamed, model)
    )
    if not (ours.built and model.built):
        raise ValueError(
            f"{name} has not yet been built. Call it on some data or use `build()` first."
        )
    live_unsaid.check(model, compile)
    pairs = [pair for layer, twin in _twins(ours, model, set()) for pair in _pairs(layer, twin)]
    _check(pairs, ours, model, name)
    for pair in pairs:
        pair.variable.assign(pair.array)
    handed_over.mention(config.get("compile_config"))
    if compile:
        compile_from(ours, config.get("compile_config"), name)
    if "_outputs_struct" in vars(ours):  # of which JSON makes lists
        theirs = getattr(model, "_outputs_struct", None)
        vars(ours)["_outputs_struct"] = _of_kinds(vars(ours)["_outputs_struct"], theirs)
    return ours


def _of_kinds(ours: Any, theirs: Any) -> Any:
    """Return a structure with tuples and lists where another one has them."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return {key: _of_kinds(item, theirs.get(key)) for key, item in ours.items()}
    if not all(isinstance(one, list | tuple) for one in (ours, theirs)):
        return ours
    items = [_of_kinds(one, other) for one, other in zip(ours, theirs, strict=True)]
    return items if isinstance(theirs, list) else tuple(items)


def _drawn_again(model: Any, name: str, compile: bool) -> Model:
    """Make a model of the operations that Keras draws where classes are the user's."""
    from cnnfast.models.functional import Functional

    drawn = live_calls.draw(model)
    redrawn = Redrawn(drawn)
    ours = Functional(redrawn.inputs, redrawn.outputs, name=model.name)
    if drawn.masked and all(tensor._keras_mask is None for tensor in ours.outputs):
        vars(ours)["_lost_masks"] = True
    pairs = [
        pair
        for made, twin in redrawn.layers
        for layer, inner in _twins(made, twin, set())
        for pair in _pairs(layer, inner)
    ]
    _check_shapes(pairs, name)
    _check_given(pairs, ours, name)
    for pair in pairs:
        pair.variable.assign(pair.array)
    live_unsaid.check_compiled(model, compile)
    if compile and getattr(model, "compiled", False):
        config = json.loads(dumps(model.get_compile_config()), name)
        handed_over.mention(config)
        compile_from(ours, config, name)
    return ours


def _json(model: Any) -> str:
    """Return the configuration of `model`, which Keras cannot write of an activation of None."""
    cleared = [
        (layer, field)
        for layer in model._flatten_layers()
        for field in ACTIVATIONS
        if vars(layer).get(field, "") is None
    ]
    try:
        for layer, field in cleared:
            setattr(layer, field, linear)
        with live_quantized.without_structure(model):
            text: str = model.to_json()
    finally:
        for layer, field in cleared:
            setattr(layer, field, None)
    return text


def linear(x: Any) -> Any:
    """Stand in for no activation; Keras writes the name."""
    return x


@dataclass(frozen=True)
class _Pair:
    """A weight, and its numbers in Keras, which are those of the variables `read`."""

    layer: Layer
    variable: Variable
    array: npt.NDArray[Any]
    read: Sequence[Any]


def _check(pairs: Sequence[_Pair], ours: Model, model: Any, name: str) -> None:
    """Raise ValueError if a shape differs, or a weight of either model is in no pair."""
    _check_shapes(pairs, name)
    _check_given(pairs, ours, name)
    read = {id(variable) for pair in pairs for variable in pair.read}
    unread = [_path(variable) for variable in model.weights if id(variable) not in read]
    if unread:
        raise ValueError(
            f"{name}: the weights of every layer must have a place in the model. Received: "
            f"{listed(unread)}, which no layer takes."
        )


def _check_shapes(pairs: Sequence[_Pair], name: str) -> None:
    for pair in pairs:
        if pair.variable.shape != pair.array.shape:
            raise ValueError(
                f"{name}: weight {pair.variable.name!r} of layer {pair.layer.name!r} must have "
                f"the shape {pair.variable.shape}. Received: {pair.array.shape}"
            )


def _check_given(pairs: Sequence[_Pair], ours: Model, name: str) -> None:
    given = {pair.variable for pair in pairs}
    made_up = [weight.path for weight in ours.weights if weight not in given]
    if made_up:
        raise ValueError(f"{name}: all weights must be in Keras. Received: no {listed(made_up)}")


def _path(variable: Any) -> str:
    return str(getattr(variable, "path", variable.name))


def _twins(layer: Layer, twin: Any, visited: set[int]) -> Iterator[tuple[Layer, Any]]:
    """Yield every layer that has weights, with Keras' own."""
    visited.add(id(layer))
    yield layer, twin
    for path, part in children(layer):
        if id(part) not in visited and part.weights:
            yield from _twins(part, _inside(twin, path, part.name), visited)


def _inside(twin: Any, path: str, name: str) -> Any:
    """Return the layer of a model by its name, that of another layer by its place."""
    if path.startswith(f"{LAYERS}/"):
        if hasattr(twin, "get_layer"):
            return twin.get_layer(name)
        found = [layer for layer in twin.layers if layer.name == name]
        if len(found) != 1:
            raise ValueError(
                f"The layers of {twin.name!r} must have names of their own. Received: {len(found)} "
                f"layers called {name!r}"
            )
        return found[0]
    attribute, _, rest = path.partition("/")
    part = _item(twin, attribute) if isinstance(twin, _CONTAINERS) else getattr(twin, attribute)
    return _inside(part, rest, name) if rest else part


def _item(container: Any, place: str) -> Any:
    """Return the layer, or the container, in a list or dict of Keras that files call `place`."""
    used: Counter[str] = Counter()
    for item in container.values() if isinstance(container, dict) else container:
        nested = isinstance(item, _CONTAINERS)
        name = "container" if nested else group_name(type(item).__name__)
        number = used[name]
        used[name] += 1
        if place == (f"{name}_{number}" if number else name):
            return item
    raise AttributeError(f"There is no {place!r} in {container!r:.200}")


def _pairs(layer: Layer, twin: Any) -> list[_Pair]:
    """Return the weights that belong to no layer inside, with their numbers in Keras."""
    if isinstance(layer, StandIn):
        theirs = [variable for _, variable in live_weights.in_order(twin)]
        return _paired(layer, layer.weights, theirs)
    parts = [(path, part) for path, part in children(layer) if part.weights]
    elsewhere = {id(weight) for _, part in parts for weight in part.weights}
    own = [weight for weight in own_weights(layer) if id(weight) not in elsewhere]
    if not own:
        return []
    inner = {id(w) for path, part in parts for w in _inside(twin, path, part.name).weights}
    if layer.quantization_mode is not None:
        return _paired(layer, own, live_quantized.in_order(layer, own, twin))
    theirs = [weight for weight in twin.weights if id(weight) not in inner]
    adapter = [weight for weight in theirs if _is_of_adapter(weight)]
    pairs = _paired(layer, own, [weight for weight in theirs if not _is_of_adapter(weight)])
    if len(adapter) == 2 and layer._adapter_scale is not None:
        base, (a, b) = pairs[0], adapter
        merged = with_adapter(base.array, _numbers(a), _numbers(b), layer._adapter_scale)
        pairs[0] = _Pair(layer, base.variable, merged, [*base.read, a, b])
    return pairs


def _is_of_adapter(variable: Any) -> bool:
    return str(variable.name).startswith("lora_")


def _paired(layer: Layer, own: Sequence[Variable], theirs: Sequence[Any]) -> list[_Pair]:
    if len(own) != len(theirs):
        raise ValueError(
            f"Layer {layer.name!r} of class {type(layer).__name__} has {len(own)} weight(s). "
            f"Received: {len(theirs)} in Keras"
        )
    return [_Pair(layer, w, _numbers(v), [v]) for w, v in zip(own, theirs, strict=True)]


def _numbers(variable: Any) -> npt.NDArray[Any]:
    return np.asarray(variable.numpy())
