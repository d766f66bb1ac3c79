"""Take away the taps of a window that only ever fall on padding."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from cnnfast.engine.graph import Graph
from cnnfast.engine.late import late
from cnnfast.engine.ops import Conv2D, DepthwiseConv2D, Op, Pool2D, Window


class _Axis(NamedTuple):
    """The taps ``first`` to ``last - 1`` of one axis, and the pads that they need."""

    first: int
    last: int
    before: int
    after: int


def trim_windows(graph: Graph) -> Graph:
    """Convolution or pooling -> the same over a smaller window, where some taps see no pixel.

    So with dilation 18 on an image of 16 pixels. A few bytes of a config can ask for a dilation
    or a pool of a billion pixels, which would otherwise be stored as padding or walked.
    """
    return Graph(graph.inputs, [_trimmed(op) for op in graph.ops], graph.outputs)


def _trimmed(op: Op) -> Op:
    if not isinstance(op, Conv2D | DepthwiseConv2D | Pool2D):
        return op
    vertical, horizontal = (_axis(op.window, op.x.shape, op.out.shape, axis) for axis in (0, 1))
    size = vertical.last - vertical.first, horizontal.last - horizontal.first
    window = replace(op.window, size=size, pads=(*vertical[2:], *horizontal[2:]))
    if window == op.window:
        return op
    if isinstance(op, Pool2D):
        return replace(op, window=window)
    taps = slice(vertical.first, vertical.last), slice(horizontal.first, horizontal.last)
    kernel = late(op.kernel).map(
        lambda kernel: kernel[taps],
        (*size, *op.kernel.shape[2:]),
        ("taps", vertical[:2], horizontal[:2]),
    )
    return replace(op, window=window, kernel=kernel)


def _axis(window: Window, inputs: tuple[int, ...], outputs: tuple[int, ...], axis: int) -> _Axis:
    """Find the taps that meet a pixel for some output.

    Tap t of output o reads ``o * stride + t * dilation - before``, which must lie in the image.
    """
    taps, dilation = window.size[axis], window.dilation[axis]
    before, after = window.pads[2 * axis : 2 * axis + 2]
    farthest = (outputs[axis] - 1) * window.strides[axis]
    # As many as leave a pad of zero or more: a negative one would be a crop.
    first = max(min(-((farthest - before) // dilation), before // dilation), 0)
    last = min((inputs[axis] - 1 + before) // dilation + 1, taps)
    if (first, last) == (0, taps):
        return _Axis(0, taps, before, after)
    if last <= first or (last == first + 1 and farthest + first * dilation < before):
        # No tap meets the image: one that stays in front of it.
        return _Axis(0, 1, farthest + 1, 0)
    before -= first * dilation
    reach = farthest + (last - first - 1) * dilation + 1
    return _Axis(first, last, before, max(reach - before - inputs[axis], 0))
