"""Functions in place of layers get the weights that are stored for these, all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.files import contents
from cnnfast.models import model_from_json
from cnnfast.saving import live_weights
from saving import own_layers as own
from saving.roads import NAMED, ROADS, around, assert_same, loaded, randomized

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")

NUMBERED = [".keras", "directory"]


# --- what a function gets ----------------------------------------------------------------------


@pytest.mark.parametrize("road", ROADS)
def test_weights_come_in_the_order_of_the_file(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(), rng=rng)
    ours = loaded(theirs, road, tmp_path, {"LayerNormalization": own.normalized_in_order})
    assert_same(ours, theirs, rng)
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize("road", ROADS)
def test_weights_of_layers_inside_come_behind_the_layers_own(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Excited(), rng=rng)
    ours = loaded(theirs, road, tmp_path, own.with_excited(road))
    assert_same(ours, theirs, rng)
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize("road", NAMED)
@pytest.mark.parametrize(
    "function",
    [
        own.normalized,
        lambda x, beta, gamma: own.normalized(x, gamma, beta),
        lambda x, *, beta, gamma: own.normalized(x, gamma, beta),
        own.normalized_by_names,
        lambda x, gamma, beta=None, eps=1e-3: own.normalized(x, gamma, beta),
        lambda x, training, gamma, beta, mask: own.normalized(x, gamma, beta),
    ],
)
def test_where_weights_have_names_a_function_takes_them_by_name(
    road: str, function: Any, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(), rng=rng)
    ours = loaded(theirs, road, tmp_path, {"LayerNormalization": function})
    assert_same(ours, theirs, rng)


def nested(inner: Any) -> Any:
    """Put a layer into a model inside a model, between layers that have weights."""
    lay = keras.layers
    x = keras.Input((4,))
    y = lay.Dense(4, trainable=False)(lay.BatchNormalization()(x))
    block = keras.Model(x, lay.Dense(4)(lay.BatchNormalization()(inner(y))), name="block")
    x = keras.Input((4,))
    stack = keras.Sequential([keras.Input((4,)), block, lay.Dense(4)], name="stack")
    return keras.Model(x, lay.Dense(2)(stack(lay.Dense(4)(x))))


@pytest.mark.parametrize("road", ROADS)
def test_a_layer_in_a_model_inside_gets_its_own_weights(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = randomized(nested(own.LayerNormalization()), rng)
    ours = loaded(theirs, road, tmp_path, {"LayerNormalization": own.normalized_in_order})
    assert_same(ours, theirs, rng)
    assert ours.count_params() == theirs.count_params()


@pytest.mark.parametrize("road", ROADS)
def test_a_model_inside_can_be_a_function_as_a_whole(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)], name="inner")
    theirs = around(inner, rng=rng)
    given = {"inner": lambda x, *weights: x @ weights[0] + weights[1]}
    assert_same(loaded(theirs, road, tmp_path, given), theirs, rng)


@pytest.mark.parametrize("road", ROADS)
def test_a_layer_for_each_step_of_a_sequence_can_be_a_function(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = keras.Input((3, 4))
    y = keras.layers.TimeDistributed(own.LayerNormalization(name="inner"), name="outer")(x)
    theirs = randomized(keras.Model(x, keras.layers.Dense(2)(y)), rng)
    ours = loaded(theirs, road, tmp_path, {"LayerNormalization": own.normalized_in_order})
    assert_same(ours, theirs, rng)


@pytest.mark.parametrize("road", ROADS)
def test_two_layers_of_a_class_get_the_weights_of_each(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(), own.LayerNormalization(), rng=rng)
    ours = loaded(theirs, road, tmp_path, {"LayerNormalization": own.normalized_in_order})
    assert_same(ours, theirs, rng)


@pytest.mark.parametrize("road", ROADS)
def test_a_shared_layer_gets_its_weights_once(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = keras.Input((4,))
    shared = own.LayerNormalization()
    theirs = keras.Model(x, keras.layers.Subtract()([shared(x), shared(keras.layers.ReLU()(x))]))
    randomized(theirs, rng)
    ours = loaded(theirs, road, tmp_path, {"LayerNormalization": own.normalized_in_order})
    assert_same(ours, theirs, rng)
    assert ours.count_params() == theirs.count_params()


class Gated(keras.layers.Layer):
    """Is called on two tensors and an option."""

    def build(self, x_shape: Any, y_shape: Any) -> None:
        self.gate = self.add_weight(name="gate", shape=(4,))

    def call(self, x: Any, y: Any, power: float = 1.0, training: bool = False) -> Any:
        return x * self.gate + y**power


@pytest.mark.parametrize("road", [".keras", ".h5", "from_keras"])
def test_a_function_is_called_as_the_layer_is(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x, y = keras.Input((4,)), keras.Input((4,))
    theirs = keras.Model([x, y], Gated()(x, keras.layers.ReLU()(y), power=2.0))
    randomized(theirs, rng)

    def gated(x: np.ndarray, y: np.ndarray, *weights: np.ndarray, power: float) -> np.ndarray:
        return x * weights[0] + y**power

    ours = loaded(theirs, road, tmp_path, {"Gated": gated})
    arrays = [rng.normal(size=(2, 4)).astype(np.float32) for _ in range(2)]
    np.testing.assert_allclose(
        ours.predict(arrays, verbose=0), np.asarray(theirs(arrays)), rtol=1e-5
    )


@pytest.mark.parametrize("road", ROADS)
def test_several_outputs_go_on_in_the_graph(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = keras.Input((4, 4, 2))
    half, mean = own.Halves()(keras.layers.Conv2D(3, 2)(x))
    y = keras.layers.Conv2D(2, 2)(half)
    theirs = randomized(keras.Model(x, {"a": y, "b": mean, "c": half}), rng)
    ours = loaded(theirs, road, tmp_path, {"Halves": own.halves})
    images = rng.normal(size=(3, 4, 4, 2)).astype(np.float32)
    expected, received = theirs(images), ours.predict(images, verbose=0)
    for key in expected:
        np.testing.assert_allclose(received[key], np.asarray(expected[key]), atol=1e-5)


class Many(keras.layers.Layer):
    """Holds layers in every way there is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        dense = keras.layers.Dense
        self.zeta, self._alpha, self.Beta = dense(4), dense(4), dense(4)
        self.again = self.zeta
        self.by_key = {"b": dense(4), "a": keras.layers.BatchNormalization()}
        self.in_lists = [[dense(4)], (dense(4), [dense(4)]), keras.layers.ReLU()]
        self.many = [dense(4) for _ in range(12)]
        self.net = keras.Sequential([dense(4), keras.Sequential([dense(4)])])

    @property
    def gamma(self) -> Any:
        return self._alpha

    @property
    def broken(self) -> Any:
        raise RuntimeError

    def build(self, input_shape: Any) -> None:
        self.late = self.add_weight(name="late", shape=(3,), trainable=False)
        self.early = self.add_weight(name="early", shape=(2,))
        for layer in self._flatten_layers(include_self=False):
            if not layer.built:
                layer.build(input_shape)

    def call(self, x: Any) -> Any:
        return x


def test_a_live_layer_has_its_weights_in_the_order_of_its_file(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    layer = Many()
    model = randomized(keras.Sequential([keras.Input((4,)), layer]), rng)
    model.save_weights(tmp_path / "m.weights.h5")
    live = live_weights.in_order(layer)
    with h5py.File(tmp_path / "m.weights.h5") as file:
        paths: list[str] = []
        file["layers/many"].visit(paths.append)
        places = contents.in_order([path for path in paths if contents.is_numbered(path)])
        assert [place for place, _ in live] == places
        for place, variable in live:
            np.testing.assert_array_equal(file[f"layers/many/{place}"], np.asarray(variable))
    assert len(places) == len(layer.weights)
    assert places[:2] == ["vars/0", "vars/1"]
    assert places.index("many/dense_9/vars/0") < places.index("many/dense_10/vars/0")


class Nameless(own.LayerNormalization):
    """Does not say its name among its arguments."""

    def get_config(self) -> Any:
        return {"trainable": self.trainable}


@pytest.mark.parametrize("road", [".keras", "directory", "from_keras"])
def test_a_name_may_stand_beside_the_arguments_alone(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = keras.Input((4,))
    theirs = randomized(keras.Model(x, Nameless(name="mine")(x)), rng)
    assert_same(loaded(theirs, road, tmp_path, {"mine": own.normalized_in_order}), theirs, rng)


class Reshaped(keras.layers.Layer):
    """Calls an argument as `Lambda` calls one of its own."""

    def __init__(self, output_shape: Any, arguments: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sizes, self.options = output_shape, arguments

    def call(self, x: Any) -> Any:
        return keras.ops.concatenate([x, x], axis=-1)

    def get_config(self) -> Any:
        return {**super().get_config(), "output_shape": self.sizes, "arguments": self.options}


def test_arguments_of_a_lambda_are_those_of_no_other_layer(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    x = keras.Input((4,))
    theirs = keras.Model(x, Reshaped([3, 3], {"a": 1})(x))
    given = {"Reshaped": lambda x: np.concatenate([x, x], -1)}
    assert_same(loaded(theirs, ".keras", tmp_path, given), theirs, rng)


# --- what it may not leave ---------------------------------------------------------------------

UNREAD: dict[str, Any] = {
    "x alone": lambda x: x,
    "a default that names no weight": lambda x, eps=1e-3: x,
    "a part by name": lambda x, gamma: x * gamma,
    "a name that there is not": lambda x, gamma, betta: x * gamma + betta,
    "a name among the others": lambda x, gamma, *others: x * gamma + others[0],
}


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("case", UNREAD)
def test_weights_that_a_function_leaves_are_refused_with_what_to_do(
    case: str, road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(name="mine"), rng=rng)
    with pytest.raises(UnsupportedError, match="must take all weights of the layer") as caught:
        loaded(theirs, road, tmp_path, {"mine": UNREAD[case]})
    (item,) = caught.value.items
    assert item.layers == ("mine",)
    assert "in this order, `def f(x, *weights)`" in item.advice
    assert ("or by name, `def f(x, gamma, beta)`" in item.advice) == (road in NAMED)
    # The advice, done:
    assert_same(loaded(theirs, road, tmp_path, {"mine": own.normalized_in_order}), theirs, rng)
    if road in NAMED:
        assert_same(loaded(theirs, road, tmp_path, {"mine": own.normalized}), theirs, rng)


@pytest.mark.parametrize("road", NUMBERED)
def test_numbered_weights_are_never_taken_by_name(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(), rng=rng)
    for function in (own.normalized, own.normalized_by_names):
        with pytest.raises(UnsupportedError, match="in their order: the file has no names"):
            loaded(theirs, road, tmp_path, {"LayerNormalization": function})


def test_names_that_several_weights_have_are_not_taken(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Excited(), rng=rng)
    with pytest.raises(UnsupportedError, match="some have the same name"):
        loaded(theirs, ".h5", tmp_path, {"Excited": lambda x, scale, kernel, bias: x})


def test_a_function_can_leave_weights_by_taking_and_not_using_them(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(name="mine"), rng=rng)
    gamma, beta = theirs.get_layer("mine").get_weights()
    for road in ROADS:
        ours = loaded(theirs, road, tmp_path, {"mine": lambda x, *_: np.tanh(x) * gamma + beta})
        assert_same(ours, theirs, rng)


def test_weights_that_a_layer_does_not_have_cannot_be_asked_for(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.Attention(), rng=rng)
    with pytest.raises(UnsupportedError, match="takes weights, and there are none by the name"):
        loaded(theirs, ".h5", tmp_path, {"Attention": lambda x, gamma: x * gamma})
    assert_same(
        loaded(theirs, ".h5", tmp_path, {"Attention": lambda x, *_: own.attended(x)}), theirs, rng
    )


class Unnamed(keras.layers.Layer):
    """Has a config without a name, as Keras finds that where a parameter is called `kwargs`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inner = keras.layers.Dense(4)

    def build(self, shape: Any) -> None:
        self.inner.build(shape)

    def call(self, x: Any) -> Any:
        return self.inner(x)


class Named(Unnamed):
    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"name": self.name}


@pytest.mark.parametrize("road", NAMED)
def test_a_layer_whose_config_has_no_name_gets_its_weights_as_the_error_says(
    road: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    def dense(x: Any, *weights: Any) -> Any:
        return x @ weights[0] + weights[1]

    stack = [keras.Input((4,)), Unnamed(name="mine"), keras.layers.Dense(2)]
    theirs = randomized(keras.Sequential(stack), rng)
    with pytest.raises(UnsupportedError, match=r"must tell its name.*save the model as `.keras`"):
        loaded(theirs, road, tmp_path, {"Unnamed": lambda x, kernel, bias: x})
    assert_same(loaded(theirs, ".keras", tmp_path, {"Unnamed": dense}), theirs, rng)
    stack = [keras.Input((4,)), Named(name="mine"), keras.layers.Dense(2)]
    theirs = randomized(keras.Sequential(stack), rng)
    (tmp_path / "named").mkdir()
    assert_same(loaded(theirs, road, tmp_path / "named", {"Named": dense}), theirs, rng)


def test_a_configuration_alone_does_not_say_which_weights_there_are(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = around(own.LayerNormalization(), rng=rng)
    with pytest.raises(UnsupportedError, match="Load the whole model by one of these"):
        model_from_json(theirs.to_json(), {"LayerNormalization": own.normalized_in_order})
    ours = model_from_json(theirs.to_json(), {"LayerNormalization": np.tanh})
    for name in ("m.weights.h5", "m.h5"):
        theirs.save_weights(tmp_path / name) if "weights" in name else theirs.save(tmp_path / name)
        before = ours.get_weights()
        with pytest.raises(ModelFileError, match="weight"):
            ours.load_weights(tmp_path / name)
        for one, other in zip(ours.get_weights(), before, strict=True):
            np.testing.assert_array_equal(one, other)
