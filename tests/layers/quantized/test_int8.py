"""Layers that Keras quantized to int8, by each road and both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras
from quantized_networks import (
    assert_alike,
    assert_roads,
    attention,
    cnn,
    exact,
    outputs,
    products,
    randomized,
    words,
)

pytestmark = pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method")
Q = keras.quantizers
CONFIGS = {
    "default": Q.Int8QuantizationConfig(),
    "weights alone": Q.Int8QuantizationConfig(activation_quantizer=None),
    "other limits": Q.Int8QuantizationConfig(
        weight_quantizer=Q.AbsMaxQuantizer(axis=0),
        activation_quantizer=Q.AbsMaxQuantizer(value_range=(-90, 100), epsilon=1e-3),
    ),
}


@pytest.mark.parametrize(
    ("make", "config"),
    [(cnn, "default"), (cnn, "other limits"), (products, "default"), (products, "weights alone")],
)
def test_products_are_those_of_keras(make: Any, config: str, tmp_path: Path) -> None:
    model, x = make()
    randomized(model).quantize(config=CONFIGS[config])
    assert_roads(model, x, tmp_path, step=0.02 if make is products else 0.0)


def test_rows_of_a_table_are_those_of_keras(tmp_path: Path) -> None:
    model, x = words()
    randomized(model).quantize("int8")
    assert_roads(model, x, tmp_path)


def test_attention_loads_from_memory_and_saves_what_keras_loads(tmp_path: Path) -> None:
    model, x = attention(groups=True)
    randomized(model).quantize("int8")
    live, _ = assert_roads(model, x, tmp_path, step=0.03)
    live.save(tmp_path / "live.keras")
    loaded = cnnfast.load_model(tmp_path / "live.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), live.predict(x, verbose=0))
    model.save(tmp_path / "keras.keras")
    with pytest.raises(
        cnnfast.errors.ModelFileError, match=r"how, so that Keras does not.*from_ker"
    ):
        cnnfast.load_model(tmp_path / "keras.keras")
    model, x = attention()
    model.quantize(config=CONFIGS["weights alone"])
    with pytest.raises(UnsupportedError, match="quantized as Keras does by default"):
        cnnfast.from_keras(model)


def test_sums_above_2_to_the_24_are_those_of_int32() -> None:
    layer = keras.layers.Dense(3, dtype="int8_from_float32")
    layer.build((None, 5000))
    kernel = np.full((5000, 3), 127, np.int8)
    kernel[:, 1], kernel[::3, 1] = 126, -1
    kernel[::2, 2] = -126
    layer.set_weights([np.zeros(3), kernel, np.full(3, 0.5)])
    model = keras.Sequential([keras.Input((5000,)), layer])
    x = np.ones((2, 5000), np.float32)
    x[1, ::7] = 0.3
    expected = outputs(model, x)
    assert (np.abs(expected) * 0.5 * 127 > 2**24).any()
    actual = cnnfast.from_keras(model).predict(x, verbose=0)
    np.testing.assert_allclose(actual, expected, rtol=3e-7)


def test_bits_depend_neither_on_threads_nor_on_the_batch() -> None:
    model, x = cnn()
    randomized(model).quantize("int8")
    ours = cnnfast.from_keras(model)
    whole = ours.predict(x, verbose=0)
    for threads in (1, 2):
        cnnfast.set_num_threads(threads)
        each = [ours.predict(image[None], verbose=0) for image in x]
        np.testing.assert_array_equal(np.concatenate(each), whole)
    x[0] *= 1e6  # no scale of another image follows
    np.testing.assert_array_equal(ours.predict(x, verbose=0)[1:], whole[1:])


@pytest.mark.parametrize("scale", [0.0, np.nan, np.inf])
def test_scales_of_damaged_files_give_what_keras_gives(scale: float, tmp_path: Path) -> None:
    model, x = cnn()
    randomized(model).quantize("int8")
    values = np.linspace(30, 60, 7)
    values[2] = scale
    model.get_layer("hidden").kernel_scale.assign(values)
    model = keras.Model(model.input, model.get_layer("hidden").output)
    x[3] = 0.0
    np.testing.assert_array_equal(
        cnnfast.from_keras(model).predict(x, verbose=0), outputs(model, x)
    )


def test_rows_of_zeros_nan_and_infinity_are_those_of_keras() -> None:
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    randomized(model).quantize("int8")
    x = exact((5, 6), 8)
    x[0], x[1, 2], x[2, 3], x[3] = 0.0, np.nan, np.inf, 1e-9
    ours = cnnfast.from_keras(model)
    np.testing.assert_array_equal(ours.predict(x, verbose=0), outputs(model, x))
    with pytest.raises(UnsupportedError, match="in the dtype of the integers"):
        layers.Dense(2, dtype="int8_from_float32")(np.ones((1, 4), np.uint8))


def test_memory_is_told_in_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layer = layers.Dense(50, dtype="int8_from_float32")
    model = cnnfast.Sequential([layers.Input((1000,)), layer])
    assert model.memory_report().variable_bytes + model.memory_report().deferred_bytes == 50400
    assert layer.kernel.numpy().dtype == np.int8
    assert [w.dtype for w in model.get_weights()] == [np.float32, np.int8, np.float32]
    model.summary()
    assert "50,100 (49.22 KB)" in capsys.readouterr().out


def test_quantized_layers_work_in_calls_of_your_own() -> None:
    class Block(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(4, dtype="int8_from_float32")

        def call(self, x: Any) -> Any:
            return self.dense(x) + 1.0

    theirs = keras.layers.Dense(4, dtype="int8_from_float32")
    x = exact((2, 6), 8)
    theirs.build(x.shape)
    theirs.set_weights([exact((4,), 8), KERNEL, np.full(4, 40.0)])
    block = Block()
    block(x)
    block.dense.set_weights(theirs.get_weights())
    assert_alike(block(x), np.asarray(theirs(x)) + 1.0, 0.0)

    class Same(layers.Dense):
        pass

    same = Same(4, dtype="int8_from_float32")
    same.build(x.shape)
    same.set_weights(theirs.get_weights())
    np.testing.assert_array_equal(same(x), np.asarray(theirs(x)))

    class Other(layers.Dense):
        def call(self, x: Any) -> Any:
            return super().call(x) * 2.0

    with pytest.raises(UnsupportedError, match="no class of your own"):
        Other(4, dtype="int8_from_float32")


KERNEL = np.random.default_rng(0).integers(-127, 128, (6, 4)).astype(np.int8)
