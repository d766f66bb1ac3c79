"""Dtype policies of quantized layers, by the names that Keras gives them.

``int8_from_float32``, ``int4/128_from_float32`` (the size of a block behind the slash, -1 for one
per channel), ``gptq/4/32_from_float32`` (bits and size of a group), ``awq/4/-1_from_float32`` and
``float8_from_float32``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cnnfast.errors import UnsupportedError
from cnnfast.utils.records import record

if TYPE_CHECKING:
    from cnnfast.symbolic.dtypes import DTypePolicy

MODES = ("int8", "float8", "int4", "gptq", "awq")
ADVICE = (
    "Save the model as it is before `model.quantize(…)`, or quantize it in Keras in one of the "
    f"modes {', '.join(MODES)} under the policy float32."
)
AMAX_HISTORY = 1024

_PREFIX = "_from_"
_FORMS = {"int4": 1, "gptq": 2, "awq": 2}
_CLASSES = {
    "int8": "QuantizedDTypePolicy",
    "float8": "QuantizedFloat8DTypePolicy",
    "int4": "Int4DTypePolicy",
    "gptq": "GPTQDTypePolicy",
    "awq": "AWQDTypePolicy",
}
_MAP = "DTypePolicyMap"
_PATH = re.compile(r"(?:\.\+|[\w/ -]+)/([\w -]+)")
_WEIGHT_BITS = {"gptq": (2, 3, 4, 8), "awq": (4,)}


@record(frozen=True)
class Quantization:
    """What the name of a policy says.

    Attributes
    ----------
    mode
        One of `MODES`.
    group_size
        How many rows of a kernel share a scale; None for all.
    weight_bits
        Of a weight.
    """

    mode: str
    group_size: int | None = None
    weight_bits: int = 8


def parse(name: str) -> Quantization:
    """Return what the name of a policy says.

    Raises
    ------
    UnsupportedError
        If it is none of Keras, or one under which Keras computes in another dtype than float32.
    """
    whole, _, source = name.partition(_PREFIX)
    mode, *numbers = whole.split("/")
    sizes = [int(number) for number in numbers if number.removeprefix("-").isdecimal()]
    fits = mode in MODES and len(sizes) == len(numbers) and len(sizes) in _counts(mode)
    if not fits or any(size < -1 or size == 0 for size in sizes[-1:]):
        raise UnsupportedError(
            "quantized dtype policies are such as 'int8_from_float32', 'float8_from_float32', "
            "'int4/128_from_float32', 'gptq/4/128_from_float32' and 'awq/4/128_from_float32'. "
            f"Received: {name!r}",
            advice=ADVICE,
        )
    bits = {"int4": 4, "gptq": 4, "awq": 4}.get(mode, 8)
    if len(sizes) == 2:
        bits = sizes[0]
        if bits not in _WEIGHT_BITS[mode]:
            raise UnsupportedError(
                f"weights of {mode!r} have {_WEIGHT_BITS[mode]} bits. Received: {name!r}",
                advice=ADVICE,
            )
    if source != "float32":
        raise UnsupportedError(
            "quantized layers are those whose inputs and outputs are float32: Keras scales in the "
            f"dtype of the inputs. Received: {name!r}",
            advice=ADVICE,
        )
    group = sizes[-1] if sizes and sizes[-1] > 0 else None
    return Quantization(mode, group, bits)


def _counts(mode: str) -> tuple[int, ...]:
    """Return how many numbers may stand in the name; int4 of older files has none."""
    count = _FORMS.get(mode, 0)
    return (0, 1) if mode == "int4" else (count,)


def in_config(config: Mapping[str, Any]) -> tuple[str, int, tuple[tuple[str, str], ...]]:
    """Return the name of the policy in Keras' config object, and what is not in the name.

    That is how many maxima it keeps, and the policies of layers inside by their names.

    Raises
    ------
    UnsupportedError
        If there is no such policy.
    ValueError
        If the length of a history is none.
    """
    class_name, inner = config.get("class_name"), config.get("config")
    fields = inner if isinstance(inner, Mapping) else {}
    if class_name == _MAP:
        return _of_map(fields)
    if class_name not in _CLASSES.values():
        raise UnsupportedError(
            f"dtype policies are plain, mixed or quantized ones of Keras. Received: {dict(config)}",
            advice=ADVICE,
        )
    return _name(str(class_name), fields), _amax_history(fields), ()


def _name(class_name: str, config: Mapping[str, Any]) -> str:
    mode, source = config.get("mode"), config.get("source_name")
    kind = mode.split("/")[0] if isinstance(mode, str) else None
    own = [mode for mode, name in _CLASSES.items() if name == class_name]
    any_mode = class_name == _CLASSES["int8"] and mode in ("int8", "int4", "float8")
    if not (any_mode or kind in own) or not isinstance(source, str | None):
        raise UnsupportedError(
            f"dtype policies have a `mode`, one of {MODES} that is their own, and a "
            f"`source_name`. Received: {class_name} with {dict(config)}",
            advice=ADVICE,
        )
    name = f"{mode}{_PREFIX}{source or 'float32'}"
    parse(name)
    return name


def _amax_history(config: Mapping[str, Any]) -> int:
    length = config.get("amax_history_length", AMAX_HISTORY)
    if not isinstance(length, int) or isinstance(length, bool) or not 0 < length < 2**24:
        raise ValueError(f"`amax_history_length` must be a length. Received: {length!r}")
    return length


def _of_map(config: Mapping[str, Any]) -> tuple[str, int, tuple[tuple[str, str], ...]]:
    """Return what a `DTypePolicyMap` of an attention layer says of the layers inside."""
    policies = config.get("policy_map")
    inside: dict[str, str] = {}
    for path, policy in policies.items() if isinstance(policies, Mapping) else ():
        found = _PATH.fullmatch(path)
        name = policy if isinstance(policy, str) else in_config(policy)[0]
        parse(name)
        if found is None or inside.setdefault(found[1], name) != name:
            raise UnsupportedError(
                "a DTypePolicyMap has paths of the layers inside of one layer, and no patterns but "
                f"'.+/query'. Received: {path[:200]!r}",
                advice="Write one path for each, such as 'heads/query', and one map for a layer.",
            )
    default = config.get("default_policy")
    if isinstance(default, Mapping):
        default = default.get("config", {}).get("name")
    if default not in (None, "float32"):
        raise UnsupportedError(
            f"the `default_policy` of a DTypePolicyMap must be float32. Received: {default!r}",
            advice=ADVICE,
        )
    return "float32", AMAX_HISTORY, tuple(inside.items())


def config_of(policy: DTypePolicy) -> dict[str, Any]:
    """Return Keras 3's config object of a quantized policy."""
    if policy.inside:
        # Keras takes the keys for patterns of paths, which end with the names.
        inside = {
            f".+/{k}": config_of(replace(policy, name=n, inside=())) for k, n in policy.inside
        }
        return _object(_MAP, {"default_policy": policy.name, "policy_map": inside})
    mode, _, source = policy.name.partition(_PREFIX)
    kind = mode.split("/")[0]
    config: dict[str, Any] = {"mode": mode, "source_name": source}
    if kind == "float8":
        config["amax_history_length"] = policy.amax_history_length
    return _object(_CLASSES["int8" if mode == "int4" else kind], config)


def _object(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": "keras.dtype_policies",
        "class_name": class_name,
        "config": config,
        "registered_name": None,
    }
