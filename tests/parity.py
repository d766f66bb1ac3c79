"""Comparing with real Keras: the same layer there and here, with the same weights."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.layers import Layer

keras = pytest.importorskip("keras")


def plain(config: Any) -> Any:
    """Return `config` as it comes back from a file: lists for tuples, nothing but JSON."""
    return json.loads(json.dumps(config))


def both(class_name: str, **kwargs: Any) -> tuple[Any, Layer]:
    """Make a layer in Keras and here, under one name."""
    kwargs.setdefault("name", "layer")
    return getattr(keras.layers, class_name)(**kwargs), getattr(layers, class_name)(**kwargs)


def randomize(theirs: Any, ours: Layer, rng: np.random.Generator) -> None:
    """Give both the same random weights; variances are positive."""
    weights = [
        rng.uniform(0.5, 1.5, w.shape) if "variance" in w.path else rng.normal(0, 0.3, w.shape)
        for w in theirs.weights
    ]
    weights = [w.astype(np.float32) for w in weights]
    theirs.set_weights(weights)
    ours.set_weights(weights)
