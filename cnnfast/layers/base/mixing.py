"""Classes that get another base where the user wrote them."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any, ClassVar

from cnnfast.errors import UnsupportedError
from cnnfast.utils import rooms
from cnnfast.utils.sealed import Sealing

# Where `mix` is called from.
_ROOMS = ("users_layers", "users_models")
# What a class of the user's says in its own way.
_SAID = ("call", "build", "convolution_op")
# What Keras' own layers call of themselves, and those here do not.
_PRIVATE = frozenset(
    {
        *("_masked_softmax", "_compute_attention", "_compute_attention_mask", "_moments"),
        *("_compute_causal_mask", "_calculate_scores", "_apply_scores", "_calculate_score_mask"),
        *("_compute_sliding_window_mask", "_get_input_channel", "_compute_causal_padding"),
        *("_make_output_dense",),
    }
)
_WITHOUT_CALL = frozenset({"Layer", "Model", "Wrapper"})
_PACKAGE = __name__.partition(".")[0]


class Mixing(Sealing, ABCMeta):
    """The class of layers: one that the user wrote is traced, and may be an abstract one.

    A class outside of this package that has a method of `_SAID` of its own, and no `lower`, gets
    the base that `mix` gave for the first of its bases.
    """

    # Nothing is registered with layers: they are asked as plain classes are, which is faster.
    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__

    _mixed: ClassVar[list[tuple[type, type]]] = []

    @classmethod
    def mix(cls, base: type, mixin: type) -> None:
        """Let classes made from `base` be made from `mixin`, too, which is made from `base`."""
        cls._mixed.insert(0, (base, mixin))

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any
    ) -> Any:
        if _is_inside(namespace):  # nothing of it is abstract
            return type.__new__(mcs, name, bases, namespace, **kwargs)
        said = _said_before_layers(bases) | namespace
        _check_private(name, bases, said)
        if "lower" not in namespace and any(of in said for of in _SAID):
            for room in _ROOMS:
                rooms.enter(room)
            bases = mcs._with_mixin(bases)
            if "build" in said:  # which shall run, also where Keras' class has no weights
                namespace.setdefault("built_without_weights", False)
        return super().__new__(mcs, name, bases, namespace, **kwargs)

    def __setattr__(cls, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        cls._class_changed()

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        cls._class_changed()

    def _class_changed(cls) -> None:
        """Do nothing; classes of the user's have another."""

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


def _said_before_layers(bases: tuple[type, ...]) -> dict[str, Any]:
    """Return what mixins of the user's say that stand in front of the layer."""
    first = next((i for i, base in enumerate(bases) if isinstance(base, Mixing)), 0)
    said: dict[str, Any] = {}
    for mixin in (cls for base in bases[:first][::-1] for cls in base.__mro__[::-1]):
        said |= {} if mixin is object or _is_inside(dict(vars(mixin))) else vars(mixin)
    return said


def _is_inside(namespace: dict[str, Any]) -> bool:
    return str(namespace.get("__module__")).partition(".")[0] == _PACKAGE


def _check_private(name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> None:
    """Refuse what changes a layer of Keras in a way that nothing here would notice.

    Raises
    ------
    UnsupportedError
        If the class has a method that Keras calls, and this package does not.
    """
    if "__call__" in namespace:
        raise UnsupportedError(
            "models call layers without their `__call__`, so that it must be that of Keras. "
            "Received: a `__call__` of its own",
            class_name=name,
            advice="Say what the layer does in its `call`.",
        )
    changed = sorted(_PRIVATE & namespace.keys())
    of_keras = {base.__name__ for base in bases if _is_inside(dict(vars(base)))}
    if changed and "call" not in namespace and of_keras - _WITHOUT_CALL:
        raise UnsupportedError(
            f"a method that Keras' `call` runs inside is not called here. Received: {changed}",
            class_name=name,
            advice="Say what the layer does in a `call` of its own, made from `layers.Layer`.",
        )
