"""Channels with scales of their own, and where they may have them."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast import Model, Sequential, layers
from cnnfast.engine.ops import Value
from cnnfast.engine.passes import optimize
from cnnfast.engine.quantized.equalization import Equalized, equalizable, spread
from cnnfast.engine.quantized.names import names_of
from cnnfast.engine.quantized.rewrite import chosen, rewrite
from cnnfast.errors import UnsupportedError
from cnnfast.quantization.measuring import prepared_for
from cnnfast.quantization.quantizing import measured
from cnnfast.quantization.ranges import ranges_of
from cnnfast.quantization.trials import relative_error
from integer_graphs import Interpreter
from networks_in_bytes import NETWORKS, SIZE, images, network


def possible(model: Model) -> set[str]:
    graph = prepared_for(model, [SIZE])
    names = names_of(graph)
    return {names[value] for value in equalizable(graph, chosen(graph, lambda op: False))}


def test_what_convolutions_alone_read_may_have_factors():
    model = Sequential(
        [
            layers.Input(SIZE),
            layers.Conv2D(4, 3, activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3, name="second"),
            layers.Conv2D(6, 1, name="third"),
            layers.Flatten(),
            layers.Dense(3, name="last"),
        ]
    )
    assert possible(model) == {
        "first: Conv2D",
        "second: DepthwiseConv2D",
        "third: Conv2D",
    }


def test_what_is_read_otherwise_may_not():
    x = layers.Input(SIZE)
    y = layers.Conv2D(4, 3, padding="same", name="added")(x)
    z = layers.Conv2D(4, 3, padding="same", name="sum")(y)
    z = layers.Conv2D(4, 3, activation="swish", name="looked_up")(layers.add([y, z]))
    model = Model(x, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 1, name="averaged")(z)))
    assert possible(model) == set()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("power", [1, 3])
def test_networks_with_factors_give_about_the_same_numbers(name, power):
    model, x = network(name), images(8)
    seen = measured(model, x, None, None, None, 0, None).seen()
    graph = prepared_for(model, [SIZE])
    names, rng = names_of(graph), np.random.default_rng(0)
    equalized = {}
    for value in equalizable(graph, chosen(graph, lambda op: False)):
        low, high = (2 * number for number in (seen[names[value]].low, seen[names[value]].high))
        factors = 2.0 ** -rng.uniform(0, 1 / power, value.shape[-1])
        equalized[names[value]] = Equalized((min(low, 0.0), high), tuple(factors))
    ranges = ranges_of(seen, "min_max", 99.99)
    made = optimize(rewrite(graph, ranges, lambda op: False, equalized))
    for one, other in zip(
        Interpreter(made).run([x]), Interpreter(optimize(graph)).run([x]), strict=True
    ):
        assert relative_error(one, other) < 0.1


def test_factors_of_another_number_of_channels_are_refused():
    model = network("classifier")
    seen = measured(model, images(2), None, None, None, 0, None).seen()
    graph = prepared_for(model, [SIZE])
    name = next(iter(possible(model)))
    with pytest.raises(UnsupportedError, match="Received: 3 for"):
        rewrite(
            graph,
            ranges_of(seen, "min_max", 99.99),
            lambda op: False,
            {name: Equalized((0.0, 1.0), (1.0, 1.0, 1.0))},
        )


def test_factors_repeat_where_a_row_holds_all_pixels():
    assert spread(np.array([1.0, 2.0]), Value((6,))).tolist() == [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]
