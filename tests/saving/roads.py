"""The ways there are to take a model of Keras here, and a look at whether it is the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

import cnnfast
from cnnfast.saving import load_model

TOLERANCE = 2e-5
ROADS = [".keras", ".h5", "from_keras", "directory"]
NAMED = [".h5", "from_keras"]
"""Those on which weights have names."""


def loaded(model: Any, road: str, tmp_path: Path, custom_objects: Any = None) -> Any:
    """Take a model of Keras here, in one of the ways there are."""
    if road == "from_keras":
        return cnnfast.from_keras(model, custom_objects)
    path = tmp_path / f"m{'' if road == 'directory' else road}"
    if not path.exists():
        model.save(path, **({"zipped": False} if road == "directory" else {}))
    return load_model(path, custom_objects)


def assert_same(ours: Any, theirs: Any, rng: np.random.Generator) -> None:
    x = rng.normal(size=(3, *theirs.input_shape[1:])).astype(np.float32)
    expected = np.asarray(theirs(x))
    scale = max(np.abs(expected).max(), 1.0)
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, atol=TOLERANCE * scale)


def around(*inner: Any, rng: np.random.Generator) -> Any:
    dense = keras.layers.Dense
    stack = [keras.Input((4,)), dense(4, name="first"), *inner, dense(3, name="last")]
    return randomized(keras.Sequential(stack), rng)


def randomized(model: Any, rng: np.random.Generator) -> Any:
    """Draw all weights of a model of Keras anew, so that none is at its default."""
    model.set_weights([rng.uniform(0.2, 1.0, w.shape).astype(np.float32) for w in model.weights])
    return model
