"""The graph of a model of Keras in memory whose classes or functions are the user's.

Keras itself draws it: `call` of each class of the user's runs on Keras' symbolic tensors, which
write down the operations. It runs for two sizes of the batch. What differs between the two as the
sizes do is the batch; where anything else differs, a size of the batch was built in.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from cnnfast.errors import Refusal, UnsupportedError
from cnnfast.saving import live_cells, live_masks
from cnnfast.saving.live_alike import has_own_call
from cnnfast.utils import handed_over
from cnnfast.utils.locks import Guard
from cnnfast.utils.records import record

# Primes that sizes in a network hardly are.
_BATCHES = (83, 89)


@record(frozen=True)
class Batch:
    """Stands for `parts` times the size of the batch among the arguments of a call."""

    parts: int = 1


@record(frozen=True)
class Whole:
    """Numbers for each place along the batch; they repeat with those of `each`, one after another.

    `parts` times the batch are there.
    """

    each: Any
    parts: int


_guard = Guard()
_drawing = threading.local()

BUILT_IN = (
    "computes with the size of the batch, of which it may only be known that it is the first axis, "
    "or with something else that is another each time."
)
ADVICE = (
    "Sizes that the inputs leave open may be needed: build the model for known ones. Write `-1` or "
    "`keras.ops.shape(x)[0]` for the batch alone; or give a function of NumPy arrays: "
    "`from_keras(…, custom_objects={name of the layer: function})`."
)
_UNDRAWN = "must be written in terms of Keras' layers and `keras.ops`, which Keras can draw."
_QUANTIZED = "is quantized, so that Keras passes over the `call` of its class."
_AS_KERAS = "Make the layer of Keras' own class."
_TRAINS = (
    "must not be called as in training by the layer around it: a model without that layer's class "
    "cannot say so."
)
_BY_CLASSES = (
    "Write the classes with `cnnfast` in the place of `keras`, and hand them over: "
    "`from_keras(…, custom_objects={name of the class: class})`."
)
# Layers whose activation is the last that they compute.
_ACTIVATED = frozenset(
    {
        *("Activation", "Dense", "EinsumDense", "SeparableConv1D", "SeparableConv2D"),
        *(f"{kind}Conv{rank}D" for kind in ("", "Depthwise") for rank in (1, 2, 3)),
        *(f"Conv{rank}DTranspose" for rank in (1, 2, 3)),
    }
)


@record(frozen=True)
class Ref:
    """Output number `index` of call number `call`."""

    call: int
    index: int


@record(frozen=True)
class Call:
    """One call in Keras' graph; `args` and `kwargs` hold a `Ref` for each tensor."""

    operation: Any
    config: Mapping[str, Any] | None
    args: Any
    kwargs: Any
    outputs: Sequence[tuple[tuple[int | None, ...], str]]


@record(frozen=True)
class Drawn:
    """A graph: its calls, those that are inputs first, and what comes out."""

    calls: Sequence[Call]
    inputs: Any
    outputs: Any
    masked: bool
    """Whether an output has a mask."""


def needs_drawing(model: Any) -> bool:
    """Whether a model of Keras 3 has classes or functions of the user's.

    Not where the user hands something over: then all of them need something.
    """
    of_keras_3 = _keras() is not None and isinstance(model, _keras().Model)
    return of_keras_3 and not handed_over.anything() and _holds_users(model)


def _keras() -> Any:
    return sys.modules.get("keras")


def _is_users(layer: Any) -> bool:
    """Whether `layer` itself runs code of the user's that can be drawn."""
    if not handed_over.is_of_keras(type(layer)) or live_cells.runs_users_cell(layer):
        return True
    name = type(layer).__name__
    if name == "Lambda" or has_own_call(layer):
        return True
    return name in _ACTIVATED and _own_activation(layer) is not None


def _own_activation(layer: Any) -> Any:
    """Return the function of the user's that `layer` applies to its result, if it has one.

    One of `keras.ops` is drawn, too: `gelu` is not what the activation of that name is.
    """
    function = vars(layer).get("activation")
    if not inspect.isfunction(function):
        return None
    named = handed_over.is_of_keras(function) and ".ops" not in str(function.__module__)
    return None if named else function


def draw(model: Any) -> Drawn:
    """Return the graph of a built model.

    Raises
    ------
    UnsupportedError
        If Keras cannot draw a layer, or one computes with the size of the batch.
    """
    first, second = (_drawn(model, batch) for batch in _BATCHES)
    alike = len(first.calls) == len(second.calls)
    if not alike:
        raise _refusal(model, BUILT_IN, f"{len(first.calls)} and {len(second.calls)} operations")
    calls = [_merged(model, *pair) for pair in zip(first.calls, second.calls, strict=True)]
    return Drawn(calls, first.inputs, first.outputs, first.masked)


def _merged(model: Any, one: Call, other: Call) -> Call:
    if type(one.operation) is not type(other.operation):
        names = f"{one.operation.name!r} and {other.operation.name!r}"
        raise _refusal(model, BUILT_IN, f"operations {names}")
    merged = [
        _without_batch(model, one.operation, *pair)
        for pair in (
            (one.args, other.args),
            (one.kwargs, other.kwargs),
            (one.config, other.config),
        )
    ]
    return Call(one.operation, merged[2], merged[0], merged[1], one.outputs)


def _without_batch(model: Any, operation: Any, one: Any, other: Any) -> Any:
    """Return what two calls have in common, with a `Batch` for multiples of the batch's size."""
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        return {key: _without_batch(model, operation, one[key], other[key]) for key in one}
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        items = [_without_batch(model, operation, *pair) for pair in zip(one, other, strict=True)]
        return items if isinstance(one, list) else tuple(items)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if one.shape == other.shape and one.tobytes() == other.tobytes():
            return one
        if one.ndim and other.ndim and len(one) and _multiple(len(one), len(other)):
            each = _repeated(one, other)
            if each is not None:
                return each
    elif type(one) is int and type(other) is int and one > 0 and _multiple(one, other):
        return Batch(one // _BATCHES[0])
    elif one == other or repr(one) == repr(other) == "nan":
        return one
    name = getattr(operation, "name", "?")
    raise _refusal(model, BUILT_IN, f"operation {name!r} with {one!r:.80} and {other!r:.80}")


def _repeated(one: Any, other: Any) -> Any:
    """Return what two arrays along the batch repeat for each image; None if they do not."""
    parts = len(one) // _BATCHES[0]
    for count in (1, parts):
        each = one[:count]
        if all((a.reshape(-1, *each.shape) == each).all() for a in (one, other)):
            return each if count == 1 else Whole(each, parts)
    return None


def _multiple(one: int, other: int) -> bool:
    """Whether two sizes are the same multiple of the two batches."""
    return one % _BATCHES[0] == 0 and one // _BATCHES[0] * _BATCHES[1] == other


def _refusal(layer: Any, rule: str, received: str, advice: str = ADVICE) -> UnsupportedError:
    cls = type(layer)
    return UnsupportedError(
        Refusal(
            "layer",
            rule,
            class_name=cls.__name__,
            module=cls.__module__,
            layers=(layer.name,),
            received=(received,),
            advice=advice,
        )
    )


def _drawn(model: Any, batch: int) -> Drawn:
    keras = _keras()
    with _guard.lock, _own_calls_run(keras, model):
        inputs = _inputs(keras, model, batch)
        outputs = model(*inputs[0], **inputs[1])
        return _written(keras, inputs, outputs)


def _inputs(keras: Any, model: Any, batch: int) -> Any:
    def tensor(shape: Sequence[int | None], dtype: str, name: str | None = None) -> Any:
        return keras.Input(batch_shape=(batch, *shape[1:]), dtype=dtype, name=name)

    structure = getattr(model, "_inputs_struct", None)
    if structure is not None:
        made = keras.tree.map_structure(lambda t: tensor(t.shape, t.dtype, t.name), structure)
        return (made,), {}
    if getattr(model, "inputs", None):
        made = [tensor(t.shape, t.dtype, t.name) for t in model.inputs]
        return (made if len(made) > 1 else made[0],), {}
    shapes = dict(model._build_shapes_dict or {})
    if not shapes:
        raise ValueError(
            f"Keras model {model.name!r} has not yet been built. Call it on some data or use "
            "`build()` first."
        )
    first, *others = shapes
    dtype = model.compute_dtype

    def whole(shape: Any) -> Any:
        return keras.tree.map_shape_structure(lambda s: tensor(s, dtype), shape)

    return (whole(shapes[first]),), {
        name.removesuffix("_shape"): whole(shapes[name]) for name in others
    }


@contextmanager
def _own_calls_run(keras: Any, model: Any) -> Iterator[None]:
    """Let calls of the user's layers, in this thread, run their `call` in place of being drawn."""
    layers = model._flatten_layers()
    nodes = [(x, len(x._inbound_nodes), len(x._outbound_nodes)) for x in layers]
    cls = keras.layers.Layer
    original = cls.__call__
    operators = _operators_of_variables(keras)

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if not getattr(_drawing, "on", False):
            return original(layer, *args, **kwargs)
        return _run(layer, original, args, kwargs)

    add_loss = cls.add_loss

    def add_no_loss(layer: Any, *args: Any, **kwargs: Any) -> None:
        if not getattr(_drawing, "on", False):  # losses are training's
            add_loss(layer, *args, **kwargs)

    cls.__call__, cls.add_loss = call, add_no_loss
    for variable, name, function in operators:
        setattr(variable, name, _deferring(keras, function, name))
    _drawing.on = True
    try:
        yield
    finally:
        _drawing.on = False
        cls.__call__, cls.add_loss = original, add_loss
        for variable, name, function in operators:
            setattr(variable, name, function)
        for layer, inbound, outbound in nodes:
            del layer._inbound_nodes[inbound:]
            del layer._outbound_nodes[outbound:]


_OPERATORS = {
    "__add__": "add",
    "__sub__": "subtract",
    "__mul__": "multiply",
    "__truediv__": "true_divide",
    "__floordiv__": "floor_divide",
    "__pow__": "power",
    "__matmul__": "matmul",
}


def _operators_of_variables(keras: Any) -> list[tuple[type, str, Any]]:
    cls = keras.Variable
    owners = {
        name: next((base for base in cls.__mro__ if name in vars(base)), None)
        for name in _OPERATORS
    }
    return [(base, name, vars(base)[name]) for name, base in owners.items() if base is not None]


def _deferring(keras: Any, function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return an operator of variables that is drawn where its other side is a symbolic tensor."""

    def operator(variable: Any, other: Any) -> Any:
        if getattr(_drawing, "on", False) and isinstance(other, keras.KerasTensor):
            return getattr(keras.ops, _OPERATORS[name])(variable, other)
        return function(variable, other)

    return operator


def _run(layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    keras = _keras()
    if kwargs.get("training"):
        raise _refusal(layer, _TRAINS, "training=True", _BY_CLASSES)
    kwargs = live_masks.said(keras, layer, args, kwargs)
    with live_masks.handed_on(keras, layer, args, kwargs) as returned:
        result = _result(layer, original, args, kwargs)
        returned.append(result)
    return result


def _result(layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    if not (_holds_users(layer) or live_masks.runs_in(_keras(), layer, args)):
        return original(layer, *args, **kwargs)
    own = _own_activation(layer)
    if own is not None and handed_over.is_of_keras(type(layer)) and not has_own_call(layer):
        if type(layer).__name__ == "Activation":
            return own(*args)
        with without_own_activation(layer):
            result = original(layer, *args, **kwargs)
        return own(result)
    mode = getattr(layer, "quantization_mode", None)
    if mode is not None:
        raise _refusal(layer, _QUANTIZED, f"quantization_mode={mode!r}", _AS_KERAS)
    parameters = inspect.signature(layer.call).parameters
    known = {key: item for key, item in kwargs.items() if item is not None or key in parameters}
    if "training" in parameters:
        known["training"] = False
    else:
        known.pop("training", None)
    try:
        with live_cells.unrolled(layer):
            return layer.call(*args, **known)
    except UnsupportedError:
        raise
    except Exception as error:
        raise _refusal(layer, _UNDRAWN, f"{error!r:.200}") from error


def _holds_users(layer: Any) -> bool:
    """Whether `layer`, or one of a model that it is, runs code of the user's."""
    container = hasattr(layer, "layers") and not _is_users(layer)
    return _is_users(layer) or (container and any(map(_holds_users, layer.layers)))


@contextmanager
def without_own_activation(layer: Any) -> Iterator[None]:
    """Let a layer of Keras have no activation in a ``with`` block, if its own is the user's."""
    function = _own_activation(layer)
    if function is not None:
        layer.activation = _keras().activations.linear
    try:
        yield
    finally:
        if function is not None:
            layer.activation = function


def _written(keras: Any, inputs: Any, outputs: Any) -> Drawn:
    calls: list[Call] = []
    places: dict[int, Ref] = {}

    def place(tensor: Any) -> Ref:
        return places[id(tensor)]

    def leaf(value: Any) -> Any:
        if isinstance(value, keras.KerasTensor):
            return place(value)
        return np.asarray(value) if _is_array(value) else value

    for node in _nodes(keras, inputs, outputs):
        for index, tensor in enumerate(node.outputs):
            places[id(tensor)] = Ref(len(calls), index)
        args, kwargs = node.arguments.args, node.arguments.kwargs
        made = [(tuple(t.shape), str(t.dtype)) for t in node.outputs]
        calls.append(
            Call(
                node.operation,
                _config(keras, node.operation),
                _map(leaf, args),
                _map(leaf, kwargs),
                made,
            )
        )
    return Drawn(
        calls,
        keras.tree.map_structure(place, inputs[0][0] if not inputs[1] else inputs),
        keras.tree.map_structure(place, outputs),
        any(live_masks.mask_of(tensor) is not None for tensor in keras.tree.flatten(outputs)),
    )


def _map(function: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _map(function, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_map(function, item) for item in value]
        return items if isinstance(value, list) else tuple(items)
    return function(value)


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and not isinstance(value, type)


def _config(keras: Any, operation: Any) -> Mapping[str, Any] | None:
    """Return what an operation was made with; None for a layer, which is written as a whole."""
    if isinstance(operation, keras.layers.Layer):
        return None
    try:
        config = dict(operation.get_config())
    except NotImplementedError as error:
        raise _refusal(operation, _UNDRAWN, "an operation without a configuration") from error
    config.pop("name", None)
    return config


def _nodes(keras: Any, inputs: Any, outputs: Any) -> Iterator[Any]:
    """Yield the nodes behind `outputs`, those of the inputs first, each behind those it needs."""
    finished: set[int] = set()
    for tensor in keras.tree.flatten((inputs, outputs)):
        stack = [_node_of(tensor)]
        while stack:
            node = stack[-1]
            missing = [n for t in node.input_tensors if id(n := _node_of(t)) not in finished]
            if missing:
                stack += missing[::-1]
                continue
            stack.pop()
            if id(node) not in finished:
                finished.add(id(node))
                yield node


def _node_of(tensor: Any) -> Any:
    history = tensor._keras_history
    return history.operation._inbound_nodes[history.node_index]
