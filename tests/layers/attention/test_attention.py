"""Attention layers against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import both, keras, plain, randomize

CASES: list[tuple[str, dict[str, Any]]] = [
    ("Attention", {}),
    ("Attention", {"use_scale": True, "dropout": 0.3, "seed": 1}),
    ("Attention", {"score_mode": "concat"}),
    ("Attention", {"score_mode": "concat", "use_scale": True}),
    ("AdditiveAttention", {}),
    ("AdditiveAttention", {"use_scale": False}),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 3}),
    ("MultiHeadAttention", {"num_heads": 1, "key_dim": 4, "use_bias": False, "dropout": 0.2}),
    (
        "MultiHeadAttention",
        {"num_heads": 3, "key_dim": 2, "value_dim": 5, "output_shape": 7, "dropout": 0.1},
    ),
    ("MultiHeadAttention", {"num_heads": 2, "key_dim": 2, "kernel_regularizer": "l2"}),
    ("GroupQueryAttention", {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}),
    (
        "GroupQueryAttention",
        {"head_dim": 2, "num_query_heads": 6, "num_key_value_heads": 2, "use_gate": True},
    ),
    (
        "GroupQueryAttention",
        {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 2, "use_bias": False},
    ),
]
_ON_ARGUMENTS = ("MultiHeadAttention", "GroupQueryAttention")
SHAPES = ((5, 4), (6, 4), (6, 4))


def _called(layer: Any, class_name: str, tensors: list[Any]) -> Any:
    return layer(*tensors) if class_name in _ON_ARGUMENTS else layer(tensors)


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize(("class_name", "kwargs"), CASES)
def test_attention_is_that_of_keras(
    class_name: str, kwargs: dict[str, Any], count: int, rng: np.random.Generator
) -> None:
    theirs, ours = both(class_name, **kwargs)
    arrays = [rng.normal(size=(2, *shape)).astype(np.float32) for shape in SHAPES[:count]]
    _called(theirs, class_name, [keras.Input(shape) for shape in SHAPES[:count]])
    symbol = _called(ours, class_name, [layers.Input(shape) for shape in SHAPES[:count]])
    assert [(w.path, w.shape) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]
    assert plain(layers.serialize(ours)) == plain(keras.saving.serialize_keras_object(theirs))
    randomize(theirs, ours, rng)
    expected = np.asarray(_called(theirs, class_name, arrays))
    assert symbol.shape == (None, *expected.shape[1:])
    np.testing.assert_allclose(_called(ours, class_name, arrays), expected, rtol=0, atol=1e-5)


def test_attention_over_images(rng: np.random.Generator) -> None:
    theirs, ours = both("MultiHeadAttention", num_heads=2, key_dim=3)
    x = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    theirs(keras.Input(x.shape[1:]), keras.Input(x.shape[1:]))
    ours(layers.Input(x.shape[1:]), layers.Input(x.shape[1:]))
    randomize(theirs, ours, rng)
    np.testing.assert_allclose(ours(x, x), np.asarray(theirs(x, x)), rtol=0, atol=1e-5)


def test_attention_returns_its_weights_over_any_axes_in_front(rng: np.random.Generator) -> None:
    for class_name, kwargs in [*CASES[:1], *CASES[3:5]]:
        theirs, ours = both(class_name, **kwargs)
        for layer, room in ((theirs, keras), (ours, layers)):
            layer([room.Input((5, 4)), room.Input((3, 4))])
        randomize(theirs, ours, rng)
        for lead in ((), (2,)):
            arrays = [rng.normal(size=(2, *lead, n, 4)).astype(np.float32) for n in (5, 3)]
            for options in ({}, {"use_causal_mask": True}, {"mask": [None, MASK]}):
                if lead and "mask" in options:
                    with pytest.raises(UnsupportedError, match="inputs of 3 axes only"):
                        ours(arrays, **options)
                    continue
                expected = theirs(arrays, return_attention_scores=True, **options)
                got = ours(arrays, return_attention_scores=True, **options)
                assert isinstance(got, tuple)
                for out, value in zip(got, expected, strict=True):
                    np.testing.assert_allclose(out, np.asarray(value), rtol=0, atol=1e-5)
    made = layers.Attention()(
        [layers.Input((5, 4)), layers.Input((3, 4))], return_attention_scores=True
    )
    assert [out.shape for out in made] == [(None, 5, 4), (None, 5, 3)]
    mask = np.array([[True, False]])
    of_both = layers.Attention().compute_mask([X, X], mask=[mask, None])
    np.testing.assert_array_equal(of_both, mask)
    assert layers.Attention().compute_mask([X, X]) is None


X = np.ones((1, 2, 4), np.float32)
MASK = np.array([[[True, False, True]] * 5, [[False, True, True]] * 5])


def test_configs_of_keras_2_are_read() -> None:
    config = {"name": "mha", "num_heads": 2, "key_dim": 3, "query_shape": [None, 4, 5]}
    layer = layers.MultiHeadAttention.from_config(config)
    assert isinstance(layer, layers.MultiHeadAttention)
    assert layer.key_dim == 3


def test_files_name_the_projections_as_keras_does() -> None:
    layer = layers.MultiHeadAttention(2, 3)
    x = np.zeros((1, 4, 5), np.float32)
    layer(x, x)
    names = ["query_dense", "key_dense", "value_dense", "output_dense"]
    assert list(layer._file_children()) == names
    assert layer.trainable
    layer.trainable = False
    assert not layer.trainable_weights


@pytest.mark.parametrize(
    ("make", "error", "rule"),
    [
        (lambda x: layers.MultiHeadAttention(0, 3), ValueError, "argument `num_heads`"),
        (lambda x: layers.MultiHeadAttention(2, 3, 0), ValueError, "argument `value_dim`"),
        (
            lambda x: layers.MultiHeadAttention(2, 3, sliding_window=0),
            ValueError,
            "`sliding_window` must",
        ),
        (
            lambda x: layers.MultiHeadAttention(2, 3, output_shape=8.5),
            ValueError,
            "Invalid `output_shape`",
        ),
        (
            lambda x: layers.MultiHeadAttention(2, 3, attention_axes=2)(x, x),
            ValueError,
            "`attention_axes` must be different axes",
        ),
        (
            lambda x: layers.MultiHeadAttention(2, 3, attention_axes=2)(x[None], x[None, :1]),
            ValueError,
            "not attended to the same sizes",
        ),
        (
            lambda x: layers.MultiHeadAttention(2, 3, attention_axes=2, sliding_window=2)(
                x[None], x[None]
            ),
            UnsupportedError,
            "along the first axis",
        ),
        (lambda x: layers.MultiHeadAttention(2, 3)(x, x, x[:, :2]), ValueError, "must be equal"),
        (lambda x: layers.Attention(score_mode="max"), ValueError, "argument score_mode"),
        (lambda x: layers.Attention(name="a")([x]), ValueError, "a list of length 2 or 3"),
        (lambda x: layers.Attention()([x, x[:, :, :3]]), ValueError, "same number of features"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, error: type[Exception], rule: str) -> None:
    with pytest.raises(error, match=rule):
        make(np.zeros((2, 4, 5), np.float32))
