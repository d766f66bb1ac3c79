"""Scores, intersections over union, correlations and sums give Keras' numbers."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import losses, metrics
from cnnfast.models.inference import Inference

keras = pytest.importorskip("keras")
# Keras' IoU on JAX asks for 64 bits, which JAX does not give.
pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype:UserWarning")

# The last item says what weights the metric takes.
CASES: list[tuple[str, dict[str, Any], str, str]] = [
    *(
        ("FBetaScore", {"average": average, "beta": 2.0}, "one_hot", "per sample")
        for average in (None, "micro", "macro", "weighted")
    ),
    ("F1Score", {"threshold": 0.4}, "one_hot", "per sample"),
    ("IoU", {"num_classes": 3, "target_class_ids": [0, 2]}, "classes", "integers"),
    ("IoU", {"num_classes": 2, "target_class_ids": [1], "ignore_class": 0}, "classes", "integers"),
    (
        "IoU",
        {"num_classes": 4, "target_class_ids": [0], "dtype": "float32"},
        "classes",
        "per sample",
    ),
    ("MeanIoU", {"num_classes": 3}, "classes", "integers"),
    ("MeanIoU", {"num_classes": 5, "ignore_class": 1}, "classes", "integers"),
    ("MeanIoU", {"num_classes": 3, "sparse_y_pred": False}, "sparse", "integers"),
    ("OneHotIoU", {"num_classes": 3, "target_class_ids": (1, 2)}, "one_hot", "integers"),
    ("OneHotMeanIoU", {"num_classes": 3}, "one_hot", "integers"),
    ("OneHotMeanIoU", {"num_classes": 3, "sparse_y_pred": True}, "one_hot classes", "integers"),
    ("R2Score", {}, "dense", "per sample"),
    ("R2Score", {"class_aggregation": None}, "dense", "per sample"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "dense", "per value"),
    ("R2Score", {"num_regressors": 2}, "dense", "per sample"),
    ("PearsonCorrelation", {}, "dense", "per sample"),
    ("PearsonCorrelation", {"axis": 0}, "dense", "none"),
    ("ConcordanceCorrelation", {}, "dense", "per sample"),
    ("CosineSimilarity", {}, "dense", "per sample"),
    ("CosineSimilarity", {"axis": 0}, "dense", "none"),
    ("Hinge", {}, "one_hot", "per sample"),
    ("SquaredHinge", {}, "one_hot", "per sample"),
    ("CategoricalHinge", {}, "one_hot", "per sample"),
    ("KLDivergence", {}, "one_hot", "per sample"),
    ("LogCoshError", {}, "dense", "per sample"),
    ("Poisson", {}, "one_hot", "per sample"),
    ("MeanAbsolutePercentageError", {}, "dense", "per sample"),
    ("MeanSquaredLogarithmicError", {}, "dense", "per sample"),
]


def batch_of(kind: str, samples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels and predictions of `kind`, of three classes or columns."""
    sparse, y_pred = rng.integers(0, 3, samples), rng.uniform(0, 1, (samples, 3)).astype("float32")
    if kind == "dense":
        return rng.normal(size=y_pred.shape), y_pred
    if kind == "classes":
        return sparse, rng.integers(-1, 4, samples)
    if kind == "one_hot classes":
        return np.eye(3)[sparse], rng.integers(0, 3, samples)
    return (sparse if kind == "sparse" else np.eye(3)[sparse]), y_pred


@pytest.mark.parametrize(("name", "config", "kind", "weights"), CASES)
def test_class_gives_keras_numbers_over_unequal_batches(
    name: str,
    config: dict[str, Any],
    kind: str,
    weights: str,
    rng: np.random.Generator,
) -> None:
    ours, theirs = getattr(metrics, name)(**config), getattr(keras.metrics, name)(**config)
    for samples, weighted in ((9, True), (4, False)):
        y_true, y_pred = batch_of(kind, samples, rng)
        drawn = {
            "none": None,
            "integers": rng.integers(0, 3, samples),
            "per sample": rng.uniform(0, 2, samples),
            "per value": rng.uniform(0, 2, y_pred.shape),
        }[weights]
        for metric in (ours, theirs):
            metric.update_state(y_true, y_pred, drawn if weighted else None)
    expected = np.asarray(theirs.result())
    result = np.asarray(ours.result())
    assert (result.shape, result.dtype) == (expected.shape, np.float32)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("config", [{}, {"threshold": 0.25}, {"target_class_ids": [1]}])
def test_binary_iou_decides_from_the_threshold_on(
    config: dict[str, Any], rng: np.random.Generator
) -> None:
    y_true = rng.integers(0, 2, (2, 4, 4, 1))
    y_pred = rng.integers(0, 5, y_true.shape).astype(np.float32) / 4
    for weight in (None, rng.integers(0, 3, y_true.shape)):
        ours = metrics.BinaryIoU(**config)(y_true, y_pred, weight)
        theirs = keras.metrics.BinaryIoU(**config)(y_true, y_pred, weight)
        assert float(ours) == pytest.approx(float(theirs), rel=1e-6)


def test_integer_metrics_truncate_float_weights_and_say_so() -> None:
    batch = (np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([0.5, 1.5, 2.0]))
    ours, theirs = metrics.MeanIoU(2), keras.metrics.MeanIoU(2)
    with pytest.warns(UserWarning, match=r"MeanIoU truncates .*dtype=\"float32\".*float64"):
        ours.update_state(*batch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.update_state(*batch)
    assert float(ours.result()) == pytest.approx(float(theirs.result()), rel=1e-6)


def test_classes_may_stand_along_another_axis(rng: np.random.Generator) -> None:
    y_true, scores = rng.integers(0, 3, (2, 4, 4)), rng.uniform(0, 1, (2, 3, 4, 4))
    ours = metrics.MeanIoU(3, sparse_y_pred=False, axis=1)  # whose result Keras cannot compute
    assert ours(y_true, scores) == metrics.MeanIoU(3)(y_true, scores.argmax(axis=1))


def test_classes_that_do_not_occur_are_not_in_the_mean() -> None:
    for y_true, y_pred in (([2, 2], [2, 0]), ([5, 5], [0, 1]), ([1, 1], [1, 1])):
        ours = metrics.MeanIoU(3)(np.array(y_true), np.array(y_pred))
        theirs = keras.metrics.MeanIoU(3)(np.array(y_true), np.array(y_pred))
        assert float(ours) == pytest.approx(float(theirs), rel=1e-6)


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
def test_f_scores_of_nothing_and_of_ties(average: str | None) -> None:
    for y_true, y_pred in (
        (np.zeros((3, 2)), np.zeros((3, 2))),
        (np.ones((3, 2)), np.full((3, 2), 0.5)),
        (np.eye(2), np.zeros((2, 2))),
    ):
        ours = metrics.F1Score(average)(y_true, y_pred)
        theirs = keras.metrics.F1Score(average)(y_true, y_pred)
        np.testing.assert_allclose(ours, np.asarray(theirs), atol=1e-6)


@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
@pytest.mark.parametrize("error", [0.0, 1.0])
def test_r2_of_labels_that_do_not_vary(aggregation: str | None, error: float) -> None:
    y_true = np.array([[1.0, 2.0], [1.0, 3.0], [1.0, 5.0]])
    ours = metrics.R2Score(aggregation)(y_true, y_true + error)
    theirs = keras.metrics.R2Score(aggregation)(y_true, y_true + error)
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("regressors", [3, 4])
def test_too_many_regressors_give_the_plain_r2(regressors: int) -> None:
    y_true, y_pred = np.array([[1.0], [2.0], [4.0], [3.0]]), np.array([[1.5], [2.0], [3.0], [3.0]])
    metric = metrics.R2Score(num_regressors=regressors)
    metric.update_state(y_true, y_pred)
    with pytest.warns(UserWarning, match=f"4 value.*num_regressors={regressors}"):
        result = metric.result()
    assert result == metrics.R2Score()(y_true, y_pred)


def test_sum_is_weighted_over_batches() -> None:
    ours, theirs = metrics.Sum(), keras.metrics.Sum()
    for values, weight in (
        ([1.0, 2.0], [1, 3]),
        (5.0, 4),
        ([[1.0, 3.0], [2.0, 4.0]], [2, 1]),
        ([[1.0, 3.0], [2.0, 4.0]], [[2, 1], [0, 1]]),
        ([[1.0, 3.0]], None),
    ):
        for metric in (ours, theirs):
            metric.update_state(np.array(values), None if weight is None else np.array(weight))
        assert float(ours.result()) == pytest.approx(float(theirs.result()))
    ours.reset_state()
    assert float(ours.result()) == 0.0


@pytest.mark.parametrize(("name", "config", "kind", "weights"), CASES)
def test_configs_make_the_same_metric_here_and_in_keras(
    name: str, config: dict[str, Any], kind: str, weights: str
) -> None:
    ours = getattr(metrics, name)(name="mine", **config)
    theirs = keras.metrics.deserialize(metrics.serialize(ours))
    assert (type(theirs).__name__, theirs.name) == (name, "mine")
    for identifier in (theirs, metrics.serialize(ours)):
        assert type(metrics.get(identifier)) is type(ours)
        assert metrics.get(identifier).get_config() == ours.get_config()


def test_every_metric_of_keras_is_there() -> None:
    public = {name for name in dir(keras.metrics) if not name.startswith("_")}
    assert public - set(dir(metrics)) == set()


@pytest.mark.parametrize(
    "name", [n for n in dir(keras.metrics) if n.islower() and n[0] != "_" and "serial" not in n]
)
def test_every_function_of_keras_is_read_as_that_function(name: str) -> None:
    function = getattr(keras.metrics, name)
    if name == "get":
        return
    for identifier in (function, keras.metrics.serialize(function)):
        if isinstance(identifier, dict):
            identifier |= {"class_name": "function"}
        found = metrics.get(identifier)
        assert getattr(found, "__name__", None) in (name, None)
        assert found is getattr(metrics, name) or found is function


def test_a_similarity_asked_for_as_the_loss_has_the_sign_of_the_loss(
    echo: Inference, keras_echo: Any, rng: np.random.Generator
) -> None:
    theirs = keras_echo((3,))
    x, y = rng.normal(size=(2, 6, 3)).astype(np.float32)
    for metric in (keras.losses.cosine_similarity, "cosine_similarity", "CosineSimilarity"):
        for model in (echo, theirs):
            model.compile(loss="mse", metrics=[metric])
        ours, expected = (
            model.evaluate(x, y, verbose=0, return_dict=True) for model in (echo, theirs)
        )
        assert ours == pytest.approx(expected, rel=1e-5)


def test_evaluate_gives_keras_results(
    echo: Inference, keras_echo: Any, rng: np.random.Generator
) -> None:
    theirs = keras_echo((3,))
    x = rng.uniform(0, 1, (20, 3)).astype(np.float32)
    y, weight = np.eye(3)[rng.integers(0, 3, 20)], rng.uniform(0, 2, 20)
    echo.compile(
        loss="mse",
        metrics=["AUC", metrics.F1Score(), metrics.OneHotMeanIoU(3), "PearsonCorrelation"],
        weighted_metrics=[
            "Precision",
            metrics.Recall(thresholds=[0.2, 0.4]),
            metrics.AUC(multi_label=True, curve="PR", name="area"),
            "R2Score",
        ],
    )
    theirs.compile_from_config(echo.get_compile_config())
    ours, expected = (
        model.evaluate(x, y, 8, sample_weight=weight, verbose=0, return_dict=True)
        for model in (echo, theirs)
    )
    assert list(ours) == list(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-5, atol=1e-6)


def test_the_bar_shows_the_mean_of_a_result_of_several_numbers(
    echo: Inference, capsys: pytest.CaptureFixture[str]
) -> None:
    echo.compile(loss="mse", metrics=[metrics.Recall([0.2, 0.6], name="recall")])
    result = echo.evaluate(np.full((2, 1), 0.5, np.float32), np.ones((2, 1)), return_dict=True)
    assert result["recall"].tolist() == [1.0, 0.0]
    assert "recall: 0.5000" in capsys.readouterr().out


def test_a_file_may_name_a_function_as_metric(echo: Inference, rng: np.random.Generator) -> None:
    config = {"module": "builtins", "class_name": "function", "config": "huber"}
    echo.compile_from_config({"optimizer": "adam", "loss": "huber", "metrics": [config]})
    x, y = rng.normal(size=(2, 7, 3)).astype(np.float32)
    results = echo.evaluate(x, y, verbose=0, return_dict=True)
    assert results["huber"] == pytest.approx(results["loss"], rel=1e-6)


def test_a_saved_model_evaluates_with_the_metrics_of_its_file(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])
    wanted = keras.metrics
    model.compile(
        loss="kl_divergence",
        metrics=["AUC", wanted.Precision(top_k=2), wanted.F1Score(average="macro")],
        weighted_metrics=[wanted.OneHotMeanIoU(4, dtype="float32"), wanted.RecallAtPrecision(0.3)],
    )
    x, y = rng.normal(size=(30, 3)).astype(np.float32), np.eye(4)[rng.integers(0, 4, 30)]
    expected = model.evaluate(x, y, 8, verbose=0, return_dict=True)
    for file in (tmp_path / "m.keras", tmp_path / "m.h5"):
        model.save(file)
        ours = cnnfast.load_model(file).evaluate(x, y, 8, verbose=0, return_dict=True)
        assert ours == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("F1Score", {"average": "mean"}, r"'micro'.*Received: average='mean'"),
        ("FBetaScore", {"beta": 1}, "Received: beta=1"),
        ("FBetaScore", {"beta": -1.0}, "Received: beta=-1.0"),
        ("F1Score", {"threshold": 1.5}, "Received: threshold=1.5"),
        ("IoU", {"num_classes": 2, "target_class_ids": [2]}, r"\[0, 2\). Received: .*\[2\]"),
        ("R2Score", {"class_aggregation": "mean"}, "Received: class_aggregation='mean'"),
        ("R2Score", {"num_regressors": -1}, "Received: num_regressors=-1"),
    ],
)
def test_arguments_out_of_their_range_are_refused(
    name: str, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(metrics, name)(**config)


@pytest.mark.parametrize(
    ("metric", "shapes"),
    [
        (metrics.F1Score(), ((4,), (4, 3))),
        (metrics.F1Score(), ((4, 3), (4, 3), (4, 1))),
        (metrics.R2Score(), ((4,), (4,))),
        (metrics.R2Score(), ((4, 3), (4, 3), (3, 3))),
        (metrics.MeanIoU(2), ((4,), (3,))),
        (metrics.MeanIoU(2, dtype="float32"), ((4,), (4,), (3,))),
        (metrics.Hinge(), ((4, 2), (4, 3))),
        (metrics.PearsonCorrelation(), ((4, 2), (4, 3))),
    ],
)
def test_shapes_that_do_not_fit_are_named(metric: Any, shapes: Any) -> None:
    with pytest.raises(ValueError, match="Received: "):
        metric.update_state(*(np.zeros(shape) for shape in shapes))


def test_metrics_and_losses_pickle_with_their_state() -> None:
    for metric in (
        metrics.AUC(),
        metrics.F1Score(),
        metrics.MeanIoU(2),
        metrics.CosineSimilarity(),
    ):
        metric.update_state(np.eye(2), np.eye(2))
        assert np.array_equal(pickle.loads(pickle.dumps(metric)).result(), metric.result())
    assert pickle.loads(pickle.dumps(losses.Circle(gamma=3.0))).get_config()["gamma"] == 3.0
