"""How often a call runs, and what setting, copying and sharing a layer of the user's means."""

from __future__ import annotations

import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers, ops

X = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 12)


class Scaled(layers.Layer):
    """Counts how often its `call` runs."""

    runs = 0

    def __init__(self, alpha: float = 2.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.options = {"shift": 0.5, "steps": [1.0, 2.0]}
        self.table = np.ones(12, np.float32)
        self.dense = layers.Dense(12, kernel_initializer="identity")

    def call(self, x: Any) -> Any:
        type(self).runs += 1
        for step in self.options["steps"]:
            x = x * step
        return self.dense(x * self.alpha + self.options["shift"]) * self.table

    def get_config(self) -> Any:
        return {**super().get_config(), "alpha": self.alpha}


def expected(alpha: float = 2.0, shift: float = 0.5, steps: float = 2.0, table: Any = 1.0) -> Any:
    return (X * steps * alpha + shift) * table


def drawn() -> tuple[Scaled, Any]:
    layer = Scaled(name="scaled")
    inputs = layers.Input((12,))
    return layer, cnnfast.Model(inputs, layer(inputs))


def assert_gives(model: Any, numbers: Any) -> None:
    np.testing.assert_allclose(model.predict(X, verbose=0), numbers, rtol=1e-6, atol=1e-6)


def test_a_call_runs_no_more_when_a_model_predicts(judge: pytest.MonkeyPatch) -> None:
    judge.undo()  # which draws anew to compare
    layer, model = drawn()
    model.predict(X, verbose=0)
    runs = Scaled.runs
    for size in (1, 2, 7):
        model.predict(np.resize(X, (size, 12)), verbose=0)
        model(X)
    assert Scaled.runs == runs
    layer.dense.set_weights([np.eye(12), np.ones(12)])
    model.predict(X, verbose=0)
    assert runs < Scaled.runs <= runs + 3  # for new weights a plan is made anew
    runs = Scaled.runs
    for _ in range(5):
        model.predict(X, verbose=0)
    assert Scaled.runs == runs


def test_a_call_on_arrays_runs_once_for_a_structure() -> None:
    layer = Scaled()
    layer(X)
    runs = Scaled.runs
    for size in (1, 3, 5):
        layer(np.resize(X, (size, 12)))
    assert Scaled.runs == runs


@pytest.mark.parametrize("on", ["the layer", "a model"])
def test_what_is_set_later_counts(on: str) -> None:
    layer, model = drawn()
    used = layer if on == "the layer" else model

    def gives(numbers: Any) -> None:
        made = used(X) if on == "the layer" else used.predict(X, verbose=0)
        np.testing.assert_allclose(made, numbers, rtol=1e-6, atol=1e-6)

    gives(expected())
    layer.alpha = 3.0
    gives(expected(3.0))
    layer.options["shift"] = -1.0
    gives(expected(3.0, -1.0))
    layer.options["steps"].append(5.0)
    gives(expected(3.0, -1.0, 10.0))
    layer.options["steps"][0] = 2.0
    gives(expected(3.0, -1.0, 20.0))
    del layer.options["steps"][1:]
    gives(expected(3.0, -1.0, 2.0))
    layer.options = {"shift": 0.0, "steps": ()}
    gives(expected(3.0, 0.0, 1.0))
    layer.table = np.arange(12, dtype=np.float32)
    gives(expected(3.0, 0.0, 1.0, np.arange(12)))
    layer.options |= {"shift": 4.0}
    gives(expected(3.0, 4.0, 1.0, np.arange(12)))


def test_an_array_that_is_an_attribute_is_a_copy_that_cannot_change() -> None:
    layer, model = drawn()
    table = np.full(12, 2.0, np.float32)
    layer.table = table
    table[:] = 9.0
    assert_gives(model, expected(table=2.0))
    with pytest.raises(ValueError, match="read-only"):
        layer.table[0] = 1.0


def test_what_does_not_fit_the_graph_is_refused_and_undone() -> None:
    layer, model = drawn()
    assert_gives(model, expected())
    with pytest.raises(ValueError, match=r"would fall apart.*table"):
        layer.table = np.ones(5, np.float32)
    assert layer.table.shape == (12,)
    assert_gives(model, expected())


def test_another_shape_is_passed_on() -> None:
    class Repeated(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.times = 2

        def call(self, x: Any) -> Any:
            return ops.concatenate([x] * self.times, axis=-1)

    layer = Repeated()
    inputs = layers.Input((12,))
    model = cnnfast.Model(inputs, layers.ReLU()(layer(inputs)))
    assert model.output_shape == (None, 24)
    layer.times = 3
    assert model.output_shape == (None, 36)
    assert model.predict(X, verbose=0).shape == (2, 36)


def test_a_part_that_changes_counts() -> None:
    layer, model = drawn()
    assert_gives(model, expected())
    layer.dense.activation = "relu"
    assert_gives(model, np.maximum(expected(), 0))


# --- copies ----------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_is_alike_and_apart(copied: Any) -> None:
    layer, model = drawn()
    layer.dense.set_weights([np.eye(12) * 2, np.ones(12)])
    before = model.predict(X, verbose=0)
    twin = copied(model)
    np.testing.assert_array_equal(twin.predict(X, verbose=0), before)
    own = twin.get_layer("scaled")
    assert own is not layer
    own.options["shift"] = 7.0
    own.dense.set_weights([np.eye(12), np.zeros(12)])
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    np.testing.assert_allclose(twin.predict(X, verbose=0), expected(shift=7.0), rtol=1e-6)


def test_a_shallow_copy_shares_weights() -> None:
    layer = Scaled()
    layer(X)
    twin = copy.copy(layer)
    layer.dense.set_weights([np.eye(12) * 3, np.zeros(12)])
    np.testing.assert_array_equal(twin(X), layer(X))
    twin.options["shift"] = 9.0
    assert layer.options["shift"] == 0.5


def test_a_clone_is_made_of_its_config() -> None:
    layer, model = drawn()
    layer.alpha = 5.0
    twin = cnnfast.models.clone_model(model)
    assert type(twin.get_layer("scaled")) is Scaled
    assert twin.get_layer("scaled").alpha == 5.0
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_subclassed_model_is_copied_with_its_weights() -> None:
    class Net(cnnfast.Model):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.scaled = Scaled()
            self.last = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return self.last(self.scaled(x))

    vars(sys.modules[__name__])["Net"] = Net  # where a pickle looks
    Net.__qualname__ = "Net"
    model = Net()
    before = model.predict(X, verbose=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict(X, verbose=0), before)
        assert len(twin.weights) == len(model.weights)


# --- threads ---------------------------------------------------------------------------------


def test_threads_may_make_the_first_calls_together() -> None:
    layer = Scaled()
    with ThreadPoolExecutor(8) as pool:
        outputs = list(pool.map(lambda _: layer(X), range(16)))
    assert len(layer.weights) == 2
    for output in outputs:
        np.testing.assert_allclose(output, expected(), rtol=1e-6, atol=1e-6)


def test_threads_see_all_of_a_change_or_nothing(judge: pytest.MonkeyPatch) -> None:
    judge.undo()  # which would compare with what another thread has changed since
    layer, model = drawn()
    allowed = [expected(alpha) for alpha in (2.0, 3.0)]

    def predict(_: int) -> Any:
        return model.predict(X, verbose=0)

    def change(number: int) -> None:
        layer.alpha = 2.0 + number % 2

    with ThreadPoolExecutor(4) as pool:
        changes = [pool.submit(change, number) for number in range(20)]
        made = list(pool.map(predict, range(40)))
    assert [change.result() for change in changes] == [None] * 20
    for output in made:
        assert any(np.allclose(output, one, atol=1e-5) for one in allowed)
