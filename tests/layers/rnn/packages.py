"""A layer or model made in both packages, with the same random weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cnnfast
from cnnfast.utils import tree
from parity import keras

TOLERANCE = 3e-6


def numbers(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def judge(
    make: Callable[[Any], Any], run: Callable[[Any], Any], *, structure: bool = True
) -> tuple[Any, Any]:
    """Compare what `run` gives of what `make` makes in Keras and here; return both."""
    theirs, ours = make(keras), make(cnnfast)
    for made in (theirs, ours):
        run(made)  # builds it
        start_again(made)
    rng = np.random.default_rng(1)
    theirs.set_weights([rng.normal(0, 0.4, w.shape) for w in theirs.weights])
    ours.set_weights([np.asarray(w) for w in theirs.get_weights()])
    assert_same(run(ours), run(theirs), structure=structure)
    return theirs, ours


def assert_same(ours: Any, theirs: Any, *, structure: bool = True) -> None:
    if structure:
        assert _structure(ours) == _structure(theirs)
    pairs = zip(tree.flatten(ours), tree.flatten(theirs), strict=True)
    for one, other in pairs:
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=0, atol=TOLERANCE)


def start_again(made: Any) -> None:
    """Let every stateful layer start from zeros."""
    for layer in (made, *getattr(made, "layers", ())):
        for state in tree.flatten(getattr(layer, "states", None)):
            if state is not None:
                state.assign(np.zeros(state.shape, np.float32))


def _structure(outputs: Any) -> Any:
    return [_structure(x) for x in outputs] if isinstance(outputs, list | tuple) else None
