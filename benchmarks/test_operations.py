"""Speed of plans of a single operation on one core, over the shapes that real networks have.

Run ``pytest benchmarks/test_operations.py``; ``--benchmark-json=FILE`` keeps the numbers and
``pytest-benchmark compare`` sets two runs side by side. Every answer is checked first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from cnnfast._core import ActivationKind, MaskedSteps, Plan, PlanBuilder, PoolKind, RecurrentKind

Array = npt.NDArray[np.float32]
Activation = tuple[ActivationKind, float, float]
Record = Callable[[Callable[[], object], float, float], None]

LINEAR = (ActivationKind.LINEAR, 0.0, 0.0)
PIXELS_CHECKED = 8


@dataclass(frozen=True)
class Conv:
    """A square convolution with as much padding on every side as keeps the size."""

    name: str
    size: int
    channels: int
    filters: int
    kernel: int
    stride: int = 1
    groups: int = 1

    @property
    def pad(self) -> int:
        """Pixels of zeros on every side."""
        return self.kernel // 2

    @property
    def out_size(self) -> int:
        """Height and width of the output."""
        return (self.size + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """The shape of the weights."""
        return (self.kernel, self.kernel, self.channels // self.groups, self.filters)


CONVOLUTIONS = [
    Conv("first layer 3x3", 224, 3, 32, 3, stride=2),
    Conv("resnet stem 7x7", 224, 3, 64, 7, stride=2),
    Conv("vgg 3x3 at 112", 112, 128, 128, 3),
    Conv("resnet 3x3 at 56", 56, 64, 64, 3),
    Conv("resnet 3x3 at 28", 28, 128, 128, 3),
    Conv("resnet 3x3 at 14", 14, 256, 256, 3),
    Conv("resnet 3x3 at 7", 7, 512, 512, 3),
    Conv("3x3 stride 2", 56, 128, 128, 3, stride=2),
    Conv("1x1 narrow", 56, 64, 256, 1),
    Conv("1x1 wide", 14, 1024, 256, 1),
    Conv("1x1 odd channels", 28, 67, 131, 1),
    Conv("grouped 3x3", 28, 128, 128, 3, groups=4),
    Conv("depthwise 3x3", 56, 144, 144, 3, groups=144),
]


def run_once(plan: Plan, x: Array) -> tuple[Array, Callable[[], object]]:
    """Run `plan` on `x`; give the output and a function that runs it again."""
    out = np.full((len(x), *plan.output_shapes[0]), np.nan, np.float32)
    inputs, outputs = [x], [out]

    def work() -> None:
        plan.run(inputs, outputs, 1)

    work()
    return out, work


def normal(*shape: int) -> Array:
    """Draw from the normal distribution, always the same numbers."""
    return np.random.default_rng(1).standard_normal(shape, np.float32)


def conv_pixel(
    case: Conv, x: Array, kernel: Array, row: int, column: int
) -> npt.NDArray[np.float64]:
    """Compute one pixel of the output in float64."""
    padded = np.pad(x[0].astype(np.float64), [(case.pad,) * 2, (case.pad,) * 2, (0, 0)])
    top, left = row * case.stride, column * case.stride
    seen = padded[top : top + case.kernel, left : left + case.kernel]
    inputs = np.split(seen, case.groups, axis=2)
    kernels = np.split(kernel.astype(np.float64), case.groups, axis=3)
    return np.concatenate([np.tensordot(a, b, 3) for a, b in zip(inputs, kernels, strict=True)])


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: case.name)
def test_convolution(case: Conv, record: Record) -> None:
    """Time a convolution; a few pixels are computed again in float64."""
    x = normal(1, case.size, case.size, case.channels)
    kernel = normal(*case.kernel_shape)
    window = ((case.kernel,) * 2, (case.stride,) * 2, (1, 1), (case.pad,) * 4)
    builder = PlanBuilder()
    image = builder.input(x.shape[1:])
    shape = (case.out_size, case.out_size, case.filters)
    made = builder.conv2d(image, shape, kernel, None, window, case.groups, LINEAR)
    out, work = run_once(builder.build([made]), x)

    depth = kernel[..., 0].size
    for row, column in np.random.default_rng(2).integers(case.out_size, size=(PIXELS_CHECKED, 2)):
        expected = conv_pixel(case, x, kernel, row, column)
        np.testing.assert_allclose(out[0, row, column], expected, rtol=0, atol=1e-6 * depth)
    record(work, 2.0 * depth * out.size, kernel.nbytes)


def time_dense(x: Array, units: int, record: Record) -> None:
    """Check and time a dense layer, which is a 1x1 convolution over one row of pixels."""
    batch, _, _, inputs = x.shape
    kernel = normal(1, 1, inputs, units)
    builder = PlanBuilder()
    window = ((1, 1), (1, 1), (1, 1), (0, 0, 0, 0))
    image = builder.input((1, 1, inputs))
    made = builder.conv2d(image, (1, 1, units), kernel, None, window, 1, LINEAR)
    out, work = run_once(builder.build([made]), x)

    expected = x[:, 0, 0].astype(np.float64) @ kernel[0, 0].astype(np.float64)
    np.testing.assert_allclose(out[:, 0, 0], expected, rtol=0, atol=1e-6 * inputs)
    record(work, 2.0 * batch * inputs * units, kernel.nbytes)


@pytest.mark.parametrize("batch", [1, 32])
@pytest.mark.parametrize(("inputs", "units"), [(30752, 128), (1600, 1024), (2048, 1000), (128, 10)])
def test_dense(inputs: int, units: int, batch: int, record: Record) -> None:
    """Time a dense layer on inputs without zeros."""
    time_dense(normal(batch, 1, 1, inputs), units, record)


def test_dense_after_relu(record: Record) -> None:
    """Time a dense layer with half of its inputs zero, whose weights need not be read."""
    time_dense(np.maximum(normal(1, 1, 1, 30752), 0), 128, record)


@pytest.mark.parametrize("kind", [PoolKind.MAX, PoolKind.AVERAGE], ids=lambda kind: kind.name)
def test_pooling_2x2(kind: PoolKind, record: Record) -> None:
    """Time pooling over 2x2 windows."""
    x = normal(1, 112, 112, 64)
    builder = PlanBuilder()
    window = ((2, 2), (2, 2), (1, 1), (0, 0, 0, 0))
    made = builder.pool2d(builder.input(x.shape[1:]), (56, 56, 64), kind, window)
    out, work = run_once(builder.build([made]), x)

    cells = x.reshape(1, 56, 2, 56, 2, 64)
    expected = cells.max(axis=(2, 4)) if kind is PoolKind.MAX else cells.mean(axis=(2, 4))
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-6)
    record(work, float(x.size), 0.0)


@pytest.mark.parametrize(
    ("kind", "alpha", "function"),
    [
        (ActivationKind.RELU, 0.0, lambda x: np.maximum(x, 0)),
        (ActivationKind.SIGMOID, 0.0, lambda x: 1 / (1 + np.exp(-x))),
        (ActivationKind.TANH, 0.0, np.tanh),
        (ActivationKind.ELU, 1.0, lambda x: np.where(x > 0, x, np.expm1(x))),
    ],
    ids=["relu", "sigmoid", "tanh", "elu"],
)
def test_activation(
    kind: ActivationKind, alpha: float, function: Callable[[Array], Array], record: Record
) -> None:
    """Time an activation that stands alone."""
    x = normal(1, 56, 56, 64)
    builder = PlanBuilder()
    made = builder.activate(builder.input(x.shape[1:]), (kind, alpha, 0.0))
    out, work = run_once(builder.build([made]), x)

    np.testing.assert_allclose(out, function(x.astype(np.float64)), rtol=1e-5, atol=1e-6)
    record(work, float(x.size), 0.0)


def test_softmax_of_1000_classes(record: Record) -> None:
    """Time softmax over 32 rows."""
    x = normal(32, 1000)
    builder = PlanBuilder()
    made = builder.softmax(builder.input((1000,)))
    out, work = run_once(builder.build([made]), x)

    power = np.exp(x.astype(np.float64))
    np.testing.assert_allclose(out, power / power.sum(axis=1, keepdims=True), rtol=1e-5)
    record(work, float(x.size), 0.0)


@pytest.mark.parametrize(
    ("matrices", "m", "k", "n"),
    [
        (8, 64, 64, 64),
        (12, 197, 64, 197),
        (12, 197, 197, 64),
        (1, 512, 512, 512),
        (1, 1024, 1024, 1024),
        (1, 4, 512, 512),
        (1, 1, 512, 512),
        (1, 1024, 64, 10),
    ],
)
def test_matmul(matrices: int, m: int, k: int, n: int, record: Record) -> None:
    """Time the product of two tensors that are both computed."""
    a, b = normal(1, matrices, m, k), normal(1, matrices, k, n)
    builder = PlanBuilder()
    left, right = builder.input(a.shape[1:]), builder.input(b.shape[1:])
    plan = builder.build([builder.matmul(left, right, (matrices, m, n))])
    out = np.full((1, matrices, m, n), np.nan, np.float32)
    inputs, outputs = [a, b], [out]

    def work() -> None:
        plan.run(inputs, outputs, 1)

    work()
    expected = a.astype(np.float64) @ b.astype(np.float64)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-6 * k)
    record(work, 2.0 * m * k * n * matrices, 0.0)


def lstm(x: Array, kernel: Array) -> npt.NDArray[np.float64]:
    """Compute an LSTM without activations in float64: gates i, f, c and o."""
    batch, time, width = x.shape
    state = np.zeros((batch, width // 4))
    cell = np.zeros((batch, width // 4))
    states = []
    for i in range(time):
        gates = x[:, i].astype(np.float64) + state @ kernel.astype(np.float64)
        enter, forget, candidate, leave = np.split(gates, 4, axis=1)
        cell = forget * cell + enter * candidate
        state = leave * cell
        states.append(state)
    return np.stack(states, axis=1)


@pytest.mark.parametrize("batch", [1, 2, 32])
@pytest.mark.parametrize("kind", [RecurrentKind.LSTM, RecurrentKind.GRU_RESET_AFTER])
@pytest.mark.parametrize(("time", "units"), [(100, 32), (100, 128), (20, 512)])
def test_recurrent(kind: RecurrentKind, time: int, units: int, batch: int, record: Record) -> None:
    """Time a recurrent layer behind the product of its inputs; an LSTM is computed again."""
    gates = 4 if kind is RecurrentKind.LSTM else 3
    x = normal(batch, time, gates * units) / np.float32(4)
    kernel = normal(units, gates * units) / np.float32(4 * units)
    sigmoid, tanh = (ActivationKind.SIGMOID, 0.0, 0.0), (ActivationKind.TANH, 0.0, 0.0)

    def plan(activation: Activation, gate: Activation) -> Plan:
        builder = PlanBuilder()
        of = (builder.input(x.shape[1:]), None, kind, units, kernel, None, activation, gate)
        made = builder.recurrent(*of, False, False, MaskedSteps.NONE, False)
        return builder.build([made])

    if kind is RecurrentKind.LSTM:
        out, _ = run_once(plan(LINEAR, LINEAR), x)
        np.testing.assert_allclose(out, lstm(x, kernel), rtol=1e-4, atol=1e-5)
    _, work = run_once(plan(tanh, sigmoid), x)
    record(work, 2.0 * batch * time * kernel.size, kernel.nbytes)
