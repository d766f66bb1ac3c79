"""Networks with masks, of Keras and of this package: one source, given the package."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

import cnnfast

Make = Callable[[Any], Any]
STEPS, FEATURES = 6, 4


def _masked(k: Any) -> tuple[Any, Any]:
    inputs = k.Input((STEPS, FEATURES))
    return inputs, k.layers.Masking()(inputs)


def embedding(k: Any) -> Any:
    nn, inputs = k.layers, k.Input((STEPS,), dtype="int32")
    x = nn.Dense(3)(nn.Embedding(10, 4, mask_zero=True)(inputs))
    return k.Model(inputs, nn.GlobalAveragePooling1D()(x))


def other_value(k: Any) -> Any:
    nn, inputs = k.layers, k.Input((STEPS, FEATURES))
    x = nn.BatchNormalization()(nn.Masking(0.5)(inputs))
    return k.Model(inputs, [x, nn.GlobalAveragePooling1D(keepdims=True)(x)])


def passed_on(k: Any) -> Any:
    nn, (inputs, x) = k.layers, _masked(k)
    for layer in (
        *(nn.Dropout(0.5), nn.Activation("tanh"), nn.ReLU(), nn.LayerNormalization(), nn.PReLU()),
        *(nn.GaussianNoise(0.1), nn.SpatialDropout1D(0.2), nn.Identity(), nn.UnitNormalization()),
        nn.Rescaling(2.0),
    ):
        x = layer(x)
    return k.Model(inputs, nn.GlobalAveragePooling1D()(x))


def merged(k: Any) -> Any:
    nn, (inputs, x) = k.layers, _masked(k)
    other = nn.Masking(0.5)(inputs)
    outputs = [nn.Add()([x, other]), nn.Multiply()([x, inputs]), nn.Concatenate()([x, inputs])]
    outputs += [nn.Concatenate(axis=1)([x, other]), nn.Concatenate(axis=1)([x, inputs])]
    outputs += [nn.Dot(axes=2)([x, other]), nn.Average()([x, x])]
    return k.Model(inputs, [nn.GlobalAveragePooling1D()(y) for y in outputs])


def attention(k: Any) -> Any:
    nn, (inputs, x) = k.layers, _masked(k)
    outputs = [nn.Attention()([x, inputs]), nn.Attention()([inputs, x])]
    outputs += [nn.Attention(use_scale=True, score_mode="concat")([x, x])]
    outputs += [nn.AdditiveAttention()([x, x, x]), nn.Attention()([x, x], use_causal_mask=True)]
    return k.Model(inputs, [*outputs, nn.GlobalAveragePooling1D()(outputs[0])])


def heads(k: Any) -> Any:
    nn, inputs = k.layers, k.Input((STEPS, FEATURES))

    def masked() -> Any:
        return nn.Masking()(inputs)

    outputs = [nn.MultiHeadAttention(2, 3)(masked(), inputs)]
    outputs += [nn.MultiHeadAttention(2, 3)(inputs, masked())]
    outputs += [nn.MultiHeadAttention(2, 3)(inputs, inputs, masked())]
    outputs += [nn.MultiHeadAttention(2, 3, dropout=0.1)(masked(), masked())]
    outputs += [nn.MultiHeadAttention(2, 3)(inputs, inputs, use_causal_mask=True)]
    outputs += [nn.MultiHeadAttention(2, 3)(masked(), masked(), use_causal_mask=True)]
    return k.Model(inputs, [*outputs, nn.GlobalAveragePooling1D()(outputs[0])])


def transformer(k: Any) -> Any:
    """Attention takes the mask away of what it sees, so that the second one has none."""
    nn, (inputs, x) = k.layers, _masked(k)
    for _ in range(2):
        seen = nn.MultiHeadAttention(2, 3)(x, x)
        x = nn.LayerNormalization()(nn.Add()([x, seen]))
    return k.Model(inputs, nn.GlobalAveragePooling1D()(x))


def nested(k: Any) -> Any:
    nn, (inputs, x) = k.layers, _masked(k)
    stack = k.Sequential([k.Input((STEPS, FEATURES)), nn.Dense(3), nn.Dense(FEATURES)])
    inside = k.Input((STEPS, FEATURES))
    graph = k.Model(inside, nn.GlobalAveragePooling1D()(nn.Dense(3)(inside)))
    y = stack(x)
    outputs = [nn.GlobalAveragePooling1D()(y), nn.Attention()([y, y]), graph(x), graph(inputs)]
    return k.Model(inputs, outputs)


def made_inside(k: Any) -> Any:
    nn, inputs = k.layers, k.Input((STEPS,), dtype="int32")
    words = k.Sequential([k.Input((STEPS,), dtype="int32"), nn.Embedding(10, 4, mask_zero=True)])
    return k.Model(inputs, nn.GlobalAveragePooling1D()(words(inputs)))


def destroyed(k: Any) -> Any:
    nn, (inputs, x) = k.layers, _masked(k)
    return k.Model(inputs, nn.GlobalAveragePooling1D()(nn.Conv1D(4, 3, padding="same")(x)))


def stack(k: Any) -> Any:
    nn = k.layers
    embedding = nn.Embedding(10, 4, mask_zero=True)
    return k.Sequential(
        [k.Input((STEPS,)), embedding, nn.Dropout(0.5), nn.GlobalAveragePooling1D()]
    )


def given(k: Any) -> Any:
    """Masks that are said in calls, of several dtypes."""
    nn, x = k.layers, k.Input((STEPS, FEATURES))
    numbers, truths = k.Input((STEPS,)), k.Input((STEPS,), dtype="bool")
    pairs, places = k.Input((STEPS, STEPS), dtype="int32"), k.Input((STEPS, FEATURES))
    attention = nn.MultiHeadAttention(2, 3)
    first = nn.GlobalAveragePooling1D(data_format="channels_first", keepdims=True)
    outputs = [
        nn.GlobalAveragePooling1D()(x, mask=numbers),
        first(nn.Permute((2, 1))(x), mask=truths),
        nn.Softmax()(x, mask=places),
        nn.Softmax(axis=1)(x, mask=places),
        nn.Attention()([x, x], mask=[truths, numbers]),
        attention(x, x, attention_mask=pairs),
        attention(x, x, value_mask=truths, use_causal_mask=True),
        attention(x, x, query_mask=truths, key_mask=numbers),
    ]
    return k.Model([x, numbers, truths, pairs, places], outputs)


NETWORKS: dict[str, Make] = {
    make.__name__: make
    for make in (
        *(embedding, other_value, passed_on, merged, attention, heads, transformer, nested),
        *(made_inside, destroyed, stack, given),
    )
}


def make(name: str, package: Any) -> Any:
    """Return a network of one of the packages; what it warns of is not shown."""
    package.utils.set_random_seed(0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*destroy the mask information")
        return NETWORKS[name](package)


def pair(name: str, rng: np.random.Generator) -> tuple[Any, Any]:
    """Return Keras' network and the same one here, with the same random weights."""
    theirs, ours = make(name, keras), make(name, cnnfast)
    theirs.set_weights([_numbers(weight, rng) for weight in theirs.weights])
    ours.set_weights(theirs.get_weights())
    return theirs, ours


def _numbers(weight: Any, rng: np.random.Generator) -> Any:
    shape = tuple(weight.shape)
    scale = 0.5 if len(shape) > 1 else 0.2
    return (rng.normal(0, scale, shape) + (len(shape) < 2)).astype(np.float32)


def batch(model: Any, rng: np.random.Generator) -> Any:
    """Return numbers of which steps here and there, at either end, are masked."""
    made = [_array(tensor, rng) for tensor in model.inputs]
    return made[0] if len(made) == 1 else made


def _array(tensor: Any, rng: np.random.Generator) -> Any:
    shape = (5, *tensor.shape[1:])
    if tensor.dtype in ("int32", "bool") and len(shape) > 2:
        return rng.integers(0, 2, shape)
    if len(shape) == 2:
        numbers = rng.integers(1, 10, shape)
        numbers[0, 3:], numbers[1, 0], numbers[2, 2], numbers[3, 1:] = 0, 0, 0, 0
        return numbers > 0 if tensor.dtype == "bool" else numbers
    x = rng.normal(size=shape).astype(np.float32)
    x[0, 3:], x[1, 0], x[2, 2], x[3, 1:], x[4, 4:] = 0, 0, 0.5, 0, 0.5
    return x


def predicted(model: Any, x: Any) -> list[Any]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*destroy the mask information")
        outputs = model.predict(x, verbose=0)
    return outputs if isinstance(outputs, list) else [outputs]


def assert_alike(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs)
    for actual, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=2e-6)
