"""Functions for tables are those that the core computes."""

import numpy as np
import pytest

from cnnfast._core import ActivationKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activate, Activation, Value
from cnnfast.engine.program import build
from cnnfast.engine.quantized import functions

NUMBERS = {
    ActivationKind.CLIPPED_RELU: (1.5, 0.0),
    ActivationKind.CLIP: (-0.5, 1.25),
    ActivationKind.HARD_SIGMOID: (0.2, 0.5),
    ActivationKind.THRESHOLDED_RELU: (0.3, 0.75),
}
KINDS = sorted(functions._KINDS, key=lambda kind: kind.name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_function_is_that_of_the_core(kind):
    activation = Activation(kind, *NUMBERS.get(kind, (0.25, -0.5)))
    x = np.linspace(-9, 9, 256, dtype=np.float32)
    value, out = Value((256,)), Value((256,))
    plan = build(Graph([value], [Activate(value, out, activation)], [out]))
    expected = np.empty((1, 256), np.float32)
    plan.run([x[None]], [expected], 1, True)
    made = [functions.evaluate(activation, float(number)) for number in x]
    np.testing.assert_allclose(made, expected[0], rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("kind", sorted(functions._LIMITS, key=lambda kind: kind.name))
def test_limits_are_what_a_function_clips_to(kind):
    activation = Activation(kind, *NUMBERS.get(kind, (0.25, -0.5)))
    limits = functions.limits(activation)
    assert limits is not None
    for x in np.linspace(-3, 3, 49):
        assert functions.evaluate(activation, x) == min(max(x, limits[0]), limits[1])


def test_a_function_that_bends_has_no_limits_and_one_without_a_formula_no_table():
    assert functions.limits(Activation(ActivationKind.SILU)) is None
    assert not functions.has_table(Activation(ActivationKind.TAN))
