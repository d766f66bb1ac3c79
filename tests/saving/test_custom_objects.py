"""What the user hands over for names in a file wins over Keras' own, and is used or reported."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from cnnfast.models import model_from_json
from cnnfast.saving import load_model
from saving import model_files as files
from saving import own_layers as own
from saving.roads import ROADS, TOLERANCE, around, assert_same, loaded, randomized

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")


def warnings_of(call: Callable[[], Any]) -> list[warnings.WarningMessage]:
    """Return what `call` warns of, but for what Keras warns of inside its own code."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [item for item in caught if issubclass(item.category, UserWarning)]


NAMESAKES: dict[str, tuple[Callable[[], Any], Any]] = {
    "LayerNormalization": (own.LayerNormalization, own.normalized_in_order),
    "Attention": (own.Attention, own.attended),
    "GroupNormalization": (own.GroupNormalization, own.grouped_in_order),
}


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("key", ["class", "layer"])
@pytest.mark.parametrize("class_name", NAMESAKES)
def test_a_users_class_of_a_name_of_keras_is_what_the_user_gives_for_it(
    class_name: str, key: str, road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    make, function = NAMESAKES[class_name]
    theirs = around(make(name="mine"), rng=rng)
    given = {class_name if key == "class" else "mine": function}
    assert_same(loaded(theirs, road, tmp_path, given), theirs, rng)


@pytest.mark.parametrize("class_name", NAMESAKES)
def test_without_anything_given_keras_draws_a_namesake(
    class_name: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(NAMESAKES[class_name][0](), rng=rng)
    assert_same(loaded(theirs, "from_keras", tmp_path), theirs, rng)


@pytest.mark.parametrize("road", [".keras", "directory"])
@pytest.mark.parametrize("class_name", NAMESAKES)
def test_without_anything_given_a_namesake_is_refused_and_not_replaced(
    class_name: str, road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(NAMESAKES[class_name][0](), rng=rng)
    with pytest.raises(UnsupportedError, match=rf"custom_objects=\{{'{class_name}': function"):
        loaded(theirs, road, tmp_path)


def test_a_namesake_in_an_h5_file_without_arguments_of_its_own_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(), rng=rng)
    with pytest.raises(UnsupportedError, match="'LayerNormalization': function"):
        loaded(theirs, ".h5", tmp_path)


@pytest.mark.parametrize("road", ROADS)
def test_the_name_of_a_layer_wins_over_a_layer_of_keras(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(
        keras.layers.ReLU(name="one"),
        keras.layers.Dense(4, use_bias=False, name="two"),
        keras.layers.ReLU(name="three"),
        rng=rng,
    )
    given = {"one": np.tanh, "two": lambda x, *weights: x @ (2 * weights[0])}
    ours = loaded(theirs, road, tmp_path, given)
    theirs.get_layer("two").set_weights([2 * theirs.get_layer("two").get_weights()[0]])
    x = rng.normal(size=(3, 4)).astype(np.float32)
    first, *rest = theirs.layers
    y = np.tanh(np.asarray(first(x)))
    for layer in rest[1:]:
        y = np.asarray(layer(y))
    np.testing.assert_allclose(ours.predict(x, verbose=0), y, rtol=1e-5)


def test_a_layer_that_the_file_says_is_keras_own_stays_it_beside_a_namesake(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(), keras.layers.LayerNormalization(), rng=rng)
    given = {"LayerNormalization": own.normalized_in_order}
    assert_same(loaded(theirs, ".keras", tmp_path, given), theirs, rng)


@pytest.mark.parametrize("name", ["mine>Halves", "Halves", "two"])
@pytest.mark.parametrize("road", ROADS)
def test_a_registered_class_goes_by_any_of_its_names(
    name: str, road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    inputs = keras.Input((4,))
    halves, mean = own.Halves(name="two")(keras.layers.Dense(4)(inputs))
    theirs = randomized(keras.Model(inputs, keras.layers.Add()([halves, mean])), rng)
    assert_same(loaded(theirs, road, tmp_path, {name: own.halves}), theirs, rng)


@pytest.mark.parametrize("road", ROADS)
def test_own_activations_run_in_layers_and_as_layers(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    lay = keras.layers
    theirs = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            lay.Conv2D(4, 3, activation=own.mymish),
            lay.DepthwiseConv2D(2, activation=own.mymish),
            lay.Activation(own.mymish),
            lay.Conv2D(2, 2, data_format="channels_first", activation=own.mymish),
            lay.Flatten(),
            lay.Dense(3, activation=own.mymish),
        ]
    )
    randomized(theirs, rng)
    x = rng.normal(size=(2, 6, 6, 3)).astype(np.float32) / 4
    # Keras on JAX has no convolution of channels_first on the CPU in all versions.
    expected = np.asarray(theirs(x))
    ours = loaded(theirs, road, tmp_path, {"mymish": own.own_mish})
    np.testing.assert_allclose(
        ours.predict(x, verbose=0), expected, atol=TOLERANCE * np.abs(expected).max()
    )


def test_a_users_activation_wins_over_one_of_keras(tmp_path: Path) -> None:
    given = {"relu": lambda x: np.maximum(x, -1.0), "softmax": lambda x: x}
    ours = load_model(files.legacy_file(tmp_path / "m.h5"), given)
    x = -np.ones((1, *files.INPUT_SHAPE), np.float32)
    values = files.weights()
    y = np.maximum(-values["conv/kernel"].sum((0, 1, 2)) + values["conv/bias"], -1.0)
    scale = values["bn/gamma"] / np.sqrt(values["bn/moving_variance"] + 1e-3)
    y = (y - values["bn/moving_mean"]) * scale + values["bn/beta"]
    expected = np.tile(y, 4) @ values["dense/kernel"] + values["dense/bias"]
    np.testing.assert_allclose(ours.predict(x, verbose=0)[0], expected, rtol=1e-5)


@pytest.mark.parametrize("field", ["activation", "recurrent_activation"])
def test_a_recurrent_layer_with_an_own_activation_can_be_a_function_as_a_whole(
    field: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    inputs = keras.Input((5, 3))
    rnn = keras.layers.LSTM(2, name="rnn", **{field: own.mymish})
    theirs = randomized(keras.Model(inputs, rnn(inputs)), rng)
    for given in ({}, {"mymish": own.own_mish}):
        with pytest.raises(UnsupportedError, match=r"layer as a whole.*\{'rnn': function\}"):
            loaded(theirs, ".keras", tmp_path, given)

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    inner, gate = np.tanh, sigmoid
    inner, gate = (own.own_mish, gate) if field == "activation" else (inner, own.own_mish)

    def lstm(x: np.ndarray, *weights: np.ndarray) -> np.ndarray:
        kernel, recurrent, bias = weights
        h, c = np.zeros((len(x), 2)), np.zeros((len(x), 2))
        for step in range(x.shape[1]):
            i, f, g, o = np.split(x[:, step] @ kernel + h @ recurrent + bias, 4, axis=-1)
            c = gate(f) * c + gate(i) * inner(g)
            h = gate(o) * inner(c)
        return h

    assert_same(loaded(theirs, ".keras", tmp_path, {"rnn": lstm}), theirs, rng)


def test_a_name_of_a_layer_and_of_an_activation_is_not_taken_for_both(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    lay = keras.layers
    theirs = around(lay.Dense(4, activation="relu"), own.Attention(name="relu"), rng=rng)
    for road in ROADS:
        with pytest.raises(
            ValueError, match=r"'relu' in `custom_objects` is that of an activation"
        ):
            loaded(theirs, road, tmp_path, {"relu": own.attended})
        assert_same(loaded(theirs, road, tmp_path, {"Attention": own.attended}), theirs, rng)
    theirs = around(
        lay.Dense(4, activation=own.mymish), lay.Activation(own.mymish, name="mymish"), rng=rng
    )
    assert_same(loaded(theirs, "from_keras", tmp_path, {"mymish": own.own_mish}), theirs, rng)


def test_a_name_of_a_layer_is_not_taken_for_a_loss(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Attention(name="mse"), rng=rng)
    theirs.compile("sgd", "mse")
    theirs.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="'mse' in `custom_objects` is that of a layer and of a l"):
        ours = loaded(theirs, ".keras", tmp_path, {"mse": own.attended})
    assert not ours.compiled
    assert_same(ours, theirs, rng)


# --- what nothing used -------------------------------------------------------------------------


@pytest.mark.parametrize("road", [".keras", ".h5", "from_keras", "json"])
def test_a_name_that_nothing_goes_by_is_reported_with_the_nearest(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Attention(), rng=rng)
    given = {"Attention": own.attended, "frist": np.tanh, "tf": np}
    text = theirs.to_json()
    loaded(theirs, ".keras" if road == "json" else road, tmp_path, {"Attention": own.attended})
    found = warnings_of(
        lambda: (
            model_from_json(text, given)
            if road == "json"
            else loaded(theirs, road, tmp_path, given)
        )
    )
    (message,) = [str(item.message) for item in found]
    assert "'frist' (did you mean 'first'?), 'tf'." in message
    assert Path(found[0].filename).parent == Path(__file__).parent


def test_a_name_of_keras_own_class_is_reported_as_that(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(keras.layers.LayerNormalization(), rng=rng)
    theirs.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"'LayerNormalization' \(the file says that this is Ker"):
        ours = loaded(theirs, ".keras", tmp_path, {"LayerNormalization": own.normalized_in_order})
    assert_same(ours, theirs, rng)


def test_a_mistyped_name_is_named_where_the_right_one_is_missing(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Attention(), rng=rng)
    with pytest.raises(UnsupportedError, match="has 'Atention', which nothing goes by"):
        loaded(theirs, ".keras", tmp_path, {"Atention": own.attended})
    theirs = around(keras.layers.Activation(own.mymish), rng=rng)
    with pytest.raises(UnsupportedError, match="has 'my_mish', which nothing goes by"):
        loaded(theirs, "from_keras", tmp_path, {"my_mish": own.own_mish})


def half_squared(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean((y_true - y_pred) ** 2, axis=-1) / 2


def own_error(y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    return np.mean((y_true - y_pred) ** 2, axis=-1) / 2


class Tiny(keras.initializers.Initializer):
    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        return keras.ops.zeros(shape, dtype)


@pytest.mark.parametrize("road", [".keras", ".h5", "from_keras"])
def test_losses_metrics_and_initializers_count_as_used(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(keras.layers.Dense(4, kernel_initializer=Tiny()), rng=rng)
    theirs.compile("sgd", half_squared, metrics=[half_squared])
    given = {"half_squared": own_error, "Tiny": Tiny}
    ours = loaded(theirs, road, tmp_path, given)
    x, y = rng.normal(size=(8, 4)).astype(np.float32), rng.normal(size=(8, 3)).astype(np.float32)
    expected = theirs.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(ours.evaluate(x, y, verbose=0), expected, rtol=1e-4)
    if road != "from_keras":
        assert not load_model(tmp_path / f"m{road}", given, compile=False).compiled


def test_nothing_is_reported_where_all_is_used(tmp_path: Path, rng: np.random.Generator) -> None:
    theirs = around(own.Attention(), rng=rng)
    given = {"Attention": own.attended}
    for road in ROADS:
        assert not warnings_of(lambda road=road: loaded(theirs, road, tmp_path, given))


def test_custom_objects_must_be_a_dict_of_names(tmp_path: Path) -> None:
    path = files.keras_file(tmp_path / "m.keras")
    for wrong in ([np.tanh], {np.tanh: "tanh"}):
        with pytest.raises(TypeError, match="dict with strings as keys"):
            load_model(path, wrong)  # type: ignore[arg-type]


# --- what can be handed over -------------------------------------------------------------------


def test_a_class_of_keras_is_refused_with_what_to_give(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Attention(), rng=rng)
    with pytest.raises(UnsupportedError, match="a class of Keras cannot run here") as caught:
        loaded(theirs, ".keras", tmp_path, {"Attention": own.Attention})
    assert "Give a function of NumPy arrays" in str(caught.value)
    assert_same(loaded(theirs, ".keras", tmp_path, {"Attention": own.attended}), theirs, rng)


class OwnDepthwise(keras.layers.DepthwiseConv2D):
    """What users give for files of Keras 2 that Keras 3 refuses."""


def test_without_the_entry_a_layer_that_keras_has_is_cnnfasts_own(tmp_path: Path) -> None:
    entry = files.layer("Dense", "dense", units=3, batch_input_shape=[None, 2])
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": [entry]}}
    values = [("dense/kernel:0", np.ones((2, 3))), ("dense/bias:0", np.ones(3))]
    path = files.write_legacy(tmp_path / "m.h5", config, [("dense", values)])
    with pytest.raises(UnsupportedError, match="without an entry in `custom_objects`"):
        load_model(path, {"Dense": OwnDepthwise})
    assert load_model(path).count_params() == 9


@pytest.mark.parametrize("given", [keras.layers.Dense, keras.layers.Conv2D])
def test_a_class_that_is_keras_own_stands_for_cnnfasts(tmp_path: Path, given: Any) -> None:
    entry = files.layer("Mine", "mine", units=3, batch_input_shape=[None, 2])
    if given is keras.layers.Conv2D:
        entry = files.layer(
            "Mine", "mine", filters=3, kernel_size=1, batch_input_shape=[None, 1, 1, 2]
        )
    config = {"class_name": "Sequential", "config": {"name": "net", "layers": [entry]}}
    kernel = np.ones((2, 3) if given is keras.layers.Dense else (1, 1, 2, 3))
    values = [("mine/kernel:0", kernel), ("mine/bias:0", np.ones(3))]
    path = files.write_legacy(tmp_path / "m.h5", config, [("mine", values)])
    assert type(load_model(path, {"Mine": given}).layers[0]).__name__ == given.__name__


class Scaled(layers.Layer):
    """A layer of this package's kind, by the name of one of Keras."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def lower(self, graph: Any, x: Any) -> Any:
        return layers.Rescaling(3.0).lower(graph, x)


def test_a_subclass_of_this_packages_layer_wins_too(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Attention(name="one"), rng=rng)
    assert type(loaded(theirs, ".keras", tmp_path, {"one": Scaled}).get_layer("one")) is Scaled


def test_an_own_class_is_saved_as_the_users_own() -> None:
    class LayerNormalization(Scaled):
        pass

    saved = layers.serialize(LayerNormalization(name="mine"))
    assert (saved["module"], saved["registered_name"]) == (None, "LayerNormalization")
    with pytest.raises(UnsupportedError):
        layers.deserialize(saved)
    made = layers.deserialize(saved, {"LayerNormalization": LayerNormalization})
    assert type(made) is LayerNormalization


@pytest.mark.parametrize("given", ["tanh", 3, object()])
def test_something_else_is_refused(given: Any, tmp_path: Path, rng: np.random.Generator) -> None:
    theirs = around(own.Attention(), rng=rng)
    with pytest.raises(UnsupportedError, match="needs a function of arrays"):
        loaded(theirs, ".keras", tmp_path, {"Attention": given})


def test_an_operation_in_a_graph_can_be_a_function_by_its_name(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    inputs = keras.Input((4,))
    y = keras.layers.Dense(4)(inputs)
    y = keras.ops.logaddexp(y, inputs)
    theirs = randomized(keras.Model(inputs, y), rng)
    name = theirs.operations[-1].name
    assert_same(loaded(theirs, ".keras", tmp_path, {name: np.logaddexp}), theirs, rng)


def test_a_tensorflow_function_can_be_one_by_the_name_of_its_layer() -> None:
    def node(name: str, function: str, calls: Any) -> Any:
        config = {"name": name, "trainable": True, "dtype": "float32", "function": function}
        return {"class_name": "TFOpLambda", "config": config, "name": name, "inbound_nodes": calls}

    config = {
        "class_name": "Functional",
        "config": {
            "name": "net",
            "layers": [
                {
                    "class_name": "InputLayer",
                    "config": {"batch_input_shape": [None, 4], "name": "x", "dtype": "float32"},
                    "name": "x",
                    "inbound_nodes": [],
                },
                node(
                    "tf.cumsum",
                    "math.cumulative_logsumexp",
                    [["x", 0, 0, {"axis": 1, "name": None}]],
                ),
            ],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["tf.cumsum", 0, 0]],
        },
        "keras_version": "2.9.0",
    }
    text = json.dumps(config)
    with pytest.raises(UnsupportedError):
        model_from_json(text)
    model = model_from_json(text, {"tf.cumsum": np.logaddexp.accumulate})
    x = np.arange(8, dtype=np.float32).reshape(2, 4)
    np.testing.assert_allclose(model(x), np.logaddexp.accumulate(x, axis=1), rtol=1e-6)


def test_a_class_that_is_registered_under_the_name_in_the_file_counts_first(
    tmp_path: Path,
) -> None:
    def registered(package: Any, kind: str, factor: float) -> Any:
        @package.saving.register_keras_serializable(kind, "Scaling")
        class Scaling(package.layers.Layer):  # type: ignore[misc]
            def call(self, x: Any) -> Any:
                return x * factor

        return Scaling

    x, found = np.ones((1, 2), np.float32), []
    for package in (keras, cnnfast):
        two, three = (registered(package, f"times_{n}", n) for n in (2.0, 3.0))
        if package is keras:
            inputs = keras.Input((2,))
            keras.Model(inputs, three()(two()(inputs))).save(tmp_path / "model.keras")
        with package.saving.custom_object_scope({"Scaling": three}):
            loaded = package.saving.load_model(tmp_path / "model.keras")
            found.append(loaded.predict(x, verbose=0))
    np.testing.assert_array_equal(found, [6 * x, 6 * x])
