"""`Sequential`: building, names, weights, configs, running, copies."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.ops.pointwise.elementwise import Cast
from cnnfast.utils import clear_session
from parity import keras, plain, randomize
from reference import tolerance


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.utils.clear_session()
    clear_session()


def _unaligned(x: np.ndarray) -> np.ndarray:
    buffer = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:]
    return buffer.view(np.float32).reshape(x.shape)


def _stack(library: Any, **kwargs: Any) -> Any:
    """Make a small network with each kind of layer, in Keras or here."""
    make = library.layers
    return library.Sequential(
        [
            make.Input((10, 12, 3)),
            make.Conv2D(4, 3, activation="relu"),
            make.BatchNormalization(),
            make.ReLU(max_value=1.5),
            make.MaxPooling2D(),
            make.Conv2D(5, 2, padding="same", use_bias=False),
            make.Activation("tanh"),
            make.Dropout(0.3),
            make.Flatten(),
            make.Dense(6, activation="sigmoid"),
            make.Dense(3),
            make.Softmax(),
        ],
        **kwargs,
    )


# --- the introductory script ------------------------------------------------------------------

INTRODUCTION = """
from {package}.models import Sequential
from {package}.layers import Conv2D, MaxPooling2D, Flatten, Dense
model = Sequential()
model.add(Conv2D(32, (3, 3), input_shape=(64, 64, 3), activation='relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(units=128, activation='relu'))
model.add(Dense(units=10, activation='softmax'))
model.compile(optimizer='adam', loss='categorical_crossentropy', metrics=['accuracy'])
model.summary()
"""


def _run_introduction(package: str) -> Any:
    names: dict[str, Any] = {}
    exec(INTRODUCTION.format(package=package), names)
    return names["model"]


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_the_introductory_script_runs_with_only_its_imports_changed(
    capsys: pytest.CaptureFixture[str], rng: np.random.Generator
) -> None:
    theirs = _run_introduction("keras")
    expected_text = capsys.readouterr().out
    ours = _run_introduction("cnnfast")
    assert capsys.readouterr().out == expected_text
    assert ours.count_params() == 3_938_570
    ours.set_weights(theirs.get_weights())
    x = rng.random((3, 64, 64, 3), np.float32)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=0, atol=1e-5)


# --- against Keras ----------------------------------------------------------------------------


def test_names_shapes_and_weights_are_those_of_keras() -> None:
    theirs, ours = _stack(keras), _stack(cnnfast)
    assert ours.name == theirs.name == "sequential"
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [(w.path, w.shape) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]
    assert [w.path for w in ours.trainable_weights] == [w.path for w in theirs.trainable_weights]
    assert [w.path for w in ours.non_trainable_weights] == [
        w.path for w in theirs.non_trainable_weights
    ]
    assert (ours.input_shape, ours.output_shape) == (theirs.input_shape, theirs.output_shape)
    assert ours.count_params() == theirs.count_params()
    assert (ours.built, repr(ours), repr(ours.layers)) == (True, repr(theirs), repr(theirs.layers))


def test_later_layers_are_numbered_as_in_keras() -> None:
    for library in (keras, cnnfast):
        _stack(library)
        second = _stack(library)
        assert second.name == "sequential_1"
        assert [layer.name for layer in second.layers][:2] == ["conv2d_2", "batch_normalization_1"]


def test_configs_load_in_both_directions(rng: np.random.Generator) -> None:
    theirs, ours = _stack(keras), _stack(cnnfast)
    assert plain(ours.get_config()) == plain(theirs.get_config())
    assert json.loads(ours.to_json())["config"] == json.loads(theirs.to_json())["config"]
    loaded = layers.deserialize(json.loads(theirs.to_json()))
    reloaded = keras.models.model_from_json(ours.to_json())
    randomize(theirs, loaded, rng)
    reloaded.set_weights(theirs.get_weights())
    x = rng.normal(size=(2, 10, 12, 3)).astype(np.float32)
    np.testing.assert_allclose(loaded(x), np.asarray(reloaded(x)), atol=1e-5)


def test_outputs_are_those_of_keras(rng: np.random.Generator) -> None:
    theirs, ours = _stack(keras), _stack(cnnfast)
    randomize(theirs, ours, rng)
    x = rng.normal(size=(5, 10, 12, 3)).astype(np.float32)
    # Products per output over all layers: 27 + 16 + 150 + 6. Values stay below 8, and a softmax
    # passes errors on at most once.
    np.testing.assert_allclose(
        ours(x), np.asarray(theirs(x)), rtol=0, atol=2 * tolerance(27 + 16 + 150 + 6, 199 * 8)
    )
    np.testing.assert_array_equal(ours(x), ours.predict(x, verbose=0))


def test_nested_models_are_those_of_keras(rng: np.random.Generator) -> None:
    def nest(library: Any) -> Any:
        make = library.layers
        inner = library.Sequential([make.Conv2D(4, 3), make.ReLU()], name="inner")
        head = library.Sequential([make.Input((144,)), make.Dense(3)], name="head")
        return library.Sequential(
            [make.Input((8, 8, 2)), inner, make.Flatten(), head, make.Softmax()], name="outer"
        )

    theirs, ours = nest(keras), nest(cnnfast)
    assert [(w.path, w.shape) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]
    assert plain(ours.get_config()) == plain(theirs.get_config())
    randomize(theirs, ours, rng)
    x = rng.normal(size=(2, 8, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=1e-5)


def test_the_first_batch_builds_a_model_without_an_input(rng: np.random.Generator) -> None:
    model = cnnfast.Sequential([layers.Flatten(), layers.Dense(3)])
    assert not model.built
    assert model.weights == []
    assert model(rng.random((4, 5, 6))).shape == (4, 3)
    assert model.input_shape == (None, 5, 6)
    assert [w.path for w in model.weights] == ["sequential/dense/kernel", "sequential/dense/bias"]


def test_building_with_a_shape() -> None:
    for library in (keras, cnnfast):
        model = library.Sequential([library.layers.Dense(3)])
        model.build((None, 7))
        assert model.input_shape == (None, 7)
        assert model.count_params() == 24


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
@pytest.mark.parametrize("kwargs", [{"input_shape": (7,)}, {"input_dim": 7}, {"input_shape": [7]}])
def test_the_first_layer_may_carry_the_input_shape(kwargs: dict[str, Any]) -> None:
    for library in (keras, cnnfast):
        model = library.Sequential([library.layers.Dense(3, **kwargs)])
        assert model.input_shape == (None, 7)
        assert len(model.layers) == 1


def test_a_batch_shape_of_keras_2_is_taken() -> None:
    model = cnnfast.Sequential([layers.Dense(3, batch_input_shape=(None, 7))])
    assert model.input_shape == (None, 7)


def test_a_nested_model_brings_its_input_shape() -> None:
    for library in (keras, cnnfast):
        make = library.layers
        inner = library.Sequential([make.Input((4, 4, 1)), make.Conv2D(2, 3)])
        model = library.Sequential([inner, make.Flatten()])
        assert model.input_shape == (None, 4, 4, 1)
        assert model.output_shape == (None, 8)


def test_popping_takes_the_top_layer_off(rng: np.random.Generator) -> None:
    x = rng.random((2, 10, 12, 3), np.float32)
    model = _stack(cnnfast)
    model(x)
    softmax = model.pop()
    assert isinstance(softmax, layers.Softmax)
    logits = model(x)
    np.testing.assert_allclose(softmax(logits).sum(axis=1), 1, atol=1e-6)
    model.pop()
    assert model.output_shape == (None, 6)
    assert model(x).shape == (2, 6)
    model.add(layers.Dense(2))
    assert model(x).shape == (2, 2)


def test_a_model_notices_changes_of_a_model_inside(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 4)).astype(np.float32)
    below_zero = cnnfast.initializers.Constant(-100.0)
    dense = layers.Dense(3, bias_initializer=below_zero)
    inner = cnnfast.Sequential([layers.Input((4,)), dense, layers.ReLU()])
    outer = cnnfast.Sequential([layers.Input((4,)), inner])
    assert outer(x).max() == 0
    inner.pop()
    np.testing.assert_array_equal(outer(x), inner(x))
    assert outer(x).min() < 0


def test_assigned_weights_are_used_from_the_next_call_on(rng: np.random.Generator) -> None:
    model = cnnfast.Sequential([layers.Input((4,)), layers.Dense(3, name="d")])
    x = rng.random((2, 4), np.float32)
    model(x)
    model.get_layer("d").set_weights([np.zeros((4, 3)), [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(model(x), [[1, 2, 3]] * 2)
    model.weights[1].assign(np.zeros(3))
    np.testing.assert_array_equal(model(x), np.zeros((2, 3)))


def test_a_layer_that_stands_twice_shares_its_weights(rng: np.random.Generator) -> None:
    dense = layers.Dense(4)
    model = cnnfast.Sequential([layers.Input((4,)), dense, layers.ReLU(), dense])
    assert len(model.weights) == 2
    x = rng.normal(size=(2, 4)).astype(np.float32)
    np.testing.assert_array_equal(model(x), dense(np.maximum(dense(x), 0)))


def test_unknown_sizes_take_images_of_any_size(rng: np.random.Generator) -> None:
    model = cnnfast.Sequential([layers.Input((None, None, 3)), layers.Conv2D(2, 3)])
    assert model.output_shape == (None, None, None, 2)
    assert model(rng.random((1, 5, 6, 3))).shape == (1, 3, 4, 2)
    assert model(rng.random((2, 9, 4, 3))).shape == (2, 7, 2, 2)


def test_a_model_of_one_size_takes_another_where_its_layers_do(rng: np.random.Generator) -> None:
    for library in (keras, cnnfast):
        make = library.layers
        model = library.Sequential([make.Input((8, 8, 3)), make.Conv2D(2, 3)])
        assert model(rng.random((1, 5, 6, 3))).shape == (1, 3, 4, 2)


def test_a_last_axis_of_one_may_be_missing_or_too_many(rng: np.random.Generator) -> None:
    model = cnnfast.Sequential([layers.Input((6, 6, 1)), layers.Conv2D(2, 3)])
    x = rng.random((2, 6, 6, 1), np.float32)
    np.testing.assert_array_equal(model(x[..., 0]), model(x))
    dense = cnnfast.Sequential([layers.Input((6,)), layers.Dense(2)])
    np.testing.assert_array_equal(dense(x[:, 0]), dense(x[:, 0, :, 0]))


@pytest.mark.parametrize(
    "convert",
    [
        lambda x: x.tolist(),
        lambda x: x.astype(np.float64),
        lambda x: x.astype(np.uint8),
        lambda x: x.astype(">f4"),
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: [x],
        lambda x: {"input_layer": x},
        _unaligned,
    ],
)
def test_inputs_of_any_form_give_the_same_bits(
    convert: Callable[[np.ndarray], Any], rng: np.random.Generator
) -> None:
    model = _stack(cnnfast)
    x = rng.integers(0, 255, (2, 10, 12, 3)).astype(np.float32)
    np.testing.assert_array_equal(model(convert(x)), model(x))


# --- copies -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "twin_of", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))]
)
def test_a_copy_gives_the_same_bits(
    twin_of: Callable[[Any], Any], rng: np.random.Generator
) -> None:
    model = _stack(cnnfast)
    model.compile(loss="mse", metrics=["mae"])
    x = rng.random((2, 10, 12, 3), np.float32)
    expected = model(x)
    twin = twin_of(model)
    np.testing.assert_array_equal(twin(x), expected)
    assert [w.path for w in twin.weights] == [w.path for w in model.weights]
    twin.pop()
    np.testing.assert_array_equal(model(x), expected)


def test_a_pickle_holds_the_weights_once_and_no_plan(rng: np.random.Generator) -> None:
    model = cnnfast.Sequential([layers.Input((64,)), layers.Dense(256)])
    before = len(pickle.dumps(model))
    model(rng.random((1, 64), np.float32))
    assert len(pickle.dumps(model)) < before + 100
    assert before < 4 * model.count_params() + 10_000


def test_a_deep_copy_has_weights_of_its_own(rng: np.random.Generator) -> None:
    model = cnnfast.Sequential([layers.Input((4,)), layers.Dense(3)])
    x = rng.random((1, 4), np.float32)
    expected = model(x)
    twin = copy.deepcopy(model)
    twin.set_weights([np.zeros((4, 3)), np.zeros(3)])
    np.testing.assert_array_equal(model(x), expected)
    np.testing.assert_array_equal(twin(x), np.zeros((1, 3)))


def test_many_threads_may_build_and_run_one_model(rng: np.random.Generator) -> None:
    x = rng.random((3, 4, 5), np.float32)
    for _ in range(20):
        model = cnnfast.Sequential([layers.Flatten(), layers.Dense(8), layers.Softmax()])
        start = threading.Barrier(8)
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda _: (start.wait(), model(x))[1], range(8)))  # noqa: B023
        assert [layer["class_name"] for layer in model.get_config()["layers"]] == [
            "InputLayer",
            "Flatten",
            "Dense",
            "Softmax",
        ]
        assert len(model.weights) == 2
        for result in results:
            np.testing.assert_array_equal(result, results[0])


# --- older files ------------------------------------------------------------------------------


def test_the_bare_list_of_keras_2_2_2() -> None:
    model = layers.deserialize(
        {
            "class_name": "Sequential",
            "config": [
                {
                    "class_name": "Dense",
                    "config": {"name": "d", "units": 3, "batch_input_shape": [None, 5]},
                },
                {"class_name": "Activation", "config": {"name": "a", "activation": "relu"}},
            ],
        }
    )
    assert isinstance(model, cnnfast.Sequential)
    assert model.input_shape == (None, 5)


def test_a_frozen_model_keeps_the_flags_of_its_layers() -> None:
    model = _stack(cnnfast)
    model.trainable = False
    assert model.trainable_weights == []
    twin = layers.deserialize(plain(layers.serialize(model)))
    assert not twin.trainable
    assert twin.trainable_weights == []
    assert [w.path for w in twin.weights] == [w.path for w in model.weights]


# --- errors -----------------------------------------------------------------------------------


def _dense(**kwargs: Any) -> layers.Dense:
    return layers.Dense(3, name="dense", **kwargs)


def _in_itself() -> None:
    outer = cnnfast.Sequential(name="outer")
    outer.add(cnnfast.Sequential([outer], name="inner"))


ERRORS: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: cnnfast.Sequential([3]), ValueError, "Only instances of `Layer` can be added"),
    (
        lambda: cnnfast.Sequential([_dense(), _dense()]),
        ValueError,
        "should have unique names. Name 'dense' is already the name of a layer",
    ),
    (
        lambda: cnnfast.Sequential([layers.Input((3,)), layers.Input((4,))]),
        ValueError,
        "has already been configured to use input shape (None, 3). You cannot add a different",
    ),
    (
        lambda: cnnfast.Sequential([_dense(), layers.Input((4,))]),
        ValueError,
        "An Input layer must be the first",
    ),
    (_in_itself, ValueError, "Sequential model 'outer' cannot contain itself"),
    (lambda: cnnfast.Sequential().build((None, 3)), ValueError, "cannot be built because it has"),
    (lambda: cnnfast.Sequential()(np.zeros((1, 3))), ValueError, "cannot be built because it has"),
    (
        lambda: cnnfast.Sequential([layers.Input((3,)), _dense()]).build((None, 4)),
        ValueError,
        "has already been configured to use input shape (None, 3)",
    ),
    (lambda: cnnfast.Sequential([_dense()]).build(7), ValueError, "Cannot convert '7' to a shape"),
    (lambda: cnnfast.Sequential(name="s").pop(), IndexError, "'s' has no layers to pop"),
    (lambda: cnnfast.Sequential([_dense()]).input_shape, AttributeError, "no defined input shape"),
    (lambda: cnnfast.Sequential([_dense()]).output_shape, AttributeError, "no defined output sh"),
    (lambda: cnnfast.Sequential([_dense()]).count_params(), ValueError, "the layer isn't built"),
    (lambda: _stack(cnnfast).get_layer("x"), ValueError, "No such layer: x. Existing layers are:"),
    (lambda: _stack(cnnfast).get_layer(index=40), ValueError, "at index 40 but model"),
    (lambda: _stack(cnnfast).get_layer(), ValueError, "Provide either a layer name or"),
    (lambda: _stack(cnnfast).get_layer("x", 1), ValueError, "Provide either a layer name or"),
    (lambda: _stack(cnnfast).set_weights([]), ValueError, "weight list of length 0"),
    (cnnfast.Model, ValueError, "made with `Sequential`"),
    (
        lambda: cnnfast.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(2, 9, name="c")]),
        ValueError,
        "Layer 'c': computed output size would be zero or negative",
    ),
]


@pytest.mark.parametrize(("act", "kind", "rule"), ERRORS)
def test_misuse_is_one_sentence_that_states_the_rule(
    act: Callable[[], Any], kind: type[Exception], rule: str
) -> None:
    with pytest.raises(kind, match=re.escape(rule)):
        act()


BAD_INPUTS: list[tuple[Any, str]] = [
    (np.zeros((10, 12, 3)), "Expected shape (None, 10, 12, 3). Received: input with shape (10, 1"),
    (np.zeros((1, 10, 12, 4)), "layer 'conv2d' is incompatible with the layer: expected axis -1"),
    (np.zeros((1, 9, 12, 3)), "of layer 'dense' is incompatible with the layer: expected axis -1"),
    (np.zeros((1, 2, 12, 3)), "Layer 'conv2d': computed output size would be zero or negative"),
    (np.zeros((1, 0, 12, 3)), "model 'sequential' must be a batch of images, and no size may be"),
    (np.zeros((0, 9, 12, 3)), "of layer 'dense' is incompatible with the layer: expected axis -1"),
    ([np.zeros((1, 10, 12, 3))] * 2, "model 'sequential' expects 1 input(s). Received: 2"),
    (np.full((1, 10, 12, 3), None), "model 'sequential' must be an array of real numbers"),
    ("image.png", "model 'sequential' must be an array of real numbers"),
]


@pytest.mark.parametrize(("x", "rule"), BAD_INPUTS)
def test_a_bad_input_is_refused_by_name(x: Any, rule: str) -> None:
    model = _stack(cnnfast)
    with pytest.raises(ValueError, match=re.escape(rule)):
        model(x)
    assert model(np.zeros((1, 10, 12, 3))).shape == (1, 3)


def test_nan_in_weights_propagates(rng: np.random.Generator) -> None:
    model = cnnfast.Sequential([layers.Input((4,)), layers.Dense(3)])
    model.set_weights([np.full((4, 3), np.nan), np.zeros(3)])
    assert np.isnan(model(rng.random((2, 4)))).all()


def test_a_layer_that_does_not_fit_is_not_added() -> None:
    model = cnnfast.Sequential([layers.Input((8,)), layers.Dense(4)])
    with pytest.raises(ValueError, match="expected ndim=4"):
        model.add(layers.Conv2D(2, 3))
    assert len(model.layers) == 1
    assert model.output_shape == (None, 4)


def test_a_config_with_one_name_twice_is_refused() -> None:
    config = cnnfast.Sequential([layers.Dense(2, name="a"), layers.Dense(2, name="b")]).get_config()
    config["layers"][1]["config"]["name"] = "a"
    with pytest.raises(ValueError, match=r"unique names.*'a' is already the name"):
        cnnfast.Sequential.from_config(config)


@pytest.mark.parametrize("made", [layers.Dense, cnnfast.Sequential, Cast])
def test_help_and_editors_see_the_arguments_of_a_class(made: type) -> None:
    shown = list(inspect.signature(made).parameters)
    assert shown == list(inspect.signature(made.__init__).parameters)[1:]
    assert shown[0] in ("units", "layers", "dtype")
