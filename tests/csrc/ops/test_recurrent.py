"""Recurrent steps over many sequences at once: the bits are those of each sequence alone."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast._core import ActivationKind, PlanBuilder, RecurrentKind

TANH = (ActivationKind.TANH, 0.0, 0.0)
SIGMOID = (ActivationKind.SIGMOID, 0.0, 0.0)
pytestmark = pytest.mark.usefixtures("threading_kind")

GATES = {
    RecurrentKind.SIMPLE: 1,
    RecurrentKind.LSTM: 4,
    RecurrentKind.GRU: 3,
    RecurrentKind.GRU_RESET_AFTER: 3,
}


def recurrent_plan(kind, units, rng, time=5):
    """A plan of one recurrent step with drawn weights."""
    gates = GATES[kind] * units
    kernel = rng.standard_normal((units, gates), np.float32) / np.float32(units**0.5)
    bias = rng.standard_normal(gates, np.float32)
    builder = PlanBuilder()
    x = builder.input((time, gates))
    made = builder.recurrent(x, kind, units, kernel, bias, TANH, SIGMOID, False)
    return builder.build([made])


def outputs(plan, x, threads=1):
    """What `plan` makes of the batch `x`."""
    out = np.full((len(x), *plan.output_shapes[0]), np.nan, np.float32)
    plan.run([x], [out], threads)
    return out


# Around vectors of each instruction set, and where small layers and chunks of products end.
@pytest.mark.parametrize("units", [1, 5, 8, 16, 21, 24, 25, 520])
@pytest.mark.parametrize("kind", list(GATES), ids=lambda kind: kind.name)
def test_the_bits_of_a_sequence_depend_on_neither_batch_nor_threads(kind, units, rng):
    plan = recurrent_plan(kind, units, rng)
    x = rng.standard_normal((53, *plan.input_shapes[0]), np.float32)
    one_by_one = np.concatenate([outputs(plan, x[i : i + 1]) for i in range(len(x))])
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(outputs(plan, x, threads), one_by_one)
    for first, last in ((7, 9), (20, 23), (40, 44)):  # a few go another way than many
        np.testing.assert_array_equal(outputs(plan, x[first:last]), one_by_one[first:last])


def test_recurrent_weights_are_read_once_for_many_sequences(rng):
    """The step runs for the whole batch, as its weights would be read again for each image."""
    plan = recurrent_plan(RecurrentKind.LSTM, 16, rng)
    (step,) = plan.steps_for(32, 2)
    assert step.batched
    assert step.images == 32
