"""Random layers with several inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from fuzz import operations
from fuzz.draw import Draw, Shape

ELEMENTWISE = (
    layers.Add,
    layers.Multiply,
    layers.Average,
    layers.Maximum,
    layers.Minimum,
    layers.Subtract,
)


def join(draw: Draw, x: Any, pool: Sequence[Any], size: int) -> Any:
    """Join `x` with tensors of `pool` that fit; where none does, with a sibling made of `x`."""
    kind = draw.integer(0, 9)
    if kind < 3:
        return _concatenate(draw, x, pool)
    if kind == 3:
        return _dot(draw, x)
    if kind == 4 and len(x.shape) == 3 and None not in x.shape[1:]:
        return layers.MultiHeadAttention(draw.integer(1, 2), draw.integer(1, 4))(x, x)
    others = [y for y in pool if y is not x and _broadcasts(x.shape, y.shape, size)]
    others = draw.some(others, draw.integer(1, 2)) or [_sibling(draw, x)]
    if kind < 7 and len(others[0].shape) == len(x.shape):
        # Of unequal ranks, operations (unlike layers) would mix the batch with another axis.
        return operations.combined(draw, x, others[0])
    cls = draw.one(ELEMENTWISE)
    if cls is layers.Subtract:
        others = others[:1]
    return cls()([x, *others])


def _sibling(draw: Draw, x: Any) -> Any:
    """Make another tensor of the shape of `x`, or one that broadcasts to it."""
    if len(x.shape) == 4 and draw.chance(0.4):
        squeezed = layers.GlobalAveragePooling2D(keepdims=draw.chance(0.6))(x)
        return layers.Dense(x.shape[-1], "sigmoid")(squeezed)
    return layers.Dense(x.shape[-1], draw.activation())(x)


def _broadcasts(one: Shape, other: Shape, size: int) -> bool:
    """Whether the shapes broadcast, unequal ranks as merge layers have it, to at most `size`."""
    short, long = sorted((one[1:], other[1:]), key=len)
    short = (*(1 for _ in range(len(long) - len(short))), *short)
    total = 1
    for a, b in zip(short, long, strict=True):
        if a != b and 1 not in (a, b):
            return False
        total *= max(a or 1, b or 1)
    return total <= size


def _concatenate(draw: Draw, x: Any, pool: Sequence[Any]) -> Any:
    axis = draw.one((-1, -1, draw.integer(1, len(x.shape) - 1)))
    place = axis % len(x.shape)
    others = [y for y in pool if _differs_only_at(x.shape, y.shape, place)]
    others = draw.some(others, draw.integer(1, 2)) or [x]
    return layers.Concatenate(axis=axis)(draw.one(([x, *others], [*others, x])))


def _differs_only_at(one: Shape, other: Shape, place: int) -> bool:
    return len(one) == len(other) and all(
        a == b for axis, (a, b) in enumerate(zip(one, other, strict=True)) if axis != place
    )


def _dot(draw: Draw, x: Any) -> Any:
    other = layers.Dense(x.shape[-1], "tanh")(x)
    return layers.Dot(axes=-1, normalize=draw.chance(0.4))([x, other])
