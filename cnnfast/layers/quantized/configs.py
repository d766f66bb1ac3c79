"""What `quantization_config` says, in the form of Keras' config objects."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from cnnfast.errors import UnsupportedError
from cnnfast.lowering.quantized import AbsMax
from cnnfast.symbolic.quantization import Quantization
from cnnfast.utils.records import record

_MODES = {
    "Int8QuantizationConfig": "int8",
    "Int4QuantizationConfig": "int4",
    "Float8QuantizationConfig": "float8",
    "GPTQConfig": "gptq",
    "AWQConfig": "awq",
}
_ADVICE = "Quantize in Keras with quantizers of its own."
DEFAULT = AbsMax(-127.0, 127.0, 1e-7)


@record(frozen=True)
class Config:
    """What the computation depends on.

    Attributes
    ----------
    inputs
        How inputs are quantized; None where they are not.
    group_size
        How many rows of an int4 kernel share a scale; None for all.
    """

    inputs: AbsMax | None
    group_size: int | None


def cleaned(value: Any) -> Any:
    """Return a config object without what names it inside one file.

    Raises
    ------
    ValueError
        If it is none.
    """
    if value is None:
        return None
    if not isinstance(value, Mapping) or value.get("class_name") not in tuple(_MODES):
        raise UnsupportedError(
            f"`quantization_config` is None or Keras' config object of one of {tuple(_MODES)}. "
            f"Received: {value!r:.300}",
            advice=_ADVICE,
        )
    return _without_ids(value)


def _without_ids(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_ids(v) for k, v in value.items() if k != "shared_object_id"}
    return copy.deepcopy(value)


def read(value: Any, policy: Quantization) -> Config:
    """Return what `value`, which is `cleaned`, says of a layer with a policy.

    Raises
    ------
    ValueError
        If it contradicts the policy.
    UnsupportedError
        If inputs are quantized in another way.
    """
    if value is None:
        return Config(DEFAULT if policy.mode == "int8" else None, policy.group_size)
    fields = _fields(value)
    if _MODES[value["class_name"]] != policy.mode:
        raise ValueError(
            f"`quantization_config` must be of the mode of the dtype policy, {policy.mode!r}. "
            f"Received: {value['class_name']}"
        )
    if policy.mode in ("gptq", "awq"):
        group = fields.get("group_size")
        if fields.get("weight_bits") != policy.weight_bits or _size(group) != policy.group_size:
            raise ValueError(
                f"`quantization_config` must have the bits and groups of the dtype policy: "
                f"{policy}. Received: weight_bits={fields.get('weight_bits')}, group_size={group}"
            )
        return Config(None, policy.group_size)
    if policy.mode == "float8":
        return Config(None, None)
    _check_class(fields.get("weight_quantizer"), "weight_quantizer")
    size = _size(fields.get("block_size")) if policy.mode == "int4" else None
    inputs = _quantizer(fields.get("activation_quantizer"))
    if inputs is not None and size is not None:
        raise ValueError(
            "Int4 sub-channel quantization (block_size > 0) does not support custom quantizers. "
            f"Received: block_size={size}"
        )
    return Config(inputs, size)


def _fields(value: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = value.get("config")
    return inner if isinstance(inner, Mapping) else {}


def _size(value: Any) -> int | None:
    if value is None or value == -1:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"block_size must be None, -1, or a positive integer. Received: {value!r}")
    return value


def _check_class(value: Any, name: str) -> None:
    if value is not None and not (
        isinstance(value, Mapping) and value.get("class_name") == "AbsMaxQuantizer"
    ):
        raise UnsupportedError(
            f"`{name}` is None or Keras' AbsMaxQuantizer. Received: {value!r:.300}", advice=_ADVICE
        )


def _quantizer(value: Any) -> AbsMax | None:
    _check_class(value, "activation_quantizer")
    if value is None:
        return None
    fields = _fields(value)
    limits = fields.get("value_range", (-127, 127))
    epsilon = fields.get("epsilon", 1e-7)
    whole = isinstance(limits, list | tuple) and [type(n) for n in limits] == [int, int]
    fits = whole and -128 <= limits[0] <= 0 < limits[1] <= 127 and isinstance(epsilon, float | int)
    if not fits or not 0 <= epsilon < 1e30 or fields.get("output_dtype", "int8") != "int8":
        raise UnsupportedError(
            "an `activation_quantizer` has whole numbers of int8 from below to above 0 as "
            f"`value_range`, and an `epsilon` of at least 0. Received: {fields}",
            advice=_ADVICE,
        )
    return AbsMax(float(limits[0]), float(limits[1]), float(epsilon))
