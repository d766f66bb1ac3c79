"""A real network, judged here and in Keras with the same weights."""

from __future__ import annotations

import copy
import pickle
import time
from typing import Any

import numpy as np
import pytest

import cnnfast

ARGUMENTS: list[dict[str, Any]] = [
    {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
    {
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["sparse_top_k_categorical_accuracy"],
        "weighted_metrics": ["accuracy"],
    },
    {"loss": "categorical_crossentropy", "metrics": ["accuracy", "mse", "mae"]},
    {"loss": "mse"},
]


def network(api: Any) -> Any:
    """Make the same small network with Keras or with this package."""
    return api.Sequential(
        [
            api.Input((10, 9, 3)),
            api.layers.Conv2D(6, 3, activation="relu"),
            api.layers.MaxPooling2D(),
            api.layers.Flatten(),
            api.layers.Dense(7, activation="softmax"),
        ]
    )


@pytest.fixture
def model(rng: np.random.Generator) -> cnnfast.Sequential:
    """Give a network whose weights let it be sure of something."""
    made = network(cnnfast)
    made.set_weights([rng.normal(0, 0.7, weight.shape) for weight in made.weights])
    return made


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    """Give pictures with values of 0 to 255."""
    return rng.integers(0, 256, (75, 10, 9, 3)).astype(np.uint8)


@pytest.mark.parametrize("arguments", ARGUMENTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_network_is_judged_as_in_keras(
    model: Any, arguments: dict[str, Any], weighted: bool, rng: np.random.Generator, keras: Any
) -> None:
    theirs = network(keras)
    theirs.set_weights(model.get_weights())
    x = rng.uniform(-1, 1, (75, 10, 9, 3))
    y = rng.integers(0, 7, 75)
    if not arguments["loss"].startswith("sparse"):
        y = np.eye(7)[y]
    weight = rng.uniform(0, 2, 75) if weighted else None
    for either in (model, theirs):
        either.compile(optimizer="adam", **arguments)
    result = model.evaluate(x, y, sample_weight=weight, verbose=0)
    expected = theirs.evaluate(x, y, sample_weight=weight, verbose=0)
    assert result == pytest.approx(expected, rel=2e-6, abs=1e-6)
    np.testing.assert_allclose(
        model.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_the_batch_size_changes_no_bit(model: Any, images: np.ndarray) -> None:
    expected = model.predict(images, verbose=0)
    assert expected.shape == (75, 7)
    for batch_size in (1, 7, 74, 75):
        assert np.array_equal(model.predict(images, batch_size, verbose=0), expected)
    assert np.array_equal(model.predict_on_batch(images), expected)
    assert np.array_equal(model(images), expected)


def test_a_generator_of_any_dtype_predicts_the_same(model: Any, images: np.ndarray) -> None:
    expected = model.predict(images, verbose=0)
    for dtype in (np.uint8, np.float64, np.int32):
        batches = (images[start : start + 20].astype(dtype) for start in range(0, 75, 20))
        assert np.array_equal(model.predict(batches, verbose=0), expected)
    flipped = images[::-1]
    assert np.array_equal(model.predict(flipped, verbose=0), expected[::-1])


@pytest.mark.parametrize("method", ["predict", "evaluate", "test_on_batch", "predict_on_batch"])
def test_pictures_of_a_wrong_shape_name_the_layer(model: Any, method: str) -> None:
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"conv2d.*\b4\b"):
        getattr(model, method)(np.zeros((2, 10, 9, 4)))


def test_copies_of_a_compiled_model_give_the_same_scores(model: Any, images: np.ndarray) -> None:
    labels = np.arange(75) % 7
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    expected = model.evaluate(images, labels, verbose=0)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.evaluate(images, labels, verbose=0) == expected


@pytest.mark.parametrize(("method", "limit"), [("predict_on_batch", 20e-6), ("predict", 50e-6)])
def test_the_fixed_cost_over_the_plan_is_small(method: str, limit: float) -> None:
    model = cnnfast.Sequential([cnnfast.Input((4,)), cnnfast.layers.Dense(2)])
    x = np.ones((1, 4), np.float32)
    call = model.predict_on_batch if method == "predict_on_batch" else silent(model)
    call(x)
    plan, out = model._executor.plan((x.shape[1:],)), np.empty((1, 2), np.float32)
    alone = quick_seconds(lambda: plan.run([x], [out], 1))
    assert quick_seconds(lambda: call(x)) - alone < limit


def silent(model: Any) -> Any:
    return lambda x: model.predict(x, verbose=0)


def quick_seconds(call: Any) -> float:
    """Return the time of a call when nothing disturbs it: the fastest decile of many."""
    seconds = []
    for _ in range(500):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return float(np.quantile(seconds, 0.1))
