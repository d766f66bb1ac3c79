"""Arguments as Keras 1 spelled them, and as its files still do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_RENAMED = {
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "pool_length": "pool_size",
    "stride": "strides",
    "atrous_rate": "dilation_rate",
    "dim_ordering": "data_format",
    "output_dim": "units",
    "init": "kernel_initializer",
    "beta_init": "beta_initializer",
    "depthwise_init": "depthwise_initializer",
    "gamma_init": "gamma_initializer",
    "pointwise_init": "pointwise_initializer",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
    "p": "rate",
}
_DATA_FORMATS = {"th": "channels_first", "tf": "channels_last", "default": None}
_LIMITS = {"m": "max_value", "low": "min_value", "high": "max_value"}
# What said nothing about the network, or can be told from it.
_DROPPED = ("input_dtype", "input_length", "weights")


def current(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return `config` with the arguments of Keras 1 in today's spelling; others stay."""
    new = {_RENAMED.get(key, key): v for key, v in config.items() if key not in _DROPPED}
    if "nb_row" in new and "nb_col" in new:
        new["kernel_size"] = (new.pop("nb_row"), new.pop("nb_col"))
    data_format = new.get("data_format")
    if isinstance(data_format, str):
        new["data_format"] = _DATA_FORMATS.get(data_format, data_format)
    for key, value in new.items():
        if key.endswith("_regularizer"):
            new[key] = _regularizer(value)
        elif key.endswith("_constraint") and isinstance(value, Mapping) and "name" in value:
            new[key] = _object(value)
    return new


def _regularizer(value: Any) -> Any:
    if not isinstance(value, Mapping) or "name" not in value:
        return value
    weights = {key: value[key] for key in ("l1", "l2") if key in value}
    return {"class_name": "L1L2", "config": weights}


def _object(value: Mapping[str, Any]) -> dict[str, Any]:
    arguments = {_LIMITS.get(key, key): item for key, item in value.items() if key != "name"}
    return {"class_name": value["name"], "config": arguments}


_MERGE_MODES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "concat": "Concatenate",
    "dot": "Dot",
    "cos": "Dot",
}


def current_merge(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return class and config of today for Keras 1's ``Merge``, which was all of these in one.

    Raises
    ------
    ValueError
        If its mode is not one of Keras 1.
    """
    mode = config.get("mode", "sum")
    if mode not in _MERGE_MODES:
        raise ValueError(
            f"Layer {config.get('name')!r}: the `mode` of a Merge must be one of "
            f"{sorted(_MERGE_MODES)}. Received: {mode!r}"
        )
    new = {key: config[key] for key in ("name", "trainable") if key in config}
    if mode == "concat":
        new["axis"] = config.get("concat_axis", -1)
    if mode in ("dot", "cos"):
        new |= {"axes": config.get("dot_axes", -1), "normalize": mode == "cos"}
    return _MERGE_MODES[mode], new
