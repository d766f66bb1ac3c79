"""The losses besides errors and cross-entropies: Keras' numbers, and Keras' rules at the edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import losses
from cnnfast.errors import UnsupportedError
from cnnfast.models.inference import Inference

keras = pytest.importorskip("keras")

CLASSES: list[tuple[str, dict[str, Any], str]] = [
    ("MeanAbsolutePercentageError", {}, "dense"),
    ("MeanSquaredLogarithmicError", {}, "dense"),
    ("CosineSimilarity", {}, "dense"),
    ("CosineSimilarity", {"axis": 0}, "dense"),
    ("Huber", {}, "dense"),
    ("Huber", {"delta": 0.3}, "dense"),
    ("LogCosh", {}, "dense"),
    ("Hinge", {}, "binary"),
    ("Hinge", {}, "sign"),
    ("SquaredHinge", {}, "binary"),
    ("SquaredHinge", {}, "dense"),
    ("CategoricalHinge", {}, "one_hot"),
    ("KLDivergence", {}, "one_hot"),
    ("Poisson", {}, "binary"),
    ("BinaryFocalCrossentropy", {}, "binary"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.7}, "binary"),
    ("BinaryFocalCrossentropy", {"from_logits": True, "gamma": 1.5}, "binary"),
    ("BinaryFocalCrossentropy", {"label_smoothing": 0.2, "axis": 1}, "binary"),
    ("CategoricalFocalCrossentropy", {}, "one_hot"),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.7]}, "one_hot"),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "one_hot"),
    ("CategoricalGeneralizedCrossEntropy", {}, "sparse"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.2}, "sparse"),
    ("Dice", {}, "one_hot"),
    ("Dice", {"axis": [1]}, "one_hot"),
    ("Tversky", {"alpha": 0.2, "beta": 0.9}, "one_hot"),
    ("Tversky", {"axis": -1}, "binary"),
]


def labels_of(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw labels of `kind` for predictions of `shape`."""
    if kind == "dense":
        return rng.normal(size=shape)
    if kind == "binary":
        return rng.integers(0, 2, shape)
    if kind == "sign":
        return rng.integers(0, 2, shape) * 2 - 1
    sparse = rng.integers(0, shape[-1], shape[:-1])
    return sparse if kind == "sparse" else np.eye(shape[-1])[sparse]


@pytest.mark.parametrize(("name", "config", "kind"), CLASSES)
def test_class_gives_keras_numbers(
    name: str,
    config: dict[str, Any],
    kind: str,
    rng: np.random.Generator,
) -> None:
    shape = (4, 5, 3)
    y_pred = rng.uniform(0.01, 0.99, shape).astype(np.float32)
    if config.get("from_logits"):
        y_pred = rng.normal(0, 2, shape).astype(np.float32)
    y_true = labels_of(kind, shape, rng)
    weight = None
    for reduction in ("none", "sum_over_batch_size"):
        arguments = config | {"reduction": reduction}
        expected = np.asarray(getattr(keras.losses, name)(**arguments)(y_true, y_pred, weight))
        result = getattr(losses, name)(**arguments)(y_true, y_pred, weight)
        assert (np.shape(result), np.asarray(result).dtype) == (expected.shape, np.float32)
        np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-6)
        weight = rng.uniform(0, 2, expected.shape)


@pytest.mark.parametrize("name", ["Huber", "Hinge", "Poisson", "KLDivergence", "Dice"])
@pytest.mark.parametrize(("true_shape", "pred_shape"), [((6,), (6, 1)), ((6, 1), (6,))])
def test_a_column_and_a_vector_are_the_same(
    name: str,
    true_shape: tuple[int, ...],
    pred_shape: tuple[int, ...],
    rng: np.random.Generator,
) -> None:
    y_true = rng.integers(0, 2, true_shape).astype(np.uint8)
    y_pred = rng.uniform(0, 1, pred_shape).astype(np.float32)
    expected = float(getattr(keras.losses, name)()(y_true, y_pred))
    assert float(getattr(losses, name)()(y_true, y_pred)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "CosineSimilarity",
        "Dice",
        "Tversky",
        "KLDivergence",
        "Poisson",
        "MeanAbsolutePercentageError",
        "MeanSquaredLogarithmicError",
        "BinaryFocalCrossentropy",
        "CategoricalFocalCrossentropy",
    ],
)
@pytest.mark.parametrize("true", [0.0, 1.0])
@pytest.mark.parametrize("pred", [0.0, 1.0])
def test_zeros_and_ones_give_what_keras_gives(name: str, true: float, pred: float) -> None:
    y_true, y_pred = np.full((3, 2), true), np.full((3, 2), pred, np.float32)
    expected = float(getattr(keras.losses, name)()(y_true, y_pred))
    result = float(getattr(losses, name)()(y_true, y_pred))
    assert result == pytest.approx(expected, rel=1e-5, abs=1e-6, nan_ok=True)


def embeddings(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw vectors of length 1."""
    drawn = rng.normal(size=(samples, 4)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.mark.parametrize("config", [{}, {"gamma": 2.0, "margin": 0.1, "remove_diagonal": False}])
@pytest.mark.parametrize(
    "labels", [[0, 1, 0, 2, 1, 0], [0, 1, 2, 3, 4, 5], [1, 1, 1, 1, 1, 1], [0, 0, 0, 1, 2, 3]]
)
def test_circle_leaves_out_what_has_nothing_to_compare_with(
    config: dict[str, Any], labels: list[int], rng: np.random.Generator
) -> None:
    y_true, y_pred = np.array(labels), embeddings(6, rng)
    for reduction, weight in (
        ("none", None),
        ("mean", None),
        ("mean", np.arange(6.0)),
        ("mean_with_sample_weight", None),
    ):
        arguments = config | {"reduction": reduction}
        expected = np.asarray(keras.losses.Circle(**arguments)(y_true, y_pred, weight))
        result = losses.Circle(**arguments)(y_true, y_pred, weight)
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


def test_circle_compares_with_references(rng: np.random.Generator) -> None:
    references = {"ref_labels": np.array([0, 1, 1, 2]), "ref_embeddings": embeddings(4, rng)}
    y_true, y_pred = np.array([[0], [1], [5]]), embeddings(3, rng)
    arguments = references | {"remove_diagonal": False}
    ours = losses.circle(y_true, y_pred, **arguments)
    expected = np.asarray(keras.losses.circle(y_true, y_pred, **arguments))
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("loss", ["circle", "huber", "Dice", "kld"])
def test_evaluate_gives_keras_loss_over_unequal_batches(
    echo: Inference, keras_echo: Any, loss: str, rng: np.random.Generator
) -> None:
    theirs = keras_echo((4,))
    x = embeddings(20, rng)
    labels = rng.integers(0, 4, 20)
    y = labels if loss.lower() == "circle" else np.eye(4)[labels]
    for model in (echo, theirs):
        model.compile(loss=loss)
    ours, expected = (m.evaluate(x, y, batch_size=8, verbose=0) for m in (echo, theirs))
    assert ours == pytest.approx(expected, rel=1e-5)


def test_a_saved_model_evaluates_with_the_loss_of_its_file(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])
    x, y = rng.normal(size=(9, 3)).astype(np.float32), np.eye(4)[rng.integers(0, 4, 9)]
    for loss in (
        keras.losses.Tversky(alpha=0.2, beta=0.7, axis=(1,)),
        keras.losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.2, 0.3, 0.4]),
        keras.losses.cosine_similarity,
    ):
        model.compile(loss=loss)
        model.save(tmp_path / "m.keras")
        ours = cnnfast.load_model(tmp_path / "m.keras").evaluate(x, y, verbose=0)
        assert ours == pytest.approx(model.evaluate(x, y, verbose=0), rel=1e-4)


@pytest.mark.parametrize(
    "loss", [keras.losses.Huber(delta=0.2), keras.losses.CosineSimilarity(axis=0)]
)
def test_an_object_of_keras_keeps_arguments_that_its_config_lacks(
    loss: Any, rng: np.random.Generator
) -> None:
    y_true, y_pred = rng.normal(size=(2, 5, 3)).astype(np.float32)
    expected = float(loss(y_true, y_pred))
    ours = losses.get(loss)
    assert type(ours) is getattr(losses, type(loss).__name__)
    for again in (ours, losses.get(losses.serialize(loss)), losses.get(losses.serialize(ours))):
        assert float(again(y_true, y_pred)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("name", "config", "kind"), CLASSES)
def test_keras_reads_what_serialize_writes(name: str, config: dict[str, Any], kind: str) -> None:
    ours = getattr(losses, name)(reduction="sum", name="mine", **config)
    if name == "CategoricalGeneralizedCrossEntropy":  # which Keras 3.15 writes and cannot read
        theirs = keras.losses.CategoricalGeneralizedCrossEntropy(**ours.get_config())
    else:
        theirs = keras.losses.deserialize(losses.serialize(ours))
    assert (type(theirs).__name__, theirs.name, theirs.reduction) == (name, "mine", "sum")
    assert config.items() <= theirs._fn_kwargs.items()
    assert losses.get(theirs).get_config() == ours.get_config()


def test_every_loss_of_keras_is_there() -> None:
    missing = {name for name in dir(keras.losses) if not name.startswith("_")} - set(dir(losses))
    assert missing == {"CTC", "ctc"}


@pytest.mark.parametrize(
    ("name", "true_shape", "pred_shape"),
    [
        ("Huber", (4, 3), (4, 5)),
        ("Poisson", (3, 5), (4, 5)),
        ("Dice", (4, 3), (4, 5)),
        ("CategoricalFocalCrossentropy", (4,), (4, 5)),
        ("BinaryFocalCrossentropy", (4, 2), (4, 5)),
        ("CategoricalGeneralizedCrossEntropy", (4, 5), (4, 5)),
        ("Circle", (4, 5), (4, 5)),
        ("Circle", (4,), (4, 5, 6)),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    name: str, true_shape: tuple[int, ...], pred_shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=r"Received: y_true.shape=.*\(4, 5"):
        getattr(losses, name)()(np.zeros(true_shape), np.full(pred_shape, 0.5))


@pytest.mark.parametrize("identifier", ["ctc", "CTC", {"class_name": "CTC", "config": {}}])
def test_ctc_is_said_not_to_be_supported(identifier: Any) -> None:
    with pytest.raises(UnsupportedError, match=r"CTC loss is not supported.*Received: '(ctc|CTC)'"):
        losses.get(identifier)


@pytest.mark.parametrize("q", [0, 1, -0.5])
def test_a_power_out_of_its_range_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match=rf"interval \(0, 1\). Received: q={q}"):
        losses.CategoricalGeneralizedCrossEntropy(q=q)
