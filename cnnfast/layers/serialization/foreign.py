"""Layers of a file that are not Keras' own, or that the user hands something over for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from cnnfast.errors import AROUND, UnsupportedError
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.serialization import refused
from cnnfast.layers.serialization.stand_in import StandIn, StoredWeight, name_in
from cnnfast.utils import handed_over

# Returns the weights that are stored for the layer of a config object; None where none could be.
Stored: TypeAlias = Callable[[Mapping[str, Any]], Sequence[StoredWeight] | None]

_FUNCTION = (
    "Give a function of NumPy arrays that does the same, or a subclass of `cnnfast.layers.Layer`; "
    "without an entry in `custom_objects`, a layer that Keras has is cnnfast's own."
)
_NO_METHODS = "is a part of another layer that needs its methods, which a function lacks."
_OUTSIDE = (
    "Give a function for the layer around it, by the name of that one: "
    f"`custom_objects={{{AROUND}: function}}`."
)


def nothing_stored(config: Mapping[str, Any]) -> None:
    """Return None: there is a configuration, and no weights with it."""


def for_operation(name: str, config: Mapping[str, Any]) -> Layer | None:
    """Return what the user handed over for an operation called `name`, which has no weights."""
    given = handed_over.find(name)
    return None if given is None else make(given, config, _no_weights, functions=True)


def _no_weights(config: Mapping[str, Any]) -> Sequence[StoredWeight]:
    return ()


def make(given: Any, config: Mapping[str, Any], stored: Stored, *, functions: bool) -> Layer:
    """Make a layer of what the user handed over for it.

    Parameters
    ----------
    given
        A function of arrays, or a subclass of `Layer`.
    config
        ``{"class_name", "config", …}``.
    stored
        Says which weights are stored for it.
    functions
        Whether a function can stand in here.

    Raises
    ------
    UnsupportedError
        If it is something else, or a mask would be lost.
    """
    inner = config.get("config")
    fields = inner if isinstance(inner, Mapping) else {}
    rule, advice = _rule(given, config, fields, functions)
    if rule:
        raise UnsupportedError(
            f"{rule} Received: {given!r} in `custom_objects`",
            layer=name_in(config),
            class_name=str(config.get("class_name")),
            advice=advice,
        )
    if isinstance(given, type):
        made: Layer = given.from_config(fields)  # type: ignore[attr-defined]
        return made
    return StandIn(given, config, stored(config))


def _rule(
    given: Any, config: Mapping[str, Any], fields: Mapping[str, Any], functions: bool
) -> tuple[str, str]:
    """Return why something cannot stand in for a layer, and what can; nothing if it can."""
    if refused.makes_mask(config):
        return refused.MASKS, refused.WITHOUT_MASKS
    if isinstance(given, type):
        if issubclass(given, Layer):
            return "", ""
        whose = "a class of Keras" if handed_over.comes_from_keras(given) else "a class"
        return f"needs a function of arrays: the code of {whose} cannot run here.", _FUNCTION
    if not callable(given):
        return "needs a function of arrays.", _FUNCTION
    if not functions:
        return _NO_METHODS, _OUTSIDE
    return "", ""
