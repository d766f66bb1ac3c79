"""Structures as calls take and return them: lists, tuples and dicts of leaves.

Dicts are walked in the order of their sorted keys, which is Keras' order of a model's inputs
and outputs. A user's data and arguments (`leaves`, `map_leaves`) are walked in the order that they
have; there, a serialized object is a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

Structure: TypeAlias = Any

_SEQUENCES = (list, tuple)
_CONTAINERS = (list, tuple, Mapping)
PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of most leaves, which need not be shown to an abstract class: it takes its time."""


def flatten(structure: Structure) -> list[Any]:
    """Return the leaves of `structure`, in order."""
    leaves: list[Any] = []
    _gather(structure, leaves)
    return leaves


def _gather(structure: Structure, leaves: list[Any]) -> None:
    if isinstance(structure, _SEQUENCES):
        for item in structure:
            _gather(item, leaves)
    elif type(structure) not in PLAIN and isinstance(structure, Mapping):
        for key in sorted(structure):
            _gather(structure[key], leaves)
    else:
        leaves.append(structure)


def map_structure(function: Callable[[Any], Any], structure: Structure) -> Structure:
    """Apply `function` to every leaf; lists, tuples and dicts keep their kind."""
    if type(structure) in PLAIN:
        return function(structure)
    if isinstance(structure, Mapping):
        return {key: map_structure(function, structure[key]) for key in structure}
    if isinstance(structure, list):
        return [map_structure(function, item) for item in structure]
    if isinstance(structure, tuple):
        return _like(structure, [map_structure(function, item) for item in structure])
    return function(structure)


def _like(structure: Any, items: list[Any]) -> Any:
    """Return a tuple of the kind of `structure`, which may have names for its places."""
    return type(structure)(*items) if hasattr(structure, "_fields") else tuple(items)


def present(structure: Structure) -> list[Any]:
    """Return the leaves of `structure` that are not None, in order."""
    return [leaf for leaf in flatten(structure) if leaf is not None]


def map_present(function: Callable[[Any], Any], structure: Structure) -> Structure:
    """Apply `function` to every leaf that is not None."""
    return map_structure(lambda leaf: None if leaf is None else function(leaf), structure)


def pack_present(structure: Structure, leaves: Sequence[Any]) -> Structure:
    """Return `structure` with `leaves` in place of its own that are not None."""
    given = iter(leaves)
    return pack(structure, [None if x is None else next(given) for x in flatten(structure)])


def pack(structure: Structure, leaves: Sequence[Any]) -> Structure:
    """Return `structure` with `leaves`, in the order of `flatten`, in place of its own."""
    return _filled(structure, iter(leaves))


def _filled(structure: Structure, leaves: Iterator[Any]) -> Structure:
    if isinstance(structure, Mapping):
        filled = {key: _filled(structure[key], leaves) for key in sorted(structure)}
        return {key: filled[key] for key in structure}
    if isinstance(structure, list | tuple):
        items = [_filled(item, leaves) for item in structure]
        return items if isinstance(structure, list) else _like(structure, items)
    return next(leaves)


def is_shape(value: object) -> bool:
    """Whether `value` is one shape, and not a list or tuple of shapes."""
    return isinstance(value, _SEQUENCES) and not any(
        type(size) not in PLAIN and isinstance(size, _CONTAINERS) for size in value
    )


def map_shapes(function: Callable[[Any], Any], shapes: Structure) -> Structure:
    """Apply `function` to every shape in a structure of shapes."""
    if isinstance(shapes, Mapping):
        return {key: map_shapes(function, shapes[key]) for key in shapes}
    if is_shape(shapes) or not isinstance(shapes, list | tuple):
        return function(shapes)
    items = [map_shapes(function, shape) for shape in shapes]
    return tuple(items) if isinstance(shapes, tuple) else items


def is_nested(value: object) -> bool:
    """Whether `value` is a container; a serialized object (it has a ``class_name``) is a leaf."""
    if isinstance(value, Mapping):
        return "class_name" not in value
    return isinstance(value, list | tuple)


def leaves(structure: Any) -> Iterator[Any]:
    """Yield what stands in `structure`, in order; a dict in the order of its items."""
    if not is_nested(structure):
        yield structure
        return
    for item in structure.values() if isinstance(structure, Mapping) else structure:
        yield from leaves(item)


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """Apply `function` to every leaf; tuples become lists."""
    if not is_nested(structure):
        return function(structure)
    if isinstance(structure, Mapping):
        return {key: map_leaves(function, item) for key, item in structure.items()}
    return [map_leaves(function, item) for item in structure]
