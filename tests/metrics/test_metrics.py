"""Metrics give Keras' numbers over many batches, with and without sample weights."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import pytest

from cnnfast import metrics

CLASSES = [
    ("Accuracy", {}, "rounded"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.8}, "binary"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True}, "binary"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "one_hot"),
    ("MeanAbsoluteError", {}, "one_hot"),
    ("MeanSquaredError", {}, "one_hot"),
    ("RootMeanSquaredError", {}, "one_hot"),
    ("SparseCategoricalAccuracy", {}, "sparse"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "sparse"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "sparse"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    ("TopKCategoricalAccuracy", {}, "one_hot"),
]


def batch_of(
    kind: str, samples: int, rest: tuple[int, ...], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels of `kind` and predictions of shape ``(samples, *rest)``."""
    shape = (samples, *rest)
    y_pred = rng.uniform(0.01, 0.99, shape).astype(np.float32)
    if kind == "rounded":
        return rng.integers(0, 2, shape), np.round(y_pred)
    if kind == "binary":
        return rng.integers(0, 2, shape).astype(np.uint8), y_pred
    sparse = rng.integers(0, rest[-1], shape[:-1])
    return (sparse if kind == "sparse" else np.eye(rest[-1])[sparse]), y_pred


@pytest.mark.parametrize(("name", "config", "kind"), CLASSES)
@pytest.mark.parametrize(
    ("rest", "weights"),
    [
        ((6,), "none"),
        ((6,), "per sample"),
        ((6,), "column"),
        ((4, 6), "none"),
        ((4, 6), "per sample"),
        ((4, 6), "per place"),
        ((3, 2, 6), "none"),
        ((3, 2, 6), "per place"),
    ],
)
def test_class_gives_keras_numbers_over_unequal_batches(
    name: str,
    config: dict[str, Any],
    kind: str,
    rest: tuple[int, ...],
    weights: str,
    rng: np.random.Generator,
    keras: Any,
) -> None:
    if config.get("ignore_class") and len(rest) > 1 and weights == "per sample":
        weights = "per place"  # Keras itself refuses the former
    ours, theirs = getattr(metrics, name)(**config), getattr(keras.metrics, name)(**config)
    for samples in (8, 3, 8):
        y_true, y_pred = batch_of(kind, samples, rest, rng)
        weight = {
            "none": None,
            "per sample": rng.uniform(0, 2, samples),
            "column": rng.uniform(0, 2, (samples, 1)),
            "per place": rng.uniform(0, 2, (samples, *rest[:-1])),
        }[weights]
        ours.update_state(y_true, y_pred, sample_weight=weight)
        theirs.update_state(y_true, y_pred, sample_weight=weight)
        assert float(ours.result()) == pytest.approx(float(theirs.result()), abs=1e-6, rel=1e-6)
    ours.reset_state()
    assert float(ours.result()) == 0.0


@pytest.mark.parametrize("name", sorted(metrics.KNOWN))
def test_every_known_name_is_keras_name_for_the_same_metric(name: str, keras: Any) -> None:
    try:
        theirs = keras.metrics.get(name)
    except TypeError:
        with pytest.raises(ValueError, match=r"give an object.*Received: .*required positional"):
            metrics.get(name)
        return
    ours = metrics.get(name)
    assert type(theirs).__name__ == type(ours).__name__
    assert re.sub(r"_\d+$", "", theirs.name) == re.sub(r"_\d+$", "", ours.name)


def test_sparse_labels_may_be_a_column(rng: np.random.Generator) -> None:
    y_true, y_pred = batch_of("sparse", 20, (4,), rng)
    for metric in (metrics.SparseCategoricalAccuracy, metrics.SparseTopKCategoricalAccuracy):
        assert metric()(y_true[:, None], y_pred) == metric()(y_true, y_pred)


@pytest.mark.parametrize(("true_shape", "pred_shape"), [((6,), (6, 1)), ((6, 1), (6,))])
def test_binary_labels_may_be_a_column_or_a_vector(
    true_shape: tuple[int, ...], pred_shape: tuple[int, ...], rng: np.random.Generator, keras: Any
) -> None:
    y_true = rng.integers(0, 2, true_shape)
    y_pred = rng.uniform(0, 1, pred_shape).astype(np.float32)
    expected = float(keras.metrics.BinaryAccuracy()(y_true, y_pred))
    assert float(metrics.BinaryAccuracy()(y_true, y_pred)) == pytest.approx(expected)


def test_of_equal_scores_the_first_is_the_prediction() -> None:
    y_pred = np.array([[0.5, 0.5], [0.5, 0.5]], np.float32)
    assert metrics.sparse_categorical_accuracy([0, 1], y_pred).tolist() == [1.0, 0.0]


def test_of_equal_scores_all_are_in_the_top_k(keras: Any) -> None:
    y_pred = np.array([[0.5, 0.5, 0.5], [0.9, 0.5, 0.5]], np.float32)
    expected = np.asarray(keras.metrics.sparse_top_k_categorical_accuracy([2, 2], y_pred, k=1))
    result = metrics.sparse_top_k_categorical_accuracy([2, 2], y_pred, k=1)
    assert result.tolist() == expected.tolist() == [1.0, 0.0]


def test_nan_scores_rank_as_in_keras(keras: Any) -> None:
    y_pred = np.array([[np.nan, 0.1, 0.2], [0.3, np.nan, 0.2]], np.float32)
    for labels in ([0, 1], [1, 0], [2, 2]):
        expected = keras.metrics.sparse_top_k_categorical_accuracy(labels, y_pred, k=2)
        result = metrics.sparse_top_k_categorical_accuracy(labels, y_pred, k=2)
        assert result.tolist() == np.asarray(expected).tolist()
        best = np.asarray(keras.metrics.sparse_categorical_accuracy(labels, y_pred))
        assert metrics.sparse_categorical_accuracy(labels, y_pred).tolist() == best.tolist()


def test_a_label_outside_of_the_classes_is_in_no_top_k() -> None:
    y_pred = np.full((2, 3), 0.3, np.float32)
    assert metrics.sparse_top_k_categorical_accuracy([3, -1], y_pred, k=5).tolist() == [0, 0]


def test_sorted_classes_may_be_given_instead_of_scores(keras: Any) -> None:
    config = {"k": 2, "from_sorted_ids": True}
    ids = np.array([[3, 1, 0], [0, 1, 2], [2, 1, 0]])
    ours = metrics.SparseTopKCategoricalAccuracy(**config)
    theirs = keras.metrics.SparseTopKCategoricalAccuracy(**config)
    assert float(ours([1, 2, 2], ids)) == pytest.approx(float(theirs([1, 2, 2], ids)))


@pytest.mark.parametrize(
    ("name", "true_shape", "pred_shape"),
    [
        ("SparseCategoricalAccuracy", (4, 5), (4, 5)),
        ("SparseTopKCategoricalAccuracy", (3,), (4, 5)),
        ("CategoricalAccuracy", (3, 5), (4, 5)),
        ("BinaryAccuracy", (4, 3), (4, 5)),
        ("RootMeanSquaredError", (4, 3), (4, 5)),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    name: str, true_shape: tuple[int, ...], pred_shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"Received: .*y_pred.shape=\(4, 5\)"):
        getattr(metrics, name)().update_state(np.zeros(true_shape), np.zeros(pred_shape))


def test_sample_weight_of_a_wrong_shape_is_named() -> None:
    with pytest.raises(ValueError, match=r"sample_weight.shape=\(3,\).*shape \(4,\)"):
        metrics.SparseCategoricalAccuracy().update_state(np.zeros(4), np.zeros((4, 2)), np.ones(3))


def test_sample_weight_that_does_not_fit_the_ignored_places_is_named() -> None:
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=0)
    with pytest.raises(ValueError, match=r"sample_weight.shape=\(3,\).*shape \(3, 4\)"):
        metric.update_state(np.zeros((3, 4)), np.zeros((3, 4, 2)), np.ones(3))


def test_unknown_name_brings_up_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"Nearest: 'accuracy'.*'acuracy'"):
        metrics.get("acuracy")


@pytest.mark.parametrize("bad", [3, {"config": {}}, {"class_name": "Area", "config": {}}])
def test_what_is_no_metric_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="Received"):
        metrics.get(bad)


@pytest.mark.parametrize(("name", "config", "kind"), CLASSES)
def test_serialized_by_keras_makes_the_same_metric(
    name: str, config: dict[str, Any], kind: str, keras: Any
) -> None:
    theirs = getattr(keras.metrics, name)(name="mine", **config)
    expected = getattr(metrics, name)(name="mine", **config).get_config()
    for identifier in (keras.metrics.serialize(theirs), theirs):
        assert type(metrics.get(identifier)) is getattr(metrics, name)
        assert metrics.get(identifier).get_config() == expected


@pytest.mark.parametrize(("name", "config", "kind"), CLASSES)
def test_keras_reads_what_serialize_writes(
    name: str, config: dict[str, Any], kind: str, keras: Any
) -> None:
    ours = getattr(metrics, name)(name="mine", **config)
    theirs = keras.metrics.deserialize(metrics.serialize(ours))
    assert (type(theirs).__name__, theirs.name) == (name, "mine")


def test_a_wrapped_function_as_keras_2_wrote_it_is_read() -> None:
    config = {"name": "accuracy", "dtype": "float32", "fn": "sparse_categorical_accuracy"}
    metric = metrics.get({"class_name": "MeanMetricWrapper", "config": config})
    assert type(metric) is metrics.SparseCategoricalAccuracy
    assert metric.name == "accuracy"


def test_mean_is_weighted_over_batches(keras: Any) -> None:
    ours, theirs = metrics.Mean(), keras.metrics.Mean()
    for values, weight in (([1.0, 2.0], [1, 3]), (5.0, 4), ([[1.0, 3.0]], None)):
        ours.update_state(values, weight)
        theirs.update_state(values, weight)
    assert float(ours.result()) == pytest.approx(float(theirs.result()))


def test_a_metric_pickles_with_its_state() -> None:
    metric = metrics.BinaryAccuracy(threshold=0.3)
    metric.update_state([1, 0], [0.4, 0.2])
    copy = pickle.loads(pickle.dumps(metric))
    copy.update_state([0, 0], [0.4, 0.4])
    assert (float(metric.result()), float(copy.result())) == (1.0, 0.5)
