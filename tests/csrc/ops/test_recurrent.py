"""Recurrent steps over many sequences at once: the bits are those of each sequence alone."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast._core import ActivationKind, MaskedSteps, PlanBuilder, RecurrentKind

TANH = (ActivationKind.TANH, 0.0, 0.0)
SIGMOID = (ActivationKind.SIGMOID, 0.0, 0.0)
pytestmark = pytest.mark.usefixtures("threading_kind")

GATES = {
    RecurrentKind.SIMPLE: 1,
    RecurrentKind.LSTM: 4,
    RecurrentKind.GRU: 3,
    RecurrentKind.GRU_RESET_AFTER: 3,
}


def recurrent_plan(kind, units, rng, time=5, masked=MaskedSteps.NONE):
    """A plan of one recurrent step with drawn weights; a masked one goes on from states, too."""
    gates = GATES[kind] * units
    kernel = rng.standard_normal((units, gates), np.float32) / np.float32(units**0.5)
    bias = rng.standard_normal(gates, np.float32)
    builder = PlanBuilder()
    x = builder.input((time, gates))
    goes_on = masked is not MaskedSteps.NONE
    states = (2 if kind is RecurrentKind.LSTM else 1) * units
    more = builder.input((states + time,)) if goes_on else None
    functions = (TANH, SIGMOID)
    made = builder.recurrent(
        x, more, kind, units, kernel, bias, *functions, False, goes_on, masked, False
    )
    return builder.build([made])


def drawn(plan, rng):
    """A batch for each input of `plan`; of the second the last numbers, a mask, are 0 or 1."""
    x, *more = (rng.standard_normal((53, *shape), np.float32) for shape in plan.input_shapes)
    for states in more:
        states[:, -5:] = states[:, -5:] > -0.3
    return [x, *more]


def outputs(plan, inputs, threads=1):
    """What `plan` makes of a batch."""
    out = np.full((len(inputs[0]), *plan.output_shapes[0]), np.nan, np.float32)
    plan.run([np.ascontiguousarray(x) for x in inputs], [out], threads)
    return out


# Around vectors of each instruction set, and where small layers and chunks of products end.
@pytest.mark.parametrize("units", [1, 5, 8, 16, 21, 24, 25, 520])
@pytest.mark.parametrize("kind", list(GATES), ids=lambda kind: kind.name)
@pytest.mark.parametrize("masked", list(MaskedSteps), ids=lambda masked: masked.name)
def test_the_bits_of_a_sequence_depend_on_neither_batch_nor_threads(masked, kind, units, rng):
    plan = recurrent_plan(kind, units, rng, masked=masked)
    x = drawn(plan, rng)

    def part(first, last):
        return [numbers[first:last] for numbers in x]

    one_by_one = np.concatenate([outputs(plan, part(i, i + 1)) for i in range(53)])
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(outputs(plan, x, threads), one_by_one)
    for first, last in ((7, 9), (20, 23), (40, 44)):  # a few go another way than many
        np.testing.assert_array_equal(outputs(plan, part(first, last)), one_by_one[first:last])


def test_recurrent_weights_are_read_once_for_many_sequences(rng):
    """The step runs for the whole batch, as its weights would be read again for each image."""
    plan = recurrent_plan(RecurrentKind.LSTM, 16, rng)
    (step,) = plan.steps_for(32, 2)
    assert step.batched
    assert step.images == 32
