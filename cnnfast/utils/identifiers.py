"""How losses, metrics and optimizers are named: by string, serialized dict or Keras object.

Names are only ever looked up in closed tables: nothing is imported or evaluated, so an
identifier may come from a stranger's model file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from cnnfast.utils import handed_over
from cnnfast.utils.registry import Registry

T = TypeVar("T")

JUDGES = "a loss or metric"
"""What a user's object is taken for where a loss or metric is named."""
_KERAS_PACKAGES = frozenset({"keras", "tf_keras"})


def parse_serialized(identifier: Mapping[str, Any], kind: str) -> tuple[str, dict[str, Any] | None]:
    """Split a serialized object into its class name and config; a function has no config.

    Raises
    ------
    ValueError
        If `identifier` is not of the form ``{"class_name": str, "config": dict}``, or that of
        a function, ``{"class_name": "function", "config": str}``.
    """
    class_name, config = identifier.get("class_name"), identifier.get("config")
    if class_name == "function" and isinstance(config, str):
        return config, None
    if isinstance(class_name, str) and (config is None or isinstance(config, Mapping)):
        return class_name, dict(config or {})
    raise ValueError(
        f"A serialized {kind} must be a dict with a string `class_name` and a dict `config`. "
        f"Received: {dict(identifier)!r}"
    )


def handed_over_for(config: Mapping[str, Any], kind: str) -> Any:
    """Return what the user handed over for a serialized loss or metric; None if nothing."""
    given = handed_over.find_for(config)
    if not inspect.isclass(given):
        return given
    make = getattr(given, "from_config", lambda arguments: given(**arguments))
    return build(make, parse_serialized(config, kind)[1] or {}, given.__name__)


def describe_keras_object(obj: object) -> str | dict[str, Any] | None:
    """Describe a class, function or instance of real Keras; None for anything else.

    Keras itself is not needed for it: the class name and ``get_config()`` say all, but for
    arguments of wrapped functions, some of which (Huber's ``delta``) Keras leaves out there.
    """
    named = inspect.isclass(obj) or inspect.isfunction(obj)
    module = str(getattr(obj if named else type(obj), "__module__", ""))
    if module.partition(".")[0] not in _KERAS_PACKAGES:
        return None
    if named:
        return str(getattr(obj, "__name__", ""))
    get_config = getattr(obj, "get_config", None)
    if get_config is None:
        return None
    return {
        "class_name": type(obj).__name__,
        "config": get_config() | getattr(obj, "_fn_kwargs", {}),
    }


def build(make: Callable[[Mapping[str, Any]], T], config: Mapping[str, Any], what: str) -> T:
    """Call a ``from_config``; arguments it does not know become a `ValueError` naming `what`."""
    try:
        return make(config)
    except TypeError as error:
        raise ValueError(f"The config of {what} was not understood: {error}") from error


def resolve(identifier: Any, known: Registry[Any], deserialize: Callable[[Any], Any]) -> Any:
    """Find what `identifier` names: an object of the table `known`, or a callable of the user.

    Objects of real Keras whose class stands in the table become that class of this package.

    Raises
    ------
    ValueError
        If the name is unknown, or `identifier` is no name, dict or callable.
    """
    if identifier is None:
        return None
    if not isinstance(identifier, str | Mapping):
        described = describe_keras_object(identifier)
        name = described["class_name"] if isinstance(described, dict) else described
        if name in known:
            function = {"class_name": "function", "config": name}
            identifier = function if inspect.isfunction(identifier) else described
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    found = known.lookup(identifier) if isinstance(identifier, str) else identifier
    if inspect.isclass(found):
        found = _make_from_name(found, known.kind)
    if not callable(found):
        raise ValueError(
            f"A {known.kind} must be a name, a serialized dict, or a callable `(y_true, y_pred)`. "
            f"Received: {found!r}"
        )
    return found


def _make_from_name(cls: Callable[[], T], kind: str) -> T:
    try:
        return cls()
    except TypeError as error:
        raise ValueError(
            f"This {kind} has arguments without a default: give an object, not its name. "
            f"Received: {error}"
        ) from error


def serialize_object(module: str, obj: Any) -> Any:
    """Describe `obj` in the form that Keras 3 files hold; a string or None is itself.

    `module` is the Keras module that its class stands in. A function is its name.
    """
    if obj is None or isinstance(obj, str):
        return obj
    if isinstance(obj, Mapping):
        origin = "builtins" if obj.get("class_name") == "function" else module
        return {"module": origin, "registered_name": None, **obj}
    described = describe_keras_object(obj)
    if isinstance(described, str):
        return described
    get_config = getattr(obj, "get_config", None)
    if get_config is None:
        return str(getattr(obj, "__name__", type(obj).__name__))
    described = described or {"class_name": type(obj).__name__, "config": get_config()}
    return {"module": module, **described, "registered_name": None}
