"""Operations over axes are those of Keras, in a graph, in files and with unknown sizes."""

from __future__ import annotations

import numpy as np
import pytest

import cnnfast
from operation_parity import Case, compare, model_of
from reference import tolerance

REDUCTIONS = ("mean", "sum", "max", "min", "prod", "amax", "amin", "var", "std", "logsumexp")

CASES: dict[str, Case] = {
    f"{name} of {axis}{' kept' * keep}": lambda o, x, y, n=name, a=axis, k=keep: getattr(o, n)(
        x, axis=a, keepdims=k
    )
    for name in REDUCTIONS
    for axis, keep in ((-1, False), ((1, 2), True), ((1, 3), False), ([1, 2, 3], False))
}


@pytest.mark.parametrize("case", CASES)
def test_a_reduction_is_that_of_keras(case: str, rng: np.random.Generator) -> None:
    x = [rng.normal(size=(2, 6, 5, 4)).astype(np.float32) for _ in range(2)]
    compare(CASES[case], x, atol=tolerance(120, 8.0))


@pytest.mark.parametrize("case", [case for case in CASES if case.startswith("mean")])
def test_sizes_may_be_unknown_before(case: str, rng: np.random.Generator) -> None:
    x = [rng.normal(size=(2, 6, 5, 4)).astype(np.float32) for _ in range(2)]
    known, unknown = (
        model_of(cnnfast, CASES[case], shape) for shape in ((6, 5, 4), (None, None, 4))
    )
    np.testing.assert_array_equal(unknown.predict(x, verbose=0), known.predict(x, verbose=0))
