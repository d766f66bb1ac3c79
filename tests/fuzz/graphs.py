"""Random Keras models: Sequential and functional, nested, shared, with many inputs and outputs.

`make(seed, index)` gives the same model with the same weights every time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import layers

from fuzz import anyrank, images, integers, joins, operations, own, sequences
from fuzz.draw import Draw, Shape

LARGEST = 2500
"""Numbers in one image of any tensor."""

SIZES = 3
"""Sizes of images, where they may differ."""

ATTEMPTS = 40
_ASSUMED = 9  # pixels, where a size is unknown
_BY_RANK = {
    2: (*anyrank.MAKERS, *own.MAKERS, *sequences.ROW_MAKERS),
    3: (*anyrank.MAKERS, *own.MAKERS, *sequences.SEQUENCE_MAKERS),
    4: (*anyrank.MAKERS, *own.MAKERS, *images.MAKERS),
}
# What Keras raises when a random layer cannot take a random input.
_REFUSALS = (ValueError, TypeError, IndexError, ZeroDivisionError, NotImplementedError)


@dataclass
class Sample:
    """A random model and inputs for it."""

    model: keras.Model
    inputs: list[Any] = field(default_factory=list)


def make(seed: int, index: int) -> Sample:
    """Make graph number `index` of the family `seed`."""
    keras.utils.clear_session(free_memory=False)
    draw = Draw(seed, index)
    model = _sequential(draw) if draw.chance(0.3) else _functional(draw)
    _randomize(draw, model)
    sizes = SIZES if is_dynamic(model) else 1
    inputs = [_data(draw, model, draw.integer(1, 3)) for _ in range(sizes)]
    # After images of other sizes, those of the first again.
    return Sample(model, inputs + inputs[:1] * (sizes > 1))


# --- single steps ---------------------------------------------------------------------------


def _weighted(draw: Draw, makers: Sequence[tuple[Callable[..., Any], int]]) -> Callable[..., Any]:
    weights = np.array([weight for _, weight in makers], float)
    return makers[int(draw.rng.choice(len(makers), p=weights / weights.sum()))][0]


def _size(shape: Shape) -> int:
    return math.prod(_ASSUMED if n is None else n for n in shape[1:])


def _fits(shape: Shape) -> bool:
    return len(shape) in _BY_RANK and 0 < _size(shape) <= LARGEST and shape[-1] is not None


def _layer_for(draw: Draw, shape: Shape) -> layers.Layer:
    """Make a random layer that takes inputs of `shape` and gives a tensor of legal size."""
    for _ in range(ATTEMPTS):
        try:
            layer = _weighted(draw, _BY_RANK[len(shape)])(draw, shape)
            if layer is not None and _fits(own.output_shape(layer, shape)):
                return layer
        except _REFUSALS:
            continue
    return layers.Identity()


# --- models ---------------------------------------------------------------------------------


def _input_shape(draw: Draw) -> tuple[int | None, ...]:
    kind = draw.integer(0, 9)
    if kind == 0:
        return (draw.integer(1, 12),)
    if kind <= 2:
        length = None if draw.chance(0.15) else draw.integer(4, 14)
        return length, draw.integer(1, 6)
    if kind == 3:
        return None, None, draw.integer(1, 4)
    return draw.integer(5, 11), draw.integer(5, 11), draw.integer(1, 6)


def _dtype(draw: Draw) -> str:
    return draw.one(("uint8", "int32")) if draw.chance(0.12) else "float32"


def _sequential(draw: Draw) -> keras.Model:
    model = keras.Sequential()
    shape = (None, *_input_shape(draw))
    dtype = _dtype(draw)
    model.add(keras.Input(shape[1:], dtype=dtype))
    if dtype != "float32":
        for layer in integers.to_floats(draw, shape):
            model.add(layer)
        shape = tuple(model.output_shape)
    _stack(draw, model, shape, draw.integer(1, 6))
    return model


def _stack(draw: Draw, model: keras.Sequential, shape: Shape, number: int) -> None:
    for _ in range(number):
        layer = _layer_for(draw, shape)
        model.add(layer)
        shape = own.output_shape(layer, shape)


def _functional(draw: Draw, shape: Shape | None = None, steps: int = 9) -> keras.Model:
    """Grow a graph: a pool of tensors, of which each step takes some and adds one."""
    if shape is None:
        inputs = [
            keras.Input(_input_shape(draw), dtype=_dtype(draw)) for _ in range(draw.integer(1, 2))
        ]
        if len(inputs) == 2 and draw.chance(0.5):
            inputs[1] = keras.Input(inputs[0].shape[1:])
    else:
        inputs = [keras.Input(shape[1:])]
    pool: list[Any] = [_as_float(draw, x) for x in inputs]
    made: list[layers.Layer] = []
    for _ in range(draw.integer(2, steps)):
        grown = _grow(draw, pool, made, nested=shape is None)
        if grown is not None:
            pool.append(grown)
    ends = _ends(draw, pool, inputs, single=shape is not None)
    if shape is not None:
        return keras.Model(inputs[0], ends[0])
    model = keras.Model(_structure(draw, inputs, "in"), _structure(draw, ends, "out"))
    if draw.chance(0.06):
        inner = [x for layer in model.layers for x in keras.tree.flatten(layer.output)]
        inner = [x for x in inner if not any(x is i for i in model.inputs)]
        model = keras.Model(model.inputs, draw.some(inner, 2))
    return model


def _as_float(draw: Draw, x: Any) -> Any:
    if x.dtype != "float32":
        for layer in integers.to_floats(draw, tuple(x.shape)):
            x = layer(x)
    return x


def _grow(draw: Draw, pool: list[Any], made: list[layers.Layer], *, nested: bool) -> Any:
    """Return a new tensor made of those in `pool`; None if nothing legal was found."""
    for _ in range(ATTEMPTS):
        x = pool[-1] if draw.chance(0.6) else draw.one(pool)
        try:
            y = _step(draw, x, pool, made, nested)
        except _REFUSALS:
            continue
        if y is not None and y.dtype == "float32" and _fits(tuple(y.shape)):
            return y
    return None


def _step(draw: Draw, x: Any, pool: list[Any], made: list[layers.Layer], nested: bool) -> Any:
    kind = draw.integer(0, 19)
    if kind < 4:
        maker = operations.image if len(x.shape) == 4 and draw.chance(0.2) else None
        return (maker or _weighted(draw, operations.MAKERS))(draw, x)
    if kind < 7:
        return joins.join(draw, x, pool, LARGEST)
    if kind == 7 and nested:
        inner = _nested(draw, tuple(x.shape))
        made.append(inner)
        return inner(x)
    if kind == 9 and len(x.shape) == 3:
        return sequences.with_states(draw, x, pool)
    if kind == 8 and made:
        return _again(draw.one(made), draw.some(pool, len(pool)))
    layer = _layer_for(draw, tuple(x.shape))
    made.append(layer)
    return layer(x)


def _again(layer: layers.Layer, pool: list[Any]) -> Any:
    """Call a layer a second time, on the first tensor that it was made for."""
    built = tuple(layer.input.shape) if not isinstance(layer.input, list) else None
    return next((layer(x) for x in pool if tuple(x.shape) == built), None)


def _nested(draw: Draw, shape: Shape) -> keras.Model:
    if draw.chance(0.5):
        model: keras.Model = keras.Sequential()
        if draw.chance(0.6):
            model.add(keras.Input(shape[1:]))
        _stack(draw, model, shape, draw.integer(1, 3))
    else:
        model = _functional(draw, shape, steps=4)
    if draw.chance(0.3):
        model.trainable = False
    for layer in model.layers:
        if draw.chance(0.2):
            layer.trainable = False
    return model


def _ends(draw: Draw, pool: list[Any], inputs: list[Any], *, single: bool) -> list[Any]:
    last = pool[-1] if pool[-1] not in inputs else layers.Dense(2)(pool[-1])
    if len(inputs) > 1 or (draw.chance(0.25) and not single):
        others = [x for x in pool[:-1] if not any(x is i for i in inputs)]
        return [last, *draw.some(others, draw.integer(1, 2))]
    return [last]


def _structure(draw: Draw, tensors: list[Any], prefix: str) -> Any:
    """Arrange `tensors` as a list, a dict or one inside the other."""
    if len(tensors) == 1:
        return draw.one((tensors[0], tensors[0], tensors)) if prefix == "out" else tensors[0]
    kind = draw.integer(0, 3)
    if kind == 0:
        names = [x.name for x in tensors] if prefix == "in" else "cab"
        return dict(zip(names, tensors, strict=False))
    if kind == 1 and prefix == "out":
        return [tensors[0], {"rest": tensors[1:]}]
    return tensors


# --- numbers --------------------------------------------------------------------------------


def _randomize(draw: Draw, model: keras.Model) -> None:
    """Give all weights numbers that keep activations near 1 and statistics far from 0 and 1."""
    drawn: dict[tuple[int, ...], np.ndarray] = {}
    for variable in model.variables:
        shape = tuple(variable.shape)
        name = variable.path.rsplit("/", 1)[-1]
        if "seed" in name or name == "count" or "int" in str(variable.dtype):
            continue
        if "variance" in name or name in ("gamma", "scale"):
            value = draw.rng.uniform(0.5, 1.5, shape)
        elif "kernel" in name:
            value = draw.rng.normal(0, 1 / math.sqrt(max(1, math.prod(shape[:-1]))), shape)
            if draw.chance(0.3):
                value = draw.one((1, -1)) * drawn.setdefault(shape, value)
        else:
            value = draw.rng.normal(0, 0.3, shape)
        variable.assign(value.astype(np.float32))
    for layer in model._flatten_layers():
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()  # it computes with copies of its variables


def is_dynamic(model: keras.Model) -> bool:
    """Whether sizes of the inputs are unknown."""
    return any(None in x.shape[1:] for x in model.inputs)


def _data(draw: Draw, model: keras.Model, batch: int) -> Any:
    """Draw inputs in the structure that the model takes; unknown sizes are drawn too."""
    rows, columns = draw.integer(8, 12), draw.integer(8, 12)

    def one(x: Any) -> np.ndarray:
        sizes = [
            (rows if axis == 0 else columns) if n is None else n
            for axis, n in enumerate(x.shape[1:])
        ]
        if x.dtype != "float32":
            return draw.rng.integers(0, integers.LARGEST, (batch, *sizes), endpoint=True).astype(
                x.dtype
            )
        numbers = draw.normal((batch, *sizes))
        if len(sizes) == 2 and draw.chance(0.5):
            numbers[draw.rng.random((batch, sizes[0])) < 0.4] = 0  # steps that masks leave out
        return numbers

    if isinstance(model, keras.Sequential):
        return one(model.inputs[0])
    return keras.tree.map_structure(one, model._inputs_struct)
