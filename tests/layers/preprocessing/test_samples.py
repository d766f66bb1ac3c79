"""Calls on one image or sample, without a batch around it, against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import both

IMAGE = np.random.default_rng(0).uniform(0, 255, (9, 11, 3)).astype(np.float32)
SOUND = np.sin(np.arange(100.0)).astype(np.float32)
NUMBERS = np.array([1, 2, 2])
EDGES = {"bin_boundaries": [0.0, 1.5]}

CASES: list[tuple[str, dict[str, Any], np.ndarray]] = [
    ("Resizing", {"height": 4, "width": 5}, IMAGE),
    ("Resizing", {"height": 4, "width": 5}, IMAGE.astype(np.uint8)),
    ("Resizing", {"height": 4, "width": 5, "data_format": "channels_first"}, IMAGE),
    ("CenterCrop", {"height": 4, "width": 5}, IMAGE),
    ("CenterCrop", {"height": 12, "width": 5}, IMAGE),
    (
        "MelSpectrogram",
        {"num_mel_bins": 8, "sampling_rate": 800, "sequence_stride": 16, "fft_length": 32},
        SOUND,
    ),
    *[
        (name, kwargs | {"output_mode": mode}, x)
        for name, kwargs, modes in (
            ("CategoryEncoding", {"num_tokens": 4}, ("multi_hot", "count", "one_hot")),
            ("Discretization", EDGES, ("multi_hot", "count", "one_hot", "int")),
        )
        for mode in modes
        for x in (NUMBERS, np.array(1))
    ],
]


def test_one_is_taken_as_keras_takes_it() -> None:
    for name, kwargs, x in CASES:
        theirs, ours = both(name, **kwargs)
        expected = np.asarray(theirs(x))
        result = ours(x)
        assert result.shape == expected.shape, (name, kwargs)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=2e-3, err_msg=name)
        if x.ndim:  # and a batch as before
            both_of_it = ours(np.stack([x, x]))
            np.testing.assert_allclose(both_of_it[1].reshape(result.shape), result, rtol=1e-5)


def test_numbers_of_one_sample_are_weighed() -> None:
    theirs, ours = both("CategoryEncoding", num_tokens=4, output_mode="count")
    weights = np.array([0.5, 1.0, 2.0], np.float32)
    expected = np.asarray(theirs(NUMBERS, count_weights=weights))
    np.testing.assert_allclose(ours(NUMBERS, count_weights=weights), expected)


def test_a_symbolic_tensor_is_a_batch() -> None:
    x = layers.Input((9, 11))
    for make in (lambda: layers.Resizing(4, 5), lambda: layers.CenterCrop(4, 5)):
        with pytest.raises(ValueError, match="expected ndim=4, found ndim=3"):
            make()(x)


def test_what_stands_beside_images_is_refused() -> None:
    for layer in (layers.Resizing(4, 5), layers.CenterCrop(4, 5), layers.RandomFlip()):
        for given in ({"images": IMAGE}, {"images": IMAGE[None], "labels": NUMBERS}):
            with pytest.raises(UnsupportedError, match=r"takes images alone.*Call it on"):
                layer(given)
