"""A user's layer becomes the same steps as its operations written into the graph one by one."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import own_layers as written

MODULE = written.written_for("cnnfast")


@pytest.mark.parametrize("name", written.LAYERS)
def test_a_traced_layer_has_the_steps_of_its_functional_form(name: str) -> None:
    cls = getattr(MODULE, name)
    layer = cls()
    traced, functional = (written.of_inputs(cls.shape, f) for f in (layer, layer.call))
    steps = [
        [
            (step.name, step.algorithm, step.flops)
            for step in model._executor.plan((cls.shape,)).steps
        ]
        for model in (traced, functional)
    ]
    assert steps[0] == steps[1]
    x = np.random.default_rng(0).random((2, *cls.shape), np.float32)
    np.testing.assert_array_equal(traced.predict(x, verbose=0), functional.predict(x, verbose=0))
