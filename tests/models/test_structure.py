"""Plans and shapes follow every change of a model's structure, wherever in it the change is."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.models import load_model

BELOW_ZERO = cnnfast.initializers.Constant(-100.0)


def rectified() -> cnnfast.Sequential:
    """Return a model whose outputs are 0, and below 0 without its last layer."""
    return cnnfast.Sequential(
        [
            cnnfast.Input((6, 6, 2)),
            layers.Conv2D(3, 3, bias_initializer=BELOW_ZERO),
            layers.ReLU(),
        ]
    )


def in_a_stack(inner: cnnfast.Model) -> cnnfast.Model:
    return cnnfast.Sequential([cnnfast.Input((6, 6, 2)), inner, layers.Flatten()])


def in_a_graph(inner: cnnfast.Model) -> cnnfast.Model:
    image = cnnfast.Input((6, 6, 2))
    return cnnfast.Model(image, layers.Flatten()(inner(image)))


def twice_in_a_graph(inner: cnnfast.Model) -> cnnfast.Model:
    image = cnnfast.Input((6, 6, 2))
    both = layers.Concatenate()([inner(image), inner(image * 2.0)])
    return cnnfast.Model(image, layers.Flatten()(both))


def deep_inside(inner: cnnfast.Model) -> cnnfast.Model:
    return in_a_graph(in_a_stack(in_a_graph(inner)))


def over_time(inner: cnnfast.Model) -> cnnfast.Model:
    frames = cnnfast.Input((2, 6, 6, 2))
    return cnnfast.Model(frames, layers.Flatten()(layers.TimeDistributed(inner)(frames)))


AROUND = [in_a_stack, in_a_graph, twice_in_a_graph, deep_inside, over_time]


def images(model: cnnfast.Model, rng: np.random.Generator, batch: int = 2) -> np.ndarray:
    return rng.normal(size=(batch, *model.input_shape[1:])).astype(np.float32)


def every_road(model: cnnfast.Model, x: np.ndarray) -> np.ndarray:
    """Predict in every way; the answers must agree."""
    y = model(x)
    for other in (
        model.predict(x, verbose=0),
        model.predict(x, batch_size=1, verbose=0),
        model.predict_on_batch(x),
    ):
        np.testing.assert_array_equal(other, y)
    assert y.shape[1:] == model.output_shape[1:]
    return y


@pytest.mark.parametrize("around", AROUND)
def test_a_layer_that_is_popped_deep_inside_runs_no_more(
    around: Callable[..., cnnfast.Model], rng: np.random.Generator
) -> None:
    inner = rectified()
    model = around(inner)
    x = images(model, rng)
    assert every_road(model, x).max() == 0
    inner.pop()
    assert every_road(model, x).max() < 0
    inner.add(layers.ReLU())
    assert every_road(model, x).max() == 0


@pytest.mark.parametrize("around", AROUND)
def test_a_change_deep_inside_takes_the_shapes_along(
    around: Callable[..., cnnfast.Model], rng: np.random.Generator, tmp_path: Path
) -> None:
    inner = rectified()
    model = around(inner)
    x = images(model, rng)
    size = every_road(model, x).shape[1]
    inner.layers[0].strides = 2
    assert every_road(model, x).shape[1] == size // 4 == model.output_shape[1]
    assert inner.output_shape == (None, 2, 2, 3)
    assert inner.layers[-1].output.shape == (None, 2, 2, 3)
    inner.add(layers.GlobalMaxPooling2D(keepdims=True))
    assert every_road(model, x).shape[1] == size // 16
    inner.pop()
    lines: list[str] = []
    model.summary(print_fn=lines.append, expand_nested=True)
    assert f"(None, {size // 4})" in "".join(lines)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(every_road(twin, x), every_road(model, x))
    if pytest.importorskip("h5py"):
        model.save(tmp_path / "m.keras")
        loaded = load_model(tmp_path / "m.keras")
        np.testing.assert_array_equal(every_road(loaded, x), every_road(model, x))


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(
    "change",
    [
        lambda inner: inner.pop(),
        lambda inner: inner.add(layers.GlobalMaxPooling2D()),
        lambda inner: setattr(inner.layers[0], "strides", 2),
        lambda inner: setattr(inner.layers[0], "padding", "same"),
    ],
    ids=["pop", "add", "strides", "padding"],
)
def test_a_change_that_breaks_a_graph_is_refused_and_changes_nothing(
    around: Callable[..., cnnfast.Model],
    change: Callable[[cnnfast.Sequential], Any],
    rng: np.random.Generator,
) -> None:
    inner = cnnfast.Sequential([cnnfast.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.Conv2D(4, 3)])
    body = around(inner)
    x = images(body, rng)
    head = layers.Dense(2)
    model = cnnfast.Sequential([body, head])
    expected, shapes = every_road(model, x), (inner.output_shape, body.output_shape)
    names, config = [layer.name for layer in inner.layers], model.get_config()
    with pytest.raises(ValueError, match=r"drawn with .* would fall apart.*Received"):
        change(inner)
    assert (inner.output_shape, body.output_shape) == shapes
    assert [layer.name for layer in inner.layers] == names
    assert model.get_config() == config
    np.testing.assert_array_equal(every_road(model, x), expected)
    np.testing.assert_array_equal(inner(images(inner, rng)).shape, (2, *inner.output_shape[1:]))


def test_a_change_is_free_again_once_the_graph_is_gone(rng: np.random.Generator) -> None:
    inner = rectified()
    outer = cnnfast.Sequential([in_a_stack(inner), layers.Dense(1)])
    with pytest.raises(ValueError, match="would fall apart"):
        inner.layers[0].strides = 2
    del outer
    inner.layers[0].strides = 2
    assert inner.output_shape == (None, 2, 2, 3)


def test_branches_that_meet_again_change_together(rng: np.random.Generator) -> None:
    image = cnnfast.Input((6, 6, 2))
    conv = layers.Conv2D(2, 3)
    x = conv(image)
    model = cnnfast.Model(image, layers.Add()([layers.ReLU()(x), cnnfast.ops.tanh(x)]))
    y = images(model, rng)
    model(y)
    conv.padding = "same"
    assert model.output_shape == (None, 6, 6, 2)
    np.testing.assert_allclose(
        every_road(model, y), np.maximum(conv(y), 0) + np.tanh(conv(y)), atol=1e-6
    )


def test_a_model_with_several_outputs_follows_each(rng: np.random.Generator) -> None:
    image = cnnfast.Input((6, 6, 2))
    first, second = layers.Conv2D(2, 3), layers.Conv2D(2, 3)
    x = first(image)
    inner = cnnfast.Model(image, [x, second(x)])
    again = cnnfast.Input((6, 6, 2))
    outputs = inner(again)
    outer = cnnfast.Model(again, [layers.Flatten()(y) for y in outputs])
    outer(images(outer, rng))
    second.strides = 2
    assert [tensor.shape for tensor in outer.outputs] == [(None, 32), (None, 2)]
    assert [y.shape for y in outer(images(outer, rng))] == [(2, 32), (2, 2)]


@pytest.mark.parametrize("around", AROUND)
def test_every_attribute_deep_inside_counts(
    around: Callable[..., cnnfast.Model], rng: np.random.Generator
) -> None:
    inner = rectified()
    inner.layers[0].bias.assign(np.zeros(3))
    inner.add(layers.BatchNormalization())
    model = around(inner)
    x = images(model, rng)
    conv, rectifier, normalization = inner.layers
    seen = [every_road(model, x)]
    for layer, attribute, value in (
        (rectifier, "negative_slope", 0.5),
        (conv, "activation", "tanh"),
        (conv, "activation", layers.Activation("softplus")),
        (rectifier, "threshold", 0.5),
        (normalization, "epsilon", 2.0),
    ):
        setattr(layer, attribute, value)
        y = every_road(model, x)
        assert all(np.abs(y - other).max() > 1e-3 for other in seen), attribute
        seen.append(y)
    conv.activation.layers[0].activation = "sigmoid"
    assert np.abs(every_road(model, x) - seen[-1]).max() > 1e-3


def test_a_variable_in_a_graph_counts_like_a_weight(rng: np.random.Generator) -> None:
    image = cnnfast.Input((4,))
    variable = layers.Dense(4).add_weight(name="w", shape=(4,), initializer="ones")
    model = cnnfast.Sequential([cnnfast.Model(image, cnnfast.ops.add(image, variable))])
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_array_equal(every_road(model, x), x + 1)
    variable.assign(np.full(4, 3.0))
    np.testing.assert_array_equal(every_road(model, x), x + 3)


def test_arrays_in_a_graph_are_its_own(rng: np.random.Generator) -> None:
    image = cnnfast.Input((None,))
    constant = np.ones(1, np.float32)
    model = cnnfast.Model(image, image * constant + np.float32(1))
    x = rng.normal(size=(2, 4)).astype(np.float32)
    expected = model(x)
    constant[:] = 5
    np.testing.assert_array_equal(model(x), expected)
    np.testing.assert_array_equal(model(x[:, :3]), expected[:, :3])


def test_an_operation_in_a_graph_cannot_change() -> None:
    image = cnnfast.Input((4, 6))
    model = cnnfast.Model(image, cnnfast.ops.reshape(cnnfast.ops.sum(image, axis=1), (-1, 3, 2)))
    for operation in model.operations[1:]:
        for attribute in ("axis", "newshape", "name", "lower"):
            with pytest.raises(AttributeError, match=r"graphs are drawn with it.*Received"):
                setattr(operation, attribute, 2)
    with pytest.raises(TypeError):
        model.operations[-1].newshape[0] = 6


def test_models_themselves_cannot_be_set() -> None:
    model, graph = rectified(), in_a_graph(rectified())
    for one in (model, graph):
        for attribute in ("layers", "inputs", "output", "built", "input_spec", "lower", "weights"):
            with pytest.raises(AttributeError, match=r"cannot be set.*Received"):
                setattr(one, attribute, [])
    with pytest.raises(AttributeError, match="cannot be set"):
        graph.layers[0].batch_shape = (None, 8, 8, 2)
    model.layers.clear()
    assert len(model.layers) == 2


# --- what a change costs ----------------------------------------------------------------------


def test_changes_elsewhere_keep_the_plans(rng: np.random.Generator) -> None:
    model, other = in_a_graph(rectified()), rectified()
    x = images(model, rng)
    model(x)
    shapes = (x.shape[1:],)
    plan = model._executor.plan(shapes)
    other.pop()
    other.add(layers.ReLU())
    other.layers[0].activation = "relu"
    other.set_weights(other.get_weights())
    rectified().build()
    model.note = "mine"
    model.stop_predicting = False
    model.compile(loss="mse")
    model.trainable = False
    model(x)
    assert model._executor.plan(shapes) is plan
    model.layers[1].layers[0].activation = "relu"
    assert model._executor.plan(shapes) is not plan


def test_setting_what_is_there_already_gives_the_same_numbers(rng: np.random.Generator) -> None:
    model = in_a_graph(rectified())
    x = images(model, rng)
    expected = model(x)
    conv = model.layers[1].layers[0]
    for argument, value in conv._arguments().items():
        setattr(conv, argument, value)
    np.testing.assert_array_equal(model(x), expected)


def test_threads_may_run_a_model_that_changes(
    rng: np.random.Generator, judge: pytest.MonkeyPatch
) -> None:
    """Each answer is that of the structure before or after a change, and the last of the last."""
    judge.undo()  # which lowers the model once more, when it may have changed again
    model = cnnfast.Sequential([cnnfast.Input((64,)), layers.Dense(64), layers.ReLU()])
    x = rng.normal(size=(2, 64)).astype(np.float32)
    dense = model.layers[0]
    linear = dense(x)
    legal = [linear, np.maximum(linear, 0), np.tanh(linear), np.maximum(np.tanh(linear), 0)]
    wrong, stop = [], threading.Event()

    def work() -> None:
        while not stop.is_set():
            y = model(x)
            if not any(np.allclose(y, one, atol=1e-5) for one in legal):
                wrong.append(y)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for number in range(40):
        dense.activation = ("tanh", None)[number % 2]
        model.pop()
        model.add(layers.ReLU())
    stop.set()
    for worker in workers:
        worker.join()
    assert not wrong
    np.testing.assert_allclose(model(x), np.maximum(linear, 0), atol=1e-5)


# --- names ------------------------------------------------------------------------------------


def test_a_layer_may_get_another_name(rng: np.random.Generator) -> None:
    model = in_a_graph(rectified())
    model(images(model, rng))
    model.layers[-1].name = "features"
    model.layers[1].layers[0].name = "conv"
    assert model.get_layer("features") is model.layers[-1]
    assert model.output_names == ["features"]
    steps = [row.layer for row in model.profile(images(model, rng), repeats=1).rows]
    assert model.get_config()["layers"][-1]["config"]["name"] == "features"
    assert any("conv" in step for step in steps)
    model.name = "net"
    assert model.get_config()["name"] == "net"


def test_a_name_that_is_taken_or_illegal_is_refused() -> None:
    inner = rectified()
    inner.layers[0].name = "conv"
    model = in_a_graph(inner)
    for bad, match in (
        ("conv", "must have unique names"),
        ("a/b", "cannot contain"),
        (3, "string"),
    ):
        with pytest.raises(ValueError, match=f"{match}.*Received"):
            inner.layers[1].name = bad
    model.layers[-1].name = "conv"  # that of a layer of another model
    with pytest.raises(ValueError, match="must have unique names"):
        inner.name = "conv"
    unbuilt = cnnfast.Sequential([layers.Dense(1, name="a"), layers.Dense(1, name="b")])
    unbuilt.layers[1].name = "a"
    with pytest.raises(ValueError, match="unique names"):
        unbuilt.build((None, 3))


# --- shallow copies ---------------------------------------------------------------------------


def test_a_shallow_copy_has_a_stack_of_its_own(rng: np.random.Generator) -> None:
    model = rectified()
    x = images(model, rng)
    expected = model(x)
    twin = copy.copy(model)
    assert twin.layers == model.layers
    np.testing.assert_array_equal(twin(x), expected)
    top = twin.pop()
    assert top is model.layers[-1]
    assert top.output.shape == (None, 4, 4, 3)
    assert every_road(twin, x).max() < 0
    np.testing.assert_array_equal(every_road(model, x), expected)
    twin.add(layers.Flatten())
    twin.add(layers.Dense(2))
    assert every_road(twin, x).shape == (2, 2)
    assert (len(model.layers), model.output_shape) == (2, (None, 4, 4, 3))
    np.testing.assert_array_equal(every_road(model, x), expected)
    model.pop()
    model.pop()
    model.add(layers.Conv2D(1, 1))
    assert every_road(model, x).shape == (2, 6, 6, 1)
    assert every_road(twin, x).shape == (2, 2)
    for one in (model, twin):
        again = pickle.loads(pickle.dumps(one))
        np.testing.assert_array_equal(every_road(again, x), every_road(one, x))


def test_a_shallow_copy_shares_layers_and_weights(rng: np.random.Generator) -> None:
    for model in (rectified(), in_a_graph(rectified())):
        x = images(model, rng)
        twin = copy.copy(model)
        every_road(twin, x)
        assert [id(w) for w in twin.weights] == [id(w) for w in model.weights]
        model.weights[1].assign(np.full(3, 100.0))
        np.testing.assert_array_equal(every_road(twin, x), every_road(model, x))
        assert twin(x).min() > 0
        assert twin._engine is not model._engine
        assert (twin.input_shape, twin.output_shape) == (model.input_shape, model.output_shape)
        assert twin.get_config() == model.get_config()


def test_a_shallow_copy_of_a_model_inside_leaves_the_outer_one(rng: np.random.Generator) -> None:
    inner = rectified()
    model = in_a_graph(inner)
    x = images(model, rng)
    expected = model(x)
    twin = copy.copy(inner)
    twin.pop()
    twin.pop()
    np.testing.assert_array_equal(every_road(model, x), expected)
    inner.layers[0].strides = 2  # which the copy does not have any more
    assert every_road(model, x).shape == (2, 12)


def test_a_shallow_copy_has_scores_of_its_own(rng: np.random.Generator) -> None:
    model = rectified()
    model.compile(loss="mse", metrics=["mae"])
    x = images(model, rng)
    model.evaluate(x, np.ones((2, 4, 4, 3)), verbose=0)
    twin = copy.copy(model)
    twin.evaluate(x, np.zeros((2, 4, 4, 3)), verbose=0)
    assert model.get_metrics_result()["mae"] == 1
    assert twin.get_metrics_result()["mae"] == 0


def test_a_shallow_copy_of_a_layer_is_built_and_changed_alone(rng: np.random.Generator) -> None:
    layer = layers.Dense(3, activation="relu")
    twin = copy.copy(layer)
    layer.build((None, 4))
    assert (len(layer.weights), twin.weights, twin.built) == (2, [], False)
    twin.build((None, 5))
    assert [w.shape for w in (*layer.weights, *twin.weights)] == [(4, 3), (3,), (5, 3), (3,)]
    again = copy.copy(layer)
    assert again.weights == layer.weights
    again.activation = None
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_array_equal(np.maximum(again(x), 0), layer(x))
    assert again(x).min() < 0
