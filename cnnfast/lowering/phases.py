"""A transposed convolution as a plain one whose channels are blocks of cells.

What of its axes, kernels and result the layer needs; the rule is in its own module.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Float32Array, Value, Window
from cnnfast.lowering import append, windows
from cnnfast.utils.records import record


@record(frozen=True)
class PhasedAxis:
    """One axis of a transposed convolution as a plain one.

    Output cell ``q * stride + r`` reads the input cells near q through every stride-th tap of
    the window, from tap r on. So there is one small kernel for each phase r, and a plain
    convolution, with the kernels of all phases as its output channels, gives the output in
    blocks of `stride` cells. With k=3, stride=2: phase 0 has the taps 2 and 0, phase 1 tap 1.
    """

    length: int
    outputs: int
    size: int
    stride: int
    dilation: int

    @property
    def crop(self) -> int:
        """How many cells are cut off in front."""
        full = (self.length - 1) * self.stride + windows.span(self.size, self.dilation)
        return max(full - self.outputs, 0) // 2

    @property
    def taps(self) -> int:
        """How many taps a phase has; a window that has fewer for some is filled with zeros."""
        return -(-self.size // self.stride)

    @property
    def first(self) -> int:
        """The first block of cells that is not cut off as a whole."""
        return self.crop // self.stride

    @property
    def cells(self) -> int:
        """The number of blocks."""
        return (self.outputs - 1 + self.crop) // self.stride - self.first + 1

    @property
    def pads(self) -> tuple[int, int]:
        """The padding of the plain convolution, before and after."""
        before = windows.span(self.taps, self.dilation) - 1 - self.first
        return before, self.first + self.cells - self.length

    @property
    def kept(self) -> tuple[int, int]:
        """The first of the cells, of all blocks in a row, that are the output; their number."""
        return self.crop - self.first * self.stride, self.outputs


def window(axes: list[PhasedAxis]) -> Window:
    """Return the window of the plain convolution, of two axes."""
    height, width = axes
    return Window(
        size=(height.taps, width.taps),
        dilation=(height.dilation, width.dilation),
        pads=(*height.pads, *width.pads),
    )


def phase_kernel(kernel: Float32Array, axes: list[PhasedAxis]) -> Float32Array:
    """Return the kernels of all phases as one: (*taps, inputs, phases * filters)."""
    taps, strides = tuple(axis.taps for axis in axes), tuple(axis.stride for axis in axes)
    rank = len(axes)
    filters, inputs = kernel.shape[rank:]
    padded = np.zeros((*(axis.taps * axis.stride for axis in axes), filters, inputs), np.float32)
    padded[tuple(slice(axis.size) for axis in axes)] = kernel
    # (taps, stride) of each axis, then filters and inputs.
    split = padded.reshape(*_alternating(taps, strides), filters, inputs)
    split = np.flip(split, tuple(range(0, 2 * rank, 2)))
    phases = split.transpose(*range(0, 2 * rank, 2), 2 * rank + 1, *range(1, 2 * rank, 2), 2 * rank)
    return phases.reshape(*taps, inputs, -1)


def interleave(graph: Graph, y: Value, axes: list[PhasedAxis], filters: int) -> Value:
    """Lay blocks of cells, which stand in the channels, side by side, and cut off the crop."""
    rank, strides = len(axes), tuple(axis.stride for axis in axes)
    cells = tuple(axis.cells * axis.stride for axis in axes)
    if max(strides) > 1 and rank == 2:
        y = graph.add(ops.DepthToSpace(y, Value((*cells, filters))))
    elif max(strides) > 1:
        y = append.reshape(graph, y, (*(axis.cells for axis in axes), *strides, filters))
        order = _alternating(range(rank), range(rank, 2 * rank))
        y = append.transpose(graph, y, (*order, 2 * rank))
        y = append.reshape(graph, y, (*cells, filters))
    return append.crop(graph, y, {number: axis.kept for number, axis in enumerate(axes)})


def _alternating(first: Iterable[int], second: Iterable[int]) -> tuple[int, ...]:
    return tuple(number for pair in zip(first, second, strict=True) for number in pair)
