"""Pictures in files against Keras."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast import utils

pytest.importorskip("PIL", reason="Pillow, of the extra `image`, is not installed")
keras = pytest.importorskip("keras")


@pytest.fixture
def picture(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "picture.png"
    utils.save_img(path, rng.integers(0, 256, size=(9, 12, 3)), scale=False)
    return path


@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"color_mode": "grayscale"},
        {"color_mode": "rgba"},
        {"target_size": (5, 20)},
        {"target_size": (5, 20), "interpolation": "bilinear"},
        {"target_size": (5, 20), "interpolation": "lanczos", "keep_aspect_ratio": True},
        {"target_size": (20, 5), "interpolation": "box", "keep_aspect_ratio": True},
        {"target_size": (9, 12), "interpolation": "hamming"},
    ],
)
def test_loading_gives_the_pixels_of_keras(picture: Path, kwargs: dict[str, Any]) -> None:
    for source in (picture, str(picture), io.BytesIO(picture.read_bytes())):
        ours = utils.load_img(source, **kwargs)
        theirs = keras.utils.load_img(picture, **kwargs)
        assert (ours.size, ours.mode) == (theirs.size, theirs.mode)
        np.testing.assert_array_equal(
            utils.img_to_array(ours), keras.utils.img_to_array(theirs), strict=True
        )


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3)])
def test_arrays_have_three_axes(shape: tuple[int, ...], data_format: str) -> None:
    x = np.arange(np.prod(shape)).reshape(shape)
    ours = utils.img_to_array(x, data_format, "uint8")
    theirs = keras.utils.img_to_array(x, data_format, "uint8")
    np.testing.assert_array_equal(ours, theirs, strict=True)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("largest", [1.0, 255.0, 1000.0])
def test_pictures_are_those_of_keras(
    channels: int, scale: bool, largest: float, rng: np.random.Generator
) -> None:
    if not scale and channels > 1 and largest > 255:
        pytest.skip("does not fit into a byte")
    x = rng.uniform(0, largest, size=(4, 5, channels)).astype(np.float32)
    ours, theirs = (f(x, scale=scale) for f in (utils.array_to_img, keras.utils.array_to_img))
    assert ours.mode == theirs.mode
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_a_constant_picture_is_black() -> None:
    assert np.asarray(utils.array_to_img(np.full((2, 2, 3), 7.0))).max() == 0


def test_jpeg_has_no_transparency(tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    with pytest.warns(UserWarning, match="does not support RGBA"):
        utils.save_img(path, np.zeros((4, 5, 4)))
    assert utils.load_img(path).size == (5, 4)


@pytest.mark.parametrize(
    ("call", "error", "rule"),
    [
        (lambda: utils.load_img(3), TypeError, "path should be path-like"),
        (lambda: utils.load_img("x.png", "cmyk"), ValueError, "color_mode must be"),
        (
            lambda: utils.load_img("x.png", interpolation="cubist"),
            ValueError,
            "interpolation must be one of",
        ),
        (lambda: utils.img_to_array(np.zeros(3)), ValueError, "2 or 3 axes"),
        (lambda: utils.array_to_img(np.zeros((3, 3))), ValueError, "rank 3"),
        (lambda: utils.array_to_img(np.zeros((3, 3, 2))), ValueError, "1, 3 or 4 channels"),
        (lambda: utils.img_to_array(np.zeros((3, 3)), "nchw"), ValueError, "`data_format`"),
    ],
)
def test_bad_arguments_are_refused(call: Any, error: type[Exception], rule: str) -> None:
    with pytest.raises(error, match=rule):
        call()


def test_without_pillow_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(
        ImportError, match=r"`load_img` needs Pillow: pip install 'cnnfast\[image\]'"
    ):
        utils.load_img("x.png")
