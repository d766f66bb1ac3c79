"""`evaluate` returns Keras' numbers, in Keras' order and types."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast.callbacks import Callback
from cnnfast.models.inference import Inference

SAMPLES = 75
ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    ("sparse", {"loss": "sparse_categorical_crossentropy"}),
    ("sparse", {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}),
    ("column", {"loss": "sparse_categorical_crossentropy", "metrics": ["acc", "accuracy"]}),
    ("sparse", {"loss": "crossentropy", "metrics": ["sparse_top_k_categorical_accuracy"]}),
    ("sparse", {"loss": "sparse_categorical_crossentropy", "weighted_metrics": ["accuracy"]}),
    ("one_hot", {"loss": "categorical_crossentropy", "metrics": ["accuracy", "mse"]}),
    ("one_hot", {"loss": "ce", "metrics": ["categorical_accuracy", "top_k_categorical_accuracy"]}),
    ("one_hot", {"loss": "mse", "metrics": ["mse", "MSE", "mae"], "weighted_metrics": ["mse"]}),
    ("one_hot", {"loss": "mse", "metrics": ["mse", "mse"], "weighted_metrics": ["mse", "mse"]}),
    ("one_hot", {"loss": "mae", "loss_weights": 0.25, "metrics": ["mae"]}),
    ("one_hot", {"loss": ["mae"], "loss_weights": [0.25], "metrics": [["mae", "accuracy"]]}),
    ("one_hot", {"loss": {"out": "mse"}, "metrics": {"out": ["accuracy"]}}),
    ("binary", {"loss": "binary_crossentropy", "metrics": ["accuracy", "binary_accuracy"]}),
    ("binary", {"loss": "bce", "weighted_metrics": ["accuracy", "mse"], "metrics": ["accuracy"]}),
    ("vector", {"loss": "BinaryCrossentropy", "metrics": ["accuracy"]}),
    ("maps", {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}),
]
WIDTHS = {"sparse": (7,), "column": (7,), "one_hot": (7,), "maps": (3, 2, 4)}


def data_of(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw predictions and labels of `kind`."""
    shape = (SAMPLES, *WIDTHS.get(kind, (1,)))
    y_pred = rng.uniform(0.01, 0.99, shape).astype(np.float32)
    sparse = rng.integers(0, shape[-1], shape[:-1])
    labels = {
        "sparse": sparse.astype(np.uint8),
        "maps": sparse,
        "column": sparse[:, None],
        "one_hot": np.eye(shape[-1])[sparse],
        "binary": rng.integers(0, 2, (SAMPLES, 1)),
        "vector": rng.integers(0, 2, SAMPLES).astype(bool),
    }
    return y_pred, labels[kind]


@pytest.mark.parametrize(("kind", "arguments"), ARGUMENTS)
@pytest.mark.parametrize("weighted", [False, True])
def test_evaluate_gives_keras_numbers_in_keras_order(
    echo: Inference,
    keras_echo: Any,
    kind: str,
    arguments: dict[str, Any],
    weighted: bool,
    rng: np.random.Generator,
) -> None:
    x, y = data_of(kind, rng)
    weight = rng.uniform(0, 3, y.shape if kind == "maps" else SAMPLES) if weighted else None
    theirs = keras_echo(x.shape[1:])
    echo.compile(**arguments)
    theirs.compile(**arguments)
    for batch_size in (None, 10):
        options = {"batch_size": batch_size, "verbose": 0, "sample_weight": weight}
        result, expected = echo.evaluate(x, y, **options), theirs.evaluate(x, y, **options)
        assert type(result) is type(expected)
        assert np.ndim(result) == np.ndim(expected)
        assert result == pytest.approx(expected, abs=1e-6, rel=1e-6)
        for number in np.atleast_1d(np.array(result, object)):
            assert type(number) is float
        by_name = echo.evaluate(x, y, return_dict=True, **options)
        expected_by_name = theirs.evaluate(x, y, return_dict=True, **options)
        assert list(by_name) == list(expected_by_name)
        assert by_name == pytest.approx(expected_by_name, abs=1e-6, rel=1e-6)


def test_one_batch_is_scored_as_in_keras(
    echo: Inference, keras_echo: Any, rng: np.random.Generator
) -> None:
    x, y = data_of("sparse", rng)
    theirs = keras_echo(x.shape[1:])
    for model in (echo, theirs):
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    weight = rng.uniform(0, 1, SAMPLES)
    for options in ({}, {"return_dict": True}, {"sample_weight": weight}):
        result = echo.test_on_batch(x, y, **options)
        assert result == pytest.approx(theirs.test_on_batch(x, y, **options), abs=1e-6)


def test_two_outputs_are_scored_as_in_keras(
    echo: Inference, keras_echo: Any, rng: np.random.Generator
) -> None:
    (x1, y1), (x2, y2) = data_of("sparse", rng), data_of("binary", rng)
    weight = rng.uniform(0, 1, SAMPLES)
    arguments: list[dict[str, Any]] = [
        {"loss": ["sparse_categorical_crossentropy", "mse"]},
        {"loss": ["sparse_categorical_crossentropy", None]},
        {
            "loss": {"a": "sparse_categorical_crossentropy", "b": "bce"},
            "loss_weights": {"a": 0.5, "b": 2.0},
            "metrics": {"a": ["accuracy"], "b": ["mse", "accuracy"]},
        },
        {
            "loss": ["sparse_categorical_crossentropy", "mae"],
            "loss_weights": [1.0, 3.0],
            "metrics": [["accuracy"], "mse"],
            "weighted_metrics": [["accuracy"], ["mse", "mae"]],
        },
    ]
    echo.output_names = ["a", "b"]  # type: ignore[attr-defined]
    for compile_arguments in arguments:
        theirs = keras_echo((7,), (1,), names=("a", "b"))
        for model in (echo, theirs):
            model.compile(**compile_arguments)
        for options in ({}, {"sample_weight": weight}, {"return_dict": True}):
            result = echo.evaluate([x1, x2], [y1, y2], verbose=0, **options)
            expected = theirs.evaluate([x1, x2], [y1, y2], verbose=0, **options)
            assert result == pytest.approx(expected, abs=1e-6, rel=1e-6)


def test_each_evaluate_starts_anew(echo: Inference, rng: np.random.Generator) -> None:
    x, y = data_of("sparse", rng)
    echo.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    first = echo.evaluate(x, y, verbose=0)
    assert echo.evaluate(x[:9], y[:9], verbose=0) != first
    assert echo.evaluate(x, y, verbose=0) == first


@pytest.mark.parametrize("weighted", [False, True])
def test_batches_of_a_generator_give_the_same_as_arrays(
    echo: Inference, rng: np.random.Generator, weighted: bool
) -> None:
    x, y = data_of("one_hot", rng)
    weight = rng.uniform(0, 1, SAMPLES) if weighted else np.ones(SAMPLES)
    echo.compile(loss="categorical_crossentropy", weighted_metrics=["accuracy"])
    expected = echo.evaluate(x, y, 32, sample_weight=weight, verbose=0)
    parts = [slice(0, 32), slice(32, 64), slice(64, 96)]
    batches = [(x[part], y[part], weight[part]) for part in parts]
    if not weighted:
        batches = [batch[:2] for batch in batches]
    assert echo.evaluate(iter(batches), verbose=0) == expected
    fewer = echo.evaluate(x, y, 32, sample_weight=weight, steps=2, verbose=0)
    assert echo.evaluate(iter(batches), steps=2, verbose=0) == fewer


def test_labels_of_any_container_and_dtype_are_the_same(
    echo: Inference, rng: np.random.Generator
) -> None:
    x, y = data_of("sparse", rng)
    echo.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    expected = echo.evaluate(x, y, verbose=0)
    for labels in (y.tolist(), y.astype(np.int64), y.astype(np.float64), y[:, None], [y]):
        assert echo.evaluate(x, labels, verbose=0) == expected
    assert echo.evaluate(x.astype(np.float64), np.repeat(y, 2)[::2], verbose=0) == expected


def test_nan_predictions_give_nan_as_in_keras(
    echo: Inference, keras_echo: Any, rng: np.random.Generator
) -> None:
    x, y = data_of("sparse", rng)
    x[3, 2] = np.nan
    theirs = keras_echo(x.shape[1:])
    for model in (echo, theirs):
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    result, expected = echo.evaluate(x, y, verbose=0), theirs.evaluate(x, y, verbose=0)
    assert np.isnan(result[0])
    assert result == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("arguments", "y", "weight", "message"),
    [
        ({"loss": "mse"}, None, None, "The targets `y` are needed.*Received: y=None"),
        ({"loss": "ce"}, None, None, "The targets `y` are needed.*Received: y=None"),
        ({"loss": None, "metrics": ["mse"]}, np.ones((4, 3)), None, "No loss to compute"),
        ({"loss": "mse"}, np.ones(3), None, "cardinality is ambiguous"),
        ({"loss": "mse"}, np.ones((4, 2)), None, "'mse'.*y_true.shape=.4, 2."),
        ({"loss": "categorical_crossentropy"}, np.ones(4), None, "same shape. Received"),
        ({"loss": "sparse_categorical_crossentropy"}, np.eye(4)[:, :3], None, "integer label"),
        ({"loss": "sparse_categorical_crossentropy"}, np.full(4, 3), None, "Received a label of 3"),
        ({"loss": "mse"}, np.ones((4, 3)), np.ones((4, 2)), "sample_weight.shape=.4, 2."),
        ({"loss": "mse"}, np.ones((4, 3)), np.ones(2), "'sample_weight' sizes: .2."),
        ({"loss": "mse"}, np.array(["a"] * 4), None, "`y` must hold real numbers"),
        ({"loss": ["mse", "mae"]}, np.ones((4, 3)), None, "`loss` must hold one item for each"),
        ({"loss": "mse"}, [np.ones((4, 3))] * 2, None, "`y` must hold one item for each"),
        ({"loss": "mse", "metrics": ["top_k_categorical_accuracy"]}, np.ones(4), None, "Received"),
    ],
)
def test_data_that_does_not_fit_is_named(
    echo: Inference, arguments: dict[str, Any], y: Any, weight: Any, message: str
) -> None:
    echo.compile(**arguments)
    x = np.full((4, 3), 0.3, np.float32)
    with pytest.raises(ValueError, match=message):
        echo.evaluate(x, y, sample_weight=weight, verbose=0)


def test_an_output_without_a_loss_needs_no_target(echo: Inference) -> None:
    x = np.ones((2, 3))
    echo.compile(loss=["mse", None])
    assert echo.evaluate([x, x], [x + 2, None], verbose=0) == 4.0


def test_targets_may_not_be_missing_from_a_later_batch(echo: Inference) -> None:
    echo.compile(loss="mse")
    x = np.ones((2, 3))
    with pytest.raises(ValueError, match="The targets `y` are needed"):
        echo.evaluate(iter([(x, x), (x,)]), verbose=0)


def test_errors_name_the_model_and_the_loss(echo: Inference) -> None:
    echo.compile(loss="categorical_crossentropy")
    with pytest.raises(ValueError, match=r"^Model 'echo': In loss 'categorical_crossentropy': "):
        echo.evaluate(np.ones((2, 3)), np.ones((2, 4)), verbose=0)


def test_a_dict_of_losses_for_unknown_outputs_is_refused(echo: Inference) -> None:
    echo.output_names = ["a"]  # type: ignore[attr-defined]
    echo.compile(loss={"b": "mse"})
    with pytest.raises(ValueError, match=r"keys of `loss` must be output names, of \['a'\]"):
        echo.evaluate(np.ones((2, 3)), np.ones((2, 3)), verbose=0)


def test_arguments_that_evaluate_does_not_have_are_refused(echo: Inference) -> None:
    echo.compile(loss="mse")
    with pytest.raises(ValueError, match=r"Arguments not recognized: {'class_weight': {0: 1}}"):
        echo.evaluate(np.ones((2, 1)), np.ones(2), class_weight={0: 1})


def test_callbacks_see_the_metrics_so_far(echo: Inference) -> None:
    seen: list[Any] = []

    class Note(Callback):
        def on_test_begin(self, logs: Any = None) -> None:
            seen.append("begin")

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append((batch, logs["mae"]))
            self.model.stop_evaluating = batch == 1

        def on_test_end(self, logs: Any = None) -> None:
            seen.append(logs)

    echo.compile(loss="mse", metrics=["mae"])
    x = np.repeat([[0.0], [2.0], [9.0]], 2, axis=0)
    result = echo.evaluate(x, np.zeros((6, 1)), 2, verbose=0, callbacks=[Note()])
    assert result == [2.0, 1.0]
    assert seen == ["begin", (0, 0.0), (1, 1.0), {"loss": 2.0, "mae": 1.0}]


@pytest.mark.parametrize("samples", [0, 3])
def test_no_loss_is_computed_of_no_samples(echo: Inference, samples: int) -> None:
    echo.compile(loss="mse")
    x = np.ones((samples, 2), np.float32)
    roads = [lambda: echo.evaluate(iter([(x, x), (x[:0], x[:0])]), verbose=0)]
    if not samples:
        roads += [lambda: echo.evaluate(x, x, verbose=0), lambda: echo.test_on_batch(x, x)]
    for road in roads:
        with pytest.raises(ValueError, match=r"at least one sample. Received: .*\(0, 2\)"):
            road()
