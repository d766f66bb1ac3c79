"""What every layer shall do as the layer of real Keras does; test classes inherit it.

A subclass is parametrized with ``class_name, kwargs, shape``: what to make, and the shape of
its input, batch included.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfast import layers
from parity import both, keras, plain, randomize
from reference import tolerance

Shape = tuple[int | None, ...]


class LayerParity:
    """Shapes, weights, configs and numbers against those of Keras."""

    depth = 1
    """Products in the longest sum, which bounds the error; see `reference.tolerance`."""
    magnitude = 8.0
    """A bound on what is summed."""

    def test_output_shape(self, class_name: str, kwargs: dict[str, Any], shape: Shape) -> None:
        theirs, ours = both(class_name, **kwargs)
        assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))

    def test_weights_have_the_same_order_names_shapes_and_flags(
        self, class_name: str, kwargs: dict[str, Any], shape: Shape
    ) -> None:
        theirs, ours = both(class_name, **kwargs)
        theirs.build(shape)
        ours.build(shape)
        for group in ("weights", "trainable_weights", "non_trainable_weights"):
            assert [(w.path, w.shape, w.trainable) for w in getattr(ours, group)] == [
                (w.path, tuple(w.shape), w.trainable) for w in getattr(theirs, group)
            ]
        assert ours.count_params() == theirs.count_params()

    def test_configs_load_in_both_directions(
        self, class_name: str, kwargs: dict[str, Any], shape: Shape
    ) -> None:
        theirs, ours = both(class_name, **kwargs)
        assert plain(ours.get_config()) == plain(theirs.get_config())
        theirs.build(shape)
        ours.build(shape)
        saved = plain(keras.saving.serialize_keras_object(theirs))
        if not ours.built_without_weights:
            assert plain(layers.serialize(ours)) == saved
        loaded = layers.deserialize(saved)
        assert plain(loaded.get_config()) == saved["config"]
        reloaded = keras.saving.deserialize_keras_object(plain(layers.serialize(ours)))
        assert plain(reloaded.get_config()) == saved["config"]

    def test_outputs(
        self, class_name: str, kwargs: dict[str, Any], shape: Shape, rng: np.random.Generator
    ) -> None:
        theirs, ours = both(class_name, **kwargs)
        theirs.build(shape)
        ours.build(shape)
        randomize(theirs, ours, rng)
        if hasattr(theirs, "finalize_state"):
            # Keras' normalization works on copies of its weights.
            theirs.finalize_state()
        x = rng.normal(size=(3, *shape[1:])).astype(np.float32)
        bound = 2 * tolerance(self.depth, self.magnitude)
        expected = np.asarray(theirs(x, training=False))
        assert np.abs(expected).max() <= self.magnitude
        np.testing.assert_allclose(ours(x), expected, rtol=0, atol=bound)
