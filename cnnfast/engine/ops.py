"""The operations a plan is made of.

A model is lowered to a flat list of these: every size, pad and stride is a number, the
batch is left out (it is a run-time argument of the plan), and no Keras name is left.
Images are channels-last, ``(height, width, channels)``, as Keras stores them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from cnnfast._core import (
    ActivationKind,
    BinaryKind,
    MaskedSteps,
    NormalizationKind,
    PoolKind,
    RecurrentKind,
    ReductionKind,
)
from cnnfast.engine.late import Weights, late
from cnnfast.engine.positions import Int32Array, Made, Positions
from cnnfast.utils.records import record

if TYPE_CHECKING:
    import numpy.typing as npt

Float32Array: TypeAlias = "npt.NDArray[np.float32]"
Shape: TypeAlias = tuple[int, ...]
BatchShape: TypeAlias = tuple[int | None, ...]


@record(frozen=True, eq=False)
class Value:
    """One tensor of the graph; `shape` is that of one image, without the batch."""

    shape: Shape


class Instruction(NamedTuple):
    """One call of a `PlanBuilder`, which returns the id of the operation's output there.

    Attributes
    ----------
    method
        Of the builder, as ``csrc/bindings/builder.cpp`` names it.
    arguments
        Plain arguments, and in place of what is known later: a `Value` for its id, a `LateArray`
        for a kernel, a `Made` for an array, and sizes that are open, also inside of tuples.
    """

    method: str
    arguments: tuple[Any, ...]


@record(frozen=True)
class Activation:
    """An elementwise function; what `alpha` and `beta` mean depends on `kind`."""

    kind: ActivationKind = ActivationKind.LINEAR
    alpha: float = 0.0
    beta: float = 0.0

    @property
    def numbers(self) -> tuple[ActivationKind, float, float]:
        """As the core takes it."""
        return self.kind, self.alpha, self.beta


LINEAR = Activation()


@record(frozen=True)
class Window:
    """A sliding window over height and width.

    `pads` are (top, bottom, left, right), in pixels of the input.
    """

    size: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)

    @property
    def numbers(self) -> tuple[tuple[int, ...], ...]:
        """As the core takes it."""
        return self.size, self.strides, self.dilation, self.pads


@record(frozen=True, eq=False)
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

    @property
    def instruction(self) -> Instruction:
        """What appends this operation to a plan."""
        raise NotImplementedError


@record(frozen=True, eq=False)
class UnaryOp(Op):
    """An operation that reads one value."""

    x: Value
    out: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x,)


@record(frozen=True, eq=False)
class Conv2D(UnaryOp):
    """Convolution; a dense layer is the 1x1 case over one row of pixels.

    ``activation(conv(x) + bias + residual) * scale + shift``, where `kernel` is (height, width,
    input channels / groups, output channels), `bias`, `scale` and `shift` (output channels,) or
    None, and `residual` None or of the output's shape. With `max_pool` the output is the maximum
    of that over windows of 2 x 2 pixels that do not overlap; there is no residual then. With
    `float32` no model rounds operands.
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
    float32: bool = False

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x,) if self.residual is None else (self.x, self.residual)

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.out.shape,
            late(self.kernel),
            self.bias,
            self.window.numbers,
            self.groups,
            self.activation.numbers,
            self.residual,
            *(self.scale, self.shift, self.max_pool, self.float32),
        )
        return Instruction("conv2d", arguments)


@record(frozen=True, eq=False)
class DepthwiseConv2D(UnaryOp):
    """Convolution of each channel alone, and activation.

    `kernel` is (height, width, channels, multiplier), `bias` (channels * multiplier,) or None;
    output channel ``c * multiplier + m`` reads input channel c.
    """

    kernel: Weights
    bias: Float32Array | None
    window: Window
    activation: Activation = LINEAR

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.out.shape,
            late(self.kernel),
            self.bias,
            self.window.numbers,
            self.activation.numbers,
        )
        return Instruction("depthwise_conv2d", arguments)


@record(frozen=True, eq=False)
class Pool2D(UnaryOp):
    """Maximum or average over a window; padding never takes part in either."""

    kind: PoolKind
    window: Window

    @property
    def instruction(self) -> Instruction:
        arguments = (self.x, self.out.shape, self.kind, self.window.numbers)
        return Instruction("pool2d", arguments)


@record(frozen=True, eq=False)
class Affine(UnaryOp):
    """``activation(x * scale + shift)`` along the last axis; both are (channels,)."""

    scale: Float32Array
    shift: Float32Array
    activation: Activation = LINEAR

    @property
    def instruction(self) -> Instruction:
        arguments = (self.x, self.scale, self.shift, self.activation.numbers)
        return Instruction("affine", arguments)


@record(frozen=True, eq=False)
class Activate(UnaryOp):
    """An elementwise function on its own, where it could not join the operation before it."""

    activation: Activation

    @property
    def instruction(self) -> Instruction:
        return Instruction("activate", (self.x, self.activation.numbers))


@record(frozen=True, eq=False)
class Softmax(UnaryOp):
    """Softmax over the last axis."""

    @property
    def instruction(self) -> Instruction:
        return Instruction("softmax", (self.x,))


@record(frozen=True, eq=False)
class Normalize(UnaryOp):
    """Normalization over the last axis, without scale and shift (`Affine` adds those).

    With m and v the mean and the biased variance of a row: STANDARD is ``(x - m) / sqrt(v +
    epsilon)``, VARIANCE ``x / sqrt(v + epsilon)``, RMS ``x / sqrt(mean(x^2) + epsilon)`` and
    L2 ``x / sqrt(max(sum(x^2), epsilon))``.
    """

    kind: NormalizationKind
    epsilon: float

    @property
    def instruction(self) -> Instruction:
        return Instruction("normalize", (self.x, self.kind, self.epsilon))


@record(frozen=True, eq=False)
class Reduce(UnaryOp):
    """Reduction of the consecutive axes ``first`` to ``last - 1`` to one of size 1 or none.

    The shape of `out` says whether axes of size 1 stay; its numbers are the same.
    """

    kind: ReductionKind
    first: int
    last: int

    @property
    def instruction(self) -> Instruction:
        arguments = (self.x, self.out.shape, self.kind, self.first, self.last)
        return Instruction("reduce", arguments)


@record(frozen=True, eq=False)
class Reshape(UnaryOp):
    """The same numbers in the same order under another shape."""

    @property
    def instruction(self) -> Instruction:
        return Instruction("reshape", (self.x, self.out.shape))


@record(frozen=True, eq=False)
class Transpose(UnaryOp):
    """Axes in another order: axis `i` of the output is axis ``axes[i]`` of the input."""

    axes: tuple[int, ...]

    @property
    def instruction(self) -> Instruction:
        return Instruction("transpose", (self.x, self.axes))


@record(frozen=True, eq=False)
class DepthToSpace(UnaryOp):
    """The channels of a pixel become a block of pixels.

    ``out[i * by + r, j * bx + s, c] = x[i, j, (r * bx + s) * channels + c]``, with blocks of
    (by, bx) pixels, which follow from the shapes.
    """

    @property
    def instruction(self) -> Instruction:
        return Instruction("depth_to_space", (self.x, self.out.shape))


@record(frozen=True, eq=False)
class Remap(UnaryOp):
    """Pick, repeat, drop or pad positions along each axis.

    ``out[i, j, ...] = x[indices[0][i], indices[1][j], ...]``, or `fill` where an index is -1.
    Cropping, zero and reflecting padding, nearest upsampling, slicing, flipping, tiling and
    repetition are all this. `None` stands for an axis that stays as it is.
    """

    indices: tuple[Positions | None, ...]
    fill: float = 0.0

    @property
    def instruction(self) -> Instruction:
        picked = tuple(None if p is None else p.made for p in self.indices)
        return Instruction("remap", (self.x, self.out.shape, picked, self.fill))


@record(frozen=True, eq=False)
class Resample(UnaryOp):
    """Weighted sums along one axis: ``out[i] = sum_t weights[i, t] * x[indices[i, t]]``.

    Bilinear, bicubic, Lanczos and area resizing are two of these, one per axis. `taps` are
    (indices, weights), both (output size, taps), or what makes them.
    """

    axis: int
    taps: tuple[Int32Array, Float32Array] | Made

    @property
    def instruction(self) -> Instruction:
        arguments = (self.x, self.out.shape, self.axis, self.taps)
        return Instruction("resample", arguments)


@record(frozen=True, eq=False)
class Recurrent(UnaryOp):
    """A recurrent layer over time, from inputs that are projected already.

    `x` is (time, gates * units) with the input's bias added, `out` (time, units): the state
    after each step. Gates stand in Keras' order: LSTM i, f, c, o; GRU z, r, h; SIMPLE one.
    `kernel` is (units, gates * units), `bias` (gates * units,) or None is added to the
    recurrent product (GRU with ``reset_after``).

    `y` is a vector, if there is one: the states to start from where it `continues`, LSTM's h and
    c, which are zero else; then, where steps are `masked`, (time,) with zeros for those that leave
    the states as they are. With `keeps` the states after the last step stand behind the others.
    """

    kind: RecurrentKind
    kernel: Weights
    bias: Float32Array | None
    activation: Activation
    recurrent_activation: Activation
    backwards: bool = False
    """Whether time runs from the end; outputs then stand in the order they were made."""
    y: Value | None = None
    continues: bool = False
    masked: MaskedSteps = MaskedSteps.NONE
    keeps: bool = False

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def instruction(self) -> Instruction:
        arguments = (
            self.x,
            self.y,
            self.kind,
            self.kernel.shape[0],
            late(self.kernel),
            self.bias,
            self.activation.numbers,
            self.recurrent_activation.numbers,
            self.backwards,
            self.continues,
            self.masked,
            self.keeps,
        )
        return Instruction("recurrent", arguments)


@record(frozen=True, eq=False)
class Constant(Op):
    """The same numbers for every image."""

    out: Value
    array: Float32Array

    @property
    def inputs(self) -> tuple[Value, ...]:
        return ()

    @property
    def instruction(self) -> Instruction:
        return Instruction("constant", (late(self.array),))


@record(frozen=True, eq=False)
class BinaryOp(Op):
    """An operation that reads two values."""

    x: Value
    y: Value
    out: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x, self.y)


@record(frozen=True, eq=False)
class Binary(BinaryOp):
    """Elementwise, of two tensors of the same rank; axes of size 1 are repeated.

    PRELU is ``x if x > 0 else y * x``.
    """

    kind: BinaryKind

    @property
    def instruction(self) -> Instruction:
        return Instruction("binary", (self.x, self.y, self.out.shape, self.kind))


@record(frozen=True, eq=False)
class MatMul(BinaryOp):
    """Matrix products: (..., m, k) times (..., k, n), with the same leading axes."""

    @property
    def instruction(self) -> Instruction:
        return Instruction("matmul", (self.x, self.y, self.out.shape))


@record(frozen=True, eq=False)
class Concat(Op):
    """Tensors one behind the other along `axis`."""

    xs: tuple[Value, ...]
    out: Value
    axis: int

    @property
    def inputs(self) -> tuple[Value, ...]:
        return self.xs

    @property
    def instruction(self) -> Instruction:
        return Instruction("concat", (self.xs, self.out.shape, self.axis))


@record(frozen=True, eq=False)
class Rebatch(Op):
    """The same numbers as another number of images: windows that go into the batch, or come back.

    It splits the plan in two, for batches of different sizes.
    """

    x: Value
    out: Value

    @property
    def inputs(self) -> tuple[Value, ...]:
        return (self.x,)


@record(frozen=True, eq=False)
class Call(Op):
    """A user's function of NumPy arrays, batch included; splits the plan in two.

    It returns one array, or, where there are `more` outputs, a sequence of one for each.
    """

    xs: tuple[Value, ...]
    out: Value
    function: Callable[..., Any]
    name: str
    more: tuple[Value, ...] = ()

    @property
    def inputs(self) -> tuple[Value, ...]:
        return self.xs

    @property
    def outs(self) -> tuple[Value, ...]:
        """All values that are written."""
        return (self.out, *self.more)
