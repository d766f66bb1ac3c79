"""Random layers of a user's own: a recipe of operations in `call`, run under both packages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
from keras import layers

from fuzz.draw import Draw, Shape
from layers.own.both import with_imports_changed

Step = tuple[str, Any]


@cache
def source(package: str) -> ModuleType:
    """Return the source of the layer, run under ``"keras"`` or ``"cnnfast"``."""
    path = Path(__file__).with_name("own_source.py")
    text = path.read_text()
    made = ModuleType(f"own_source_of_{package}")
    exec(
        compile(text if package == "keras" else with_imports_changed(text), str(path), "exec"),
        vars(made),
    )
    return made


def output_shape(layer: layers.Layer, shape: Shape) -> Shape:
    """Return the shape that a layer makes of `shape`; Keras asks for a call of users' layers."""
    if isinstance(layer, source("keras").Recipe):
        return tuple(type(layer)(layer.steps)(keras.Input(shape[1:])).shape)
    return tuple(layer.compute_output_shape(shape))


def _axes(draw: Draw, shape: Shape) -> list[int]:
    """Choose axes of one image; those of unknown size among them."""
    axes = range(1, len(shape))
    return sorted(draw.some(axes, draw.integer(1, len(axes))))


def _step(draw: Draw, shape: Shape) -> Step:
    """Choose a step that takes a tensor of `shape`."""
    rank, channels = len(shape), int(shape[-1] or 1)
    axis = draw.integer(1, rank - 1)
    is_known = None not in shape[1:]
    choices: list[Callable[[], Step]] = [
        lambda: ("activation", draw.one(list(source("keras").ACTIVATIONS))),
        lambda: ("scale", 0),
        lambda: ("standardize", _axes(draw, shape)),
        lambda: ("moments", _axes(draw, shape)),
        lambda: ("gate", _axes(draw, shape)),
        lambda: ("residual", 0),
        lambda: ("where", draw.number(-0.5, 0.5)),
        lambda: ("logic", draw.number(0.2, 1.5)),
        lambda: ("split", draw.one([n for n in range(1, channels + 1) if channels % n == 0])),
        lambda: ("softmax", axis),
        lambda: ("norm", draw.one((axis, -1))),
        lambda: ("loop", draw.integer(1, 3)),
        lambda: ("dense", draw.integer(1, 5)),
        lambda: ("normalize", -1),
        lambda: ("largest", draw.integer(1, channels)),
        lambda: ("position", 0),
        lambda: ("einsum", 0),
        lambda: ("sort", -1),
    ]
    if is_known:
        choices += [
            lambda: ("cumsum", axis),
            lambda: ("roll", axis),
            lambda: ("flip", axis),
            lambda: ("unstack", axis),
            lambda: ("slice", 0),
        ]
    if is_known and rank > 2:
        choices += [lambda: ("attend", 0), lambda: ("swap", 0)]
    if rank == 4:
        choices.append(lambda: ("conv", draw.integer(1, 4)))
    if rank == 3:
        choices.append(lambda: ("conv1d", draw.integer(1, 4)))
    return draw.one(choices)()


def layer(draw: Draw, shape: Shape) -> layers.Layer:
    """Make a layer of a few steps, now and then with another inside."""
    recipe = source("keras").Recipe
    steps: list[Any] = []
    for _ in range(draw.integer(1, 5)):
        now = output_shape(recipe(steps), shape)
        if draw.chance(0.1):
            steps.append(("again", [_step(draw, now)]))
        else:
            steps.append(_step(draw, now))
    return recipe(steps)


MAKERS = ((layer, 4),)
