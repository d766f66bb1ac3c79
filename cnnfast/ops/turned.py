"""What operations do to tensors whose batch is not the first axis; see `symbolic.elsewhere`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import Operation, product, refuse_batch
from cnnfast.ops.networks.row_functions import Glu, Sparsemax
from cnnfast.ops.pointwise.activation import Softmax
from cnnfast.ops.pointwise.arithmetic import Binary
from cnnfast.ops.pointwise.elementwise import ActivationOperation, Cast, Elementwise
from cnnfast.ops.reducing.reductions import Reduction
from cnnfast.ops.shaping.arrangement import (
    ExpandDims,
    Permutation,
    Reshape,
    Squeeze,
    Transpose,
    behind_batch,
)
from cnnfast.ops.shaping.joining import Concatenate, Split, Stack
from cnnfast.ops.shaping.pieces import Unstack
from cnnfast.ops.shaping.selection import GetItem
from cnnfast.ops.shaping.shapes import per_image
from cnnfast.symbolic.arguments import axes
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.symbolic.elsewhere import Turned, add_rule
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.variables import Variable


def seen(base: KerasTensor, order: Sequence[int]) -> KerasTensor:
    """Return `base` with its axes in another order: a tensor of a graph where that is one."""
    if list(order) == list(range(len(order))):
        return base
    if order[0]:
        return Turned(base, order)
    turned: KerasTensor = Transpose(list(order))(base)
    return turned


def _of_turned(rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return `rule` for calls whose first argument is a turned tensor."""

    def of_turned(operation: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        return rule(operation, x, *args, **kwargs) if isinstance(x, Turned) else None

    return of_turned


def _permutation(operation: Permutation, x: Any) -> Any:
    if isinstance(x, Turned):
        return seen(x.base, [x.order[axis] for axis in operation._order(x.ndim)])
    if not isinstance(x, KerasTensor):
        return None
    order = operation._order(x.ndim)
    moved = order[0] != 0 and sorted(order) == list(range(x.ndim))
    return Turned(x, order) if moved else None


def _stack(operation: Stack, xs: Any) -> Any:
    if not isinstance(xs, list | tuple):
        return None
    if any(isinstance(x, Turned) for x in xs) or not isinstance(operation.axis, int):
        return None
    if not all(isinstance(x, KerasTensor) for x in xs):
        return None
    if operation.axis not in (0, -xs[0].ndim - 1):
        return None
    base = Stack(1)(xs)
    return seen(base, [1, 0, *range(2, base.ndim)])


def _expand(operation: ExpandDims, x: Any) -> Any:
    if isinstance(x, Turned) or not isinstance(x, KerasTensor) or operation.axis != 0:
        return None
    base: KerasTensor = ExpandDims(1)(x)
    return seen(base, [1, 0, *range(2, base.ndim)])


def _reshape(operation: Reshape, x: Turned) -> Any:
    """Keep the axes before the batch; of those behind it, some may be moved into it, or back."""
    place = x.order.index(0)
    before, behind = x.shape[:place], x.shape[place + 1 :]
    newshape: list[Any] = list(operation.newshape)
    batch, sizes = newshape[place : place + 1], newshape[place + 1 :]
    if newshape[:place] != list(before) or not batch:
        raise x.refusal
    if isinstance(batch[0], BatchSize):
        sizes = behind_batch(batch[0].parts, x.base.parts, behind, sizes)
    elif batch[0] not in (None, -1) or any(size in (None, -1) for size in sizes):
        raise x.refusal
    base = Transpose([0, *x.order[:place], *x.order[place + 1 :]])(x.base)
    each, total = product(sizes), product(behind)
    if not each or not total:
        raise x.refusal
    # (batch, before, parts, sizes) to (batch, parts, before, sizes), or the other way round.
    if total % each == 0:
        parted = Reshape([-1, *before, total // each, *sizes])(base)
        order = [0, place + 1, *range(1, place + 1), *range(place + 2, parted.ndim)]
    else:
        parted = Reshape([-1, each // total, *before, *behind])(base)
        order = [0, *range(2, place + 2), 1, *range(place + 2, parted.ndim)]
    made = Reshape([-1, *before, *sizes])(Transpose(order)(parted))
    return seen(made, [*range(1, place + 1), 0, *range(place + 1, made.ndim)])


def _same_place(operation: Operation, x: Turned) -> Any:
    return seen(operation(x.base), x.order)


def _own_axes(x: Turned, axis: Any) -> list[int]:
    """Return which axes of the tensor behind `x` are meant by axes of `x`."""
    if axis is None:
        refuse_batch("axis=None, which is all axes")
    numbers = axes(axis, "axis")
    if not all(-x.ndim <= number < x.ndim for number in numbers):
        raise ValueError(f"the tensor has {x.ndim} axes. Received: axis={axis}")
    own = [x.order[number] for number in numbers]
    if 0 in own:
        refuse_batch(f"axis={axis} of a tensor of shape {x.shape}, which is its batch")
    return own


def _with_axis(operation: Any, axis: Any) -> Any:
    """Return an operation like `operation` along another axis."""
    return type(operation)(**{**operation._config(), "axis": axis})


def _reduction(operation: Reduction, x: Turned) -> Any:
    own = _own_axes(x, operation.axis)
    made = _with_axis(operation, own)(x.base)
    return seen(made, x.order if operation.keepdims else _without(x.order, own))


def _without(order: Sequence[int], gone: Sequence[int]) -> list[int]:
    """Return the order of the axes that are left, which are numbered anew."""
    left = sorted(set(order) - set(gone))
    return [left.index(axis) for axis in order if axis not in gone]


def _along(operation: Softmax | Glu | Sparsemax, x: Turned) -> Any:
    own = _own_axes(x, operation.axis)
    made = _with_axis(operation, own if len(own) > 1 else own[0])(x.base)
    return seen(made, x.order)


def _split(operation: Split, x: Turned) -> Any:
    parts = _with_axis(operation, _own_axes(x, operation.axis)[0])(x.base)
    return [seen(part, x.order) for part in parts]


def _unstack(operation: Unstack, x: Turned) -> Any:
    own = _own_axes(x, operation.axis)
    parts = _with_axis(operation, own[0])(x.base)
    return [seen(part, _without(x.order, own)) for part in parts]


def _concatenate(operation: Concatenate, xs: Any) -> Any:
    turned = [x for x in xs if isinstance(x, Turned)]
    if not turned:
        return None
    if len(turned) < len(xs) or len({x.order for x in turned}) > 1:
        raise turned[0].refusal
    own = _own_axes(turned[0], operation.axis)
    made = _with_axis(operation, own[0])([x.base for x in turned])
    return seen(made, turned[0].order)


def _get_item(operation: GetItem, x: Turned, key: Any) -> Any:
    items = list(key) if isinstance(key, tuple | list) else [key]
    plain = all(isinstance(i, int | np.integer | slice) or i is Ellipsis for i in items)
    dots = [place for place, item in enumerate(items) if item is Ellipsis]
    if not plain or len(dots) > 1 or len(items) - len(dots) > x.ndim:
        raise x.refusal
    place = dots[0] if dots else len(items)
    whole = [slice(None)] * (x.ndim - len(items) + len(dots))
    items = [*items[:place], *whole, *items[place + len(dots) :]]
    own: list[Any] = [slice(None)] * x.ndim
    for axis, item in zip(x.order, items, strict=True):
        own[axis] = item
    gone = [axis for axis, item in enumerate(own) if not isinstance(item, slice)]
    return seen(GetItem()(x.base, tuple(own)), _without(x.order, gone))


def _squeeze(operation: Squeeze, x: Turned) -> Any:
    sizes = x.base.shape
    own = _own_axes(x, operation.axis) if operation.axis is not None else None
    if own is None:
        own = [axis for axis, size in enumerate(sizes) if axis and size == 1]
    return seen(Squeeze(own)(x.base), _without(x.order, own))


def _binary(operation: Binary, x1: Any, x2: Any) -> Any:
    turned = next((x for x in (x1, x2) if isinstance(x, Turned)), None)
    if turned is None:
        return None
    operands = [_beside(turned, x) for x in (x1, x2)]
    return seen(operation(*operands), turned.order)


def _beside(turned: Turned, x: Any) -> Any:
    """Return an operand for the tensor behind `turned` in place of one for `turned`."""
    if isinstance(x, Turned) and x.order == turned.order:
        return x.base
    if isinstance(x, KerasTensor):
        raise turned.refusal
    numbers = x if isinstance(x, Variable) else eager.numbers(x)
    if not numbers.ndim:
        return x
    if numbers.ndim > turned.ndim:
        raise turned.refusal
    full = (1,) * (turned.ndim - numbers.ndim) + numbers.shape
    places = np.argsort(turned.order)
    if isinstance(numbers, np.ndarray):
        return numbers.reshape(full).transpose(places)
    if full[places[0]] != 1:
        raise turned.refusal
    # Drawn, as a variable may change: for each image, and turned behind the batch.
    drawn = per_image(BatchSize(turned.base), numbers, turned.ndim + 1)
    return Squeeze(1)(Transpose([0, *(int(place) + 1 for place in places)])(drawn))


add_rule(Permutation, _permutation)
add_rule(Reshape, _of_turned(_reshape))
add_rule(Stack, _stack)
add_rule(ExpandDims, _expand)
add_rule(Elementwise, _of_turned(_same_place))
add_rule(ActivationOperation, _of_turned(_same_place))
add_rule(Cast, _of_turned(_same_place))
add_rule(Softmax, _of_turned(_along))
add_rule(Glu, _of_turned(_along))
add_rule(Sparsemax, _of_turned(_along))
add_rule(Reduction, _of_turned(_reduction))
add_rule(Squeeze, _of_turned(_squeeze))
add_rule(Split, _of_turned(_split))
add_rule(Unstack, _of_turned(_unstack))
add_rule(Concatenate, _concatenate)
add_rule(GetItem, _of_turned(_get_item))
add_rule(Binary, _binary)
