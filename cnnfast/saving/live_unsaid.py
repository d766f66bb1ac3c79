"""What a model of Keras in memory may compute, and its configuration does not say."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnfast import activations
from cnnfast.errors import Refusal, UnsupportedError
from cnnfast.layers.serialization.refused import MASKS, WITHOUT_MASKS
from cnnfast.saving import live_alike
from cnnfast.saving.live_alike import ACTIVATIONS, Reached
from cnnfast.utils import handed_over

# Where functions that have the names of Keras' own are compared with them.
_TRIED = np.linspace(-8, 8, 64, dtype=np.float32).reshape(4, 16)
_TOLERANCE = 2e-5

_OTHER = "has the name of one of Keras' functions, and computes something else."
_RENAME = (
    "Give the layer a function of another name in Keras, `def own(x): return {name}(x)` and "
    "`layer.activation = own`, and a NumPy function for it: "
    "`from_keras(…, custom_objects={{'own': function}})`."
)
_PATCHED = "runs a `call` that was set on it, and Python code is never run."
_REPLACE = (
    "Give a function of NumPy arrays for it by its name: "
    "`from_keras(…, custom_objects={{{name!r}: function}})`."
)


def check(model: Any, compile: bool) -> None:
    """Refuse what would give other numbers here than in Keras; `compile`: losses, too.

    Raises
    ------
    UnsupportedError
        A layer has a `call` that was set on it, or an activation that has the name of another
        function; a function stands in for one that makes a mask; or what was handed over for a
        name would stand for different things.
    """
    layers = list(live_alike.reached(model, set()))
    refusals = [refusal for found in layers for refusal in _refusals(found)]
    refusals += live_alike.refusals(layers)
    refusals += live_alike.refusals_of_judging(model) if compile else ()
    if refusals:
        raise UnsupportedError(refusals, source=f"Keras model {model.name!r}")


def check_compiled(model: Any, compile: bool) -> None:
    """Refuse losses and metrics of which one name stands for several; see `check`."""
    refusals = list(live_alike.refusals_of_judging(model)) if compile else []
    if refusals:
        raise UnsupportedError(refusals, source=f"Keras model {model.name!r}")


def _refusals(found: Reached) -> Iterator[Refusal]:
    layer = found.layer
    if _loses_mask(layer):
        yield _refusal("layer", MASKS, layer, layer, WITHOUT_MASKS)
    if handed_over.find(layer.name) is not None:
        return
    if live_alike.has_own_call(layer):
        advice = _REPLACE.format(name=found.name)
        yield _refusal("layer", _PATCHED, layer, vars(layer)["call"], advice)
    if live_alike.stands_alone(layer):
        return
    for field in ACTIVATIONS:
        function = vars(layer).get(field)
        if callable(function) and _misleads(function, type(layer)):
            rename = _RENAME.format(name=function.__name__)
            advice = _REPLACE.format(name=found.name) if found.is_part else rename
            yield _refusal("function", _OTHER, layer, function, advice)


def _refusal(kind: Any, cause: str, layer: Any, received: Any, advice: str) -> Refusal:
    of = received if kind == "function" else type(layer)
    return Refusal(
        kind,
        cause,
        class_name=of.__name__,
        module=of.__module__,
        layers=(layer.name,),
        received=(f"{received!r:.200}",),
        advice=advice,
    )


def _loses_mask(layer: Any) -> bool:
    """Whether a function would stand in for a layer that makes a mask, or lets one through."""
    if handed_over.is_of_keras(type(layer)):
        return False
    given = [handed_over.find(name) for name in (layer.name, type(layer).__name__)]
    if any(isinstance(item, type) for item in given):
        return False  # the class itself says what it does with masks
    tensors = [
        tensor
        for node in getattr(layer, "_inbound_nodes", ())
        for tensor in getattr(node, "output_tensors", ())
    ]
    return any(getattr(tensor, "_keras_mask", None) is not None for tensor in tensors)


def _misleads(function: Any, layer: type) -> bool:
    """Whether a function has the name of one of Keras' activations and computes something else."""
    name = getattr(function, "__name__", None)
    if not isinstance(name, str) or isinstance(function, type):
        return False
    kept = ".activations" in str(getattr(function, "__module__", ""))
    if (kept and handed_over.is_of_keras(function)) or handed_over.find(name) is not None:
        return False
    try:
        ours = activations.get(name)
    except UnsupportedError:
        return False  # is refused by its name
    try:
        theirs = _numbers(function, layer)
    except Exception:  # whatever a user's function may raise; it is not Keras' own
        return True
    expected = np.asarray(ours(_TRIED))
    return theirs.shape != expected.shape or not np.allclose(
        theirs, expected, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True
    )


def _numbers(function: Any, layer: type) -> npt.NDArray[Any]:
    """Return what `function` gives for the numbers that are tried, as Keras calls it."""
    keras = sys.modules.get(layer.__module__.partition(".")[0])
    to_tensor = getattr(getattr(keras, "ops", None), "convert_to_tensor", np.asarray)
    result = function(to_tensor(_TRIED))
    return np.asarray(getattr(result, "detach", lambda: result)())
