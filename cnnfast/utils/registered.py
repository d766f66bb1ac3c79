"""What the user registered for names in files, for the whole process: behind what is handed over.

A name in a file is looked up here and nowhere else: it is never imported.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from cnnfast.utils.handed_over import register_table

T = TypeVar("T")

_objects: dict[str, Any] = {}
_names: dict[Any, str] = {}

register_table(_objects)


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Let files name a class or function as ``"package>name"``.

    Parameters
    ----------
    package
        Whose it is.
    name
        That of the class or function where None.

    Returns
    -------
    callable
        A decorator that returns the class or function as it is.

    Raises
    ------
    ValueError
        If a class has no `get_config`, or the name is that of something else.

    Examples
    --------
    >>> @cnnfast.saving.register_keras_serializable("mine")
    ... class Doubled(cnnfast.layers.Layer):
    ...     def call(self, x):
    ...         return 2 * x
    >>> cnnfast.saving.get_registered_name(Doubled)
    'mine>Doubled'
    """

    def decorator(item: T) -> T:
        key = f"{package}>{name or item.__name__}"  # type: ignore[attr-defined]
        if inspect.isclass(item) and not hasattr(item, "get_config"):
            raise ValueError(
                "Cannot register a class that does not have a get_config() method. Received: "
                f"{item}"
            )
        known = _objects.get(key)
        if known is not None and known is not item and _place(known) != _place(item):
            raise ValueError(
                f"A registered name must be that of one class or function: choose another "
                f"`package` or `name`. Received: {key!r} for {item!r}, which is that of {known!r}"
            )
        _objects[key] = item
        _names[item] = key
        return item

    return decorator


def _place(item: Any) -> tuple[object, object]:
    """Return what a class that is defined again, as in a notebook, has in common with the first."""
    return getattr(item, "__module__", None), getattr(item, "__qualname__", None)


def get_registered_name(obj: Any) -> str:
    """Return the name that files have for a class or function: its own if it is not registered."""
    try:
        known = _names.get(obj)
    except TypeError:  # nothing that can be registered
        known = None
    return known or str(getattr(obj, "__name__", type(obj).__name__))


def get_registered_object(
    name: str,
    custom_objects: dict[str, Any] | None = None,
    module_objects: dict[str, Any] | None = None,
) -> Any:
    """Return what goes by a registered name, or None.

    `custom_object_scope` comes first, then what is registered, then `custom_objects` and
    `module_objects`.
    """
    from cnnfast.utils import handed_over

    found = handed_over.find(name)
    for table in (custom_objects, module_objects):
        found = (table or {}).get(name) if found is None else found
    return found


def get_custom_objects() -> dict[str, Any]:
    """Return the dict of all that is registered, which may be changed."""
    return _objects
