"""Functional models drawn here and in Keras: the same names, orders, configs and numbers."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.utils import clear_session, tree
from graphs import ALL, Maker, nested, open_sizes, residual, several
from parity import keras, randomize
from reference import tolerance

every_graph = pytest.mark.parametrize("make", ALL, ids=lambda make: make.__name__)


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.utils.clear_session()
    clear_session()


def _inputs(model: Any, rng: np.random.Generator) -> Any:
    def batch(tensor: Any) -> np.ndarray:
        shape = [7 if size is None else size for size in tensor.shape[1:]]
        return rng.normal(size=(3, *shape)).astype(np.float32)

    return tree.map_structure(batch, model.input)


def _assert_same(theirs: Any, ours: Any) -> None:
    theirs = tree.map_structure(np.asarray, theirs)
    assert tree.map_structure(lambda _: 0, ours) == tree.map_structure(lambda _: 0, theirs)
    for a, b in zip(tree.flatten(ours), tree.flatten(theirs), strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, atol=tolerance(256, 16.0), rtol=1e-5)


@every_graph
def test_predictions_are_those_of_keras(make: Maker, rng: np.random.Generator) -> None:
    theirs, ours = make(keras), make(cnnfast)
    randomize(theirs, ours, rng)
    x = _inputs(ours, rng)
    _assert_same(theirs.predict(x, verbose=0), ours.predict(x, verbose=0))


@every_graph
def test_names_and_orders_are_those_of_keras(make: Maker) -> None:
    theirs, ours = make(keras), make(cnnfast)
    assert [x.name for x in ours.layers] == [x.name for x in theirs.layers]
    assert [x.name for x in ours.operations] == [x.name for x in theirs.operations]
    assert ours.output_names == theirs.output_names
    assert ours.input_shape == theirs.input_shape
    assert ours.output_shape == theirs.output_shape
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]


@every_graph
def test_keras_reads_the_config_and_predicts_the_same(
    make: Maker, rng: np.random.Generator
) -> None:
    ours = make(cnnfast)
    theirs = keras.models.model_from_json(ours.to_json())
    randomize(theirs, ours, rng)
    x = _inputs(ours, rng)
    _assert_same(theirs.predict(x, verbose=0), ours.predict(x, verbose=0))
    assert [layer.name for layer in theirs.layers] == [layer.name for layer in ours.layers]


@every_graph
def test_the_config_of_keras_makes_the_same_model(make: Maker, rng: np.random.Generator) -> None:
    theirs = make(keras)
    ours = layers.deserialize(json.loads(theirs.to_json()))
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    randomize(theirs, ours, rng)
    x = _inputs(ours, rng)
    _assert_same(theirs.predict(x, verbose=0), ours.predict(x, verbose=0))


@every_graph
def test_graph_in_the_config_is_that_of_keras(make: Maker) -> None:
    def graph(model: Any) -> Any:
        config = json.loads(model.to_json())["config"]
        calls = {layer["name"]: layer["inbound_nodes"] for layer in config["layers"]}
        for call in itertools.chain.from_iterable(calls.values()):
            # Keras adds arguments that are not set, such as masks.
            call["kwargs"] = {key: v for key, v in call["kwargs"].items() if v is not None}
        return calls, config["input_layers"], config["output_layers"]

    assert graph(make(cnnfast)) == graph(make(keras))


@every_graph
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_predicts_the_same_and_is_independent(
    make: Maker, duplicate: Any, rng: np.random.Generator
) -> None:
    model = make(cnnfast)
    x = _inputs(model, rng)
    before = tree.flatten(model.predict(x, verbose=0))
    twin = duplicate(model)
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    for weight in model.weights:
        weight.assign(np.zeros(weight.shape))
    after = tree.flatten(twin.predict(x, verbose=0))
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


@every_graph
@pytest.mark.parametrize("options", [{}, {"expand_nested": True}, {"show_trainable": True}])
def test_the_summary_is_that_of_keras(make: Maker, options: dict[str, Any]) -> None:
    def text(library: Any) -> str:
        parts: list[str] = []
        make(library).summary(print_fn=parts.append, line_length=120, **options)
        return "".join(parts)

    assert text(cnnfast) == text(keras)


def test_a_model_of_an_inner_output_shares_weights(rng: np.random.Generator) -> None:
    model = residual(cnnfast)
    part = cnnfast.Model(model.input, model.get_layer("c0").output)
    x = _inputs(model, rng)
    kernel, bias = model.get_layer("c0").weights
    kernel.assign(np.zeros(kernel.shape))
    bias.assign([1.0, 2.0, -1.0, 0.5])
    np.testing.assert_array_equal(part.predict(x, verbose=0)[0, 0, 0], [1.0, 2.0, 0.0, 0.5])
    assert [layer.name for layer in part.layers] == ["image", "c0"]


def test_a_model_may_begin_inside_another(rng: np.random.Generator) -> None:
    theirs, ours = residual(keras), residual(cnnfast)
    randomize(theirs, ours, rng)
    tails = [
        library.Model(model.get_layer("c1").output, model.get_layer("bn").output)
        for library, model in ((keras, theirs), (cnnfast, ours))
    ]
    x = rng.normal(size=(2, 8, 8, 4)).astype(np.float32)
    _assert_same(*(tail.predict(x, verbose=0) for tail in tails))
    assert ours.predict(_inputs(ours, rng), verbose=0).shape == (3, 5)


def test_the_layers_of_a_sequential_have_outputs(rng: np.random.Generator) -> None:
    model = cnnfast.Sequential(
        [cnnfast.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)]
    )
    part = cnnfast.Model(model.inputs, model.layers[0].output)
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_array_equal(part(x), model.layers[0](x))
    assert model.outputs[0].shape == (None, 2)


def test_unknown_sizes_take_images_of_any_size(rng: np.random.Generator) -> None:
    model = open_sizes(cnnfast)
    for size in ((5, 9), (8, 4), (5, 9)):
        x = rng.normal(size=(2, *size, 3)).astype(np.float32)
        assert model.predict(x, verbose=0).shape == (2, -(-size[0] // 2), -(-size[1] // 2), 4)


def test_inputs_may_be_given_by_name_or_in_order(rng: np.random.Generator) -> None:
    model = several(cnnfast)
    one, two = _inputs(model, rng)
    expected = model.predict([one, two], verbose=0)
    for x in ({"two": two, "one": one}, (one, two), [one.astype(np.float64), two]):
        for a, b in zip(expected, model.predict(x, verbose=0), strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(expected, model([one, two]), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_last_axis_of_one_is_added_or_dropped(rng: np.random.Generator) -> None:
    images = cnnfast.Input((6, 6, 1))
    flat = cnnfast.Input((4,))
    model = cnnfast.Model([images, flat], [layers.Flatten()(images), layers.ReLU()(flat)])
    x, y = rng.normal(size=(2, 6, 6)), rng.normal(size=(2, 4, 1))
    a, b = model.predict([x, y], verbose=0)
    np.testing.assert_array_equal(a, x.reshape(2, 36).astype(np.float32))
    np.testing.assert_array_equal(b, np.maximum(y[..., 0], 0).astype(np.float32))


def test_whole_number_inputs_drop_fractions(rng: np.random.Generator) -> None:
    inputs = cnnfast.Input((3,), dtype="int32")
    model = cnnfast.Model(inputs, layers.Rescaling(2.0)(inputs))
    np.testing.assert_array_equal(model.predict([[1.9, -1.9, 3]], verbose=0), [[2.0, -2.0, 6.0]])


def test_evaluate_knows_the_outputs_by_name(rng: np.random.Generator) -> None:
    theirs, ours = several(keras), several(cnnfast)
    randomize(theirs, ours, rng)
    x = _inputs(ours, rng)
    y = {"both": rng.normal(size=(3, 3)), "last": rng.normal(size=(3, 2))}
    results = []
    for model in (theirs, ours):
        model.compile(loss={"last": "mse", "both": "mae"}, metrics={"last": ["mae"]})
        results.append(model.evaluate(x, y, verbose=0, return_dict=True))
    assert results[0].keys() == results[1].keys()
    for name, value in results[0].items():
        assert results[1][name] == pytest.approx(value, rel=1e-5)


def test_frozen_inner_models_keep_their_flag_in_the_config() -> None:
    model = nested(cnnfast)
    model.get_layer("stack").trainable = False
    twin = layers.deserialize(json.loads(model.to_json()))
    assert not twin.get_layer("stack").trainable
    assert twin.get_layer("inner").trainable
    assert len(twin.trainable_weights) == len(model.trainable_weights) == 2


def test_a_deep_graph_does_not_exhaust_the_stack() -> None:
    x = inputs = cnnfast.Input((2,))
    for _ in range(3000):
        x = layers.ReLU()(x)
    model = cnnfast.Model(inputs, x)
    assert len(model.layers) == 3001
    twin = pickle.loads(pickle.dumps(model))
    assert len(twin.layers) == 3001


# --- errors -----------------------------------------------------------------------------------


def test_an_output_that_needs_another_input_is_refused() -> None:
    one, two = cnnfast.Input((2,), name="one"), cnnfast.Input((2,), name="two")
    y = layers.Add()([one, two])
    with pytest.raises(ValueError, match=r"Graph disconnected.*'two'"):
        cnnfast.Model(one, y)


def test_two_layers_of_one_name_are_refused() -> None:
    x = cnnfast.Input((2,), name="x")
    y = layers.ReLU(name="same")(layers.ReLU(name="same")(x))
    with pytest.raises(ValueError, match='"same" is used 2 times'):
        cnnfast.Model(x, y)


def test_arrays_as_inputs_of_a_graph_are_refused() -> None:
    with pytest.raises(ValueError, match=r"values must be KerasTensors"):
        cnnfast.Model(np.zeros((1, 2)), cnnfast.Input((2,)))


def test_several_tensors_for_a_layer_of_one_are_refused_by_name() -> None:
    x = cnnfast.Input((2,))
    with pytest.raises(ValueError, match=r"'act' expects 1 input"):
        layers.ReLU(name="act")([x, x])


def test_what_is_said_of_training_when_a_graph_is_drawn_holds_for_calls_that_say_nothing(
    rng: np.random.Generator,
) -> None:
    image = rng.uniform(1, 2, size=(4, 200)).astype(np.float32)
    for make in (lambda model: model, lambda model: cnnfast.Sequential([model])):
        x = cnnfast.Input((200,))
        model = make(cnnfast.Model(x, layers.Dropout(0.5)(x, training=True)))
        np.testing.assert_array_equal(model.predict(image, verbose=0), image)
        np.testing.assert_array_equal(model(image, training=False), image)
        for active in (model(image), model(image, training=True)):
            assert 0.4 < np.mean(active == 0) < 0.6


@pytest.mark.parametrize(
    ("x", "rule"),
    [
        ([np.zeros((2, 4))], "doesn't match the expected structure"),
        ({"one": np.zeros((2, 4))}, "Missing data for input 'two'"),
        ([np.zeros((2, 4)), np.zeros((3, 6))], "same number of"),
        ([np.zeros((2, 4)), np.zeros((2, 7))], "'two' of model 'several'"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(x: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        several(cnnfast).predict_on_batch(x)


def two_by_key(package: Any) -> Any:
    one, two = (package.Input((size,), name=name) for name, size in (("c", 3), ("d", 4)))
    joined = package.layers.Concatenate()([one, two])
    return package.Model({"c": one, "d": two}, package.layers.Dense(2)(joined))


def call_and_catch(model: Any, x: Any) -> tuple[str, list[str]]:
    """What a call says: the error's type and words, and the warnings."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            model(x)
            raised = ""
        except ValueError as error:
            raised = str(error)
    return raised, [str(warning.message) for warning in said]


ONE, TWO = np.ones((2, 3), np.float32), np.ones((2, 4), np.float32)
UNLIKE = "The structure of `inputs` doesn't match the expected structure"


@pytest.mark.parametrize(
    ("x", "words", "warned"),
    [
        ({"c": ONE, "d": TWO}, "", False),
        ({"a": ONE, "b": TWO}, "Missing data for input", False),
        ({"c": ONE}, "Missing data for input", False),
        ([ONE, TWO], "", True),
        ({"c": ONE, "d": TWO, "e": TWO}, "", True),
        ({"c": TWO, "d": TWO}, "expected shape=(None, 3), found shape=(2, 4)", False),
        ({"c": ONE, "d": None}, "not optional", False),
    ],
)
def test_inputs_by_key_are_taken_warned_of_and_refused_as_in_keras(
    x: Any, words: str, warned: bool
) -> None:
    for package in (keras, cnnfast):
        raised, said = call_and_catch(two_by_key(package), x)
        assert (words in raised) if words else not raised, package
        assert [text.startswith(UNLIKE) for text in said] == [True] * warned, package


def test_an_optional_input_that_is_left_out_is_refused_by_name() -> None:
    one, two = cnnfast.Input((3,)), cnnfast.Input((3,), optional=True, name="maybe")
    model = cnnfast.Model([one, two], layers.Add()([one, two]))
    with pytest.raises(UnsupportedError, match=r"optional ones, too.*'maybe'"):
        model([ONE, None])


def test_a_size_that_does_not_fit_inside_names_the_layer() -> None:
    inputs = cnnfast.Input((None, None, 3))
    model = cnnfast.Model(inputs, layers.Conv2D(2, 5, name="wide")(inputs))
    model.predict(np.zeros((1, 5, 6, 3)), verbose=0)
    with pytest.raises(ValueError, match=r"wide"):
        model.predict(np.zeros((1, 4, 6, 3)), verbose=0)


# --- files ------------------------------------------------------------------------------------


@every_graph
@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_file_of_keras_predicts_the_same(
    make: Maker, suffix: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = make(keras)
    randomize(theirs, make(cnnfast), rng)
    theirs.save(tmp_path / f"model.{suffix}")
    ours = cnnfast.models.load_model(tmp_path / f"model.{suffix}")
    x = _inputs(ours, rng)
    _assert_same(theirs.predict(x, verbose=0), ours.predict(x, verbose=0))


def test_a_layer_of_two_inner_models_stays_one(tmp_path: Path, rng: np.random.Generator) -> None:
    dense, inputs = keras.layers.Dense(4, name="both"), keras.Input((4,), name="x")
    stacks = [
        keras.Sequential([keras.Input((4,)), dense, keras.layers.Dense(2)], name=name)
        for name in ("one", "two")
    ]
    theirs = keras.Model(inputs, [stack(inputs) for stack in stacks])
    theirs.save(tmp_path / "model.keras")
    ours = cnnfast.models.load_model(tmp_path / "model.keras")
    assert ours.get_layer("one").layers[0] is ours.get_layer("two").layers[0]
    x = rng.normal(size=(2, 4)).astype(np.float32)
    _assert_same(theirs.predict(x, verbose=0), ours.predict(x, verbose=0))


def test_other_inputs_than_expected_are_counted_in_keras_words() -> None:
    x = np.zeros((2, 4), np.float32)
    cases: list[tuple[Any, Any, str]] = [
        (lambda a, b: a, [x, x], "expects 1 .*input"),
        (lambda a, b: [a, b], x, "expects 2 .*input"),
        (lambda a, b: {"a": a, "b": b}, x, r"named input\(s\) with keys"),
    ]
    for package in (keras, cnnfast):
        a, b = package.Input((4,), name="a"), package.Input((4,), name="b")
        for shape, given, words in cases:
            outputs = a if shape(a, b) is a else a + b
            model = package.Model(shape(a, b), package.layers.Dense(2)(outputs))
            with pytest.raises(ValueError, match=words):
                model(given)
