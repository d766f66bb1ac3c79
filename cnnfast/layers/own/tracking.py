"""What belongs to a layer by being an attribute of it, as in Keras: weights and other layers.

Lists, dicts and sets become kinds that notice what is put into them later. (The rules are those
of keras/src/utils/tracking.py.)
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.layers.base.layer import Layer
from cnnfast.layers.own.building import check_initialized
from cnnfast.symbolic.array_arguments import read_only
from cnnfast.symbolic.tensor import remember
from cnnfast.symbolic.tracing import is_tracing
from cnnfast.utils.sealed import is_open
from cnnfast.variables import Variable, advance

if TYPE_CHECKING:
    from cnnfast.layers.own.traced import Traced


def track(owner: Traced, value: Any) -> Any:
    """Let `value`, and what is in it, belong to `owner`; return what to keep in its place.

    An array becomes a copy that cannot be written to, once the layer is made (see `freeze`):
    nothing would notice, and a graph has it as it is.

    Raises
    ------
    ValueError
        If `owner` is built already, and `value` is a weight or layer that is new to it.
    """
    if isinstance(value, Variable):
        check_initialized(owner)
        stores = (owner._trainable_variables, owner._non_trainable_variables)
        if not any(value is known for store in stores for known in store):
            _check_open(owner, value)
            stores[not value.trainable].append(value)
    elif isinstance(value, Layer):
        if not any(value is known for known in owner._tracked):
            _check_open(owner, value)
            owner._tracked.append(value)
            remember(value, "_holders", owner)
    elif isinstance(value, np.ndarray):
        return value if is_open(owner) else _frozen(value)
    elif isinstance(value, tuple):
        items = [track(owner, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    elif type(value) in _WATCHED:
        return _WATCHED[type(value)](owner, value)
    return value


def freeze(owner: Traced) -> None:
    """Let arrays that `owner` got while it was made become copies that cannot be written to."""
    if is_open(owner):
        return
    state = vars(owner)
    for name, value in list(state.items()):
        frozen = _frozen(value)
        if frozen is not value:
            state[name] = frozen


def _frozen(value: Any) -> Any:
    """Return an array as it is kept; lists and dicts with such, in which they are replaced."""
    if isinstance(value, np.ndarray):
        return read_only(value) if value.flags.writeable else value
    if type(value) is tuple:
        items = tuple(map(_frozen, value))
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    if isinstance(value, WatchedList):
        for place, item in enumerate(value):
            list.__setitem__(value, place, _frozen(item))
    elif isinstance(value, WatchedDict):
        for key, item in value.items():
            dict.__setitem__(value, key, _frozen(item))
    return value


def untrack(owner: Traced, value: Any) -> None:
    """Let `value` belong to `owner` no more."""
    stores: tuple[list[Any], ...] = (
        owner._tracked,
        owner._trainable_variables,
        owner._non_trainable_variables,
    )
    for store in stores:
        store[:] = [known for known in store if known is not value]


def class_changed(cls: type[Traced]) -> None:
    """Let layers of a class, and of those made from it, be drawn anew."""
    if not is_tracing():
        type.__setattr__(cls, "_class_version", advance())
        for made in cls.__subclasses__():
            made._class_changed()


def _check_open(owner: Traced, value: Any) -> None:
    if vars(owner).get("_built") and not is_open(owner):
        raise ValueError(
            "You cannot add new elements of state (variables or sub-layers) to a layer that is "
            "already built. All state must be created in the `__init__()` method or in the "
            f"`build()` method. Received: {value!r} for {owner._described()}"
        )


class _Watched:
    """What the lists, dicts and sets below have in common."""

    _reference: weakref.ref[Traced] | None = None

    @property
    def _owner(self) -> Traced | None:
        return None if self._reference is None else self._reference()

    def _track(self, value: Any) -> Any:
        owner = self._owner
        return value if owner is None else track(owner, value)

    def _untrack(self, values: Iterable[Any]) -> None:
        owner = self._owner
        if owner is not None:
            for value in values:
                untrack(owner, value)

    def _changed(self) -> None:
        owner = self._owner
        if owner is not None and not is_open(owner) and not is_tracing():
            owner._changed()


class WatchedList(_Watched, list[Any]):
    """A list of a layer's."""

    def __init__(self, owner: Traced, values: Iterable[Any]) -> None:
        self._reference = weakref.ref(owner)
        super().__init__(track(owner, value) for value in values)

    def __setitem__(self, key: Any, value: Any) -> None:
        old = self[key] if isinstance(key, slice) else [self[key]]
        self._untrack(old)
        tracked = map(self._track, value) if isinstance(key, slice) else self._track(value)
        super().__setitem__(key, tracked)
        self._changed()

    def __delitem__(self, key: Any) -> None:
        self._untrack(self[key] if isinstance(key, slice) else [self[key]])
        super().__delitem__(key)
        self._changed()

    def __iadd__(self, values: Iterable[Any]) -> Any:  # type: ignore[misc]
        self.extend(values)
        return self

    def __imul__(self, times: Any) -> Any:  # type: ignore[misc]
        if times < 1:
            self.clear()
        self.extend(list(self) * (times - 1))
        return self

    def append(self, value: Any) -> None:
        super().append(self._track(value))
        self._changed()

    def insert(self, index: Any, value: Any) -> None:
        super().insert(index, self._track(value))
        self._changed()

    def extend(self, values: Iterable[Any]) -> None:
        super().extend(map(self._track, values))
        self._changed()

    def remove(self, value: Any) -> None:
        del self[self.index(value)]

    def pop(self, index: Any = -1) -> Any:
        value = self[index]
        del self[index]
        return value

    def clear(self) -> None:
        del self[:]

    def sort(self, **kwargs: Any) -> None:
        super().sort(**kwargs)
        self._changed()

    def reverse(self) -> None:
        super().reverse()
        self._changed()

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return _copied(list(self), memo)


class WatchedDict(_Watched, dict[Any, Any]):
    """A dict of a layer's."""

    def __init__(self, owner: Traced, values: dict[Any, Any]) -> None:
        self._reference = weakref.ref(owner)
        super().__init__({key: track(owner, value) for key, value in values.items()})

    def __setitem__(self, key: Any, value: Any) -> None:
        self._untrack([self[key]] if key in self else [])
        super().__setitem__(key, self._track(value))
        self._changed()

    def __delitem__(self, key: Any) -> None:
        self._untrack([self[key]])
        super().__delitem__(key)
        self._changed()

    def __ior__(self, values: Any) -> Any:  # type: ignore[misc]
        self.update(values)
        return self

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> Any:
        key = next(reversed(self))
        return key, self.pop(key)

    def clear(self) -> None:
        for key in list(self):
            del self[key]

    def __reduce__(self) -> Any:
        return dict, (dict(self),)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return _copied(dict(self), memo)


def _copied(plain: Any, memo: dict[int, Any]) -> Any:
    from copy import deepcopy

    return deepcopy(plain, memo)


def _noticing(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of a set that looks at what the set has before and after."""

    @wraps(method)
    def noticing(self: Any, *args: Any) -> Any:
        before = list(self)
        result = method(self, *args)
        self._untrack(value for value in before if value not in self)
        for value in self:
            self._track(value)
        self._changed()
        return result

    return noticing


class WatchedSet(_Watched, set[Any]):
    """A set of a layer's."""

    def __init__(self, owner: Traced, values: set[Any]) -> None:
        super().__init__(values)
        self._reference = weakref.ref(owner)
        for value in values:
            track(owner, value)

    add, discard, remove = _noticing(set.add), _noticing(set.discard), _noticing(set.remove)
    pop, clear, update = _noticing(set.pop), _noticing(set.clear), _noticing(set.update)
    difference_update = _noticing(set.difference_update)
    intersection_update = _noticing(set.intersection_update)
    symmetric_difference_update = _noticing(set.symmetric_difference_update)

    def __reduce__(self) -> Any:
        return set, (list(self),)


_WATCHED: dict[type, Callable[..., Any]] = {
    list: WatchedList,
    dict: WatchedDict,
    set: WatchedSet,
}
