"""The operations a plan is made of.

A model is lowered to a flat list of these: every size, pad and stride is a number, the
batch is left out (it is a run-time argument of the plan), and no Keras name is left.
Images are channels-last, ``(height, width, channels)``, as Keras stores them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast._core import ActivationKind, PlanBuilder, PoolKind

Float32Array: TypeAlias = npt.NDArray[np.float32]
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
class Op:
    """One operation: reads `x`, writes `out`."""

    x: Value
    out: Value

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        """Append this operation to `builder`; return the id of its output there."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Conv2D(Op):
    """Convolution and activation; a dense layer is the 1x1 case over one row of pixels.

    `kernel` is (height, width, input channels / groups, output channels), `bias` (output
    channels,) or None.
    """

    kernel: Float32Array
    bias: Float32Array | None
    window: Window = Window((1, 1))
    groups: int = 1
    activation: Activation = LINEAR

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        w, f = self.window, self.activation
        return builder.conv2d(
            ids[self.x],
            self.out.shape,
            self.kernel,
            self.bias,
            (w.size, w.strides, w.dilation, w.pads),
            self.groups,
            (f.kind, f.alpha, f.beta),
        )


@dataclass(frozen=True, eq=False)
class Pool2D(Op):
    """Maximum or average over a window; padding never takes part in either."""

    kind: PoolKind
    window: Window

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        w = self.window
        return builder.pool2d(
            ids[self.x], self.out.shape, self.kind, (w.size, w.strides, w.dilation, w.pads)
        )


@dataclass(frozen=True, eq=False)
class Affine(Op):
    """``x * scale + shift`` along the last axis; `scale` and `shift` are (channels,)."""

    scale: Float32Array
    shift: Float32Array

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.affine(ids[self.x], self.scale, self.shift)


@dataclass(frozen=True, eq=False)
class Activate(Op):
    """An activation on its own, where it could not join the operation before it."""

    activation: Activation

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        f = self.activation
        return builder.activate(ids[self.x], (f.kind, f.alpha, f.beta))


@dataclass(frozen=True, eq=False)
class Softmax(Op):
    """Softmax over the last axis."""

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.softmax(ids[self.x])


@dataclass(frozen=True, eq=False)
class Reshape(Op):
    """The same numbers in the same order under another shape."""

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.reshape(ids[self.x], self.out.shape)


@dataclass(frozen=True, eq=False)
class Transpose(Op):
    """Axes in another order: axis `i` of the output is axis ``axes[i]`` of the input."""

    axes: tuple[int, ...]

    def add_to(self, builder: PlanBuilder, ids: Ids) -> int:
        return builder.transpose(ids[self.x], self.axes)
