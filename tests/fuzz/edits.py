"""Random changes of a model between predictions, made in Keras' model and in ours alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

import cnnfast
from fuzz.draw import ACTIVATIONS, Draw

# What every layer of a class may be given, without another shape.
_NUMBERS: dict[str, tuple[type, ...]] = {
    "epsilon": (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization),
    "negative_slope": (layers.ReLU, layers.LeakyReLU),
    "alpha": (layers.ELU,),
}
_ACTIVATED = (
    *(layers.Activation, layers.Dense, layers.Conv1D, layers.Conv2D, layers.DepthwiseConv2D),
    *(layers.SeparableConv1D, layers.SeparableConv2D, layers.Conv2DTranspose),
)
# What may give other shapes, and how: layers, values.
_WINDOWED = (layers.Conv2D, layers.DepthwiseConv2D, layers.MaxPooling2D, layers.AveragePooling2D)


@dataclass
class Edit:
    """One change.

    Attributes
    ----------
    what
        For the report.
    shapes
        Whether it may change shapes, so that ours may refuse it.
    theirs, ours
        Make the change.
    undo
        Takes it back in Keras' model.
    """

    what: str
    shapes: bool
    theirs: Callable[[], Any]
    ours: Callable[[], Any]
    undo: Callable[[], Any]


def edit(draw: Draw, theirs: keras.Model, ours: cnnfast.Model) -> Edit | None:
    """Draw a change that both models can be asked for; None if none was found."""
    pairs = list(_pairs(theirs, ours))
    for _ in range(20):
        kind = draw.one((_attribute, _attribute, _window, _stack, _flip, _repeat))
        found = kind(draw, pairs)
        if found is not None:
            return found
    return None


def _pairs(theirs: Any, ours: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every layer of Keras' model with ours of the same place."""
    yield theirs, ours
    if isinstance(theirs, keras.Model):
        for layer in theirs.layers:
            if not isinstance(layer, layers.InputLayer):
                yield from _pairs(layer, ours.get_layer(layer.name))
    elif isinstance(theirs, layers.TimeDistributed | layers.SpectralNormalization):
        yield from _pairs(theirs.layer, ours.layer)


def _set(pair: tuple[Any, Any], name: str, value: Any, function: Any, shapes: bool) -> Edit:
    theirs, ours = pair
    before = getattr(theirs, name)
    return Edit(
        f"{theirs.name}.{name} = {value!r}",
        shapes,
        lambda: setattr(theirs, name, function),
        lambda: setattr(ours, name, value),
        lambda: setattr(theirs, name, before),
    )


def _attribute(draw: Draw, pairs: list[tuple[Any, Any]]) -> Edit | None:
    pair = draw.one(pairs)
    options = [name for name, kinds in _NUMBERS.items() if type(pair[0]) in kinds]
    if options:
        value = draw.number(0.05, 0.9)
        return _set(pair, draw.one(options), value, value, shapes=False)
    if type(pair[0]) not in _ACTIVATED:
        return None
    name = draw.one(ACTIVATIONS)
    return _set(pair, "activation", name, keras.activations.get(name), shapes=False)


def _window(draw: Draw, pairs: list[tuple[Any, Any]]) -> Edit | None:
    pair = draw.one(pairs)
    if type(pair[0]) not in _WINDOWED:
        return None
    names = ["padding", "strides"]
    if isinstance(pair[0], layers.Conv2D):
        names.append("dilation_rate")
    name = draw.one(names)
    size = draw.integer(1, 2)
    value = draw.padding() if name == "padding" else (size, size)
    return _set(pair, name, value, value, shapes=True)


def _stack(draw: Draw, pairs: list[tuple[Any, Any]]) -> Edit | None:
    """Take a layer off a Sequential, or put one on."""
    theirs, ours = draw.one(pairs)
    if not isinstance(theirs, keras.Sequential) or not theirs.layers:
        return None
    if draw.chance(0.5) and len(theirs.layers) > 1:
        top = theirs.layers[-1]
        return Edit(f"{theirs.name}.pop()", True, theirs.pop, ours.pop, lambda: theirs.add(top))
    name, function = f"more_{len(theirs.layers)}_{draw.integer(0, 999)}", draw.one(ACTIVATIONS)
    return Edit(
        f"{theirs.name}.add(Activation({function!r}))",
        False,
        lambda: theirs.add(layers.Activation(function, name=name)),
        lambda: ours.add(cnnfast.layers.Activation(function, name=name)),
        theirs.pop,
    )


def _assign(pairs: list[tuple[Any, Any]], what: str, numbers: list[np.ndarray]) -> Edit:
    (theirs, ours), *_ = pairs
    before = theirs.get_weights()
    return Edit(
        f"{theirs.name}: {what}",
        False,
        lambda: theirs.set_weights(numbers),
        lambda: ours.set_weights(numbers),
        lambda: theirs.set_weights(before),
    )


def _flip(draw: Draw, pairs: list[tuple[Any, Any]]) -> Edit | None:
    """Turn the signs of a layer's weights, which packed weights must not confuse."""
    pair = draw.one(pairs)
    if not _plain(pair[0]):
        return None
    return _assign([pair], "signs flipped", [-w for w in pair[0].get_weights()])


def _repeat(draw: Draw, pairs: list[tuple[Any, Any]]) -> Edit | None:
    """Give a layer the weights, or their negatives, of another of the same shapes."""
    pair = draw.one(pairs)
    if not _plain(pair[0]):
        return None
    shapes = [w.shape for w in pair[0].get_weights()]
    others = [
        theirs
        for theirs, _ in pairs
        if theirs is not pair[0] and _plain(theirs) and shapes == [w.shape for w in theirs.weights]
    ]
    if not others:
        return None
    other, sign = draw.one(others), draw.one((1, -1))
    return _assign(
        [pair], f"{sign} * those of {other.name}", [sign * w for w in other.get_weights()]
    )


def _plain(layer: Any) -> bool:
    """Whether all weights are kernels and biases, which may be any numbers."""
    kinds = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.DepthwiseConv2D)
    return isinstance(layer, kinds) and len(layer.weights) > 0
