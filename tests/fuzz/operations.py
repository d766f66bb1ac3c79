"""Random operations: what `keras.ops` and arithmetic on symbolic tensors put into a graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from fuzz.draw import Draw

# Functions of one tensor without arguments; those with a limited domain get it inside.
PLAIN: tuple[Callable[[Any], Any], ...] = (
    ops.relu,
    ops.relu6,
    ops.sigmoid,
    ops.silu,
    ops.tanh,
    ops.elu,
    ops.selu,
    ops.softplus,
    ops.softsign,
    ops.hard_sigmoid,
    ops.hard_silu,
    ops.leaky_relu,
    ops.log_sigmoid,
    ops.gelu,
    ops.abs,
    ops.square,
    ops.negative,
    ops.sin,
    ops.cos,
    ops.erf,
    lambda x: ops.gelu(x, approximate=False),
    lambda x: ops.exp(ops.clip(x, -3.0, 2.0)),
    lambda x: ops.sqrt(ops.abs(x) + 0.1),
    lambda x: ops.rsqrt(ops.square(x) + 0.5),
    lambda x: ops.log(ops.abs(x) + 0.5),
    lambda x: ops.log1p(ops.relu(x)),
    lambda x: ops.expm1(ops.minimum(x, 1.0)),
    lambda x: -x,
)
ROUNDING: tuple[Callable[[Any], Any], ...] = (ops.floor, ops.ceil, ops.round, ops.sign)
REDUCTIONS: tuple[Callable[..., Any], ...] = (ops.mean, ops.max, ops.min, ops.sum)


def elementwise(draw: Draw, x: Any) -> Any:
    return draw.one(ROUNDING if draw.chance(0.05) else PLAIN)(x)


def softmax(draw: Draw, x: Any) -> Any:
    axis = draw.one((-1, draw.integer(1, len(x.shape) - 1)))
    return draw.one((ops.softmax, ops.log_softmax))(x, axis=axis)


def with_constant(draw: Draw, x: Any) -> Any:
    number = draw.number(0.3, 2)
    constant: Any = number
    if draw.chance(0.35) and x.shape[-1] is not None:
        row = draw.rng.uniform(0.3, 2, x.shape[-1]).astype("float32")
        constant = draw.one((row, row[None, :]))
    return draw.one(
        (
            lambda: x + constant,
            lambda: x * constant,
            lambda: x - constant,
            lambda: x / constant,
            lambda: constant - x if constant is number else x,
            lambda: constant / (ops.abs(x) + 0.5) if constant is number else x,
            lambda: ops.maximum(x, constant),
            lambda: ops.minimum(x, constant),
            lambda: ops.add(x, constant),
            lambda: ops.multiply(constant, x) if constant is number else x,
            lambda: x**2,
            lambda: ops.power(ops.abs(x) + 0.1, number),
            lambda: ops.clip(x, -number, number),
        )
    )()


def reduction(draw: Draw, x: Any) -> Any:
    axes = list(range(1, len(x.shape)))
    axis = draw.one((-1, draw.one(axes), tuple(sorted(draw.some(axes, min(2, len(axes)))))))
    keep = draw.chance(0.6)
    if not keep and len(x.shape) == 2:
        keep = True
    result = draw.one(REDUCTIONS)(x, axis=axis, keepdims=keep)
    return result if len(result.shape) > 1 else ops.expand_dims(result, -1)


def reshaping(draw: Draw, x: Any) -> Any:
    rank = len(x.shape)
    axes = draw.some(range(1, rank), rank - 1)
    ones = [axis for axis in range(1, rank) if x.shape[axis] == 1 and rank > 2]
    choices: list[Callable[[], Any]] = [
        lambda: ops.transpose(x, (0, *axes)),
        lambda: ops.reshape(x, (-1, x.shape[-1])) if rank == 2 else ops.reshape(x, _flat(x)),
    ]
    if rank < 4:
        choices.append(lambda: ops.expand_dims(x, draw.one((-1, 1))))
    if ones:
        choices.append(lambda: ops.squeeze(x, draw.one(ones)))
    return draw.one(choices)()


def _flat(x: Any) -> tuple[int, ...]:
    return (-1, x.shape[1] * x.shape[2], *x.shape[3:])


def indexing(draw: Draw, x: Any) -> Any:
    size = x.shape[-1] or 1
    index = draw.integer(0, size - 1)
    choices: list[Callable[[], Any]] = [
        lambda: x[..., ::-1],
        lambda: x[..., : index + 1],
        lambda: x[:, -1:],
        lambda: x[:, ::2],
    ]
    if len(x.shape) > 2:
        choices += [lambda: x[..., index], lambda: x[:, 0], lambda: x[:, 1:, ..., : index + 1]]
    if size > 1:
        choices.append(lambda: ops.split(x, size, axis=-1)[index])
    return draw.one(choices)()


def swapped_channels(draw: Draw, x: Any) -> Any:
    """Take channels apart and stack some again, as `preprocess_input` does inside a graph."""
    size = x.shape[-1]
    if size is None or size < 2:
        return x
    first, second = draw.integer(0, size - 1), draw.integer(0, size - 1)
    if draw.chance(0.5):
        return ops.stack([x[..., first], x[..., second]], axis=-1)
    return ops.concatenate([x[..., first:], x[..., :first]], axis=-1) if first else x


def padding(draw: Draw, x: Any) -> Any:
    widths = [(0, 0), *((draw.integer(0, 1), draw.integer(0, 2)) for _ in x.shape[1:])]
    if draw.chance(0.25) and None not in x.shape[1:]:
        return ops.pad(x, widths, mode=draw.one(("reflect", "symmetric")))
    return ops.pad(x, widths, constant_values=draw.one((None, 0.5)))


def combined(draw: Draw, x: Any, other: Any) -> Any:
    """Put two tensors of shapes that broadcast together."""
    return draw.one(
        (
            lambda: x + other,
            lambda: x - other,
            lambda: x * other,
            lambda: x / (ops.abs(other) + 0.5),
            lambda: ops.maximum(x, other),
            lambda: ops.minimum(x, other),
            lambda: ops.add(x, other),
            lambda: ops.multiply(x, other),
        )
    )()


def image(draw: Draw, x: Any) -> Any:
    """Operations on images."""
    _, height, width, channels = x.shape
    choices: list[Callable[[], Any]] = [
        lambda: ops.image.resize(
            x,
            (draw.integer(2, 8), draw.integer(2, 8)),
            interpolation=draw.one(("bilinear", "nearest", "bicubic")),
        ),
        lambda: ops.average_pool(x, 2, draw.integer(1, 2), padding=draw.padding()),
        lambda: ops.max_pool(x, 2, draw.integer(1, 2), padding=draw.padding()),
    ]
    if channels and channels % 4 == 0:
        choices += 2 * [lambda: ops.depth_to_space(x, 2)]
    if height and width and height % 2 == 0 and width % 2 == 0:
        choices.append(lambda: ops.space_to_depth(x, 2))
    return draw.one(choices)()


MAKERS = (
    (elementwise, 4),
    (softmax, 1),
    (with_constant, 4),
    (reduction, 2),
    (reshaping, 2),
    (indexing, 2),
    (swapped_channels, 1),
    (padding, 1),
)
