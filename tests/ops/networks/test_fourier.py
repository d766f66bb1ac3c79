"""Fourier transforms against those of Keras, drawn and on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import ops
from cnnfast.errors import UnsupportedError
from operation_parity import agree, compare
from parity import keras

WINDOW = np.linspace(0.2, 1.0, 8).tolist()

# Of the operations of a library and two tensors (batch, 6, 20).
CASES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "fft": lambda o, x, y: o.fft((x, y)),
    "fft2": lambda o, x, y: (*o.fft2((x, y)), *o.ifft2((x, y))),
    "rfft": lambda o, x, y: (*o.rfft(x), *o.rfft(x, 13), *o.rfft(y, 32)),
    "irfft": lambda o, x, y: (o.irfft((x, y)), o.irfft((x, y), 21), o.irfft((x, y), 60)),
    "extract_sequences": lambda o, x, y: o.extract_sequences(x, 5, 3),
    "stft": lambda o, x, y: (
        *o.stft(x, 8, 4, 8),
        *o.stft(y, 7, 2, 12, window="hamming"),
        *o.stft(x, 8, 3, 10, window=None, center=False),
        *o.stft(x, 8, 3, 9, window=WINDOW),
    ),
    "istft": lambda o, x, y: (
        o.istft(o.stft(x, 8, 2, 8), 8, 2, 8),
        o.istft(o.stft(y, 8, 3, 11, window="hamming"), 8, 3, 11, length=15, window="hamming"),
        o.istft(o.stft(x, 8, 4, 8, window=None, center=False), 8, 4, 8, window=None, center=False),
        o.istft(o.stft(x, 8, 2, 8, window=WINDOW), 8, 2, 8, window=WINDOW),
        o.istft((x[:, :, :5], y[:, :, :5]), 8, 3, 8, window=None),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_transform_is_that_of_keras(name: str, rng: np.random.Generator) -> None:
    x = [rng.normal(size=(2, 6, 20)).astype(np.float32) for _ in range(2)]
    compare(CASES[name], x, atol=2e-5)
    expected = CASES[name](keras.ops, *x)
    agree(CASES[name](ops, *x), [np.asarray(y) for y in _flat(expected)], 2e-5, 2e-5)
    if name not in ("fft2", "istft"):  # and of one signal alone, by a function
        alone = [y[0, 0] for y in x]
        agree(CASES[name](ops, *alone), [np.asarray(y)[0, 0] for y in _flat(expected)], 2e-5, 2e-5)


def _flat(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


class Denoised(cnnfast.layers.Layer):
    """Keeps the frequencies that stand out, as an own layer does."""

    def call(self, x: Any) -> Any:
        real, imaginary = ops.rfft(x)
        kept = ops.cast(real * real + imaginary * imaginary > 4.0, "float32")
        return ops.irfft((real * kept, imaginary * kept))


def test_an_own_layer_transforms_and_comes_back(rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, 50)).astype(np.float32)
    spectrum = np.fft.rfft(x)
    expected = np.fft.irfft(np.where(np.abs(spectrum) > 2, spectrum, 0))
    model = cnnfast.Sequential([cnnfast.Input((50,)), Denoised()])
    np.testing.assert_allclose(model.predict(x), expected, atol=1e-5)


def test_what_cannot_be_transformed_is_refused() -> None:
    x, wide = np.ones((2, 8), np.float32), np.ones((1, 5000), np.float32)
    for make, error, rule in (
        (lambda: ops.fft(x), ValueError, "tuple of two tensors"),
        (lambda: ops.fft((x, x[:, :4])), ValueError, "should have the same shape"),
        (lambda: ops.fft((x.astype(int), x)), ValueError, "not of type float"),
        (lambda: ops.rfft(wide), UnsupportedError, "at most 4096 numbers"),
        (lambda: ops.rfft(cnnfast.Input((None,))), ValueError, "must have a known size"),
        (lambda: ops.stft(x, 8, 2, 4), ValueError, "equal or larger than"),
        (lambda: ops.stft(x, 4, 2, 4, window="flat"), ValueError, "must be one of"),
        (lambda: ops.stft(x, 4, 2, 4, window=[1.0]), ValueError, "The shape of `window`"),
        (lambda: ops.stft(x.astype(int), 4, 2, 4), ValueError, "Invalid input type"),
        (lambda: ops.extract_sequences(x, 9, 1), ValueError, "as long as a sequence"),
        (lambda: ops.extract_sequences(x, 2, 0), ValueError, "positive integer"),
    ):
        with pytest.raises(error, match=rule):
            make()
