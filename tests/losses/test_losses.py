"""Losses give Keras' numbers, and say what is wrong with bad labels, shapes and weights."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from cnnfast import losses

REDUCTIONS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None]
CLASSES = [
    ("MeanSquaredError", {}, "dense"),
    ("MeanAbsoluteError", {}, "dense"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True}, "binary"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one_hot"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.3}, "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "sparse"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "sparse"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "sparse"),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1, "from_logits": True}, "sparse"),
]


def labels_of(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw labels of `kind` for predictions of `shape`."""
    if kind == "dense":
        return rng.normal(size=shape)
    if kind == "binary":
        return rng.integers(0, 2, shape)
    sparse = rng.integers(0, shape[-1], shape[:-1])
    return sparse if kind == "sparse" else np.eye(shape[-1])[sparse]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "config", "kind"), CLASSES)
@pytest.mark.parametrize("shape", [(7, 5), (2, 3, 4, 3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_gives_keras_numbers(
    name: str,
    config: dict[str, Any],
    kind: str,
    reduction: str | None,
    shape: tuple[int, ...],
    weighted: bool,
    rng: np.random.Generator,
    keras: Any,
) -> None:
    y_pred = rng.uniform(0.01, 0.99, shape).astype(np.float32)
    if config.get("from_logits"):
        y_pred = rng.normal(0, 20, shape).astype(np.float32)
    y_true = labels_of(kind, shape, rng)
    weight = rng.uniform(0, 2, shape[:-1]) if weighted else None
    ours = getattr(losses, name)(reduction=reduction, **config)
    theirs = getattr(keras.losses, name)(reduction=reduction, **config)
    expected = np.asarray(theirs(y_true, y_pred, weight))
    result = ours(y_true, y_pred, weight)
    assert np.shape(result) == expected.shape
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "mean_squared_error",
        "mean_absolute_error",
        "binary_crossentropy",
        "categorical_crossentropy",
    ],
)
def test_function_gives_one_value_per_sample_as_keras(
    name: str, rng: np.random.Generator, keras: Any
) -> None:
    y_pred = rng.uniform(0, 1, (9, 4)).astype(np.float32)
    y_true = np.eye(4)[rng.integers(0, 4, 9)]
    expected = np.asarray(getattr(keras.losses, name)(y_true, y_pred))
    result = getattr(losses, name)(y_true, y_pred)
    assert result.shape == (9,)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"), [((6,), (6, 1)), ((6, 1), (6,)), ((6, 1), (6, 1)), ((6,), (6,))]
)
@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "BinaryCrossentropy"])
def test_a_column_and_a_vector_are_the_same(
    name: str,
    true_shape: tuple[int, ...],
    pred_shape: tuple[int, ...],
    rng: np.random.Generator,
    keras: Any,
) -> None:
    y_true = rng.integers(0, 2, true_shape).astype(np.uint8)
    y_pred = rng.uniform(0, 1, pred_shape).astype(np.float32)
    expected = float(getattr(keras.losses, name)()(y_true, y_pred))
    assert float(getattr(losses, name)()(y_true, y_pred)) == pytest.approx(expected, rel=1e-6)


def test_sparse_labels_may_be_a_column_of_any_dtype(rng: np.random.Generator) -> None:
    y_pred = rng.uniform(0, 1, (8, 5))
    labels = rng.integers(0, 5, 8)
    loss = losses.SparseCategoricalCrossentropy()
    expected = loss(labels, y_pred)
    for dtype in (np.uint8, np.int16, np.float64):
        assert loss(labels[:, None].astype(dtype), y_pred) == expected


@pytest.mark.parametrize("probability", [0.0, 1.0, 1e-9])
def test_certain_predictions_are_clipped_as_in_keras(probability: float, keras: Any) -> None:
    y_pred = np.array([[probability, 1 - probability]], np.float32)
    for name, y_true in (
        ("CategoricalCrossentropy", np.array([[1.0, 0.0]])),
        ("SparseCategoricalCrossentropy", np.array([0])),
        ("BinaryCrossentropy", np.array([[1.0, 0.0]])),
    ):
        expected = float(getattr(keras.losses, name)()(y_true, y_pred))
        assert float(getattr(losses, name)()(y_true, y_pred)) == pytest.approx(expected, rel=1e-6)


def test_nan_predictions_give_nan_without_a_warning() -> None:
    y_pred = np.array([[np.nan, 0.5], [0.2, 0.8]], np.float32)
    for loss, y_true in (
        (losses.SparseCategoricalCrossentropy(), np.array([0, 1])),
        (losses.CategoricalCrossentropy(from_logits=True), np.eye(2)),
        (losses.BinaryCrossentropy(), np.eye(2)),
        (losses.MeanSquaredError(), np.eye(2)),
    ):
        assert np.isnan(loss(y_true, y_pred))


def test_all_zero_probabilities_warn_of_nothing() -> None:
    assert np.isnan(losses.CategoricalCrossentropy()(np.eye(2), np.zeros((2, 2))))


def test_zero_weights_give_zero_under_every_mean() -> None:
    for reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight"):
        loss = losses.MeanSquaredError(reduction=reduction)
        assert loss(np.ones((3, 1)), np.zeros((3, 1)), np.zeros(3)) == 0.0


def test_only_ignored_places_give_zero() -> None:
    loss = losses.SparseCategoricalCrossentropy(ignore_class=0)
    assert loss(np.zeros(3), np.full((3, 2), 0.5)) == 0.0


@pytest.mark.parametrize("label", [-1, 5, np.nan])
def test_a_label_outside_of_the_classes_is_refused(label: float) -> None:
    y_pred = np.full((2, 5), 0.2)
    with pytest.raises(ValueError, match=r"range \[0, 5\).*Received a label of"):
        losses.SparseCategoricalCrossentropy()(np.array([0, label]), y_pred)


@pytest.mark.parametrize(
    ("name", "true_shape", "pred_shape"),
    [
        ("SparseCategoricalCrossentropy", (4, 5), (4, 5)),
        ("SparseCategoricalCrossentropy", (3,), (4, 5)),
        ("CategoricalCrossentropy", (4,), (4, 5)),
        ("CategoricalCrossentropy", (4, 6), (4, 5)),
        ("BinaryCrossentropy", (4, 2), (4, 1)),
        ("MeanSquaredError", (4, 3), (4, 5)),
        ("MeanAbsoluteError", (4,), (5,)),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    name: str, true_shape: tuple[int, ...], pred_shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"Received: y_true.shape=.* y_pred.shape="):
        getattr(losses, name)()(np.zeros(true_shape), np.full(pred_shape, 0.5))


def test_sample_weight_of_a_wrong_shape_is_named() -> None:
    with pytest.raises(ValueError, match=r"sample_weight.shape=\(3,\).*shape \(4,\)"):
        losses.MeanSquaredError()(np.zeros((4, 2)), np.zeros((4, 2)), np.ones(3))


@pytest.mark.parametrize("bad", [np.array(["a", "b"]), np.array([{}, {}], dtype=object)])
def test_labels_that_are_no_numbers_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="`y_true` must hold numbers"):
        losses.MeanSquaredError()(bad, np.zeros(2))


def test_unknown_reduction_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"sum_over_batch_size.*Received: reduction='average'"):
        losses.MeanSquaredError(reduction="average")


@pytest.mark.parametrize("name", sorted(set(losses.KNOWN) - {"CategoricalGeneralizedCrossEntropy"}))
def test_every_known_name_is_keras_name_for_the_same_loss(
    name: str, rng: np.random.Generator, keras: Any
) -> None:
    takes_labels = "parse" in name or name in ("circle", "Circle")
    y_true = rng.integers(0, 3, 5) if takes_labels else np.eye(3)[rng.integers(0, 3, 5)]
    y_pred = rng.uniform(0.1, 0.6, (5, 3)).astype(np.float32)
    expected = np.asarray(keras.losses.get(name)(y_true, y_pred))
    np.testing.assert_allclose(losses.get(name)(y_true, y_pred), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("hinge_2", r"Nearest: 'hinge'\."),
        ("zzz", r"Expected one of: .*mse.*sparse_categorical_crossentropy"),
    ],
)
def test_unknown_name_brings_up_the_nearest_or_all_known_ones(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=rf"{hint}.*Received: '{name}'"):
        losses.get(name)


def test_none_is_no_loss() -> None:
    assert losses.get(None) is None


@pytest.mark.parametrize("bad", [3, {"class_name": 3}, {"class_name": "Lambda", "config": {}}])
def test_what_is_no_loss_is_refused(bad: Any) -> None:
    with pytest.raises(ValueError, match="Received"):
        losses.get(bad)


def test_an_unknown_argument_in_a_config_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="The config of MeanSquaredError was not understood"):
        losses.get({"class_name": "MeanSquaredError", "config": {"exec": "rm"}})


@pytest.mark.parametrize(("name", "config", "kind"), CLASSES)
def test_serialized_by_keras_makes_the_same_loss(
    name: str, config: dict[str, Any], kind: str, keras: Any
) -> None:
    theirs = getattr(keras.losses, name)(reduction="sum", name="mine", **config)
    for identifier in (keras.losses.serialize(theirs), theirs):
        ours = losses.get(identifier)
        assert type(ours) is getattr(losses, name)
        assert (
            ours.get_config()
            == getattr(losses, name)(reduction="sum", name="mine", **config).get_config()
        )


@pytest.mark.parametrize(("name", "config", "kind"), CLASSES)
def test_keras_reads_what_serialize_writes(
    name: str, config: dict[str, Any], kind: str, keras: Any
) -> None:
    ours = getattr(losses, name)(reduction="sum", **config)
    theirs = keras.losses.deserialize(losses.serialize(ours))
    assert type(theirs).__name__ == name
    assert theirs.reduction == "sum"
    for key, value in config.items():
        assert getattr(theirs, key) == value


def test_keras_functions_and_classes_become_ours(keras: Any) -> None:
    assert losses.get(keras.losses.mean_squared_error) is losses.mean_squared_error
    assert type(losses.get(keras.losses.MeanSquaredError)) is losses.MeanSquaredError
    serialized = keras.losses.serialize(keras.losses.binary_crossentropy)
    assert losses.get(serialized) is losses.binary_crossentropy


def test_what_keras_2_wrote_is_read() -> None:
    config = {"reduction": "auto", "name": "x", "from_logits": True, "fn": "binary_crossentropy"}
    loss = losses.get({"class_name": "BinaryCrossentropy", "config": config})
    assert loss.get_config() == losses.BinaryCrossentropy(from_logits=True, name="x").get_config()
    wrapper = losses.get({"class_name": "LossFunctionWrapper", "config": {"fn": "mse"}})
    assert wrapper(np.ones((2, 1)), np.zeros((2, 1))) == 1.0


def test_a_loss_pickles() -> None:
    loss = pickle.loads(pickle.dumps(losses.SparseCategoricalCrossentropy(ignore_class=2)))
    assert loss.ignore_class == 2
    assert loss(np.array([2, 0]), np.full((2, 3), 1 / 3)) == pytest.approx(np.log(3), rel=1e-6)


def test_a_subclass_gives_its_own_values() -> None:
    class Largest(losses.Loss):
        def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
            return np.abs(y_true - y_pred).max(axis=-1)

    loss = Largest()
    assert loss(np.array([[1, 5], [0, 0]]), np.zeros((2, 2))) == 2.5
    assert loss.name.startswith("largest")
