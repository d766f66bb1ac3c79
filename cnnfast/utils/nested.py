"""Walks over structures of lists, tuples and dicts, as models take and return them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


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
