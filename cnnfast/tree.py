"""Nested lists, tuples and dicts, under the names of `keras.tree`.

Dicts are walked in the order of their sorted keys; None is a leaf.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]

_DIFFER = "Structures don't have the same nested structure."


class MAP_TO_NONE:  # noqa: N801 - Keras' name
    """What a function of `traverse` returns for None, which says to go on."""


def is_nested(structure: Any) -> bool:
    """Whether `structure` is a list, tuple or dict.

    Examples
    --------
    >>> cnnfast.tree.is_nested([1]), cnnfast.tree.is_nested(1)
    (True, False)
    """
    return isinstance(structure, list | tuple | dict)


def _items(structure: Any) -> list[tuple[Any, Any]]:
    if isinstance(structure, dict):
        return [(key, structure[key]) for key in _sorted(structure)]
    return list(enumerate(structure))


def _sorted(keys: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(keys)
    except TypeError:  # of keys that have no order
        return list(keys)


def _like(structure: Any, children: Iterable[Any]) -> Any:
    """Return a container like `structure` of other children, in the order of `_items`."""
    children = list(children)
    if isinstance(structure, dict):
        made = dict(zip(_sorted(structure), children, strict=True))
        ordered = {key: made[key] for key in structure}
        return ordered if type(structure) is dict else _same_dict(structure, ordered)
    if hasattr(structure, "_fields"):
        return type(structure)(*children)
    return type(structure)(children)


def _same_dict(structure: dict[Any, Any], items: dict[Any, Any]) -> Any:
    copy = structure.copy()
    copy.update(items)
    return copy


def _alike(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys()
    return type(a) is type(b) and len(a) == len(b)


def flatten(structure: Any) -> list[Any]:
    """Return the leaves.

    Examples
    --------
    >>> cnnfast.tree.flatten({"b": [1, 2], "a": 3})
    [3, 1, 2]
    """
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Return the leaves, each with the keys and positions that lead to it.

    Examples
    --------
    >>> cnnfast.tree.flatten_with_path({"a": [5]})
    [(('a', 0), 5)]
    """
    if not is_nested(structure):
        return [((), structure)]
    return [
        ((key, *path), leaf)
        for key, child in _items(structure)
        for path, leaf in flatten_with_path(child)
    ]


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Apply a function to the leaves of structures that are alike.

    Parameters
    ----------
    func
        Takes a leaf of each.
    *structures
        At least one.
    none_is_leaf
        Whether it is applied to None.

    Raises
    ------
    ValueError
        If they are not alike.

    Examples
    --------
    >>> cnnfast.tree.map_structure(lambda a, b: a + b, [1, (2,)], [10, (20,)])
    [11, (22,)]
    """
    if not structures:
        raise ValueError("Must provide at least one structure")
    first = structures[0]
    if not is_nested(first):
        if any(is_nested(other) for other in structures):
            raise ValueError(_DIFFER)
        return None if first is None and not none_is_leaf else func(*structures)
    if not all(is_nested(other) and _alike(first, other) for other in structures):
        raise ValueError(_DIFFER)
    columns = zip(*([child for _, child in _items(each)] for each in structures), strict=True)
    return _like(
        first, [map_structure(func, *column, none_is_leaf=none_is_leaf) for column in columns]
    )


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Apply a function to what stands in structures where `shallow_structure` has leaves.

    Examples
    --------
    >>> cnnfast.tree.map_structure_up_to([0, 0], len, [[1], [2, 3]])
    [1, 2]
    """
    if not structures:
        raise ValueError("Must provide at least one structure")
    if not is_nested(shallow_structure):
        return func(*structures)
    if not all(is_nested(other) and _alike(shallow_structure, other) for other in structures):
        raise ValueError(_DIFFER)
    rows = [[child for _, child in _items(each)] for each in (shallow_structure, *structures)]
    return _like(
        shallow_structure,
        [
            map_structure_up_to(shallow, func, *others)
            for shallow, *others in zip(*rows, strict=True)
        ],
    )


def assert_same_structure(a: Any, b: Any) -> None:
    """Raise ValueError if two structures are not alike.

    Examples
    --------
    >>> cnnfast.tree.assert_same_structure([1, (2,)], [3, (4,)])
    """
    map_structure(lambda x, y: None, a, b)


def assert_same_paths(a: Any, b: Any) -> None:
    """Raise ValueError if other keys and positions lead to the leaves of two structures.

    Examples
    --------
    >>> cnnfast.tree.assert_same_paths([1, 2], (3, 4))
    """
    first, second = ({path for path, _ in flatten_with_path(each)} for each in (a, b))
    if first != second:
        raise ValueError(
            "`a` and `b` don't have the same paths. "
            f"Received: in one of them only {sorted(first ^ second, key=repr)}"
        )


def pack_sequence_as(structure: Any, flat_sequence: Iterable[Any]) -> Any:
    """Return `structure` with other leaves, in the order of `flatten`.

    Raises
    ------
    ValueError
        If there are not as many.

    Examples
    --------
    >>> cnnfast.tree.pack_sequence_as([0, (0,)], [1, 2])
    [1, (2,)]
    """
    leaves = list(flat_sequence)
    count = len(flatten(structure))
    if len(leaves) != count:
        raise ValueError(f"The structure has {count} leaves. Received: {len(leaves)}")
    rest = iter(leaves)
    return _filled(structure, rest)


def _filled(structure: Any, leaves: Any) -> Any:
    if not is_nested(structure):
        return next(leaves)
    return _like(structure, [_filled(child, leaves) for _, child in _items(structure)])


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Replace parts of a structure by what a function returns for them.

    Parameters
    ----------
    func
        Takes a part; returns another, or None to leave it and go on.
    structure
        Any.
    top_down
        Whether a part comes before what it holds.

    Examples
    --------
    >>> cnnfast.tree.traverse(lambda x: tuple(x) if isinstance(x, list) else None, [1, [2]])
    (1, [2])
    """
    if top_down:
        found = func(structure)
        if found is None:
            return _inside(func, structure, top_down)
    else:
        structure = _inside(func, structure, top_down)
        found = func(structure)
        if found is None:
            return structure
    return None if found is MAP_TO_NONE else found


def _inside(func: Callable[[Any], Any], structure: Any, top_down: bool) -> Any:
    if not is_nested(structure):
        return structure
    return _like(structure, [traverse(func, child, top_down) for _, child in _items(structure)])


def lists_to_tuples(structure: Any) -> Any:
    """Return a structure with tuples in place of lists.

    Examples
    --------
    >>> cnnfast.tree.lists_to_tuples([1, [2]])
    (1, (2,))
    """
    return traverse(
        lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False
    )


def map_shape_structure(func: Callable[[Any], Any], structure: Any) -> Any:
    """Apply a function to every shape, a list or tuple of numbers and None.

    Examples
    --------
    >>> cnnfast.tree.map_shape_structure(len, [(None, 3), (4,)])
    [2, 1]
    """
    if isinstance(structure, list | tuple) and all(
        isinstance(size, int | None) for size in structure
    ):
        return func(structure)
    if not is_nested(structure):
        return func(structure)
    return _like(structure, [map_shape_structure(func, child) for _, child in _items(structure)])
