"""Functional models that Keras and this package draw alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Maker = Callable[[Any], Any]


def residual(library: Any) -> Any:
    make = library.layers
    inputs = library.Input((8, 8, 3), name="image")
    x = make.Conv2D(4, 3, padding="same", activation="relu", name="c0")(inputs)
    y = make.BatchNormalization(name="bn")(make.Conv2D(4, 3, padding="same", name="c1")(x))
    x = make.ReLU(name="r")(make.Add(name="sum")([x, y]))
    x = make.Concatenate(name="cat")([x, inputs])
    outputs = make.Dense(5, name="head")(make.GlobalAveragePooling2D(name="gap")(x))
    return library.Model(inputs, outputs, name="residual")


def several(library: Any) -> Any:
    make = library.layers
    one, two = library.Input((4,), name="one"), library.Input((6,), name="two")
    a, b = make.Dense(3, name="da")(one), make.Dense(3, name="db")(two)
    both = make.Multiply(name="both")([a, b])
    return library.Model([one, two], [both, make.Dense(2, name="last")(a)], name="several")


def named(library: Any) -> Any:
    make = library.layers
    inputs = {name: library.Input((4,), name=name) for name in ("right", "left")}
    difference = make.Subtract(name="sub")([inputs["left"], inputs["right"]])
    outputs = {"z": make.Dense(2, name="z_head")(difference), "a": difference}
    return library.Model(inputs, outputs, name="named")


def shared_layer(library: Any) -> Any:
    make = library.layers
    dense, late = make.Dense(4, name="twice"), make.Dense(4, name="late")
    one, two = library.Input((4,), name="one"), library.Input((4,), name="two")
    x = dense(late(dense(one)))
    return library.Model([one, two], make.Add(name="sum")([x, dense(two)]), name="shared")


def nested(library: Any) -> Any:
    make = library.layers
    inner_input = library.Input((8, 8, 3), name="inner_input")
    x = make.Conv2D(4, 3, name="inner_conv")(inner_input)
    inner = library.Model(inner_input, [x, make.ReLU(name="inner_relu")(x)], name="inner")
    stack = library.Sequential(
        [make.Conv2D(2, 3, name="s0"), make.BatchNormalization(name="s1")], name="stack"
    )
    one, two = library.Input((8, 8, 3), name="one"), library.Input((8, 8, 3), name="two")
    a, b = inner(one)
    c, _ = inner(two)
    joined = make.Concatenate(name="cat")([stack(b), stack(c)])
    return library.Model([one, two], [joined, a], name="outer")


def model_as_output(library: Any) -> Any:
    make = library.layers
    inner_input = library.Input((4,), name="inner_input")
    inner = library.Model(inner_input, make.Dense(3, name="inner_dense")(inner_input), name="inner")
    one, two = library.Input((4,), name="one"), library.Input((4,), name="two")
    return library.Model([one, two], {"p": inner(two), "q": inner(one)}, name="outer")


def unused_input(library: Any) -> Any:
    make = library.layers
    one, two = library.Input((4,), name="one"), library.Input((5,), name="two")
    return library.Model([one, two], make.Dense(3, name="d")(one), name="unused")


def open_sizes(library: Any) -> Any:
    make = library.layers
    inputs = library.Input((None, None, 3), name="image")
    x = make.Conv2D(4, 3, strides=2, padding="same", name="c0")(inputs)
    pooled = make.GlobalAveragePooling2D(keepdims=True, name="gap")(x)
    return library.Model(inputs, make.Multiply(name="scaled")([x, pooled]), name="open")


def passed_through(library: Any) -> Any:
    inputs = library.Input((4,), name="x")
    return library.Model(inputs, [inputs, library.layers.Dense(2, name="d")(inputs)], name="same")


def operators(library: Any) -> Any:
    make, ops = library.layers, library.ops
    inputs = library.Input((6, 6, 4), name="image")
    x = make.Conv2D(4, 1, name="c0")(inputs * 2.0 - 1.0)
    y = ops.relu(x) / (1.0 + ops.square(x)) + ops.mean(x, axis=[1, 2], keepdims=True)
    first, second = ops.split(ops.transpose(-y, (0, 2, 1, 3)), 2, axis=-1)
    z = ops.concatenate([first, ops.exp(second) ** 0.5], axis=-1)[:, 1:, ::-1, :3]
    return library.Model(inputs, [z, ops.max(z, axis=-1)], name="operators")


ALL: list[Maker] = [
    *(residual, several, named, shared_layer, nested, model_as_output),
    *(unused_input, open_sizes, passed_through, operators),
]
