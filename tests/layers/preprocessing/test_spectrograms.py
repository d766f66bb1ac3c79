"""Spectrograms of sound against Keras."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from layer_parity import LayerParity
from parity import both, keras
from reference import tolerance

SHORT = {"frame_length": 16, "frame_step": 6}
SOUND = (None, 50, 2)


def stft(mode: str, shape: tuple[int | None, ...] = SOUND, **kwargs: Any) -> Any:
    return ("STFTSpectrogram", {"mode": mode, **SHORT, **kwargs}, shape)


STFT = [
    *[stft(mode) for mode in ("log", "magnitude", "stft")],
    stft("psd", (None, 2, 50), data_format="channels_first", scaling="spectrum"),
    stft("stft", (None, 2, 50), data_format="channels_first", expand_dims=True, periodic=True),
    stft("stft", expand_dims=True, window=None, frame_step=None),
    stft("real", (None, 47, 1), fft_length=32, padding="same", window="hamming", trainable=False),
    stft("imag", (None, 40, 1), frame_length=11, fft_length=12, scaling=None),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), STFT)
@pytest.mark.filterwarnings("ignore:`fft_length` is recommended")
class TestShortTimeFourierTransform(LayerParity):
    depth = 64
    magnitude = 80.0


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"window": "hamming", "periodic": True, "scaling": "spectrum"},
        {"window": "blackman", "fft_length": 400, "scaling": None},
        {"window": np.linspace(0.5, 1.0, 256)},
        {"window": None},
    ],
)
@pytest.mark.filterwarnings("ignore:`fft_length` is recommended")
def test_fresh_kernels(kwargs: dict[str, Any]) -> None:
    theirs, ours = both("STFTSpectrogram", **kwargs)
    theirs.build((None, 1000, 1))
    ours.build((None, 1000, 1))
    for mine, their in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, their, rtol=0, atol=2e-4 * np.abs(their).max())


def test_a_tone_is_loudest_at_its_frequency() -> None:
    time = np.arange(2048) / 16000
    sound = np.sin(2 * np.pi * 1000 * time).astype(np.float32)[None, :, None]
    spectrum = layers.STFTSpectrogram("magnitude", 256)(sound)
    assert set(spectrum[0].argmax(axis=-1)) == {16}


@pytest.mark.parametrize("mode", ["log", "magnitude"])
def test_silence(mode: str) -> None:
    theirs, ours = both("STFTSpectrogram", mode=mode, **SHORT)
    x = np.zeros((1, 50, 1), np.float32)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-6)


def mel(shape: tuple[int | None, ...] = (None, 300), **kwargs: Any) -> Any:
    small = {"fft_length": 64, "sequence_stride": 20, "num_mel_bins": 8, "sampling_rate": 8000}
    return ("MelSpectrogram", {**small, **kwargs}, shape)


MEL = [
    mel(power_to_db=False, mag_exp=1.0),
    mel(sequence_length=40, window="hamming", top_db=10.0, ref_power=3.0),
    mel((None, 130), fft_length=63, sequence_length=50, window=None, mag_exp=1.5),
    mel((None, 20), window=list(np.linspace(0.1, 1.0, 64)), max_freq=2000.0, min_power=1.0),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), MEL)
class TestMelSpectrogram(LayerParity):
    depth = 256
    magnitude = 500.0


@pytest.mark.parametrize("samples", [1, 79])
def test_frames_of_short_sounds(samples: int, rng: np.random.Generator) -> None:
    _, kwargs, _ = mel(power_to_db=False)
    theirs, ours = both("MelSpectrogram", **kwargs)
    x = rng.normal(size=(2, samples)).astype(np.float32)
    expected = np.asarray(theirs(x))
    assert ours.compute_output_shape(x.shape) == expected.shape
    np.testing.assert_allclose(ours(x), expected, rtol=1e-4, atol=1e-4)


def test_decibels_end_below_the_loudest_of_the_batch() -> None:
    time = np.arange(1000) / 8000
    loud = np.sin(2 * np.pi * 440 * time)
    x = np.stack([loud, 1e-6 * loud]).astype(np.float32)
    _, kwargs, _ = mel()
    theirs, ours = both("MelSpectrogram", **kwargs)
    y = ours(x)
    assert np.ptp(y[1]) == 0.0
    np.testing.assert_allclose(y, np.asarray(theirs(x)), rtol=0, atol=0.02)
    np.testing.assert_allclose(ours(x[1:]), np.asarray(theirs(x[1:])), rtol=0, atol=0.02)


def _listening(package: Any, layer: Any, shape: tuple[int, ...]) -> Any:
    make = package.layers
    return package.Sequential(
        [package.Input(shape), layer, make.Reshape((-1, 9, 1)), make.Conv2D(2, 3), make.Flatten()]
    )


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:You are saving")
def test_networks_that_hear_load(suffix: str, tmp_path: Path, rng: np.random.Generator) -> None:
    made = [
        (keras.layers.STFTSpectrogram("log", **SHORT, window="bartlett"), (50, 1)),
        (keras.layers.MelSpectrogram(64, 20, num_mel_bins=9), (301,)),
    ]
    for layer, shape in made:
        original = _listening(keras, layer, shape)
        original.save(tmp_path / f"sound{suffix}")
        loaded = cnnfast.load_model(tmp_path / f"sound{suffix}")
        x = rng.normal(size=(3, *shape)).astype(np.float32)
        expected = np.asarray(original(x))
        bound = 2 * tolerance(256, float(np.abs(expected).max()))
        np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=0, atol=bound)


def test_a_layer_over_channels_hears_each_alone(rng: np.random.Generator) -> None:
    layer = layers.STFTSpectrogram("psd", **SHORT, expand_dims=True)
    x = rng.normal(size=(2, 50, 3)).astype(np.float32)
    apart = [layer(np.ascontiguousarray(x[..., [c]])) for c in range(3)]
    np.testing.assert_array_equal(layer(x), np.concatenate(apart, axis=-1))


ILLEGAL: list[tuple[str, dict[str, Any], str]] = [
    ("STFTSpectrogram", {"mode": "power"}, "`mode` argument must be one of"),
    ("STFTSpectrogram", {"frame_step": 300}, "than `frame_length`. Received: frame_step=300"),
    ("STFTSpectrogram", {"frame_step": 0}, "must be a positive integer not greater"),
    ("STFTSpectrogram", {"fft_length": 128}, "not less than `frame_length`, and at least 2. Rec"),
    ("STFTSpectrogram", {"scaling": "power"}, "`scaling` argument must be one of"),
    ("STFTSpectrogram", {"padding": "causal"}, "`padding` argument must be one of"),
    ("MelSpectrogram", {"sequence_length": 4096}, "Received: sequence_length=4096, fft_length="),
]


@pytest.mark.parametrize(("class_name", "kwargs", "rule"), ILLEGAL)
def test_what_keras_refuses_is_refused(class_name: str, kwargs: dict[str, Any], rule: str) -> None:
    for package in (keras.layers, layers):
        with pytest.raises(ValueError, match=r".") as error:
            getattr(package, class_name)(**kwargs)
    assert rule in str(error.value)


@pytest.mark.parametrize(
    ("class_name", "kwargs", "rule"),
    [
        ("STFTSpectrogram", {"frame_length": 1}, "`frame_step` must be a positive integer"),
        ("STFTSpectrogram", {"frame_length": 1, "frame_step": 1}, "and at least 2. Received: "),
        ("STFTSpectrogram", {"window": {}}, "`window` must be a number or an array"),
        ("MelSpectrogram", {"window": [1.0, 2.0]}, "equal to (2048,), the length of a frame. Rec"),
        ("MelSpectrogram", {"window": "blackman"}, "`window` argument must be one of"),
        ("MelSpectrogram", {"sequence_stride": 0}, "`sequence_stride` must be a positive integer"),
        ("MelSpectrogram", {"min_freq": 9000.0}, "less than `max_freq`, all finite. Received: min"),
        ("MelSpectrogram", {"min_power": 0.0}, "`min_power` must be greater than 0. Received: 0"),
    ],
)
def test_more_is_refused(class_name: str, kwargs: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(rule)):
        getattr(layers, class_name)(**kwargs)


def test_what_is_not_supported_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"every mode of Keras but the angle\. Received: mo"):
        layers.STFTSpectrogram("angle")
    with pytest.raises(UnsupportedError, match=r"must be one of \['boxcar', .*'bartlett'"):
        layers.STFTSpectrogram(window="bartlett")(np.zeros((1, 999, 1), np.float32))
    with pytest.raises(UnsupportedError, match=r"at most 8192\. Received: fft_length=16384"):
        layers.MelSpectrogram(16384)
    with pytest.raises(UnsupportedError, match="Cast to float32 first"):
        layers.STFTSpectrogram()(np.zeros((1, 999, 1), np.int16))


def test_sound_shorter_than_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match=r"zero or negative\. Received: input shape=\(None, 200"):
        layers.STFTSpectrogram().build((None, 200, 1))
    with pytest.raises(ValueError, match=r"1 to .* samples\. Received: input shape=\(None, 0\)"):
        layers.MelSpectrogram().compute_output_shape((None, 0))
