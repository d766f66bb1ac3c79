"""Metrics of decisions at thresholds give Keras' numbers, over batches of unequal size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import metrics

keras = pytest.importorskip("keras")

COUNTS = ["TruePositives", "TrueNegatives", "FalsePositives", "FalseNegatives"]
EVEN = [0.0, 0.25, 0.5, 0.75, 1.0]
CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, {"thresholds": [0.2, 0.9]}) for name in COUNTS),
    *((name, {"thresholds": EVEN}) for name in COUNTS),
    ("TruePositives", {}),
    ("Precision", {}),
    ("Precision", {"thresholds": 0.3}),
    ("Precision", {"thresholds": [0.1, 0.7]}),
    ("Precision", {"top_k": 2}),
    ("Precision", {"top_k": 2, "thresholds": EVEN}),
    ("Precision", {"class_id": 1}),
    ("Recall", {}),
    ("Recall", {"thresholds": [0.1, 0.7]}),
    ("Recall", {"top_k": 1, "class_id": 2}),
    ("PrecisionAtRecall", {"recall": 0.6, "num_thresholds": 5}),
    ("PrecisionAtRecall", {"recall": 0.6, "num_thresholds": 1}),
    ("RecallAtPrecision", {"precision": 0.6, "class_id": 0, "num_thresholds": 5}),
    ("SensitivityAtSpecificity", {"specificity": 0.4, "num_thresholds": 5}),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4, "num_thresholds": 2}),
    ("SpecificityAtSensitivity", {"sensitivity": 1.0, "num_thresholds": 5}),
    ("AUC", {}),
    *(
        ("AUC", {"curve": curve, "summation_method": method, "num_thresholds": 5})
        for curve in ("ROC", "PR", "PRGAIN")
        for method in ("interpolation", "majoring", "minoring")
    ),
    ("AUC", {"num_thresholds": 5, "from_logits": True}),
    ("AUC", {"thresholds": [0.8, 0.1, 0.3]}),
    ("AUC", {"thresholds": [0.25, 0.5, 0.75], "curve": "PR"}),
    ("AUC", {"label_weights": [0.2, 1.0, 3.0], "num_thresholds": 5}),
    ("AUC", {"multi_label": True, "num_thresholds": 5}),
    ("AUC", {"multi_label": True, "num_labels": 3, "curve": "PR", "num_thresholds": 5}),
    ("AUC", {"multi_label": True, "label_weights": [0.2, 1.0, 3.0], "num_thresholds": 5}),
    ("AUC", {"multi_label": True, "thresholds": [0.8, 0.1, 0.3]}),
]


def update_both(
    name: str, config: dict[str, Any], batches: list[tuple[Any, ...]]
) -> tuple[np.ndarray, np.ndarray]:
    """Give all batches to the metric here and in Keras, and return both results."""
    pair = [getattr(module, name)(**config) for module in (metrics, keras.metrics)]
    for metric in pair:
        for batch in batches:
            metric.update_state(*batch)
    ours, theirs = (np.asarray(metric.result()) for metric in pair)
    assert (ours.shape, ours.dtype) == (theirs.shape, np.float32)
    return ours, theirs


@pytest.mark.parametrize(("name", "config"), CASES)
def test_class_gives_keras_numbers(
    name: str, config: dict[str, Any], rng: np.random.Generator
) -> None:
    batches = []
    for samples, weighted in ((8, False), (3, True)):
        y_true = rng.integers(0, 2, (samples, 3))
        y_pred = np.round(rng.uniform(0, 1, y_true.shape), 1).astype(np.float32)
        batches.append((y_true, y_pred, rng.uniform(0, 2, samples) if weighted else None))
    ours, theirs = update_both(name, config, batches)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "config"), [("Precision", {}), ("AUC", {"num_thresholds": 5})])
@pytest.mark.parametrize(
    ("true_shape", "pred_shape", "weight_shape"),
    [
        ((6,), (6,), (6,)),
        ((6,), (6, 1), (6,)),
        ((6, 1), (6,), (6,)),
        ((6, 3), (6, 3), (6, 1)),
        ((6, 3), (6, 3), (6, 3)),
        ((6, 3), (6, 3), ()),
        ((2, 3, 4), (2, 3, 4), (2, 3)),
        ((2, 3, 4), (2, 3, 4, 1), (2, 3, 4)),
    ],
)
def test_shapes_and_weights_are_matched_as_in_keras(
    name: str,
    config: dict[str, Any],
    true_shape: tuple[int, ...],
    pred_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    rng: np.random.Generator,
) -> None:
    batch = (
        rng.integers(0, 2, true_shape),
        rng.uniform(0, 1, pred_shape).astype(np.float32),
        np.asarray(rng.uniform(0, 2, weight_shape)),
    )
    ours, theirs = update_both(name, config, [batch])
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("Precision", {}),
        ("Recall", {"thresholds": EVEN}),
        ("AUC", {"num_thresholds": 5}),
        ("AUC", {"num_thresholds": 5, "curve": "PR"}),
        ("AUC", {"num_thresholds": 5, "curve": "PRGAIN"}),
        ("AUC", {"thresholds": [0.1, 0.3, 0.4]}),
        ("PrecisionAtRecall", {"recall": 0.5, "num_thresholds": 5}),
        ("SpecificityAtSensitivity", {"sensitivity": 0.5, "num_thresholds": 5}),
    ],
)
@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [2.5, 0, 0, 1, -1]])
def test_one_class_and_predictions_at_and_beyond_the_ends(
    name: str, config: dict[str, Any], labels: list[float]
) -> None:
    for predictions in (
        [0, 0, 0, 0, 0],
        [1, 1, 1, 1, 1],
        [-3, 7, 0.5, 0, 1],
        [np.nan, 0.5, 1, 0, 0.2],
    ):
        batch = (np.array(labels), np.array(predictions, np.float32))
        ours, theirs = update_both(name, config, [batch])
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_of_equal_predictions_the_first_are_the_top() -> None:
    y_true = np.array([[1, 0, 0, 1], [0, 1, 1, 0]])
    y_pred = np.array([[0.5, 0.5, 0.5, 0.5], [0.1, 0.9, 0.1, 0.1]], np.float32)
    ours, theirs = update_both("Precision", {"top_k": 2}, [(y_true, y_pred)])
    assert float(ours) == float(theirs) == 0.5


def test_nothing_to_tell_from_gives_zero_and_reset_forgets() -> None:
    for metric in (metrics.Precision(), metrics.Recall(), metrics.AUC(), metrics.TruePositives()):
        assert float(metric.result()) == 0.0
        metric.update_state([1, 0], [0.9, 0.1])
        assert float(metric.result()) == 1.0
        metric.reset_state()
        assert float(metric.result()) == 0.0


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("Precision", {"thresholds": 1.5}, r"in \[0, 1\]. Received: 1.5"),
        ("TruePositives", {"thresholds": [0.1, None]}, r"in \[0, 1\]. Received: \[0.1, None\]"),
        ("PrecisionAtRecall", {"recall": -1}, r"`recall` must be .*Received: recall=-1"),
        (
            "RecallAtPrecision",
            {"precision": 0.1, "num_thresholds": 0},
            "Received: num_thresholds=0",
        ),
        ("AUC", {"curve": "roc-ish"}, "'ROC', 'PR', 'PRGAIN'.*Received: curve='roc-ish'"),
        ("AUC", {"summation_method": 3}, "Received: summation_method=3"),
        ("AUC", {"num_thresholds": 1}, "Received: num_thresholds=1"),
        ("AUC", {"num_labels": 2}, "multi_label.*Received: num_labels=2"),
    ],
)
def test_arguments_out_of_their_range_are_refused(
    name: str, config: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(metrics, name)(**config)


@pytest.mark.parametrize(
    ("name", "config", "shapes", "message"),
    [
        ("Precision", {}, ((4, 2), (4, 3), None), r"y_true.shape=\(4, 2\), y_pred.shape=\(4, 3\)"),
        ("Precision", {}, ((4,), (4, 3), None), "one label per prediction"),
        ("Precision", {}, ((4, 3), (4, 3), (3,)), r"sample_weight.shape=\(3, 1\)"),
        ("Precision", {"top_k": 4}, ((4, 3), (4, 3), None), "Received: top_k=4"),
        ("Recall", {"class_id": 3}, ((4, 3), (4, 3), None), "Received: class_id=3"),
        ("Recall", {"class_id": 0}, ((4,), (4,), None), "Received: class_id=0"),
        ("AUC", {"multi_label": True}, ((4,), (4,), None), r"\(samples, labels\)"),
        ("AUC", {"multi_label": True, "num_labels": 2}, ((4, 3), (4, 3), None), "num_labels=2"),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    name: str, config: dict[str, Any], shapes: Any, message: str
) -> None:
    arrays = [None if shape is None else np.zeros(shape) for shape in shapes]
    with pytest.raises(ValueError, match=message):
        getattr(metrics, name)(**config).update_state(*arrays)


@pytest.mark.parametrize(("name", "config"), CASES)
def test_configs_make_the_same_metric_here_and_in_keras(name: str, config: dict[str, Any]) -> None:
    ours = getattr(metrics, name)(name="mine", **config)
    theirs = keras.metrics.deserialize(metrics.serialize(ours))
    assert type(theirs).__name__ == name
    for identifier in (theirs, keras.metrics.serialize(theirs), metrics.serialize(ours)):
        assert type(metrics.get(identifier)) is type(ours)
        assert metrics.get(identifier).get_config() == ours.get_config()
