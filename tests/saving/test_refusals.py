"""What an error says of models that are not supported: once, in short, and what works instead."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import Refusal, UnsupportedError
from cnnfast.models import Functional, model_from_json
from cnnfast.saving import load_model
from saving.model_files import layer

INPUT = layer("InputLayer", "in", batch_input_shape=[None, 8, 8, 3])


def own(class_name: str, name: str) -> dict[str, Any]:
    """Give the config of a user's layer as Keras 3 writes it."""
    return {"module": "mine", "registered_name": f"mine>{class_name}", **layer(class_name, name)}


def keras_own(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    """Give the config of a layer that Keras 3 has."""
    entry = layer(class_name, name, **config)
    return {"module": "keras.layers", "registered_name": None, **entry}


def refused(*configs: Any) -> UnsupportedError:
    text = json.dumps({"class_name": "Sequential", "config": [INPUT, *configs]})
    with pytest.raises(UnsupportedError) as caught:
        model_from_json(text)
    return caught.value


def rows(text: str, columns: int) -> int:
    """Count the rows that `text` takes on a terminal."""
    return sum(max(1, math.ceil(len(line) / columns)) for line in text.split("\n"))


def test_each_cause_is_told_once_with_its_count_and_a_few_names() -> None:
    error = refused(
        *(own("Swirl", f"swirl_{i}") for i in range(554)),
        *(layer("GroupNormalization", f"g_{i}", axis=[1, 2 + i % 2]) for i in range(9)),
    )
    assert [(item.class_name, item.count) for item in error.items] == [
        ("Swirl", 554),
        ("GroupNormalization", 9),
    ]
    assert error.items[1].received == ("[1, 2]", "[1, 3]")
    text = str(error)
    assert text.startswith("configuration: not supported, for 2 causes in 563 layers:\n")
    assert "554 layers of class Swirl ('swirl_0', 'swirl_1', 'swirl_2', …)" in text
    assert "9 layers of class GroupNormalization ('g_0', 'g_1', 'g_2', …): takes" in text
    assert text.count("code is never taken") == text.count("a single `axis`") == 1
    assert len(text) < 1000


@pytest.mark.parametrize("name", ["Short{}", "A{}" + "VeryLongClassName" * 9, "ctrl\n\x1b[31m\n{}"])
def test_no_file_gives_a_message_of_forty_lines(name: str) -> None:
    error = refused(*(own(name.format(i), f"{'long_' * 50}{i}") for i in range(400)))
    assert len(error.items) == 400
    text = str(error)
    assert rows(text, 80) < 40
    assert "and " in text.splitlines()[-1]
    assert "all are in `error.items`" in text.splitlines()[-1]
    assert "\x1b" not in text
    # What works is said also where there is no room for all of it.
    assert "custom_objects=" in text


def test_what_was_received_is_kept_in_short() -> None:
    error = refused(*(layer("GroupNormalization", f"g{i}", axis=[i] * 999) for i in range(99)))
    (item,) = error.items
    assert item.count == len(item.layers) == 99
    assert len(item.received) == 20
    assert max(map(len, item.received)) <= 400


def test_every_cause_is_named_before_any_but_the_first_is_told_in_full() -> None:
    error = refused(*(own(f"Swirl{'abcdefghijkl'[i]}", f"s{i}") for i in range(12)))
    named = re.findall(r"^- Layer 's\d+' of class Swirl(\w):", str(error), re.MULTILINE)
    assert named == list("abcdefghijkl")
    assert rows(str(error), 80) < 40


KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "a user's class": (
        own("MyDense", "x"),
        {
            "kind": "layer",
            "class_name": "MyDense",
            "module": "mine",
            "nearest": ("Dense",),
            "advice": r"custom_objects=\{'MyDense': function\}.*\{'MyDense': MyDense\}",
        },
    ),
    "a user's class in a file of Keras 2": (
        layer("Swirl", "x"),
        {"kind": "layer", "nearest": (), "advice": r"custom_objects=\{'Swirl': function\}"},
    ),
    "a misspelt class": (
        keras_own("Conv2d", "x"),
        {"kind": "layer", "module": "keras.layers", "nearest": ("Conv2D", "Conv3D", "Conv1D")},
    ),
    "a layer that only Keras has": (
        keras_own("StringLookup", "x"),
        {"kind": "layer", "cause": "no such layer", "advice": r"keras\.Model\(layer\.output"},
    ),
    "a function of masks": (
        keras_own("Lambda", "x", mask={"class_name": "function"}),
        {"kind": "layer", "cause": "makes a mask", "advice": "load_weights"},
    ),
    "a Lambda": (
        keras_own("Lambda", "x"),
        {"kind": "layer", "cause": "never taken", "advice": r"custom_objects=\{'x': function\}"},
    ),
    "a user's activation": (
        keras_own("Dense", "x", units=2, activation="my_relu"),
        {
            "kind": "function",
            "class_name": "my_relu",
            "nearest": ("relu", "leaky_relu"),
            "advice": r"custom_objects=\{'my_relu': function\}",
        },
    ),
    "an argument": (
        keras_own("BatchNormalization", "x", axis=[1, 2]),
        {
            "kind": "option",
            "class_name": "BatchNormalization",
            "cause": "single `axis`",
            "received": ("[1, 2]",),
            "advice": "save the model again",
        },
    ),
    "a large table": (
        keras_own("Embedding", "x", input_dim=2**30, output_dim=4),
        {"kind": "option", "class_name": "Embedding", "advice": "rows that are used"},
    ),
    "quantized weights": (
        keras_own("Dense", "x", units=2, dtype={"class_name": "QuantizedDTypePolicy"}),
        {"kind": "option", "class_name": "Dense", "advice": r"before `model\.quantize"},
    ),
    "a layer in another": (
        keras_own("TimeDistributed", "outer", layer=own("Swirl", "x")),
        {"kind": "layer", "class_name": "Swirl"},
    ),
}


@pytest.mark.parametrize("case", KINDS)
def test_each_kind_of_refusal_is_data_and_says_what_works(case: str) -> None:
    config, expected = KINDS[case]
    error = refused(config)
    (item,) = error.items
    assert (item.layers, item.count) == (("x",), 1)
    for field, value in expected.items():
        actual = getattr(item, field)
        if field in ("cause", "advice"):
            assert re.search(value, actual), actual
        else:
            assert actual == value
    assert item.advice
    assert item.advice in str(error)
    assert "'x'" in str(error)
    assert set(item.to_dict()) == {*Refusal.__dataclass_fields__, "count"}


def test_an_operation_is_refused_as_data_with_the_nearest() -> None:
    entry = {"module": "keras.src.ops.nn", "class_name": "Softmaxx", "config": {"name": "x"}}
    inner = {"layers": [entry], "input_layers": [], "output_layers": []}
    with pytest.raises(UnsupportedError) as caught:
        model_from_json(json.dumps({"class_name": "Functional", "config": inner}))
    (item,) = caught.value.items
    assert (item.kind, item.holder, item.class_name) == ("operation", "operation", "Softmaxx")
    assert item.nearest[0] == "Softmax"
    assert "by a `Lambda`" in item.advice


def test_a_layer_that_is_made_by_hand_says_it_in_a_line() -> None:
    with pytest.raises(UnsupportedError) as caught:
        layers.BatchNormalization(axis=(1, 2), name="x")
    assert str(caught.value) == (
        "Layer 'x' of class BatchNormalization: takes a single `axis`. Received: (1, 2)"
    )


@pytest.mark.parametrize(
    "remake", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_the_error_crosses_processes_with_its_data(remake: Any) -> None:
    error = refused(own("Swirl", "a"), layer("Lambda", "b"))
    error.add_note("seen by me")
    twin = remake(error)
    assert isinstance(twin, ValueError)
    assert (twin.items, twin.source, str(twin)) == (error.items, "configuration", str(error))
    assert twin.__notes__ == ["seen by me"]


# --- what the advice says, done in Keras -------------------------------------------------------


def loads_like(model: Any, path: Path, custom_objects: Any = None) -> None:
    """Check that the file at `path` loads and gives the numbers of `model`."""
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 1)).astype(np.float32)
    actual = load_model(path, custom_objects).predict(x, verbose=0)
    np.testing.assert_allclose(actual, np.asarray(model(x)), rtol=1e-5, atol=1e-5)


def advice_on(model: Any, path: Path) -> str:
    model.save(path)
    with pytest.raises(UnsupportedError) as caught:
        load_model(path)
    (item,) = caught.value.items
    return item.advice


def drawn(make: Any = keras.Model) -> Any:
    x = keras.Input((6, 6, 1))
    y = keras.layers.Conv2D(2, 3, activation="relu")(x)
    return make(x, keras.layers.Dense(3)(keras.layers.Flatten()(y)))


class Written(keras.Model):
    """Says in `call` what it does."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.conv = keras.layers.Conv2D(2, 3, activation="relu")
        self.dense = keras.layers.Dense(3)

    def call(self, x: Any) -> Any:
        return keras.ops.mean(self.dense(self.conv(x)), axis=(1, 2))


class Trained(keras.Model):
    """Changes nothing but training, as the guides of Keras do."""

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class Parametric(keras.Model):
    """A graph, of which a file has nothing but arguments."""

    def __init__(self, units: int) -> None:
        graph = drawn()
        super().__init__(graph.inputs[0], keras.layers.Dense(units)(graph.output))
        self.units = units

    def get_config(self) -> Any:
        return {"units": self.units}


def test_a_model_that_says_in_code_what_it_does_works_once_it_is_drawn(tmp_path: Path) -> None:
    m = Written()
    m(np.zeros((1, 6, 6, 1), np.float32))
    advice = advice_on(m, tmp_path / "code.keras")
    assert "custom_objects" not in advice
    assert "`x = keras.Input((6, 6, 1))` and `keras.Model(x, m.call(x)).save(…)`" in advice
    x = keras.Input((6, 6, 1))
    keras.Model(x, m.call(x)).save(tmp_path / "drawn.keras")
    loads_like(m, tmp_path / "drawn.keras")


@pytest.mark.parametrize("make", [lambda: drawn(Trained), lambda: Parametric(2)])
def test_a_subclass_with_inputs_works_as_a_model_of_these(tmp_path: Path, make: Any) -> None:
    m = make()
    assert "`keras.Model(m.inputs, m.outputs).save(…)`" in advice_on(m, tmp_path / "own.keras")
    keras.Model(m.inputs, m.outputs).save(tmp_path / "plain.keras")
    loads_like(m, tmp_path / "plain.keras")


def test_a_subclass_that_only_trains_otherwise_works_as_functional(tmp_path: Path) -> None:
    model = drawn(Trained)
    advice = advice_on(model, tmp_path / "m.keras")
    assert "`load_model(…, custom_objects={'Trained': cnnfast.models.Functional})`" in advice
    loads_like(model, tmp_path / "m.keras", {"Trained": Functional})


class Halves(keras.layers.Layer):
    """Is made of a layer of Keras."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = keras.layers.Conv2D(2, 3)

    def call(self, x: Any) -> Any:
        return self.inner(x) / 2.0


def test_a_layer_made_of_layers_works_once_its_call_is_drawn(tmp_path: Path) -> None:
    x, layer = keras.Input((6, 6, 1)), Halves()
    model = keras.Model(x, layer(x))
    assert "Or the class itself, with `cnnfast`" in advice_on(model, tmp_path / "own.keras")
    x = keras.Input((6, 6, 1))
    keras.Model(x, layer.call(x)).save(tmp_path / "drawn.keras")
    loads_like(model, tmp_path / "drawn.keras")


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_an_operation_or_activation_works_as_a_lambda_with_a_function(tmp_path: Path) -> None:
    x = keras.Input((6, 6, 1))
    bessel = keras.Model(x, keras.ops.i0(x))
    assert "by a `Lambda` layer" in advice_on(bessel, tmp_path / "op.keras")
    x = keras.Input((6, 6, 1))
    wrap = keras.layers.Lambda(lambda v: 1 * keras.ops.i0(v), (6, 6, 1), name="i0")
    keras.Model(x, wrap(x)).save(tmp_path / "lambda.keras")
    loads_like(bessel, tmp_path / "lambda.keras", {"i0": np.i0})


def test_what_only_keras_has_at_the_start_can_be_cut_off(tmp_path: Path) -> None:
    x = keras.Input((6, 6, 3))
    contrast = keras.layers.AutoContrast(value_range=(-4.0, 4.0))
    model = keras.Model(x, keras.layers.Rescaling(0.5)(contrast(x)))
    assert "`keras.Model(layer.output, model.output).save(…)`" in advice_on(
        model, tmp_path / "m.keras"
    )
    keras.Model(contrast.output, model.output).save(tmp_path / "rest.keras")
    x = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype(np.float32)
    actual = load_model(tmp_path / "rest.keras").predict(np.asarray(contrast(x)), verbose=0)
    np.testing.assert_allclose(actual, np.asarray(model(x)), rtol=1e-6)
