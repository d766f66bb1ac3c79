"""Classes that get another base where the user wrote them."""

from __future__ import annotations

from typing import Any, ClassVar

from cnnfast.utils import rooms
from cnnfast.utils.sealed import Sealing

# Where `mix` is called from.
_ROOMS = ("users_layers", "users_models")
# What a class of the user's says in its own way.
_SAID = ("call", "build")
_PACKAGE = __name__.partition(".")[0]


class Mixing(Sealing):
    """The class of layers: one that the user wrote is traced.

    A class outside of this package that has a `call` or a `build` of its own, and no `lower`, gets
    the base that `mix` gave for the first of its bases.
    """

    _mixed: ClassVar[list[tuple[type, type]]] = []

    @classmethod
    def mix(cls, base: type, mixin: type) -> None:
        """Let classes made from `base` be made from `mixin`, too, which is made from `base`."""
        cls._mixed.insert(0, (base, mixin))

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any
    ) -> Any:
        if _is_users(namespace):
            for room in _ROOMS:
                rooms.enter(room)
            bases = mcs._with_mixin(bases)
        return super().__new__(mcs, name, bases, namespace, **kwargs)

    @classmethod
    def _with_mixin(cls, bases: tuple[type, ...]) -> tuple[type, ...]:
        for base, mixin in cls._mixed:
            if any(issubclass(own, mixin) for own in bases):
                return bases
            if any(issubclass(own, base) for own in bases):
                first = next(i for i, own in enumerate(bases) if issubclass(own, base))
                rest = bases[first + (bases[first] is base) :]
                return (*bases[:first], mixin, *rest)
        return bases


def _is_users(namespace: dict[str, Any]) -> bool:
    inside = str(namespace.get("__module__")).partition(".")[0] == _PACKAGE
    return not inside and "lower" not in namespace and any(name in namespace for name in _SAID)
