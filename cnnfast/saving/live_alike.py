"""What goes by one name in a model of Keras in memory, and is not the same.

What the user hands over for the name would stand for all of it. A configuration cannot tell them
apart, as it has functions and classes by name.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cnnfast.errors import Refusal
from cnnfast.layers.serialization import foreign
from cnnfast.symbolic.registry import LAYERS
from cnnfast.utils import handed_over

ACTIVATIONS = ("activation", "recurrent_activation")
"""The attributes of layers that hold functions, which a configuration has by name."""

# Names of what holds something, and that.
_Held: TypeAlias = list[tuple[str, Any]]

_FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    functools.partial,
)
_COMPILED = ("loss", "metrics", "weighted_metrics")

_SHARED = "is the name of two functions, and what is handed over for it would stand for both."
_RENAME = (
    "Give one a name of its own in Keras, `own.__name__ = 'another'`, and hand over a function for "
    "each name: `from_keras(…, custom_objects={{{name!r}: function, 'another': other}})`."
)
_OR_LAYER = " Or hand over one for a layer as a whole, by its name: `{{{layer!r}: function}}`."


@dataclass(frozen=True)
class Reached:
    """A layer, and the name of the one that a function can stand in for.

    That is its own name, or that of the layer around it, which needs the methods of its parts.
    """

    layer: Any
    name: str

    @property
    def is_part(self) -> bool:
        """Whether it belongs to a layer that needs its methods."""
        return bool(self.name != self.layer.name)


def reached(layer: Any, visited: set[int], name: str | None = None) -> Iterator[Reached]:
    """Yield `layer` and what is inside, but for what the user's functions stand in for."""
    if id(layer) in visited:
        return
    visited.add(id(layer))
    found = Reached(layer, layer.name if name is None else name)
    yield found
    if stands_alone(layer):
        return
    needs = name is not None or _needs_methods(layer)
    for part in layer._flatten_layers(include_self=False, recursive=False):
        yield from reached(part, visited, found.name if needs else None)


def _needs_methods(layer: Any) -> bool:
    """Whether a function cannot stand in for what is inside of `layer`."""
    if type(layer).__name__ == "TimeDistributed":
        return False
    return any(hasattr(layer, part) for part in ("cell", "forward_layer", "layer"))


def stands_alone(layer: Any) -> bool:
    """Whether something stands in for `layer` as a whole, or would have to."""
    own = handed_over.is_of_keras(type(layer))
    return handed_over.find(layer.name) is not None or not (own or hasattr(layer, "layers"))


def has_own_call(layer: Any) -> bool:
    """Whether a function stands in for the `call` of the class; calibration puts that back."""
    call = vars(layer).get("call")
    return call is not None and getattr(call, "__func__", None) is not type(layer).call


def refusals(layers: Iterable[Reached]) -> Iterator[Refusal]:
    """Refuse each name for which something was handed over, and that different things have."""
    functions: dict[str, _Held] = {}
    whole: dict[str, _Held] = {}
    for layer in (found.layer for found in layers):
        key = handed_over.key(*_names_of(layer))
        if key is not None and (key == layer.name or not has_own_call(layer)):
            whole.setdefault(key, []).append((layer.name, layer))
        elif not stands_alone(layer):
            for field in ACTIVATIONS:
                _note(functions, layer.name, vars(layer).get(field))
    yield from (_of_functions(key, held) for key, held in functions.items() if _differ(held, same))
    yield from (_of_layers(key, held) for key, held in whole.items() if _differ(held, _run_alike))


def refusals_of_judging(model: Any) -> Iterator[Refusal]:
    """Refuse the same of the losses and metrics that a model was compiled with."""
    found: dict[str, _Held] = {}
    config = getattr(getattr(model, "_compile_config", None), "config", None) or {}
    for field in _COMPILED:
        for function in _leaves(config.get(field)):
            _note(found, field, function)
    yield from (_of_functions(key, held) for key, held in found.items() if _differ(held, same))


def same(one: Any, other: Any) -> bool:
    """Whether two functions are one, or were made of the same code and numbers."""
    if one == other:
        return True
    if not (isinstance(one, types.FunctionType) and isinstance(other, types.FunctionType)):
        return False
    first, second = _kept(one), _kept(other)
    return (
        one.__code__ == other.__code__
        and one.__globals__ is other.__globals__
        and first.keys() == second.keys()
        and all(_same_number(first[name], second[name]) for name in first)
    )


def _kept(function: types.FunctionType) -> dict[str, Any]:
    """Return what a function has beside its code: variables around it, and defaults."""
    around = inspect.getclosurevars(function).nonlocals
    parameters = inspect.signature(function).parameters.values()
    return {**around, **{f"{p.name}=": p.default for p in parameters}}


def _same_number(one: Any, other: Any) -> bool:
    plain = (bool, int, float, str)
    return one is other or (type(one) is type(other) and isinstance(one, plain) and one == other)


def _run_alike(one: Any, other: Any) -> bool:
    """Whether two layers run the same code, as far as their classes and functions say so."""
    first, second = _functions(one), _functions(other)
    return (
        type(one) is type(other)
        and first.keys() == second.keys()
        and all(same(first[name], second[name]) for name in first)
    )


def _functions(layer: Any) -> dict[str, Any]:
    """Return the functions that a layer holds, and its `call` where that was set on it."""
    return {
        name: value
        for name, value in vars(layer).items()
        if isinstance(value, _FUNCTIONS)
        and (has_own_call(layer) if name == "call" else not hasattr(type(layer), name))
    }


def _differ(held: _Held, alike: Callable[[Any, Any], bool]) -> bool:
    return any(not alike(held[0][1], other) for _, other in held[1:])


def _note(found: dict[str, _Held], holder: str, function: Any) -> None:
    """Add a function to those for whose name something was handed over, if it is."""
    if not isinstance(getattr(function, "__name__", None), str):
        return
    registered = _registered(function, function.__name__)
    key = handed_over.key(registered, handed_over.bare(registered))
    if key is not None:
        found.setdefault(key, []).append((holder, function))


def _names_of(layer: Any) -> list[object]:
    """Return the names by which something may have been handed over for a layer."""
    cls = type(layer)
    if handed_over.is_of_keras(cls) and cls.__name__ in LAYERS:
        return [layer.name]
    registered = _registered(cls, cls.__name__)
    return [layer.name, registered, cls.__name__, handed_over.bare(registered)]


def _registered(item: Any, name: str) -> str:
    """Return the name that Keras writes of a class or function."""
    for package in ("keras", "tf_keras"):
        saving = getattr(sys.modules.get(package), "saving", None)
        if saving is not None:
            found = str(saving.get_registered_name(item))
            if found != name:
                return found
    return name


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list | tuple):
        yield value
        return
    for item in value:
        yield from _leaves(item)


def _of_functions(key: str, held: _Held) -> Refusal:
    names = tuple(dict.fromkeys(name for name, _ in held))
    advice = _RENAME.format(name=key)
    if not {*names} <= {*_COMPILED}:
        advice += _OR_LAYER.format(layer=names[-1])
    return Refusal(
        "function",
        _SHARED,
        class_name=key,
        module=getattr(held[0][1], "__module__", None),
        layers=() if {*names} <= {*_COMPILED} else names,
        received=_received(function for _, function in held),
        advice=advice,
    )


def _of_layers(key: str, held: _Held) -> Refusal:
    names = [name for name, _ in held]
    cls = type(held[0][1])
    return Refusal(
        "layer",
        foreign.UNLIKE.format(key=key),
        class_name=cls.__name__,
        module=cls.__module__,
        layers=tuple(names),
        received=_received(_functions(layer) or type(layer) for _, layer in held),
        advice=foreign.one_by_one(names),
    )


def _received(items: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{item!r:.200}" for item in items))
