"""The arguments of layers: written out, in Keras' order, with types that say what they may be."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from annotations import vague
from cnnfast import layers
from parity import keras

PUBLIC = sorted(set(layers.__all__))
SHARED = [name for name in PUBLIC if hasattr(keras.layers, name)]

# Adapters and quantization, of training; a table that is given when the layer is made.
NOT_TAKEN = {
    "Dense": {"lora_rank", "lora_alpha"},
    "EinsumDense": {"lora_rank", "lora_alpha", "gptq_unpacked_column_size"},
    "Embedding": {"lora_rank", "lora_alpha", "weights"},
}
OF_KERAS_2 = {"LayerNormalization": {"rms_scaling"}}
# What Keras 3 requires has a default where Keras 2 has one.
STILL_OPTIONAL = {
    (f"{name}{rank}D", "pool_size") for name in ("AveragePooling", "AvgPool") for rank in (1, 2, 3)
}
# The base takes what all layers take, by name.
OF_ITS_OWN = {"Layer"}


def parameters(made: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(made).parameters.values())


def own(made: Any) -> list[inspect.Parameter]:
    """Return the parameters but for those that all layers have, by name only or as `**kwargs`."""
    kinds = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    return [p for p in parameters(made) if p.kind not in kinds]


def plain(default: Any, name: str) -> Any:
    """Return a default as one number where it is the same for each axis of the layer."""
    while isinstance(default, tuple) and len(set(default)) == 1 and re.search("[123]D", name):
        default = default[0]
    return default.lower() if isinstance(default, str) else default


def with_defaults(found: Iterable[inspect.Parameter], name: str) -> Mapping[str, Any]:
    return {p.name: plain(p.default, name) for p in found}


@pytest.mark.parametrize("name", sorted(set(SHARED) - OF_ITS_OWN))
def test_arguments_are_those_of_keras_in_their_order_with_their_defaults(name: str) -> None:
    theirs = [p for p in own(getattr(keras.layers, name)) if p.name not in NOT_TAKEN.get(name, ())]
    ours = [p for p in own(getattr(layers, name)) if p.name not in OF_KERAS_2.get(name, ())]
    expected = with_defaults(theirs, name)
    received = with_defaults(ours, name)
    for argument in expected:
        if (name, argument) in STILL_OPTIONAL:
            assert expected[argument] is inspect.Parameter.empty
            expected = {**expected, argument: received[argument]}
    assert list(received.items()) == list(expected.items())


@pytest.mark.parametrize("name", PUBLIC)
def test_arguments_are_written_out(name: str) -> None:
    found = parameters(getattr(layers, name))
    assert not [p for p in found if p.kind is p.VAR_POSITIONAL]
    for p in found:
        if p.kind is p.VAR_KEYWORD:
            # Which names there may be is written out too, so that others are found in an editor.
            assert str(p.annotation).startswith("Unpack[")


@pytest.mark.parametrize("name", PUBLIC)
def test_types_say_what_an_argument_may_be(name: str) -> None:
    assert vague(getattr(layers, name)) == set()


@pytest.mark.parametrize("name", ["AutoContrast", "StringLookup", "ReversibleEmbedding"])
def test_a_layer_that_is_not_here_says_what_works(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'{name}': [a-z]"):
        getattr(layers, name)
    with pytest.raises(ImportError, match=f"'{name}' from 'cnnfast.layers': [a-z]"):
        exec(f"from cnnfast.layers import {name}")
