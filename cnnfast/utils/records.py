"""Frozen dataclasses that cost little to define.

`dataclasses` writes six methods for each class and compiles them where it is defined, half a
millisecond of every import. The classes here share one set of methods, and making an object takes
two microseconds more. `fields`, `replace` and `asdict` take them as they take others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING, Any, NoReturn

__all__ = ["record"]

if TYPE_CHECKING:
    import inspect
    from dataclasses import dataclass as record
else:

    def record(*, frozen: bool, eq: bool = True) -> Callable[[type], type]:
        """Make a class a frozen dataclass; `frozen` says so to those who read types.

        There is no `__post_init__`.
        """
        if not frozen:
            raise TypeError("A record must be frozen. Received: frozen=False")
        return lambda cls: _define(cls, eq)


def _define(cls: Any, eq: bool) -> type:
    dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    cls.__init__ = _initializer(cls)
    cls.__signature__ = _Signature()
    cls.__setattr__ = cls.__delattr__ = _keep
    cls.__repr__ = _repr
    if eq:
        cls.__eq__, cls.__hash__ = _eq, _hash
    made: type = cls
    return made


def _initializer(cls: Any) -> Callable[..., None]:
    fields = dataclasses.fields(cls)
    names = {field.name for field in fields}
    places: tuple[str, ...] = cls.__match_args__
    defaults = {f.name: f.default for f in fields if f.default is not dataclasses.MISSING}
    factories = {
        f.name: f.default_factory for f in fields if f.default_factory is not dataclasses.MISSING
    }

    def __init__(self: object, /, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        values = vars(self)
        values.update(defaults)
        values.update(zip(places, args, strict=False))
        values.update(kwargs)
        for name, make in factories.items():
            if name not in values:
                values[name] = make()
        twice = args and kwargs and not kwargs.keys().isdisjoint(places[: len(args)])
        if twice or len(args) > len(places) or values.keys() != names:
            raise TypeError(
                f"{cls.__name__} takes each of {', '.join(f.name for f in fields)} once, and may "
                f"go without those with a default. Received: {len(args)} by position, and "
                f"{', '.join(kwargs) or 'none'} by name"
            )

    return __init__


class _Signature:
    """What `help` and editors show: that of a dataclass, made when they ask for it."""

    def __get__(self, made: object, cls: Any) -> inspect.Signature:
        import inspect

        fields = [(f.name, f.type, copy(f)) for f in dataclasses.fields(cls)]
        return inspect.signature(dataclasses.make_dataclass(cls.__name__, fields))


def _values(made: Any) -> tuple[Any, ...]:
    state = vars(made)
    return tuple(state[name] for name in made.__dataclass_fields__)


def _keep(self: object, name: str, *_: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(
        f"A {type(self).__name__} cannot be changed: `replace` makes another. Received: {name}"
    )


def _repr(self: Any) -> str:
    values = zip(self.__dataclass_fields__, _values(self), strict=True)
    return f"{type(self).__qualname__}({', '.join(f'{name}={value!r}' for name, value in values)})"


def _eq(self: object, other: object) -> Any:
    return _values(self) == _values(other) if type(self) is type(other) else NotImplemented


def _hash(self: object) -> int:
    return hash(_values(self))
