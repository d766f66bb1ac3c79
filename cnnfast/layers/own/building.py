"""How a user's layer comes to its weights."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

from cnnfast.layers.base.calling import state_guard
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.own import calls
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.symbolic.tracing import Trace
from cnnfast.utils import tree
from cnnfast.utils.naming import current_scope, name_scope
from cnnfast.utils.sealed import is_open, opened
from cnnfast.variables import changing

if TYPE_CHECKING:
    from cnnfast.layers.own.traced import Traced


def check_initialized(layer: Traced) -> None:
    """Raise RuntimeError if the constructor did not call that of `Layer`."""
    if "_built" not in vars(layer):
        raise RuntimeError(
            f"In layer '{type(layer).__name__}', you forgot to call `super().__init__()` as the "
            "first statement in the `__init__()` method. Go add it!"
        )


def is_argument_of_keras(layer: Traced, name: str) -> bool:
    """Whether `name` is an argument of the class of Keras that the layer was made from."""
    base = layer.keras_base
    return base is not None and name in inspect.signature(base.__init__).parameters


@contextmanager
def scope(layer: Traced) -> Iterator[str]:
    """Let the layer be built in a ``with`` block; yields its path."""
    if vars(layer).get("_building"):
        yield current_scope()
        return
    with name_scope(layer.name) as path, opened(layer), changing():
        vars(layer)["_building"] = True
        try:
            yield path
        finally:
            del vars(layer)["_building"]


def whole(build: Callable[..., Any]) -> Callable[..., Any]:
    """Return a `build` of the user's that notes what it was given, and runs once."""

    @wraps(build)
    def wrapped(self: Traced, *args: Any, **kwargs: Any) -> Any:
        if vars(self).get("_building"):
            return build(self, *args, **kwargs)
        check_initialized(self)
        with state_guard.lock:
            if self._build_shapes is not None:
                return None
            with scope(self) as path:
                build(self, *args, **kwargs)
            bound = inspect.signature(build).bind(self, *args, **kwargs).arguments
            shapes = dict(list(bound.items())[1:])
            vars(self).update(_path=path, _built=True, _build_shapes=shapes)
        return None

    return wrapped


def comes_from_mixin(cls: type[Traced]) -> bool:
    """Whether the `build` of a class is that of a class which is no layer."""
    owner = next(base for base in cls.__mro__ if "build" in vars(base))
    return not issubclass(owner, Layer)


def build_by_default(layer: Traced, shape: Any, by_rule: Callable[[Any], None]) -> None:
    """Make the weights of Keras' class and, where this is all of it, of the layers inside."""
    known = tree.map_shapes(as_shape, shape)
    outermost = not vars(layer).get("_building")
    with state_guard.lock:
        if outermost and layer._build_shapes is not None:
            return
        with scope(layer) as path:
            if layer.keras_base is not None:
                by_rule(known)
        if not outermost:
            return
        vars(layer).update(_path=path, _built=True, _build_shapes={"input_shape": known})
        if hasattr(layer, "state_size"):
            return  # a cell, which the layer around it calls with states
        if known is not None and any(not part.built for part in layer._sublayers()):
            tensors = tree.map_shapes(KerasTensor, known)
            layer.infer((tensors,), {})


def ensure_built(layer: Traced, args: Any, kwargs: Any) -> None:
    """Build the layer for a call on symbolic tensors, unless it is built."""
    if layer.built and not (layer.is_model and layer._build_shapes is None):
        return
    if _is_users(layer):
        layer.build(**calls.shapes_for(layer, layer.build, args, kwargs))
        layer.built = True
        return
    shapes = calls.call_shapes(layer, args, kwargs)
    with scope(layer) as path:
        layer.build(_shape_for_rule(layer, shapes))
    if hasattr(layer, "state_size") and len(shapes) > 1:  # Keras builds these for inputs alone
        shapes = {"input_shape": next(iter(shapes.values()))}
    vars(layer).update(_path=path, _built=True, _build_shapes=shapes)


def build_for_shapes(layer: Traced, shapes: dict[str, Any]) -> None:
    """Build the layer as a file says, for the arguments of `build`."""
    if _is_users(layer):
        layer.build(**shapes) if len(shapes) > 1 else layer.build(*shapes.values())
    else:
        layer.build(_shape_for_rule(layer, shapes))
        vars(layer)["_build_shapes"] = shapes


def _shape_for_rule(layer: Traced, shapes: dict[str, Any]) -> Any:
    """Return what `build` of Keras' class takes: a shape, or those of all its tensors."""
    names = [f"{name}_shape" for name in layer.call_arguments]
    listed = [shapes[name] for name in names if shapes.get(name) is not None]
    several = len(layer.call_arguments) > 1 and len(listed) > 1
    return listed if several else next(iter(shapes.values()), None)


def says_how(layer: Traced) -> bool:
    """Whether the class, or that of Keras which it was made from, has a `build`."""
    return _is_users(layer) or layer.keras_base is not None


def _is_users(layer: Traced) -> bool:
    return hasattr(type(layer).build, "__wrapped__")  # by `whole`


def as_shape(shape: Any) -> Any:
    """Return a shape of a config as a tuple; None stays."""
    return None if shape is None else arguments.shape(shape)


def check_layers(layer: Traced, drawn: Trace) -> None:
    """Refuse layers with weights that are not attributes: each call might make them anew.

    Raises
    ------
    ValueError
        If `call` uses one.
    """
    inside = {id(part) for part in layer._flatten_layers()}
    for node in drawn.nodes:
        part = node.operation
        if isinstance(part, Layer) and part.weights and id(part) not in inside:
            raise ValueError(
                f"{layer._described().capitalize()} of class {type(layer).__name__} must have the "
                "layers that its `call` uses as attributes, made in `__init__` or `build`: else "
                f"their weights are not part of it. Received: {part!r}"
            )


def automatic_config(layer: Traced, config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the constructor, for a class without a `get_config`.

    Raises
    ------
    NotImplementedError
        If one is no plain value.
    """
    args, kwargs = layer._auto
    signature = inspect.signature(type(layer).__init__)
    bound = signature.bind(layer, *args, **kwargs)
    bound.apply_defaults()
    given = dict(list(bound.arguments.items())[1:])
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    any_name = next((n for n, k in kinds.items() if k is inspect.Parameter.VAR_KEYWORD), None)
    given |= given.pop(any_name, {}) if any_name is not None else {}
    known = {key: item for key, item in config.items() if any_name is not None or key in kinds}
    starred = [n for n, k in kinds.items() if k is inspect.Parameter.VAR_POSITIONAL]
    several = any(given.pop(name, ()) for name in starred)
    own = {key: item for key, item in given.items() if key not in ("name", "dtype")}
    try:
        json.dumps(own)
    except (TypeError, ValueError):
        several = True
    # Keras notes no arguments of a model's.
    if several or (layer.is_model and own != _by_default(signature)):
        raise NotImplementedError(
            f"Object {type(layer).__name__} was created by passing non-serializable argument "
            "values in `__init__()`, and therefore the object must override `get_config()` in "
            "order to be serializable. Please implement `get_config()`; of a model Keras notes no "
            "arguments itself. Received: "
            f"{layer._described()} with {own!r:.200}"
        )
    return known | own


def _by_default(signature: inspect.Signature) -> dict[str, Any]:
    found = {n: p.default for n, p in signature.parameters.items() if p.default is not p.empty}
    return {name: item for name, item in found.items() if name not in ("name", "dtype")}


def by_place(args: Sequence[Any], shape: Any, initializer: Any, dtype: Any) -> Any:
    """Return the first arguments of `add_weight`, of which some were given without their names.

    Raises
    ------
    ValueError
        If the first is a name, as Keras 2 had it, or one is given twice.
    TypeError
        If there are too many.
    """
    given = {"shape": shape, "initializer": initializer, "dtype": dtype}
    if len(args) > len(given):
        raise TypeError(
            f"add_weight() takes at most {len(given)} positional arguments but {len(args)} were "
            f"given. Received: {args!r:.200}"
        )
    if args and isinstance(args[0], str):
        raise ValueError(
            "`name` must be passed as a keyword argument. Use: add_weight(shape=..., "
            f"name={args[0]!r}). Received: add_weight({args[0]!r}, ...)"
        )
    for name, value in zip(given, args, strict=False):
        if given[name] is not None:
            raise ValueError(
                f"`{name}` was passed both positionally and as a keyword argument. Received: "
                f"{value!r} and {name}={given[name]!r}"
            )
        given[name] = value
    return given.values()


def dtype_of_weight(layer: Traced, name: str | None, dtype: Any) -> str | None:
    """Return the dtype of a new weight: that of integers, or None for floats.

    Raises
    ------
    ValueError
        If the layer is built.
    UnsupportedError
        If `dtype` is another.
    """
    check_initialized(layer)
    if layer.built and not is_open(layer):
        raise ValueError(
            "You cannot add new elements of state (variables or sub-layers) to a layer that is "
            "already built. All state must be created in the `__init__()` method or in the "
            f"`build()` method. Received: weight {name!r} for {layer._described()}"
        )
    spelt = getattr(dtype, "name", dtype)
    if spelt in ("int", "int32"):
        return "int32"
    if spelt is not None and "float" not in str(spelt):
        raise layer.unsupported(
            "can have weights of floats and of int32 only. Received: "
            f"dtype={dtype!r} for weight {name!r}",
            advice="Make what is a constant in `build` as a NumPy array, and keep it as an "
            "attribute.",
        )
    return None
