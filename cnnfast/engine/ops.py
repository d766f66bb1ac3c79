"""The operations a plan is made of.

A model is lowered to a flat list of these: every size, pad and stride is a number, the
batch is left out (it is a run-time argument of the plan), and no Keras name is left.
Images are channels-last, ``(height, width, channels)``, as Keras stores them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast._core import (
    ActivationKind,
    BinaryKind,
    NormalizationKind,
    PlanBuilder,
    PoolKind,
    RecurrentKind,
    ReductionKind,
)
from cnnfast.engine.late import Weights, late

Float32Array: TypeAlias = npt.NDArray[np.float32]
Int32Array: TypeAlias = npt.NDArray[np.int32]
Shape: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Value:
    """One tensor of the graph; `shape` is that of one image, without the batch."""

    shape: Shape


Ids: TypeAlias = Mapping[Value, int]


@dataclass(frozen=True)
class Activation:
    """An elementwise function; what `alpha` and `beta` mean depends on `kind`."""

    kind: ActivationKind = ActivationKind.LINEAR
    alpha: float = 0.0
    beta: float = 0.0


LINEAR = Activation()


@dataclass(frozen=True)
class Window:
    """A sliding window over height and width.

    `pads` are (top, bottom, left, right), in pixels of the input.
    """

    size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class FromLayers:
    """Something that layers lowered to: `layers` names them, for reports."""

    layers: tuple[str, ...] = field(default=(), kw_only=True)


class Op(FromLayers):
    """One operation: writes `out`."""

    out: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The values that are read."""
        raise NotImplementedError

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        """Append this operation to `builder`; return the id of its output there."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class UnaryOp(Op):
    """An operation that reads one value."""

    x: Value
    out: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x,)


@dataclass(frozen=True, eq=False)
class Conv2D(UnaryOp):
    """Convolution; a dense layer is the 1x1 case over one row of pixels.

    ``activation(conv(x) + bias + residual) * scale + shift``, where `kernel` is (height, width,
    input channels / groups, output channels), `bias`, `scale` and `shift` (output channels,) or
    None, and `residual` None or of the output's shape. With `max_pool` the output is the maximum
    of that over windows of 2 x 2 pixels that do not overlap; there is no residual then.
    """

    kernel: Weights
    bias: Float32Array | None
    window: Window = Window((1, 1))
    groups: int = 1
    activation: Activation = LINEAR
    residual: Value | None = None
    scale: Float32Array | None = None
    shift: Float32Array | None = None
    max_pool: bool = False

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x,) if self.residual is None else (self.x, self.residual)

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        w, f = self.window, self.activation
        return builder.conv2d(
            ids[self.x],
            self.out.shape,
            late(self.kernel).source,
            self.bias,
            (w.size, w.strides, w.dilation, w.pads),
            self.groups,
            (f.kind, f.alpha, f.beta),
            None if self.residual is None else ids[self.residual],
            self.scale,
            self.shift,
            self.max_pool,
        )


@dataclass(frozen=True, eq=False)
class DepthwiseConv2D(UnaryOp):
    """Convolution of each channel alone, and activation.

    `kernel` is (height, width, channels, multiplier), `bias` (channels * multiplier,) or None;
    output channel ``c * multiplier + m`` reads input channel c.
    """

    kernel: Weights
    bias: Float32Array | None
    window: Window
    activation: Activation = LINEAR

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        w, f = self.window, self.activation
        return builder.depthwise_conv2d(
            ids[self.x],
            self.out.shape,
            late(self.kernel).make(),
            self.bias,
            (w.size, w.strides, w.dilation, w.pads),
            (f.kind, f.alpha, f.beta),
        )


@dataclass(frozen=True, eq=False)
class Pool2D(UnaryOp):
    """Maximum or average over a window; padding never takes part in either."""

    kind: PoolKind
    window: Window

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        w = self.window
        return builder.pool2d(
            ids[self.x], self.out.shape, self.kind, (w.size, w.strides, w.dilation, w.pads)
        )


@dataclass(frozen=True, eq=False)
class Affine(UnaryOp):
    """``activation(x * scale + shift)`` along the last axis; both are (channels,)."""

    scale: Float32Array
    shift: Float32Array
    activation: Activation = LINEAR

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        f = self.activation
        return builder.affine(ids[self.x], self.scale, self.shift, (f.kind, f.alpha, f.beta))


@dataclass(frozen=True, eq=False)
class Activate(UnaryOp):
    """An elementwise function on its own, where it could not join the operation before it."""

    activation: Activation

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        f = self.activation
        return builder.activate(ids[self.x], (f.kind, f.alpha, f.beta))


@dataclass(frozen=True, eq=False)
class Softmax(UnaryOp):
    """Softmax over the last axis."""

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.softmax(ids[self.x])


@dataclass(frozen=True, eq=False)
class Normalize(UnaryOp):
    """Normalization over the last axis, without scale and shift (`Affine` adds those).

    With m and v the mean and the biased variance of a row: STANDARD is ``(x - m) / sqrt(v +
    epsilon)``, VARIANCE ``x / sqrt(v + epsilon)``, RMS ``x / sqrt(mean(x^2) + epsilon)`` and
    L2 ``x / sqrt(max(sum(x^2), epsilon))``.
    """

    kind: NormalizationKind
    epsilon: float

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.normalize(ids[self.x], self.kind, self.epsilon)


@dataclass(frozen=True, eq=False)
class Reduce(UnaryOp):
    """Reduction of the consecutive axes ``first`` to ``last - 1`` to one of size 1 or none.

    The shape of `out` says whether axes of size 1 stay; its numbers are the same.
    """

    kind: ReductionKind
    first: int
    last: int

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.reduce(ids[self.x], self.out.shape, self.kind, self.first, self.last)


@dataclass(frozen=True, eq=False)
class Reshape(UnaryOp):
    """The same numbers in the same order under another shape."""

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.reshape(ids[self.x], self.out.shape)


@dataclass(frozen=True, eq=False)
class Transpose(UnaryOp):
    """Axes in another order: axis `i` of the output is axis ``axes[i]`` of the input."""

    axes: tuple[int, ...]

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.transpose(ids[self.x], self.axes)


@dataclass(frozen=True, eq=False)
class DepthToSpace(UnaryOp):
    """The channels of a pixel become a block of pixels.

    ``out[i * by + r, j * bx + s, c] = x[i, j, (r * bx + s) * channels + c]``, with blocks of
    (by, bx) pixels, which follow from the shapes.
    """

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.depth_to_space(ids[self.x], self.out.shape)


@dataclass(frozen=True, eq=False)
class Remap(UnaryOp):
    """Pick, repeat, drop or pad positions along each axis.

    ``out[i, j, ...] = x[indices[0][i], indices[1][j], ...]``, or `fill` where an index is -1.
    Cropping, zero and reflecting padding, nearest upsampling, slicing, flipping, tiling and
    repetition are all this. `None` stands for an axis that stays as it is.
    """

    indices: tuple[Int32Array | None, ...]
    fill: float = 0.0

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.remap(ids[self.x], self.out.shape, self.indices, self.fill)


@dataclass(frozen=True, eq=False)
class Resample(UnaryOp):
    """Weighted sums along one axis: ``out[i] = sum_t weights[i, t] * x[indices[i, t]]``.

    Bilinear, bicubic, Lanczos and area resizing are two of these, one per axis. `indices` and
    `weights` are (output size, taps).
    """

    axis: int
    indices: Int32Array
    weights: Float32Array

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.resample(ids[self.x], self.out.shape, self.axis, self.indices, self.weights)


@dataclass(frozen=True, eq=False)
class Recurrent(UnaryOp):
    """A recurrent layer over time, from inputs that are projected already.

    `x` is (time, gates * units) with the input's bias added, `out` (time, units): the state
    after each step. Gates stand in Keras' order: LSTM i, f, c, o; GRU z, r, h; SIMPLE one.
    `kernel` is (units, gates * units), `bias` (gates * units,) or None is added to the
    recurrent product (GRU with ``reset_after``). The state starts at zero.
    """

    kind: RecurrentKind
    kernel: Float32Array
    bias: Float32Array | None
    activation: Activation
    recurrent_activation: Activation
    backwards: bool = False
    """Whether time runs from the end; outputs then stand in the order they were made."""

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        f, g = self.activation, self.recurrent_activation
        return builder.recurrent(
            ids[self.x],
            self.kind,
            self.kernel,
            self.bias,
            (f.kind, f.alpha, f.beta),
            (g.kind, g.alpha, g.beta),
            self.backwards,
        )


@dataclass(frozen=True, eq=False)
class Constant(Op):
    """The same numbers for every image."""

    out: Value
    array: Float32Array

    @property
    def inputs(self) -> tuple[Value, ...]:
        return ()

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.constant(self.array)


@dataclass(frozen=True, eq=False)
class BinaryOp(Op):
    """An operation that reads two values."""

    x: Value
    y: Value
    out: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x, self.y)


@dataclass(frozen=True, eq=False)
class Binary(BinaryOp):
    """Elementwise, of two tensors of the same rank; axes of size 1 are repeated.

    PRELU is ``x if x > 0 else y * x``.
    """

    kind: BinaryKind

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.binary(ids[self.x], ids[self.y], self.out.shape, self.kind)


@dataclass(frozen=True, eq=False)
class MatMul(BinaryOp):
    """Matrix products: (..., m, k) times (..., k, n), with the same leading axes."""

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.matmul(ids[self.x], ids[self.y], self.out.shape)


@dataclass(frozen=True, eq=False)
class Concat(Op):
    """Tensors one behind the other along `axis`."""

    xs: tuple[Value, ...]
    out: Value
    axis: int

    @property
    def inputs(self) -> tuple[Value, ...]:
        return self.xs

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.concat([ids[x] for x in self.xs], self.out.shape, self.axis)


@dataclass(frozen=True, eq=False)
class Call(Op):
    """A user's function of NumPy arrays, batch included; splits the plan in two."""

    xs: tuple[Value, ...]
    out: Value
    function: Callable[..., npt.ArrayLike]
    name: str

    @property
    def inputs(self) -> tuple[Value, ...]:
        return self.xs
