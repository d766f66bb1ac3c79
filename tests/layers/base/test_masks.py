"""Masks go from layer to layer as in Keras: drawn, lowered, and on arrays."""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.engine.executor import lower
from cnnfast.errors import UnsupportedError
from layer_samples import SAMPLES
from masked_networks import FEATURES, NETWORKS, STEPS, assert_alike, batch, make, pair, predicted


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_with_masks_give_the_numbers_of_keras(name: str, rng: np.random.Generator) -> None:
    theirs, ours = pair(name, rng)
    x = batch(theirs, rng)
    assert_alike(predicted(ours, x), predicted(theirs, x))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_graph_has_the_operations_that_keras_draws_for_masks(name: str) -> None:
    theirs, ours = make(name, keras), make(name, cnnfast)
    if hasattr(ours, "operations"):
        drawn = [[type(op).__name__ for op in model.operations] for model in (ours, theirs)]
        assert drawn[0] == drawn[1]


@pytest.mark.parametrize("threads", [1, 2])
def test_neither_threads_nor_batch_change_a_bit(threads: int, rng: np.random.Generator) -> None:
    model = make("heads", cnnfast)
    x = batch(model, rng)
    whole = model.predict(x, verbose=0, threads=threads)
    for row in range(len(x)):
        alone = model.predict(x[row : row + 1], verbose=0, threads=1)
        for one, all_ in zip(alone, whole, strict=True):
            np.testing.assert_array_equal(one, all_[row : row + 1])


def operations(model: Any) -> list[str]:
    graph = lower(model, [(STEPS, FEATURES)])
    return [type(op).__name__ for op in graph.ops]


def test_a_mask_that_nothing_reads_costs_nothing() -> None:
    inputs = cnnfast.Input((STEPS, FEATURES))
    x = layers.Dense(3)(layers.Masking()(inputs))
    plain = layers.Dense(3)(inputs)
    masked = operations(cnnfast.Model(inputs, layers.Dense(2)(layers.Add()([x, x]))))
    without = operations(cnnfast.Model(inputs, layers.Dense(2)(layers.Add()([plain, plain]))))
    assert masked.count("Reshape") <= without.count("Reshape") + 1  # a view
    assert [x for x in masked if x != "Reshape"] == [x for x in without if x != "Reshape"]


def warned(package: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        NETWORKS["destroyed"](package)
    return [str(w.message) for w in caught if "mask" in str(w.message)]


def test_a_layer_that_destroys_a_mask_says_so_in_keras_words() -> None:
    keras.backend.clear_session()
    cnnfast.utils.naming.reset_names()
    assert warned(cnnfast) == warned(keras) != []


def test_layers_support_masking_where_those_of_keras_do() -> None:
    alone = {"CustomScaleLayer", "LayerScale", "StochasticDepth", "ThresholdedReLU"}
    alone |= {"RandomHeight", "RandomWidth"}  # which Keras 3 has not
    cannot = {"IntegerLookup", "RandomPosterization"}  # be read by Keras of a config of its own,
    cannot |= {"Hashing", "HashedCrossing"}  # or only beside TensorFlow
    for name in sorted(SAMPLES.keys() - alone - cannot):
        ours = SAMPLES[name].make()
        theirs = keras.saving.deserialize_keras_object(layers.serialize(ours))
        assert ours.supports_masking == theirs.supports_masking, name
        ours.supports_masking = not theirs.supports_masking
        assert ours.supports_masking != theirs.supports_masking


def test_a_layer_told_to_support_masking_passes_masks_on(rng: np.random.Generator) -> None:
    def network(k: Any) -> Any:
        inputs = k.Input((STEPS, FEATURES))
        conv = k.layers.Conv1D(3, 3, padding="same", kernel_initializer="ones")
        conv.supports_masking = True
        return k.Model(inputs, k.layers.GlobalAveragePooling1D()(conv(k.layers.Masking()(inputs))))

    theirs, ours = network(keras), network(cnnfast)
    x = batch(theirs, rng)
    assert_alike(predicted(ours, x), predicted(theirs, x))


LEFT_AS_IT_IS: dict[str, Any] = {
    "reshape": lambda k, x: k.ops.reshape(x, (-1, STEPS, FEATURES)),
    "cast": lambda k, x: k.ops.cast(x, "float32"),
    "slice": lambda k, x: x[:, 0:STEPS, :],
    "transpose": lambda k, x: k.ops.transpose(x, (0, 1, 2)),
    "convert_to_tensor": lambda k, x: k.ops.convert_to_tensor(x),
    "linear": lambda k, x: k.activations.linear(x),
    "Reshape": lambda k, x: k.layers.Reshape((STEPS, FEATURES))(x),
    "Permute": lambda k, x: k.layers.Permute((1, 2))(x),
    "Cropping1D": lambda k, x: k.layers.Cropping1D(0)(x),
    "stop_gradient": lambda k, x: k.ops.stop_gradient(x),
    "times 1": lambda k, x: x * 1.0,
    "copy": lambda k, x: k.ops.copy(x),
    "pad": lambda k, x: k.ops.pad(x, [[0, 0], [0, 0], [0, 0]]),
    "tile": lambda k, x: k.ops.tile(x, [1, 1, 1]),
    "repeat": lambda k, x: k.ops.repeat(x, 1, axis=1),
    "roll": lambda k, x: k.ops.roll(x, 0, axis=1),
    "squeeze": lambda k, x: k.ops.squeeze(k.ops.expand_dims(x, 1), 1),
    "ZeroPadding1D": lambda k, x: k.layers.ZeroPadding1D(0)(x),
    "UpSampling1D": lambda k, x: k.layers.UpSampling1D(1)(x),
    "MaxPooling1D": lambda k, x: k.layers.MaxPooling1D(1)(x),
}


@pytest.mark.filterwarnings("ignore:.*destroy the mask information")
@pytest.mark.parametrize("name", LEFT_AS_IT_IS)
def test_what_changes_no_number_keeps_a_mask_where_keras_does(
    name: str, rng: np.random.Generator
) -> None:
    """Where Keras returns the very tensor that it got, which depends on how it computes."""

    def network(k: Any) -> Any:
        inputs = k.Input((STEPS, FEATURES))
        y = LEFT_AS_IT_IS[name](k, k.layers.Masking()(inputs))
        return k.Model(inputs, k.layers.GlobalAveragePooling1D()(y))

    theirs, ours = network(keras), network(cnnfast)
    x = batch(theirs, rng)
    assert_alike(predicted(ours, x), predicted(theirs, x))


def test_embedding_masks_once_it_is_told_to(rng: np.random.Generator) -> None:
    model = make("stack", cnnfast)
    x = batch(model, rng)
    masked = model.predict(x, verbose=0)
    model.layers[0].mask_zero = False
    assert not np.allclose(model.predict(x, verbose=0), masked)
    model.layers[0].mask_zero = True
    np.testing.assert_array_equal(model.predict(x, verbose=0), masked)


# --- calls on arrays ---------------------------------------------------------------------------


def eager(k: Any, x: Any, ids: Any) -> list[Any]:
    """Return what calls on arrays give, with the masks of these."""
    nn, made = k.layers, []
    some = np.array([[1, 1, 0, 0, 0, 0]] * len(x), bool)
    y = nn.Masking()(x)
    dense = nn.Dense(3, kernel_initializer="ones")
    z = dense(y)
    made += [y, y._keras_mask, z._keras_mask, nn.GlobalAveragePooling1D()(z)]
    seen = nn.Attention()([y, x])
    made += [seen, seen._keras_mask, nn.Concatenate()([y, x])._keras_mask]
    made += [nn.Add()([y, y])._keras_mask, getattr(nn.Add()([y, x]), "_keras_mask", None) is None]
    pool = nn.GlobalAveragePooling1D()
    made += [pool(x, mask=some), pool(x, mask=some * np.float32(0.3)), pool(x, mask=some[:1])]
    made += [pool(x, mask=some.tolist()), nn.Softmax()(x, mask=x > 0)]
    made += [nn.Softmax()(x, mask=(x > 0) * np.float32(0.4))]
    made += [nn.Attention()([x, x], mask=[None, some])]
    made += [nn.Attention()([x, x], mask=[some, None], use_causal_mask=True)]
    ones = {"kernel_initializer": "ones", "bias_initializer": "ones"}
    attention = nn.MultiHeadAttention(2, 3, **ones)
    lower = np.tri(STEPS)
    made += [attention(x, x, attention_mask=np.repeat(lower[None], len(x), 0))]
    made += [attention(x, x, attention_mask=lower[None]), attention(x, x, value_mask=some)]
    out = attention(y, y)
    made += [out, out._keras_mask, getattr(y, "_keras_mask", None) is None]
    words = nn.Embedding(10, 4, mask_zero=True)
    made += [words(ids)._keras_mask, words.compute_mask(ids)]
    stack = k.Sequential([nn.Masking(), dense])
    made += [stack(x), stack(x)._keras_mask]
    pooled = k.Sequential([nn.Dense(3, kernel_initializer="ones"), pool])
    made += [pooled(nn.Masking()(x)), pooled(x), pooled(x, mask=some)]
    norm, y = nn.BatchNormalization(), nn.Masking()(x)
    made += [norm(y), norm(y, training=True), norm(x, training=True, mask=some)]
    return [np.asarray(item) for item in made]


@pytest.mark.filterwarnings("ignore:.*destroy the mask information")
def test_arrays_carry_masks_from_call_to_call(rng: np.random.Generator) -> None:
    ids = np.array([[1, 2, 0, 3, 0, 0], [0, 0, 0, 0, 0, 1]])
    x = batch(make("heads", keras), rng)
    for ours, theirs in zip(eager(cnnfast, x, ids), eager(keras, x, ids), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(
            ours.astype(float), theirs.astype(float), rtol=1e-5, atol=5e-6, equal_nan=True
        )


def test_what_numpy_makes_of_an_array_has_no_mask() -> None:
    y = layers.Masking()(np.ones((2, STEPS, FEATURES), np.float32))
    assert getattr(y[:1] + 1, "_keras_mask", None) is None


# --- what is refused ---------------------------------------------------------------------------

X = np.ones((2, STEPS, FEATURES), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "rule"),
    [
        (lambda: layers.Dense(2)(X, mask=X[..., 0]), UnsupportedError, "can be called with"),
        (lambda: layers.Softmax()(layers.Masking()(X)), ValueError, "must be broadcastable"),
        (lambda: layers.BatchNormalization()(X, mask=X), ValueError, "one dimension less"),
        (lambda: layers.Attention()([X, X], mask=X[..., 0]), ValueError, "mask must be a list"),
        (lambda: layers.Add().compute_mask([X, X], X), ValueError, "`mask` should be a list"),
        (
            lambda: layers.Add().compute_mask([X, X], [X]),
            ValueError,
            "should have the same length",
        ),
        (
            lambda: layers.GlobalAveragePooling1D()(X, mask=np.ones((3, STEPS), bool)),
            ValueError,
            "its first axis, the batch, must have the size 1",
        ),
        (lambda: layers.Masking("a"), ValueError, "`mask_value` must be a number"),
        (
            lambda: layers.MultiHeadAttention(2, 3)(X[:, None], X[:, None], value_mask=X[..., 0]),
            UnsupportedError,
            "takes `value_mask` where it attends to one axis only",
        ),
    ],
)
def test_masks_that_do_not_fit_are_refused(call: Any, error: type[Exception], rule: str) -> None:
    with pytest.raises(error, match=rule):
        call()


MASKED_BY_PLACE: dict[str, Any] = {
    "GlobalAveragePooling1D": (lambda of: of.GlobalAveragePooling1D(), lambda mask: (mask,)),
    "Softmax": (lambda of: of.Softmax(1), lambda mask: (np.repeat(mask[..., None], 3, -1),)),
    "Attention": (lambda of: of.Attention(), lambda mask: ([mask, mask],)),
    "LSTM": (lambda of: of.LSTM(2), lambda mask: (None, mask)),
}


@pytest.mark.parametrize("name", MASKED_BY_PLACE)
def test_a_mask_by_place_is_heard(name: str, rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 5, 3)).astype(np.float32)
    mask = np.array([[1, 1, 0, 0, 1], [1, 0, 0, 0, 0]], bool)
    results = []
    for package in (keras, cnnfast):
        make, arguments = MASKED_BY_PLACE[name]
        layer = make(package.layers)
        first = [x, x] if name == "Attention" else x
        layer(first)
        layer.set_weights([np.full(w.shape, 0.3, np.float32) for w in layer.weights])
        results.append([np.asarray(y) for y in (layer(first, *arguments(mask)), layer(first))])
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert not np.allclose(*results[1])
