"""An argument that is set on a layer is what it would be had the layer been made with it.

Nothing that a layer has is left to change unnoticed: what cannot be followed is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.layers.base.layer import Layer
from cnnfast.symbolic.registry import LAYERS
from cnnfast.utils import tree
from layer_samples import IMAGE, ROW, SAMPLES, SEQUENCE, Sample
from parity import both, keras, randomize

MODELS = {"Functional", "Sequential"}
# Tried in the place of every argument, whatever it is.
VALUES: list[Any] = [
    *(None, True, False, -1, 1, 2, 5, 0.5, (1, 2), (2, 1), (3, 2, 1), [0.5, 2.0], {"a": 1}),
    *("x", "relu", "softmax", "same", "channels_first", "bilinear", "stft", "zeros", "l2"),
]


def feed(shape: Any, rng: np.random.Generator) -> Any:
    def numbers(one: Any) -> np.ndarray:
        return rng.uniform(0.0, 4.0, (2, *one[1:])).astype(np.float32)

    return tree.map_shapes(numbers, shape)


def call(layer: Layer, x: Any) -> Any:
    said = {"training": False} if layer.training_default else {}
    if isinstance(layer, layers.HashedCrossing):
        x = [np.asarray(each, np.int32) for each in x]
    several = len(layer.call_arguments) > 1 and isinstance(x, list)
    return layer(*x, **said) if several else layer(x, **said)


def built(sample: Sample, rng: np.random.Generator) -> Layer:
    layer = sample.make()
    layer.build(sample.shape)
    layer.set_weights([rng.uniform(0.2, 1.0, w.shape) for w in layer.weights])
    return layer


def outcome(function: Any, *args: Any) -> Any:
    """Return what a call returns, or the kind of its refusal."""
    try:
        return function(*args)
    except ValueError as error:
        return type(error)


def assert_same(one: Any, other: Any) -> None:
    assert isinstance(one, type) == isinstance(other, type), (one, other)
    if isinstance(one, type):
        return
    for a, b in zip(tree.flatten(one), tree.flatten(other), strict=True):
        np.testing.assert_array_equal(a, b)


def state(layer: Layer) -> str:
    """Return what a layer says of itself, to be compared."""
    return repr(layers.serialize(layer))


def test_there_is_a_sample_of_every_layer() -> None:
    assert {cls.__name__ for cls in LAYERS.values()} - MODELS - set(SAMPLES) == {"InputLayer"}


@pytest.mark.parametrize("name", SAMPLES)
def test_an_argument_is_as_if_made_with_it_or_refused(name: str, rng: np.random.Generator) -> None:
    sample = SAMPLES[name]
    x = feed(sample.shape, rng)
    runs = not name.endswith(("Cell", "Cells"))
    followed = 0
    for argument in sample.make()._arguments():
        layer = built(sample, rng)
        result = call(layer, x) if runs else None
        for value in VALUES:
            before = state(layer)
            try:
                setattr(layer, argument, value)
            except (ValueError, AttributeError):
                assert state(layer) == before
                assert_same(call(layer, x) if runs else None, result)
                continue
            if state(layer) == before:
                continue
            followed += 1
            fresh = type(layer).from_config(layer.get_config())
            fresh.build(sample.shape)
            fresh.set_weights(layer.get_weights())
            result = outcome(call, layer, x) if runs else None
            assert_same(result, outcome(call, fresh, x) if runs else None)
            shapes = [outcome(one.compute_output_shape, sample.shape) for one in (layer, fresh)]
            assert shapes[0] == shapes[1]
            if isinstance(result, type):
                break  # it takes other inputs now
    assert followed


@pytest.mark.parametrize("name", SAMPLES)
def test_what_is_no_argument_cannot_be_set(name: str, rng: np.random.Generator) -> None:
    layer = built(SAMPLES[name], rng)
    arguments = layer._arguments()
    known = [n for n in dir(layer) if not n.startswith("_") and n not in arguments]
    settable = [n for n in known if getattr(getattr(type(layer), n, None), "fset", None)]
    for attribute in known:
        if attribute not in settable:
            with pytest.raises(AttributeError, match="cannot be set"):
                setattr(layer, attribute, None)
    for attribute in [*arguments, *known]:
        with pytest.raises(AttributeError, match=r"cannot be deleted. Received"):
            delattr(layer, attribute)
    of_both_sides = ["go_backwards", "return_sequences", "return_state", "stateful"]
    assert [n for n in settable if n != "supports_masking"] in (
        ["trainable"],
        of_both_sides if name == "Bidirectional" else [],
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_that_a_layer_shows_can_be_written_to(name: str, rng: np.random.Generator) -> None:
    def writable(value: Any) -> bool:
        if isinstance(value, tuple):
            return any(map(writable, value))
        array = isinstance(value, np.ndarray) and value.flags.writeable
        return array or isinstance(value, list | dict | set)

    layer = built(SAMPLES[name], rng)
    shown = {key: value for key, value in vars(layer).items() if not key.startswith("_")}
    assert [key for key, value in shown.items() if writable(value)] == []


@pytest.mark.parametrize("name", SAMPLES)
def test_every_layer_inside_counts_for_the_plans(name: str, rng: np.random.Generator) -> None:
    layer = built(SAMPLES[name], rng)
    inside, found = [layer], []
    while inside:
        part = inside.pop()
        found.append(part)
        for value in vars(part).values():
            values = list(value.values()) if isinstance(value, dict) else value
            items = values if isinstance(values, list | tuple) else [values]
            inside += [item for item in items if isinstance(item, Layer)]
            inside += [one for item in items for one in getattr(item, "layers", ())]
    for part in found:
        before = layer.versions
        part._changed()
        assert layer.versions != before, part


# --- against Keras, which computes with its attributes as they are ----------------------------

CHANGES: list[tuple[str, dict[str, Any], tuple[int | None, ...], str, Any]] = [
    ("Conv2D", {"filters": 3, "kernel_size": 3, "activation": "relu"}, IMAGE, "activation", None),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, IMAGE, "activation", "softmax"),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, IMAGE, "strides", (2, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, IMAGE, "dilation_rate", (2, 2)),
    ("Conv2D", {"filters": 3, "kernel_size": 3}, IMAGE, "padding", "same"),
    ("DepthwiseConv2D", {"kernel_size": 3}, IMAGE, "padding", "same"),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 3}, IMAGE, "strides", (2, 2)),
    ("Dense", {"units": 3, "activation": "softmax"}, ROW, "activation", "linear"),
    ("BatchNormalization", {}, IMAGE, "epsilon", 0.5),
    ("LayerNormalization", {}, IMAGE, "epsilon", 0.5),
    ("MaxPooling2D", {"pool_size": 2}, IMAGE, "padding", "same"),
    ("AveragePooling2D", {"pool_size": 2}, IMAGE, "strides", (1, 1)),
    ("ReLU", {}, ROW, "negative_slope", 0.25),
    ("LeakyReLU", {}, ROW, "negative_slope", 0.25),
    ("ELU", {}, ROW, "alpha", 0.25),
    ("Activation", {"activation": "relu"}, ROW, "activation", "tanh"),
    ("Softmax", {}, IMAGE, "axis", 1),
    ("Rescaling", {"scale": 0.5}, IMAGE, "scale", 2.0),
    ("ZeroPadding2D", {"padding": 1}, IMAGE, "padding", ((0, 1), (2, 0))),
    ("UpSampling2D", {"size": 2}, IMAGE, "interpolation", "bilinear"),
    ("Reshape", {"target_shape": (8, 7, 4)}, IMAGE, "target_shape", (14, 16)),
    ("RepeatVector", {"n": 2}, ROW, "n", 3),
    ("Dropout", {"rate": 0.5}, ROW, "rate", 0.25),
    ("GlobalAveragePooling2D", {}, IMAGE, "keepdims", True),
]


@pytest.mark.parametrize(("name", "kwargs", "shape", "argument", "value"), CHANGES)
def test_a_changed_layer_gives_the_numbers_of_keras(
    name: str,
    kwargs: dict[str, Any],
    shape: Any,
    argument: str,
    value: Any,
    rng: np.random.Generator,
) -> None:
    theirs, ours = both(name, **kwargs)
    theirs.build(shape)
    ours.build(shape)
    randomize(theirs, ours, rng)
    x = rng.normal(size=(2, *shape[1:])).astype(np.float32)
    before = ours(x)
    is_function = argument == "activation" and value is not None
    setattr(theirs, argument, keras.activations.get(value) if is_function else value)
    setattr(ours, argument, value)
    expected = np.asarray(theirs(x, training=False))
    np.testing.assert_allclose(ours(x), expected, rtol=1e-5, atol=1e-5)
    changed = before.shape != expected.shape or np.abs(before - expected).max() > 1e-3
    assert changed or name == "Dropout"


# --- parts of layers --------------------------------------------------------------------------


def test_a_layer_that_is_an_activation_may_change(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 6)).astype(np.float32)
    rectifier = layers.ReLU()
    dense = layers.Dense(4, activation=rectifier)
    model = cnnfast.Sequential([cnnfast.Input((6,)), dense])
    assert model(x).min() == 0
    rectifier.negative_slope = 0.5
    assert model(x).min() < 0
    dense.activation = None
    np.testing.assert_array_equal(model(x), dense(x))
    dense.activation = rectifier
    assert dense.activation.layers == (rectifier,)
    rectifier.max_value = 0.0
    assert model(x).max() == 0


def test_an_activation_function_cannot_change() -> None:
    relu = layers.Dense(1, activation="relu").activation
    for attribute in ("steps", "name", "lower"):
        with pytest.raises(AttributeError, match="as layers share it"):
            setattr(relu, attribute, ())


def test_a_cell_may_change_and_its_layer_says_where(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, *SEQUENCE[1:])).astype(np.float32)
    lstm = layers.LSTM(3)
    linear = layers.LSTM(3, activation=None)
    for layer in (lstm, linear):
        layer.build(SEQUENCE)
    linear.set_weights(lstm.get_weights())
    assert np.abs(lstm(x) - linear(x)).max() > 1e-4
    with pytest.raises(ValueError, match=r"layers inside, would have to be others.*Received"):
        lstm.activation = None
    lstm.cell.activation = None
    np.testing.assert_array_equal(lstm(x), linear(x))


@pytest.mark.parametrize(
    "layer", [layers.TimeDistributed(layers.Dense(2)), layers.RNN(layers.GRUCell(2))]
)
def test_a_layer_inside_cannot_be_swapped(layer: Layer, rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, *SEQUENCE[1:])).astype(np.float32)
    expected = layer(x)
    name = "cell" if isinstance(layer, layers.RNN) else "layer"
    other = type(getattr(layer, name))(3)
    with pytest.raises(ValueError, match=r"layers inside, would have to be others.*Received"):
        setattr(layer, name, other)
    np.testing.assert_array_equal(layer(x), expected)


@pytest.mark.parametrize("part", ["forward_layer", "backward_layer"])
@pytest.mark.parametrize("argument", ["go_backwards", "return_sequences"])
def test_a_layer_inside_stays_what_the_layer_around_it_can_be_made_of(
    part: str, argument: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    both_ways = layers.Bidirectional(layers.LSTM(3))
    around = layers.TimeDistributed(both_ways)
    model = cnnfast.Sequential([cnnfast.Input((2, *SEQUENCE[1:])), around])
    x = rng.normal(size=(2, 2, *SEQUENCE[1:])).astype(np.float32)
    expected, before = model.predict(x, verbose=0), state(around)
    inside = getattr(both_ways, part)
    with pytest.raises(ValueError, match=rf"can be made of.*{both_ways.name}.*{argument}="):
        setattr(inside, argument, not getattr(inside, argument))
    assert state(around) == before
    np.testing.assert_array_equal(model.predict(x, verbose=0), expected)
    inside.unroll = inside.zero_output_for_mask = True
    inside.cell.activation = "relu"
    assert inside.zero_output_for_mask
    changed = model.predict(x, verbose=0)
    assert np.abs(changed - expected).max() > 1e-4
    model.save(tmp_path / "m.keras")
    loaded = cnnfast.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), changed)


class Widens(layers.Layer):
    """Has an attribute more, and twice the channels, where it is told so."""

    built_without_weights = True

    def __init__(self, wide: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wide = wide
        if wide:
            self.factor = 2

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], input_shape[-1] * (2 if self.wide else 1))

    def _config(self) -> dict[str, Any]:
        return {"wide": self.wide}


def test_a_refused_change_leaves_nothing_behind() -> None:
    layer, x = Widens(), cnnfast.Input((4,))
    model = cnnfast.Model(x, layers.Dense(3)(layer(x)))
    before = dict(vars(layer))
    with pytest.raises(ValueError, match=r"would fall apart.*wide=True"):
        layer.wide = True
    assert vars(layer) | {"_version": 0} == before | {"_version": 0}
    assert model.output_shape == (None, 3)


@pytest.mark.parametrize("argument", ["go_backwards", "return_sequences"])
def test_both_directions_are_set_by_the_layer_around_them(
    argument: str, rng: np.random.Generator
) -> None:
    both_ways = layers.Bidirectional(layers.LSTM(3), name="both")
    model = cnnfast.Sequential([cnnfast.Input(SEQUENCE[1:]), both_ways])
    with pytest.raises(ValueError, match=rf"Set `{argument}` of 'both', for all inside"):
        setattr(both_ways.forward_layer, argument, True)
    setattr(both_ways, argument, True)
    assert getattr(both_ways, argument) is True
    backwards = argument == "go_backwards"
    sides = [
        {"return_sequences": not backwards, "go_backwards": turned}
        for turned in (backwards, not backwards)
    ]
    first, second = (keras.layers.LSTM(3, **side) for side in sides)
    expected = keras.layers.Bidirectional(first, backward_layer=second)
    x = rng.normal(size=(2, *SEQUENCE[1:])).astype(np.float32)
    shape = np.shape(expected(x))
    expected.set_weights(both_ways.get_weights())
    assert model.output_shape[1:] == shape[1:]
    np.testing.assert_allclose(model.predict(x, verbose=0), expected(x), atol=1e-6)
    first, second = (layers.LSTM(3, **side) for side in sides)
    twin = layers.Bidirectional(first, backward_layer=second, name="both")
    for side in ("layer", "backward_layer"):
        config, other = both_ways.get_config()[side], twin.get_config()[side]
        assert {**config["config"], "name": ""} == {**other["config"], "name": ""}
    before = state(both_ways)
    with pytest.raises(ValueError, match=argument):
        setattr(both_ways, argument, "yes")
    assert state(both_ways) == before


def test_a_function_of_numpy_inside_of_a_layer_may_be_swapped(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, *SEQUENCE[1:])).astype(np.float32)
    function = layers.Lambda(lambda x: x * 2)
    around = layers.TimeDistributed(function)
    np.testing.assert_array_equal(around(x), 2 * x)
    function.function = lambda x: x * 3
    np.testing.assert_array_equal(around(x), 3 * x)


def test_a_function_of_numpy_may_be_swapped(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 6)).astype(np.float32)
    layer = layers.Lambda(lambda x, k: x * k, arguments={"k": 2})
    model = cnnfast.Sequential([cnnfast.Input((6,)), layer])
    np.testing.assert_array_equal(model(x), 2 * x)
    layer.arguments["k"] = 3
    np.testing.assert_array_equal(model(x), 3 * x)
    layer.function = lambda x, k: (x + k)[:, :2]
    np.testing.assert_array_equal(model(x), (x + 3)[:, :2])
    assert model.output_shape == (None, 2)
    with pytest.raises(ValueError, match="must be a function"):
        layer.function = None


def test_arrays_given_to_a_layer_are_its_own(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, *IMAGE[1:])).astype(np.float32)
    scale, offset = np.array([1.0, 2.0, 3.0, 4.0]), [0.5, 0.0, 0.0, 0.0]
    layer = layers.Rescaling(scale, offset)
    expected = layer(x)
    config = layer.get_config()
    scale[:] = 0
    offset[0] = 9.0
    assert repr(layer.get_config()) == repr(config)
    np.testing.assert_array_equal(layer(x), expected)
    np.testing.assert_array_equal(layer(x[:1]), expected[:1])
    with pytest.raises(ValueError, match="read-only"):
        layer.scale[0] = 5.0
    layer.scale = 2 * layer.scale
    np.testing.assert_allclose(layer(x)[..., 1], 4 * x[..., 1], rtol=1e-6)


def test_integers_after_floats_are_rounded_in_calls_too() -> None:
    layer = layers.Resizing(3, 3)
    x = np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1)
    floats = layer(x.astype(np.float32))
    assert np.any(floats != np.round(floats))
    tensor = layer(cnnfast.Input((4, 4, 1), dtype="uint8"))
    assert tensor.dtype == "uint8"
    np.testing.assert_array_equal(layer(x), np.round(floats))


def test_attributes_of_the_user_are_free() -> None:
    layer = layers.Dense(2)
    layer.note = {"from": "last week"}
    layer.note = {"from": "today"}
    layer._mark = 3
    layer.trainable = False
    layer.activity_regularizer = "l2"
    assert layer.activity_regularizer.get_config()["l2"] > 0
    assert layer.note == {"from": "today"}
    del layer.note
    assert not hasattr(layer, "note")


def test_a_layer_made_anew_keeps_what_the_user_gave_it(rng: np.random.Generator) -> None:
    layer = built(SAMPLES["Conv2D"], rng)
    layer.note = "mine"
    layer.trainable = False
    kernel, path = layer.kernel, layer.path
    layer.activation = "tanh"
    assert (layer.note, layer.trainable, layer.path) == ("mine", False, path)
    assert layer.kernel is kernel
    assert layer.weights == [kernel, layer.bias]


def test_an_unbuilt_layer_may_change_in_every_argument() -> None:
    layer = layers.Conv2D(3, 3, input_shape=(8, 8, 1))
    layer.filters, layer.kernel_size, layer.use_bias = 5, (1, 1), False
    model = cnnfast.Sequential([layer])
    assert model.output_shape == (None, 8, 8, 5)
    assert [w.shape for w in model.weights] == [(1, 1, 1, 5)]


@pytest.mark.parametrize("kind", ["Dense", "Activation"])
def test_a_layer_with_a_function_without_a_name_can_change(kind: str) -> None:
    def made(function: Any) -> Any:
        options = {"units": 3} if kind == "Dense" else {}
        return getattr(layers, kind)(activation=function, **options)

    layer = made(lambda x: x * 2)
    model = cnnfast.Sequential([layers.Input((3,)), layer])
    x = np.array([[-1.0, 2.0, 0.5]], np.float32)
    doubled = model.predict(x, verbose=0)
    layer.trainable = False
    layer.activation = lambda x: x * 6
    np.testing.assert_array_equal(model.predict(x, verbose=0), doubled * 3)
    layer.activation = "relu"
    np.testing.assert_array_equal(model.predict(x, verbose=0), np.maximum(doubled / 2, 0))


def test_a_call_that_nothing_would_run_cannot_be_set() -> None:
    layer = layers.ReLU()
    with pytest.raises(AttributeError, match="nothing runs it"):
        layer.call = lambda x: x * 2
