"""Window geometry over random sizes, against Keras' shape rule and the definition of 'same'."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from cnnfast.lowering import windows
from parity import keras

SIZES = st.integers(1, 40)
TAPS = st.integers(1, 7)


@given(SIZES, SIZES, TAPS, st.integers(1, 4), st.integers(1, 3), st.sampled_from(["valid", "same"]))
def test_output_shape_is_that_of_keras(
    height: int, width: int, size: int, stride: int, dilation: int, padding: str
) -> None:
    assume(stride == 1 or dilation == 1)
    layer = keras.layers.Conv2D(
        2, size, strides=stride, dilation_rate=dilation, padding=padding, name="layer"
    )
    ours = windows.output_shape(
        (height, width), (size, size), (stride, stride), (dilation, dilation), padding
    )
    try:
        theirs = layer.compute_output_shape((None, height, width, 3))[1:-1]
    except ValueError:
        assert min(size for size in ours if size is not None) < 1
    else:
        assert ours == theirs


@given(SIZES, TAPS, st.integers(1, 4), st.integers(1, 3))
def test_same_pads_just_reach_the_last_window(
    length: int, size: int, stride: int, dilation: int
) -> None:
    before, after = windows.pads(length, size, stride, dilation, "same")
    outputs = windows.output_size(length, size, stride, dilation, "same")
    assert outputs is not None
    reach = (outputs - 1) * stride + windows.span(size, dilation)
    assert before + after == max(reach - length, 0)
    assert after - before in (0, 1)


def test_same_puts_the_odd_pixel_at_the_end() -> None:
    assert windows.pads(6, 3, 2, 1, "same") == (0, 1)


def test_unknown_sizes_stay_unknown() -> None:
    assert windows.output_shape((None, 8), (3, 3), (2, 2), (1, 1), "valid") == (None, 3)


def test_an_image_smaller_than_the_window_has_no_outputs() -> None:
    assert windows.output_shape((2, 8), (3, 3), (1, 1), (1, 1), "valid") == (0, 6)
    assert windows.output_shape((1, 8), (3, 3), (1, 1), (1, 1), "valid") == (-1, 6)
