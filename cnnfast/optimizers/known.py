"""Optimizers by name and by config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnfast.optimizers.optimizer import Optimizer
from cnnfast.utils import handed_over
from cnnfast.utils.identifiers import (
    JUDGES,
    build,
    describe_keras_object,
    handed_over_for,
    parse_serialized,
    serialize_object,
)
from cnnfast.utils.registry import Registry

KNOWN: Registry[type[Optimizer]] = Registry("optimizer", JUDGES)
"""All classes, by name in lower case."""

# Has no arguments that would be of use here; kept as it is written.
_ONLY_KEPT = frozenset({"multioptimizer"})
# Of optimizers of Keras 2, in files.
_GONE = frozenset({"decay", "is_legacy_optimizer", "jit_compile"})
_RENAMED = {"lr": "learning_rate"}


def get(identifier: Any) -> Optimizer | None:
    """Return the optimizer that a name, a config or an object stands for.

    Parameters
    ----------
    identifier
        A name in any case, a serialized dict, an optimizer of this package or of Keras, or None.

    Returns
    -------
    Optimizer or None
        None for None.

    Raises
    ------
    ValueError
        If the name is not one of Keras' optimizers (they are listed), or an argument is illegal.

    Examples
    --------
    >>> cnnfast.optimizers.get("sgd").get_config()["momentum"]
    0.0
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str):
        return deserialize({"class_name": identifier, "config": {}})
    if not isinstance(identifier, Mapping):
        described = describe_keras_object(identifier)
        if isinstance(described, str):
            return get(described)
        if described is None:
            raise ValueError(
                "An optimizer must be a name, a serialized dict or an optimizer. Received: "
                f"{identifier!r}"
            )
        identifier = described
    return deserialize(identifier)


def deserialize(config: Mapping[str, Any], custom_objects: Any = None) -> Optimizer:
    """Return the optimizer that `serialize`, or Keras of any age, described.

    Raises
    ------
    ValueError
        If the class or an argument is unknown.

    Examples
    --------
    >>> config = cnnfast.optimizers.serialize(cnnfast.optimizers.SGD(0.5))
    >>> cnnfast.optimizers.deserialize(config).get_config()["learning_rate"]
    0.5
    """
    with handed_over.scope(custom_objects):
        given = handed_over_for(config, "optimizer")
        if given is not None:
            return given  # type: ignore[no-any-return]
        name, arguments = parse_serialized(config, "optimizer")
        kept = {
            _RENAMED.get(key, key): value
            for key, value in (arguments or {}).items()
            if key not in _GONE
        }
        return build(_named(name).from_config, kept, name)


def kept(identifier: Any) -> Optimizer | dict[str, Any] | None:
    """Return what a model keeps of the optimizer that it is compiled with.

    That is what `get` returns, or a serialized dict as it is, where only its arguments are not
    those of any version of Keras: a file with it can be judged all the same.

    Raises
    ------
    ValueError
        If the name is not one of Keras' optimizers, or an object or its arguments are illegal.
    """
    if not isinstance(identifier, Mapping):
        return get(identifier)
    try:
        return deserialize(identifier)
    except ValueError:
        name = parse_serialized(identifier, "optimizer")[0]
        if name.lower() not in _ONLY_KEPT:
            _named(name)
        return dict(identifier)


def serialize(optimizer: Any) -> Any:
    """Describe an optimizer so that `deserialize` and Keras make it again.

    Examples
    --------
    >>> cnnfast.optimizers.serialize(cnnfast.optimizers.SGD(0.5))["class_name"]
    'SGD'
    """
    return serialize_object("keras.optimizers", optimizer)


def _named(name: str) -> type[Optimizer]:
    # tf.keras 2 registers some of its own optimizers as "Custom>AdamW".
    return KNOWN.lookup(name.removeprefix("Custom>").lower())
