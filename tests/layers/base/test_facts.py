"""What layers and variables say of themselves, against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from parity import both, keras, randomize


def stack(kit: Any) -> Any:
    inner = kit.Sequential(
        [kit.layers.Conv2D(2, 1, name="conv"), kit.layers.BatchNormalization(name="norm")],
        name="inner",
    )
    kwargs = {"kernel_regularizer": "l2", "bias_regularizer": "l1", "name": "dense"}
    return kit.Sequential(
        [
            kit.Input((4, 4, 2)),
            inner,
            kit.layers.Flatten(name="flatten"),
            kit.layers.Dense(2, **kwargs),
        ],
        name="stack",
    )


def test_paths_are_those_of_keras_and_none_before_a_layer_is_built() -> None:
    assert layers.Dense(2).path is None
    for theirs, ours in zip(stack(keras).layers, stack(cnnfast).layers, strict=True):
        assert ours.path == theirs.path
    image = cnnfast.Input((4,))
    assert cnnfast.Model(image, layers.Dense(2)(image), name="graph").path == "graph"


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "float64"])
def test_dtypes_are_those_of_the_policy(dtype: str) -> None:
    theirs, ours = both("Dense", units=2, dtype=dtype)
    for name in ("dtype", "variable_dtype", "compute_dtype", "input_dtype"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.dtype_policy.name == theirs.dtype_policy.name


@pytest.mark.parametrize("trainable", [True, False])
def test_losses_are_the_penalties_of_keras(trainable: bool, rng: np.random.Generator) -> None:
    theirs, ours = stack(keras), stack(cnnfast)
    randomize(theirs, ours, rng)
    for model in (theirs, ours):
        model.layers[-1].trainable = trainable
    expected = [float(loss) for loss in theirs.losses]
    assert len(expected) == (2 if trainable else 0)
    np.testing.assert_allclose(sorted(ours.losses), sorted(expected), rtol=1e-6)


def test_the_spec_of_an_output_is_a_tensor_of_no_graph() -> None:
    tensor = layers.Conv2D(5, 3).compute_output_spec(cnnfast.Input((8, None, 3)))
    assert (tensor.shape, tensor.dtype, tensor.node) == ((None, 6, None, 5), "float32", None)


def test_the_value_of_a_variable_is_its_numbers() -> None:
    layer = layers.Dense(2)
    layer.build((None, 3))
    kernel = layer.weights[0]
    np.testing.assert_array_equal(kernel.value, kernel.numpy())
    assert kernel.ndim == 2
