"""`cnnfast.quantize`: models in 8 bits, and what cannot become one."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import Model, Sequential, layers
from cnnfast.engine.executor import lower
from cnnfast.errors import UnsupportedError
from cnnfast.quantization.trials import relative_error
from cnnfast.utils import tree
from integer_graphs import Interpreter
from networks_in_bytes import NETWORKS, SIZE, images, network

MOST_ERROR = 0.05


def quantized(model: Model, x: Any = None, **kwargs: Any) -> Model:
    return cnnfast.quantize(model, images(8) if x is None else x, verbose=0, **kwargs)


def predicted(model: Model, x: np.ndarray, **kwargs: Any) -> list[np.ndarray]:
    return tree.flatten(model.predict(x, verbose=0, **kwargs))


@pytest.mark.parametrize("name", NETWORKS)
def test_numbers_are_about_those_of_float32(name):
    model, x = network(name), images(20, seed=1)
    for made, expected in zip(predicted(quantized(model), x), predicted(model, x), strict=True):
        assert 0 < relative_error(made, expected) < MOST_ERROR


@pytest.mark.parametrize("name", NETWORKS)
def test_bits_are_those_of_the_rule_in_numpy(name):
    model, x = quantized(network(name)), images(5, seed=2)
    for made, expected in zip(
        predicted(model, x), Interpreter(lower(model, [SIZE])).run([x]), strict=True
    ):
        np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_bits_depend_on_neither_threads_nor_batch(name):
    model, x = quantized(network(name)), images(9, seed=3)
    expected = predicted(model, x, batch_size=1, threads=1)
    for threads, batch_size in ((1, 9), (2, 4), (3, 1), (4, 9)):
        made = predicted(model, x, batch_size=batch_size, threads=threads)
        for one, other in zip(made, expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_model_is_left_in_float32():
    model, x = network("classifier"), images(4)
    before = model.predict(x, verbose=0)
    made = quantized(model)
    assert type(made) is type(model)
    assert (model.quantization, made.quantization is None) == (None, False)
    np.testing.assert_array_equal(model.predict(x, verbose=0), before)
    np.testing.assert_array_equal(made.quantized(None).predict(x, verbose=0), before)


@pytest.mark.parametrize("twin", [copy, deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_and_pickles_are_in_8_bits(twin):
    model, x = quantized(network("residual")), images(3)
    other = twin(model)
    assert other.quantization == model.quantization
    np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


def test_it_is_evaluated_profiled_and_reported_as_any_other():
    model = network("classifier")
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    made, x = quantized(model), images(6)
    labels = made.predict(x, verbose=0).argmax(axis=1)
    assert made.evaluate(x, labels, verbose=0)[1] == 1.0
    names = {step.name for step in made._executor.plan((SIZE,)).steps}
    assert any(name.startswith("quantized_conv2d") for name in names)
    assert any(row.op.startswith("quantized_conv2d") for row in made.profile(x).rows)
    assert made.memory_report(2).packed_bytes > 0
    made.warm_up()
    np.testing.assert_array_equal(made(x), made.predict_on_batch(x))


@pytest.mark.parametrize("method", ["min_max", "percentile", "mse", "entropy"])
def test_every_method_is_close(method):
    model, x = network("normalized"), images(16)
    made = quantized(model, x, method=method)
    assert made.quantization.method == method
    assert made.quantization.images == 16
    error = relative_error(made.predict(x, verbose=0), model.predict(x, verbose=0))
    assert error < 0.15


def test_auto_takes_what_has_the_smallest_error():
    model, x = network("residual"), images(16)
    expected, errors = model.predict(x, verbose=0), {}
    for method in ("mse", "min_max", "percentile", "entropy"):
        for equalize in (False, True):
            made = quantized(model, x, method=method, equalize=equalize)
            how = made.quantization
            errors[how.method, bool(how.equalized)] = relative_error(
                made.predict(x, verbose=0), expected
            )
    best = quantized(model, x).quantization
    assert errors[best.method, bool(best.equalized)] == pytest.approx(min(errors.values()))


def test_batches_of_any_size_and_kind_measure_alike():
    model, x = network("joined"), images(10)
    ranges = quantized(model, x, method="min_max").quantization.ranges
    assert quantized(model, x, method="min_max", batch_size=3).quantization.ranges == ranges
    batches = (x[i : i + 4] for i in range(0, 10, 4))
    assert quantized(model, batches, method="min_max").quantization.ranges == ranges


def test_integers_are_images():
    x = np.random.default_rng(0).integers(0, 256, (6, *SIZE), dtype=np.uint8)
    assert quantized(network("classifier"), x).quantization.images == 6


def test_several_inputs():
    a, b = layers.Input(SIZE), layers.Input(SIZE)
    y = layers.add([layers.Conv2D(4, 3)(a), layers.Conv2D(4, 3)(b)])
    model, x = Model([a, b], layers.GlobalAveragePooling2D()(y)), [images(4), images(4, seed=1)]
    made = quantized(model, x)
    error = relative_error(made.predict(x, verbose=0), model.predict(x, verbose=0))
    assert error < MOST_ERROR


# --- what stays float32 ---------------------------------------------------------------------


def test_kept_layers_are_in_float32():
    model = network("residual")
    made = quantized(model, keep=["second"])
    kinds = {
        op.layers[0]: type(op).__name__ for op in lower(made, [SIZE]).ops if "Conv" in str(type(op))
    }
    assert kinds["second"] == "Conv2D"
    assert kinds["first"] == "QuantizedConv2D"
    assert made.quantization.kept == ("second",)


def test_of_a_model_inside_all_layers_are_kept():
    made = quantized(network("two_outputs"), keep="inside")
    inside = [op for op in lower(made, [SIZE]).ops if op.layers[0].startswith("inside/")]
    assert "Conv2D" in [type(op).__name__ for op in inside]
    assert not [op for op in inside if "QuantizedConv" in type(op).__name__]


def test_a_largest_error_is_met_with_the_fewest_layers():
    model, x = network("excited"), images(16)
    exact = relative_error(quantized(model, x).predict(x, verbose=0), model.predict(x, verbose=0))
    made = quantized(model, x, max_error=0.7 * exact)
    error = relative_error(made.predict(x, verbose=0), model.predict(x, verbose=0))
    assert 0 < error <= 0.7 * exact
    assert made.quantization.kept
    assert quantized(model, x, max_error=2 * exact).quantization.kept == ()


def test_a_largest_error_that_no_layer_keeps_is_refused():
    with pytest.raises(ValueError, match=r"must leave a layer in 8 bits.*Received.*1e-09"):
        quantized(network("classifier"), max_error=1e-9)


# --- what cannot be quantized ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, *SIZE), np.float32), "at least one. Received: none"),
        (iter([]), "at least one batch. Received: an empty"),
        (np.full((4, *SIZE), 0.5, np.float32), "every number is 0.5"),
        (np.full((4, *SIZE), np.nan, np.float32), "must be finite"),
        (np.full((4, *SIZE), np.inf, np.float32), "must be finite"),
        (np.zeros((4, 5, 5, 3), np.float32), "shape"),
        (None, "must be an array"),
        (3, "must be an array"),
    ],
)
def test_images_that_say_nothing_are_refused(x, message):
    with pytest.raises(ValueError, match=message):
        quantized(network("classifier"), x) if x is not None else cnnfast.quantize(
            network("classifier"), None, verbose=0
        )


def test_one_image_is_enough():
    assert quantized(network("classifier"), images(1)).quantization.images == 1


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"method": "max"}, "must be one of.*'auto', 'mse'.*Received: method='max'"),
        ({"percentile": 30}, "more than 50"),
        ({"percentile": 101}, "at most 100"),
        ({"keep": ["conv_of_none"]}, "names of layers.*Received: 'conv_of_none'"),
        ({"max_error": 0}, "must be positive"),
        ({"max_error": float("nan")}, "must be positive"),
        ({"preprocess": abs}, "for a folder"),
    ],
)
def test_arguments_that_are_none_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        quantized(network("classifier"), **kwargs)


def test_a_model_with_a_function_of_the_users_is_refused(keras, tmp_path):
    stack = [
        keras.Input((4, 4, 1)),
        keras.layers.Conv2D(2, 1),
        keras.layers.Lambda(abs, name="own"),
    ]
    keras.Sequential(stack).save(tmp_path / "own.keras")
    model = cnnfast.load_model(tmp_path / "own.keras", custom_objects={"own": np.abs})
    x = np.random.default_rng(0).random((4, 4, 4, 1), np.float32)
    with pytest.raises(UnsupportedError, match="no NumPy functions of yours"):
        cnnfast.quantize(model, x, verbose=0)


def test_a_stateful_model_is_refused():
    model = Sequential([layers.Input((3, 4), batch_size=2), layers.LSTM(5, stateful=True)])
    x = np.random.default_rng(0).random((2, 3, 4), np.float32)
    with pytest.raises(UnsupportedError, match="keeps no states"):
        cnnfast.quantize(model, x, verbose=0)


def test_a_model_without_products_is_refused():
    model = Sequential([layers.Input(SIZE), layers.Activation("relu")])
    with pytest.raises(UnsupportedError, match="no layer that 8 bits are for"):
        quantized(model)


def test_what_is_in_8_bits_is_not_quantized_again():
    with pytest.raises(UnsupportedError, match="is in 8 bits"):
        quantized(quantized(network("classifier")))


@pytest.mark.parametrize("model", [None, "model.keras", layers.Dense(3)])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(ValueError, match="a model of cnnfast"):
        cnnfast.quantize(model, images(2))


def test_values_that_overflow_are_refused():
    model = Sequential([layers.Input(SIZE), layers.Conv2D(2, 3), layers.Activation("exponential")])
    kernel, bias = model.get_weights()
    model.set_weights([kernel + 1e3, bias])
    with pytest.raises(ValueError, match="values are finite"):
        quantized(model)
