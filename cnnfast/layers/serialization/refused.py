"""What to say of layers and models that are not supported: why, and what works instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cnnfast.errors import AROUND, LONGEST_SENTENCE, Refusal
from cnnfast.layers.serialization.stand_in import (
    STOOD_FOR,
    StoredWeight,
    how_to_take,
    name_in,
)
from cnnfast.utils import handed_over
from cnnfast.utils.naming import spelt_like

MASKS = "makes a mask, which later layers follow, and what stands in for the layer would lose it."
WITHOUT_MASKS = (
    "Hand over the class itself, with `cnnfast` in place of `keras` in its imports. If nothing is "
    "ever masked, save the model without it."
)
_BY_LAMBDA = (
    "Draw the model in code, with `cnnfast.layers.Lambda(function, mask=function_of_masks)`, and "
    "load its weights with `load_weights`."
)
_FOREIGN = "not supported: Keras has no such class, and code is never taken from a file."
_LAMBDA = "not supported: what a Lambda does is Python code, which is never taken from a file."
_MISSING = "not supported: this package has no such layer."
_SUBCLASSED = (
    "not supported: its `call` is Python code, which is never taken from a file, and the file does "
    "not say which layers it calls."
)
_TRAINED = "not supported: the class is not Keras', and its Python code is never taken from a file."

_SAVED = "was saved with a function in its place, and functions are not saved."
_GIVE_AGAIN = (
    "Give the function again: `load_model(…, custom_objects={%r: function})`. For Keras' layer of "
    "that name: `custom_objects={%r: cnnfast.layers.%s}`."
)
_FUNCTION = (
    "Give a function of NumPy arrays, float32 with the batch first, that does the same: "
    "`load_model(…, custom_objects={%r: function})`."
)
_OR_CLASS = (
    " Or the class itself, with `cnnfast` in place of `keras` in its imports: "
    "`load_model(…, custom_objects={%r: %s})`."
)
_DRAWN = (
    " Where `call` is made of Keras layers, draw the model with `layer.call(x)` in place of "
    "`layer(x)` in Keras, and save it again."
)
_INSIDE = (
    "It is a part of another layer, which needs its methods: a function can stand in for that one "
    f"as a whole, `load_model(…, custom_objects={{{AROUND}: function}})`."
)
_OWN_MODEL = (
    "Save its graph in Keras: `keras.Model(m.inputs, m.outputs).save(…)` where it has `m.inputs`, "
    "otherwise `x = keras.Input(%s)` and `keras.Model(x, m.call(x)).save(…)`."
)
_OWN_TRAINING = (
    "Save its graph in Keras: `keras.Model(m.inputs, m.outputs).save(…)`. If it has no `call` of "
    "its own: `load_model(…, custom_objects={%r: cnnfast.models.Functional})`."
)
_BEFORE = (
    "Compute it before the model, and save the rest in Keras: `keras.Model(layer.output, "
    "model.output).save(…)`."
)
_FRAMEWORK = "Build the same network of Keras layers, and copy the weights there."

_ADVICE: Mapping[str, str] = {
    "AutoContrast": _BEFORE,
    "ContrastLimitedAdaptiveHistogramEqualization": _BEFORE,
    "FlaxLayer": _FRAMEWORK,
    "JaxLayer": _FRAMEWORK,
    "StringLookup": _BEFORE,
    "TFSMLayer": _FRAMEWORK,
    "TextVectorization": _BEFORE,
    "TorchModuleWrapper": _FRAMEWORK,
}


def layer(
    config: Mapping[str, Any],
    class_name: str,
    *,
    own: bool,
    supported: Iterable[str],
    weights: Sequence[StoredWeight] | None,
    functions: bool,
) -> Refusal:
    """Say why the layer or model of a config object is refused.

    Parameters
    ----------
    config
        ``{"class_name", "config", …}``.
    class_name
        As today's Keras has it.
    own
        Whether it may be a class of Keras, not a user's.
    supported
        Every class that there is.
    weights
        Those that are stored for it; None where nothing says so.
    functions
        Whether a function can stand in for it.
    """
    name = name_in(config)
    if STOOD_FOR in config:
        return _stood_for(config, class_name, name)
    if not own and _is_model(config):
        return model(config)
    if not own or (config.get("module") is None and class_name not in (*_ADVICE, "Lambda")):
        cause, advice = _FOREIGN, _by_function(class_name, weights)
        for more in (_OR_CLASS % (_short(class_name), _short(class_name)), _DRAWN):
            advice += more if len(advice + more) <= LONGEST_SENTENCE else ""
    elif class_name == "Lambda":
        cause, advice = _LAMBDA, _by_function(name or class_name, weights)
    else:
        cause = _MISSING
        advice = _ADVICE.get(class_name) or _by_function(class_name, weights)
    if makes_mask(config):
        cause, advice = MASKS, _BY_LAMBDA if class_name == "Lambda" else WITHOUT_MASKS
    elif not functions and class_name not in _ADVICE:
        advice = _INSIDE
    advice = handed_over.hint(name, config.get("registered_name"), class_name) + advice
    return Refusal(
        "layer",
        cause,
        class_name=class_name,
        module=_text(config.get("module")),
        layers=() if name is None else (name,),
        received=(_received(config),),
        nearest=spelt_like(class_name, supported),
        advice=advice,
    )


def _stood_for(config: Mapping[str, Any], class_name: str, name: str | None) -> Refusal:
    """Say why a layer of which a function was in place is not made as Keras' own."""
    key = name or class_name
    return Refusal(
        "layer",
        _SAVED,
        class_name=class_name,
        module=_text(config.get("module")),
        layers=() if name is None else (name,),
        received=(_received(config),),
        advice=_GIVE_AGAIN % (_short(key), _short(key), class_name),
    )


def makes_mask(config: Mapping[str, Any]) -> bool:
    """Whether a layer makes a mask, as far as its config object says so."""
    inner, class_name = config.get("config"), config.get("class_name")
    fields = inner if isinstance(inner, Mapping) else {}
    # A user's own class may be called Masking too.
    masking = class_name == "Masking" and config.get("module", "keras") is not None
    by_function = class_name == "Lambda" and fields.get("mask") is not None
    return (masking and "mask_value" in fields) or by_function or bool(fields.get("mask_zero"))


def _by_function(key: str, weights: Sequence[StoredWeight] | None) -> str:
    advice = _FUNCTION % _short(key)
    if weights is None:
        return f"{advice} That is for a layer without weights."
    return f"{advice} {how_to_take(weights)}" if weights else advice


def model(config: Mapping[str, Any]) -> Refusal:
    """Say why the model of a config object, whose class is a user's, is refused."""
    inner, build = config.get("config"), config.get("build_config")
    inner = inner if isinstance(inner, Mapping) else {}
    name, class_name = inner.get("name"), str(config.get("class_name"))
    cause, advice = _TRAINED, _OWN_TRAINING % _short(class_name)
    if not isinstance(inner.get("layers"), list):
        shape = build.get("input_shape") if isinstance(build, Mapping) else None
        sizes = shape[1:] if isinstance(shape, list) and 1 < len(shape) < 8 else "shape"
        known = isinstance(sizes, list) and all(isinstance(n, int | None) for n in sizes)
        cause, advice = _SUBCLASSED, _OWN_MODEL % (tuple(sizes) if known else "shape",)
    return Refusal(
        "model",
        cause,
        class_name=class_name,
        module=_text(config.get("module")),
        layers=(name,) if isinstance(name, str) else (),
        received=(_received(config),),
        advice=advice,
    )


def _is_model(config: Mapping[str, Any]) -> bool:
    """Whether the class is one of models: Keras says how these are compiled, or of what made."""
    inner = config.get("config")
    graph = isinstance(inner, Mapping) and isinstance(inner.get("layers"), list)
    return graph or "compile_config" in config


def _received(config: Mapping[str, Any]) -> str:
    fields = ("class_name", "module", "registered_name")
    return ", ".join(f"{field}={_short(config.get(field))!r}" for field in fields)


def _short(value: Any) -> Any:
    return value[:80] if isinstance(value, str) else value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
