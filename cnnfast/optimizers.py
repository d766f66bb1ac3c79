"""The names of Keras' optimizers.

Nothing is trained here: `Model.compile` checks an optimizer against these names and keeps its
name or serialized form, so that scripts and files pass through unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnfast.utils.identifiers import JUDGES, parse_serialized, serialize_object
from cnnfast.utils.registry import Registry

_CLASS_NAMES = (
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
)
KNOWN: Registry[str] = Registry("optimizer", JUDGES)
KNOWN.register(**{name.lower(): name for name in _CLASS_NAMES})
KNOWN.seal()


def get(identifier: Any) -> str | dict[str, Any] | None:
    """Check an optimizer and return what is kept of it.

    Parameters
    ----------
    identifier
        A name in any case, a serialized dict, an optimizer of Keras, or None.

    Returns
    -------
    str, dict or None
        The name as it was given, the serialized dict, or None.

    Raises
    ------
    ValueError
        If the name is not one of Keras' optimizers (they are listed).
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        _check(identifier)
        return identifier
    if not isinstance(identifier, Mapping):
        identifier = serialize_object("keras.optimizers", identifier)
    if isinstance(identifier, str):
        return get(identifier)
    _check(parse_serialized(identifier, "optimizer")[0])
    return dict(identifier)


def _check(name: str) -> None:
    # tf.keras 2 registers some of its own optimizers as "Custom>AdamW".
    KNOWN.lookup(name.removeprefix("Custom>").lower())
