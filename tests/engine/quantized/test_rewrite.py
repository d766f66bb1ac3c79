"""Which operations are done in 8 bits, and that the network stays the same one."""

from __future__ import annotations

import numpy as np
import pytest

from cnnfast import Model, Sequential, layers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Op, Softmax
from cnnfast.engine.passes import optimize
from cnnfast.engine.quantized.names import names_of
from cnnfast.engine.quantized.ops import Dequantize, Quantize
from cnnfast.engine.quantized.prepare import prepared
from cnnfast.engine.quantized.rewrite import chosen, measured_values, rewrite
from cnnfast.quantization.measuring import prepared_for
from cnnfast.quantization.quantizing import measured
from cnnfast.quantization.ranges import ranges_of
from cnnfast.quantization.trials import relative_error
from cnnfast.utils import tree
from integer_graphs import Interpreter
from networks_in_bytes import NETWORKS, SIZE, images, network

# Of 8 bits: a step is 1/255 of a range, of which the numbers' root mean square is some 1/4, and
# the errors of a few layers add up.
MOST_ERROR = 0.05


def none(op: Op) -> bool:
    return False


def rewritten(model: Model, x: np.ndarray, keeps=none) -> Graph:
    seen = measured(model, x, None, None, None, 0, None).seen()
    graph = prepared_for(model, [x.shape[1:]])
    return optimize(rewrite(graph, ranges_of(seen, "min_max", 99.99), keeps))


def kinds(graph: Graph) -> list[str]:
    return [type(op).__name__ for op in graph.ops]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_in_bytes_gives_about_the_same_numbers(name):
    model, x = network(name), images(8)
    made = Interpreter(rewritten(model, x)).run([x])
    expected = tree.flatten(model.predict(x, verbose=0))
    for one, other in zip(made, expected, strict=True):
        assert relative_error(one, other) < MOST_ERROR


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_in_bytes_where_everything_is_kept(name):
    model, x = network(name), images(2)
    graph = rewritten(model, x, lambda op: True)
    assert not any("Quantize" in kind for kind in kinds(graph))


def test_what_is_read_only_in_float32_is_written_so():
    graph = rewritten(network("classifier"), images(4))
    assert kinds(graph)[-2:] == ["Reshape", "Softmax"]
    assert Dequantize.__name__ not in kinds(graph)
    assert kinds(graph).count(Quantize.__name__) == 1


def test_a_kept_layer_stands_between_a_number_and_a_byte():
    model, x = network("residual"), images(4)
    convolutions = [layer.name for layer in model.layers if isinstance(layer, layers.Conv2D)]
    graph = rewritten(model, x, lambda op: convolutions[2] in op.layers)
    assert kinds(graph).count("Conv2D") == 1
    assert kinds(graph).count(Dequantize.__name__) >= 1
    error = relative_error(Interpreter(graph).run([x])[0], model.predict(x, verbose=0))
    assert error < MOST_ERROR


def test_layers_of_names_stand_with_what_they_became():
    graph = rewritten(network("normalized"), images(4))
    assert all(op.layers for op in graph.ops if not isinstance(op, Quantize))


def test_what_only_moves_bytes_has_one_scale():
    graph = rewritten(network("joined"), images(4))
    interpreter = Interpreter(graph)
    interpreter.run([images(4)])  # asserts that the zero points of what is joined are one
    assert "Concat" in kinds(graph)


def test_operations_that_only_lead_to_float32_stay_float32():
    x = layers.Input(SIZE)
    y = layers.Conv2D(4, 3)(x)
    model = Model(x, layers.Softmax()(layers.Reshape((-1, 4))(layers.Permute((2, 1, 3))(y))))
    graph = prepared_for(model, [SIZE])
    assert [type(op).__name__ for op in chosen(graph, none)] == ["Conv2D"]
    assert isinstance(graph.ops[-1], Softmax)


def test_a_sum_too_long_for_an_integer_stays_float32():
    model = Sequential([layers.Input((40000,)), layers.Dense(2), layers.Dense(2)])
    graph = prepared_for(model, [(40000,)])
    assert len([op for op, rule in chosen(graph, none).items() if rule.computes]) == 1


def test_names_are_the_same_each_time_and_each_only_once():
    model = network("grouped")
    first, second = (prepared_for(model, [SIZE]) for _ in range(2))
    assert list(names_of(first).values()) == list(names_of(second).values())
    assert len(set(names_of(first).values())) == len(names_of(first))


def test_measured_are_the_values_that_may_be_bytes():
    graph = prepared_for(network("classifier"), [SIZE])
    values = measured_values(graph)
    assert graph.inputs[0] in values
    assert graph.outputs[0] not in values  # of the softmax


def test_preparing_again_changes_nothing():
    graph = prepared_for(network("excited"), [SIZE])
    assert kinds(prepared(graph)) == kinds(graph)
