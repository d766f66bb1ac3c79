"""Layers of a file that are not Keras' own, or that the user hands something over for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from cnnfast.errors import AROUND, Refusal, UnsupportedError
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.serialization import refused
from cnnfast.layers.serialization.stand_in import StandIn, StoredWeight, name_in
from cnnfast.utils import handed_over
from cnnfast.utils.warned import warn

# Returns the weights that are stored for the layer of a config object; None where none could be.
Stored: TypeAlias = Callable[[Mapping[str, Any]], Sequence[StoredWeight] | None]

# Arguments that say nothing of what a layer computes at inference.
_OF_ANY_LAYER = frozenset(
    {
        "activity_regularizer",
        "autocast",
        "batch_input_shape",
        "batch_shape",
        "dtype",
        "dynamic",
        "input_dtype",
        "name",
        "ragged",
        "sparse",
        "trainable",
    }
)

_FUNCTION = (
    "Give a function of NumPy arrays that does the same, or a subclass of `cnnfast.layers.Layer`; "
    "without an entry in `custom_objects`, a layer that Keras has is cnnfast's own."
)
_NO_METHODS = "is a part of another layer that needs its methods, which a function lacks."
_OUTSIDE = (
    "Give a function for the layer around it, by the name of that one: "
    f"`custom_objects={{{AROUND}: function}}`."
)

UNLIKE = (
    "have different code (their classes, or the functions that they hold), and what is handed "
    "over for {key!r} would stand for all."
)
"""The rule for layers that something is handed over for by one name."""
_ONE_NAME = "Give one of the layers a name of its own in Keras, and hand something over for each."
_BY_LAYER = (
    "Give a function of NumPy arrays for each by the name of the layer: "
    "`load_model(…, custom_objects={{{!r}: function, {!r}: other}})`."
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
        return _made_of_class(given, config, fields)
    return StandIn(given, config, stored(config))


def _made_of_class(cls: type[Layer], config: Mapping[str, Any], fields: Mapping[str, Any]) -> Layer:
    """Make a layer of the user's class, and build it where the file says for which shapes."""
    made = cls.from_config(dict(fields))
    if not isinstance(made, Layer):
        raise TypeError(
            f"`from_config` of class {cls.__name__} must return a layer. Received: {made!r:.200}"
        )
    saved = config.get("build_config")
    if isinstance(saved, Mapping) and saved.get("input_shape", saved.get("shapes_dict")):
        made.build_from_config(saved)
    return made


class StoodFor:
    """What each thing that the user handed over stands in for, among the layers of one file."""

    def __init__(self) -> None:
        self._first: dict[str, Mapping[str, Any]] = {}
        self._warned: set[str] = set()

    def add(self, key: str, given: Any, config: Mapping[str, Any]) -> None:
        """Note a layer; refuse it where another one, for which the same stands in, is unlike.

        Warn where a function, which is not told a layer's arguments, stands in for several that
        have other ones.

        Parameters
        ----------
        key
            The name by which something was handed over.
        given
            That thing.
        config
            ``{"class_name", "config", …}``.

        Raises
        ------
        UnsupportedError
            If the file says that their classes, or the functions of two `Lambda`, differ.
        """
        first = self._first.setdefault(key, config)
        if _code(first) != _code(config):
            raise _unlike(key, first, config)
        unlike = () if isinstance(given, type) else _unlike_arguments(first, config)
        if unlike and key not in self._warned:
            self._warned.add(key)
            names = [name_in(entry) for entry in (first, config)]
            warn(
                f"One function stands in for layers of class {config.get('class_name')!r} that "
                "have other arguments, and is not told them: its result must not depend on them. "
                f"{one_by_one(names)} Received: {unlike[0]} for {names[0]!r}, {unlike[1]} for "
                f"{names[1]!r}"
            )


def _unlike(key: str, first: Mapping[str, Any], config: Mapping[str, Any]) -> UnsupportedError:
    names = [name_in(first), name_in(config)]
    received = [f"{_code(entry)!r:.200}" for entry in (first, config)]
    return UnsupportedError(
        Refusal(
            "layer",
            UNLIKE.format(key=key),
            class_name=str(config["class_name"]),
            layers=tuple(name for name in names if name is not None),
            received=tuple(received),
            advice=one_by_one(names),
        )
    )


def _unlike_arguments(first: Mapping[str, Any], config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the first argument in which two layers differ, as each has it; none if none does."""
    if config.get("class_name") == "Lambda":
        return ()  # whose arguments the function is told
    one, other = (_arguments_of(entry) for entry in (first, config))
    for key in sorted({*one, *other}):
        if one.get(key) != other.get(key):
            return tuple(f"{key}={fields.get(key)!r:.80}" for fields in (one, other))
    return ()


def _arguments_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments in a config object that may change what a layer computes."""
    inner = config.get("config")
    fields = inner if isinstance(inner, Mapping) else {}
    return {key: value for key, value in fields.items() if key not in _OF_ANY_LAYER}


def one_by_one(names: Sequence[str | None]) -> str:
    """Return a sentence on how to hand something over for each of the layers of `names`."""
    if len({*names}) < len(names):
        return _ONE_NAME
    return _BY_LAYER.format(*names[:2])


def _code(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a config object says of the code of a layer."""
    inner, name = config.get("config"), config.get("class_name")
    fields = inner if isinstance(inner, Mapping) and name == "Lambda" else {}
    function = fields.get("function")
    if isinstance(function, Mapping):
        # Keras numbers some of the places of what occurs more than once.
        function = {key: item for key, item in function.items() if key != "shared_object_id"}
    return (name, config.get("registered_name"), function)


def _rule(
    given: Any, config: Mapping[str, Any], fields: Mapping[str, Any], functions: bool
) -> tuple[str, str]:
    """Return why something cannot stand in for a layer, and what can; nothing if it can."""
    if isinstance(given, type) and issubclass(given, Layer):
        return "", ""
    if refused.makes_mask(config):
        return refused.MASKS, refused.WITHOUT_MASKS
    if isinstance(given, type):
        whose = "a class of Keras" if handed_over.comes_from_keras(given) else "a class"
        return f"needs a function of arrays: the code of {whose} cannot run here.", _FUNCTION
    if not callable(given):
        return "needs a function of arrays.", _FUNCTION
    if not functions:
        return (
            "is a part of another layer that needs its methods, which a function lacks.",
            _OUTSIDE,
        )
    return "", ""
