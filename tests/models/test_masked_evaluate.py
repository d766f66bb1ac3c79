"""`evaluate` weighs by the mask of what a model returns, as Keras does."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from masked_networks import FEATURES, STEPS


def stack(k: Any) -> Any:
    nn = k.layers
    softmax = nn.Dense(3, activation="softmax")
    return k.Sequential([k.Input((STEPS, FEATURES)), nn.Masking(), nn.Dense(4), softmax])


def graph(k: Any) -> Any:
    nn, inputs = k.layers, k.Input((STEPS, FEATURES))
    return k.Model(inputs, nn.Dense(3, activation="softmax")(nn.Masking()(inputs)))


def subclassed(k: Any) -> Any:
    class Net(k.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.masking, self.dense = k.layers.Masking(), k.layers.Dense(3, activation="softmax")

        def call(self, x: Any) -> Any:
            return self.dense(self.masking(x))

    model = Net()
    model(np.ones((1, STEPS, FEATURES), np.float32))
    return model


NETWORKS = {make.__name__: make for make in (stack, graph, subclassed)}


def judged(model: Any, x: Any, y: Any, weights: Any) -> dict[str, float]:
    names = ["accuracy", "sparse_categorical_crossentropy"]
    model.compile(
        loss="sparse_categorical_crossentropy", metrics=names, weighted_metrics=["accuracy"]
    )
    results = model.evaluate(x, y, sample_weight=weights, batch_size=3, verbose=0, return_dict=True)
    return {name: float(value) for name, value in results.items()}


@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_losses_and_metrics_leave_out_what_is_masked(
    name: str, weighed: bool, rng: np.random.Generator
) -> None:
    theirs, ours = NETWORKS[name](keras), NETWORKS[name](cnnfast)
    theirs.set_weights([rng.normal(size=w.shape) for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    x = rng.normal(size=(5, STEPS, FEATURES)).astype(np.float32)
    x[0, 2:], x[1], x[3, 0] = 0, 0, 0
    y = rng.integers(0, 3, (5, STEPS, 1))
    weights = rng.uniform(0.5, 2, (5, STEPS)).astype(np.float32) if weighed else None
    actual, expected = (judged(model, x, y, weights) for model in (ours, theirs))
    assert actual.keys() == expected.keys()
    np.testing.assert_allclose(list(actual.values()), list(expected.values()), rtol=2e-5)


def test_outputs_with_and_without_a_mask_are_judged_apart(rng: np.random.Generator) -> None:
    def network(k: Any) -> Any:
        nn, inputs = k.layers, k.Input((STEPS, FEATURES))
        x = nn.Dense(2, name="steps")(nn.Masking()(inputs))
        return k.Model(inputs, [x, nn.GlobalAveragePooling1D(name="whole")(x)])

    x = rng.normal(size=(5, STEPS, FEATURES)).astype(np.float32)
    x[:3, 4:] = 0
    y = [np.ones((5, STEPS, 2)), np.ones((5, 2))]
    models = [network(keras), network(cnnfast)]
    models[0].set_weights([rng.normal(size=w.shape) for w in models[0].get_weights()])
    models[1].set_weights(models[0].get_weights())
    results = []
    for model in models:
        model.compile(loss="mse", metrics=[["mae"], ["mae"]])
        results.append(model.evaluate(x, y, verbose=0, return_dict=True))
    assert results[0].keys() == results[1].keys()
    for name, value in results[0].items():
        np.testing.assert_allclose(results[1][name], float(value), rtol=1e-5)


def test_predict_returns_plain_arrays() -> None:
    model = stack(cnnfast)
    x = np.ones((2, STEPS, FEATURES), np.float32)
    assert type(model.predict(x, verbose=0)) is np.ndarray
    assert model(x)._keras_mask.all()


def test_losses_and_metrics_follow_the_mask_of_an_array(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, STEPS, FEATURES)).astype(np.float32)
    x[:2, 3:] = 0
    zeros, weights = np.zeros_like(x), rng.uniform(1, 2, (4, STEPS)).astype(np.float32)
    found = []
    for k in (keras, cnnfast):
        y = k.layers.Masking()(x)
        values = [k.losses.MeanSquaredError(reduction=r)(zeros, y) for r in ("none", "sum", "mean")]
        for given in (None, weights):
            metric = k.metrics.MeanAbsoluteError()
            metric.update_state(zeros, y, sample_weight=given)
            values += [metric.result(), k.losses.MeanSquaredError()(zeros, y, given)]
        found.append([np.asarray(value) for value in values])
    for ours, theirs in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
