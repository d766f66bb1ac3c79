"""Products written as an einsum, against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from layer_parity import LayerParity
from parity import both

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("EinsumDense", {"equation": equation, "output_shape": sizes, **more}, shape)
    for equation, sizes, more, shape in (
        ("ab,bc->ac", 5, {}, (None, 4)),
        ("abc,cd->abd", (None, 5), {"bias_axes": "d", "activation": "softmax"}, (None, 3, 4)),
        ("abc,cde->abde", (3, 2, 5), {"bias_axes": "de", "activation": "relu"}, (None, 3, 4)),
        ("abc,dce->abde", (None, 2, 5), {"bias_axes": "e"}, (None, 3, 4)),
        ("abcd,cde->abe", (None, 5), {"bias_axes": "e"}, (None, 3, 2, 4)),
        ("abcd,dce->abe", (None, 5), {}, (None, 3, 2, 4)),
        ("...x,xyz->...yz", (2, 5), {"bias_axes": "y"}, (None, 2, 3, 4)),
        # What is not one matrix behind the axes that stay.
        ("abc,cde->abde", (3, 2, 5), {"bias_axes": "be"}, (None, 3, 4)),
        ("abc,bd->adc", (5, 4), {"bias_axes": "c", "activation": "relu"}, (None, 3, 4)),
        ("abc,bd->adc", (5, 4), {"bias_axes": "d"}, (None, 3, 4)),
        ("abc,bcd->abd", (3, 5), {"bias_axes": "bd"}, (None, 3, 4)),
        ("ab,b->ab", 4, {}, (None, 4)),
        ("...bc,bc->...b", 3, {"bias_axes": "b"}, (None, 2, 3, 4)),
        ("bc...,cd->bd...", 5, {"bias_axes": "d"}, (None, 3, 2, 4)),
        ("bc...,cde->bde...", (5, 2), {"bias_axes": "e", "activation": "tanh"}, (None, 3, 4)),
        ("bc...,cde->bed...", (2, 5), {"activation": "softmax"}, (None, 3, 4)),
    )
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    depth = 8
    magnitude = 20.0

    def test_output_shape(self, class_name: str, kwargs: dict[str, Any], shape: Any) -> None:
        theirs, ours = both(class_name, **kwargs)
        # Keras does not derive the sizes that `output_shape` leaves to the input, before it runs.
        actual = ours.compute_output_shape(shape)
        x = np.zeros((2, *shape[1:]), np.float32)
        assert (2, *actual[1:]) == theirs(x).shape


def test_a_number_for_each_image_may_be_left(rng: np.random.Generator) -> None:
    theirs, ours = both("EinsumDense", equation="ab,b->a", output_shape=())
    x = rng.normal(size=(3, 4)).astype(np.float32)
    theirs(x)
    ours.build((None, 4))
    ours.set_weights([np.asarray(w) for w in theirs.weights])
    assert ours(x).shape == (3,)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-5)


@pytest.mark.parametrize("equation", ["abc,cd->abd", "abc,bd->adc", "bc...,cd->bd..."])
def test_images_of_other_sizes_run_where_the_weights_fit(
    equation: str, rng: np.random.Generator
) -> None:
    sizes = {"abc,cd->abd": (None, 5), "abc,bd->adc": (5, None), "bc...,cd->bd...": 5}[equation]
    theirs, ours = both("EinsumDense", equation=equation, output_shape=sizes)
    axis = 1 if equation == "abc,cd->abd" else 2
    shape = [2, 4, 4]
    theirs.build(tuple(shape))
    ours.build((None, None, 4) if axis == 1 else (None, 4, None))
    ours.set_weights([np.asarray(w) for w in theirs.weights])
    for size in (4, 7, 1, 4):
        shape[axis] = size
        x = rng.normal(size=shape).astype(np.float32)
        np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-5)


def test_a_pickle_of_earlier_versions_still_runs(rng: np.random.Generator) -> None:
    layer = layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d")
    x = rng.normal(size=(2, 3, 4)).astype(np.float32)
    expected = layer(x)
    state = layer.__getstate__()
    state["_equation"] = state.pop("_matrix")
    state["_made"] = (5,)
    twin = object.__new__(layers.EinsumDense)
    twin.__setstate__(state)
    np.testing.assert_array_equal(twin(x), expected)
    assert twin.get_config() == layer.get_config()


def test_sizes_and_bias_must_fit_the_equation() -> None:
    with pytest.raises(ValueError, match="must have 2 sizes"):
        layers.EinsumDense("abc,cd->abd", 5)
    with pytest.raises(ValueError, match="Bias dimension 'c' was requested, but is not part of"):
        layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="c")
    with pytest.raises(UnsupportedError, match="the same bias for all images"):
        layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="ad")
    with pytest.raises(ValueError, match="do not match at shared dimension 'b'"):
        layers.EinsumDense("abc,cd->abd", (7, 5)).compute_output_shape((None, 3, 4))
