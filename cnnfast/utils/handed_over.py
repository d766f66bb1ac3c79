"""What the user hands over for names in a file: it stands in front of every table, and wins.

Keras calls it `custom_objects`. Whatever looks a name up asks `find` first, and goes on to its own
table only where nothing was handed over. What nobody asked for is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from cnnfast.utils.naming import spelt_like
from cnnfast.utils.warned import warn

_PACKAGES_OF_KERAS = frozenset({"keras", "tf_keras", "tensorflow"})


class HandedOver:
    """The user's objects by name, and which of them were asked for.

    Parameters
    ----------
    objects
        By registered name (``"package>Name"``), name of a class or function, or name of a layer.
    """

    def __init__(self, objects: Mapping[str, Any] | None = None) -> None:
        self._objects = {name: item for name, item in (objects or {}).items() if item is not None}
        self._names = list(objects or ())
        self._used: set[str] = set()
        self._asked: dict[str, None] = {}
        self._of_keras: set[object] = set()
        self._meant: dict[str, str] = {}

    def find(self, *names: object) -> Any:
        """Return what was handed over for the first of `names` there is one for, or None."""
        known = self.ask(*names)
        found = [name for name in known if name in self._objects]
        if not found:
            return None
        self._used.add(found[0])
        return self._objects[found[0]]

    @property
    def holds_any(self) -> bool:
        """Whether anything was handed over."""
        return bool(self._objects)

    def ask(self, *names: object) -> list[str]:
        """Note what something may go by; return the names that are some."""
        known = [name for name in names if isinstance(name, str)]
        self._asked |= dict.fromkeys(known)
        return known

    def meant(self, name: object, kind: str) -> None:
        """Note what the name of something handed over was taken for.

        Raises
        ------
        ValueError
            If it was taken for another kind before: what is meant for one would change the other.
        """
        if name not in self._used:
            return
        known = self._meant.setdefault(str(name), kind)
        if known != kind:
            raise ValueError(
                f"The name {name!r} in `custom_objects` is that of {known} and of {kind}. Give "
                "what is meant for the layer under the name of its class."
            )

    def passed_over(self, name: object) -> None:
        """Note that a class of this `name` was Keras' own, for which nothing stands in."""
        self._of_keras.add(name)

    @property
    def names(self) -> list[str]:
        """All names that something, or None, was handed over for."""
        return list(self._names)

    @property
    def unused(self) -> list[str]:
        """The names that nothing was called by so far."""
        return [name for name in self._names if name not in self._used]

    def likely_meant(self, *names: object) -> list[str]:
        """Return the unused names that one of `names` may have been meant by."""
        return [
            key
            for key in self.unused
            if any(isinstance(name, str) and spelt_like(key, [name]) for name in names)
        ]

    def warn_of_unused(self) -> None:
        """Warn of each name that nothing was called by, with the nearest there are."""
        if self.unused:
            warn(
                "Nothing in the model goes by these names of `custom_objects`: "
                f"{', '.join(map(self._reported, self.unused))}. A name is that of a layer, of a "
                "class or function, or a registered one such as 'package>Name'."
            )

    def _reported(self, key: str) -> str:
        if key in self._of_keras:
            return f"{key!r} (the file says that this is Keras' own; use the name of the layer)"
        near = spelt_like(key, [name for name in self._asked if name not in self._used])
        return f"{key!r} (did you mean {' or '.join(map(repr, near))}?)" if near else repr(key)


_tables: list[Mapping[str, Any]] = []


def register_table(table: Mapping[str, Any]) -> None:
    """Let `find` look into `table` behind all that is handed over."""
    _tables.append(table)


_scopes: ContextVar[tuple[HandedOver, ...]] = ContextVar("cnnfast_handed_over", default=())


@contextmanager
def scope(objects: Mapping[str, Any] | None) -> Iterator[HandedOver]:
    """Let `find` find `objects` inside a ``with`` block, before those of the blocks around it.

    Raises
    ------
    TypeError
        If `objects` is no dict with names as keys.
    """
    if objects is not None and not (
        isinstance(objects, Mapping) and all(isinstance(name, str) for name in objects)
    ):
        raise TypeError(
            f"`custom_objects` must be a dict with strings as keys. Received: {objects!r}"
        )
    given = HandedOver(objects)
    token = _scopes.set((given, *_scopes.get()))
    try:
        yield given
    finally:
        _scopes.reset(token)


def find(*names: object) -> Any:
    """Return what the user handed over, or registered, for the first of `names`, or None.

    As in Keras, what is registered under a full name counts before what is handed over for a
    shorter one that comes behind it.
    """
    scopes = [given for given in _scopes.get() if given.holds_any]
    if not scopes and not any(_tables):
        return None
    for given in scopes:
        given.ask(*names)
    for name in (name for name in names if isinstance(name, str)):
        for given in scopes:
            found = given.find(name)
            if found is not None:
                return found
        for table in _tables:
            if name in table:
                return table[name]
    return None


def anything() -> bool:
    """Whether the user handed over anything at all."""
    return any(given.names for given in _scopes.get())


def key(*names: object) -> str | None:
    """Return the first of `names` for which the user handed something over, or None."""
    return next((str(name) for name in names if find(name) is not None), None)


def meant(name: object, kind: str) -> None:
    """Note what a name was taken for; see `HandedOver.meant`."""
    for given in _scopes.get():
        given.meant(name, kind)


def find_for(config: Mapping[str, Any]) -> Any:
    """Return what the user handed over for a serialized object, or None.

    Where the config says that its class is Keras' own, no class of that name is meant.
    """
    module, name = config.get("module"), config.get("class_name")
    if isinstance(module, str) and module.partition(".")[0] in _PACKAGES_OF_KERAS:
        pass_over(name)
        return None
    if name == "function":
        name = config.get("config")
    registered = config.get("registered_name")
    return find(registered if registered != "function" else None, name, bare(name))


def pass_over(name: object) -> None:
    """Note that a class of this name was Keras' own, as the file says."""
    for given in _scopes.get():
        given.passed_over(name)


def bare(name: object) -> object:
    """Return a registered name without its package."""
    return name.rpartition(">")[-1] if isinstance(name, str) else name


def hint(*names: object) -> str:
    """Return a sentence on what the user may have mistyped one of `names` as, or nothing."""
    meant = [repr(key) for given in _scopes.get() for key in given.likely_meant(*names)]
    if not meant:
        return ""
    return f"`custom_objects` has {' and '.join(meant)}, which nothing goes by. "


def mention(config: Any) -> None:
    """Count what `config`, or its JSON, names as used: others read it, or nobody does."""
    import json

    text = config if isinstance(config, str) else json.dumps(config)
    for given in _scopes.get():
        for key in given.unused:
            if json.dumps(key) in text:
                given.find(key)


def is_of_keras(item: object) -> bool:
    """Whether `item` is a class or function of real Keras itself, not one made from it."""
    return _package(item) in _PACKAGES_OF_KERAS


def comes_from_keras(cls: type) -> bool:
    """Whether a class is one of real Keras, or was made from one."""
    return any(_package(base) in _PACKAGES_OF_KERAS for base in cls.__mro__)


def _package(item: object) -> str:
    return str(getattr(item, "__module__", "")).partition(".")[0]
