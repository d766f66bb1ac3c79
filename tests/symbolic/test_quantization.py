"""Dtype policies of quantized layers, against Keras."""

from __future__ import annotations

import pytest

from cnnfast.errors import UnsupportedError
from cnnfast.symbolic import dtypes
from parity import keras, plain


@pytest.mark.parametrize("mode", ["int8", "int4", "int4/-1", "int4/64", "gptq/3/-1", "awq/4/32"])
def test_policies_are_those_of_keras(mode: str) -> None:
    name = f"{mode}_from_float32"
    theirs, ours = keras.dtype_policies.get(name), dtypes.policy(name)
    config = plain(keras.dtype_policies.serialize(theirs))
    assert plain(ours.get_config()) == config
    assert dtypes.policy(config) == dtypes.policy(ours) == dtypes.policy(theirs) == ours
    for field in ("name", "variable_dtype", "compute_dtype", "quantization_mode"):
        assert getattr(ours, field) == getattr(theirs, field)


def test_a_map_has_the_policies_of_layers_inside_by_their_names() -> None:
    policies = {"heads/query": keras.dtype_policies.get("int4/2_from_float32")}
    theirs = keras.dtype_policies.DTypePolicyMap("float32", policies)
    ours = dtypes.policy(plain(keras.dtype_policies.serialize(theirs)))
    assert ours.of("query") == "int4/2_from_float32"
    assert ours.of("key") == ours.variable_dtype == "float32"
    assert ours.quantization_mode is None
    back = keras.dtype_policies.deserialize(ours.get_config())
    assert back["any/place/query"] == policies["heads/query"]
    assert back["any/place/key"].name == "float32"
    assert dtypes.policy(ours.get_config()) == ours


@pytest.mark.parametrize(
    "name",
    [
        *("int8_from_mixed_bfloat16", "int8_from_", "int2_from_float32", "gptq_from_float32"),
        *("int8/4_from_float32", "int4/x_from_float32", "awq/8/4_from_float32", "_from_float32"),
    ],
)
def test_other_policies_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match="Received") as caught:
        dtypes.policy(name)
    assert "model.quantize" in caught.value.items[0].advice
