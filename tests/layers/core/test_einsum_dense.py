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


@pytest.mark.parametrize("equation", ["abc,bd->adc", "ab,ab->ab", "ab->ba", 3])
def test_other_products_are_refused(equation: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"sum over the last axes.*Received: equation="):
        layers.EinsumDense(equation, (2, 3))


def test_sizes_and_bias_must_fit_the_equation() -> None:
    with pytest.raises(ValueError, match="must have 2 sizes"):
        layers.EinsumDense("abc,cd->abd", 5)
    with pytest.raises(UnsupportedError, match="new axes 'd' only"):
        layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="bd")
    with pytest.raises(ValueError, match="sizes of the input along the axes that they share"):
        layers.EinsumDense("abc,cd->abd", (7, 5)).compute_output_shape((None, 3, 4))
