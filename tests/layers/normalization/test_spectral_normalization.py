"""The wrapper that normalizes a kernel in training."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import keras, plain


def test_spectral_normalization_is_the_layer_inside_at_inference(
    rng: np.random.Generator,
) -> None:
    theirs, ours = (
        module.SpectralNormalization(
            module.Conv2D(3, 2, name="inner"), power_iterations=2, name="layer"
        )
        for module in (keras.layers, layers)
    )
    shape = (None, 4, 5, 2)
    theirs.build(shape)
    ours.build(shape)
    assert [(w.path, w.shape, w.trainable) for w in ours.weights] == [
        (w.path, tuple(w.shape), w.trainable) for w in theirs.weights
    ]
    weights = [rng.normal(size=w.shape).astype(np.float32) for w in ours.weights]
    theirs.set_weights(weights)
    ours.set_weights(weights)
    x = rng.normal(size=(2, 4, 5, 2)).astype(np.float32)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-4)
    saved = plain(keras.saving.serialize_keras_object(theirs))
    assert plain(layers.serialize(ours)) == saved
    assert plain(layers.deserialize(saved).get_config())["power_iterations"] == 2
    keras.saving.deserialize_keras_object(plain(layers.serialize(ours)))


def test_spectral_normalization_of_an_embedding_is_refused() -> None:
    # Keras casts the rows to the dtype of the indices, and returns zeros.
    theirs = keras.layers.SpectralNormalization(keras.layers.Embedding(5, 3))
    assert "int" in str(np.asarray(theirs(np.array([[0, 4, 2]]))).dtype)
    with pytest.raises(UnsupportedError, match="takes a layer with a `kernel`"):
        layers.SpectralNormalization(layers.Embedding(5, 3))(np.array([[0, 4, 2]]))


def test_spectral_normalization_needs_a_kernel() -> None:
    with pytest.raises(ValueError, match="object has no attribute 'kernel' nor 'embeddings'"):
        layers.SpectralNormalization(layers.Flatten()).build((None, 3))
    with pytest.raises(ValueError, match="with a `Layer` instance"):
        layers.SpectralNormalization(3)  # type: ignore[arg-type]
