"""The core refuses graphs and arrays that would make it read or write out of bounds.

Layers never ask for these; the core does not rely on that.
"""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast import _core
from cnnfast._core import ActivationKind, BinaryKind, MaskedSteps, RecurrentKind

LINEAR = (ActivationKind.LINEAR, 0.0, 0.0)
WINDOW = ((1, 1), (1, 1), (1, 1), (0, 0, 0, 0))
IMAGE = (4, 4, 6)


def ones(*shape):
    return np.ones(shape, np.float32)


def conv2d(builder, x, **changes):
    """Append a 1x1 convolution with 6 filters over the image `x`."""
    arguments = {
        "shape": IMAGE,
        "kernel": ones(1, 1, 6, 6),
        "bias": None,
        "window": WINDOW,
        "groups": 1,
        "activation": LINEAR,
    }
    return builder.conv2d(x, **(arguments | changes))


def recurrent(builder, x, kernel, more=None):
    """Append a recurrent step with the weights `kernel`, which goes on from `more`, if it is."""
    how = (LINEAR, LINEAR, False, more is not None, MaskedSteps.NONE, False)
    return builder.recurrent(x, more, RecurrentKind.LSTM, len(kernel), kernel, None, *how)


REFUSED = {
    "a value that does not exist": (
        lambda b, x: b.activate(x + 1, LINEAR),
        "no such value in this plan",
    ),
    "a value below zero": (lambda b, _: b.softmax(-1), "no such value in this plan"),
    "an output that does not exist": (lambda b, x: b.build([x + 1]), "no such value in this plan"),
    "a convolution of rows": (
        lambda b, _: conv2d(b, b.input((4, 6))),
        r"conv2d maps \(height, width, channels\) to the same",
    ),
    "a residual of another shape": (
        lambda b, x: conv2d(b, x, residual=b.input((4, 4, 5))),
        "a residual has the shape of the output",
    ),
    "a residual before pooling": (
        lambda b, x: conv2d(b, x, shape=(2, 2, 6), residual=b.input((2, 2, 6)), max_pool=True),
        "a residual is added to what is not pooled yet",
    ),
    "a scale without a shift": (
        lambda b, x: conv2d(b, x, scale=ones(6)),
        "scale and shift go together",
    ),
    "groups that do not divide the channels": (
        lambda b, x: conv2d(b, x, kernel=ones(1, 1, 1, 6), groups=4),
        "groups must divide the channels and the filters",
    ),
    "a depthwise convolution that drops channels": (
        lambda b, x: b.depthwise_conv2d(x, (4, 4, 3), ones(1, 1, 6, 1), None, WINDOW, LINEAR),
        "the input channels must divide the output channels",
    ),
    "operands of another rank": (
        lambda b, x: b.binary(x, b.input((6,)), IMAGE, BinaryKind.ADD),
        "operands must have the rank of the output",
    ),
    "operands that do not broadcast": (
        lambda b, x: b.binary(x, b.input((4, 4, 3)), IMAGE, BinaryKind.ADD),
        "an operand's axis must be that of the output, or 1",
    ),
    "inputs of concat that leave a gap": (
        lambda b, x: b.concat([x], (4, 4, 7), 2),
        "the inputs of concat must fill its output",
    ),
    "inputs of concat that do not fit": (
        lambda b, x: b.concat([x, x], (4, 4, 7), 2),
        "the inputs of concat differ along its axis only",
    ),
    "concat along an axis that does not exist": (
        lambda b, x: b.concat([x], IMAGE, 3),
        "concat needs inputs and one of their axes",
    ),
    "a reshape that adds elements": (
        lambda b, x: b.reshape(x, (97,)),
        "a reshape keeps the number of elements",
    ),
    "blocks of pixels that the channels do not fill": (
        lambda b, x: b.depth_to_space(x, (8, 8, 3)),
        "depth to space makes whole pixels of the channels",
    ),
    "an axis named twice": (
        lambda b, x: b.transpose(x, (0, 1, 1)),
        "axes must name every axis of the input once",
    ),
    "an axis left out": (
        lambda b, x: b.transpose(x, (0, 1)),
        "axes must name every axis of the input once",
    ),
    "pooling of rows": (
        lambda b, _: b.pool2d(b.input((4, 6)), (4, 6), _core.PoolKind.MAX, WINDOW),
        r"a window slides over \(height, width, channels\)",
    ),
    "a recurrent kernel for another width": (
        lambda b, _: recurrent(b, b.input((3, 8)), ones(2, 4)),
        "kernel has another shape than its step",
    ),
    "a recurrent kernel without its gates": (
        lambda b, _: recurrent(b, b.input((3, 8)), ones(8, 8)),
        r"a recurrent step reads \(time, gates \* units\)",
    ),
    "states of other units": (
        lambda b, _: recurrent(b, b.input((3, 8)), ones(2, 8), b.input((3,))),
        "a recurrent step",
    ),
    "a position outside its axis": (
        lambda b, x: b.remap(x, (1, 4, 6), [np.array([4], np.int32), None, None], 0.0),
        "a position lies outside its axis",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_graph_is_refused_that_would_leave_its_arrays(case):
    add, message = REFUSED[case]
    builder = _core.PlanBuilder()
    with pytest.raises(ValueError, match=message):
        add(builder, builder.input(IMAGE))


@pytest.mark.parametrize(
    ("inputs", "outputs", "threads", "message"),
    [
        ([], [(2, 3)], 1, "no input"),
        ([(2, 3)], [(2, 3)], 0, "threads must be positive"),
        ([(2, 3), (2, 3)], [(2, 3)], 1, "the plan has another number of inputs"),
        ([(2, 3)], [], 1, "the plan has another number of outputs"),
        ([(2, 4)], [(2, 3)], 1, "inputs has another shape"),
        ([(2, 3)], [(1, 3)], 1, "outputs has another shape"),
    ],
)
def test_a_plan_refuses_arrays_that_are_not_its_own(inputs, outputs, threads, message):
    builder = _core.PlanBuilder()
    plan = builder.build([builder.activate(builder.input((3,)), LINEAR)])
    with pytest.raises(ValueError, match=message):
        plan.run([ones(*shape) for shape in inputs], [ones(*shape) for shape in outputs], threads)
