"""Initializers: the distributions of Keras, its names and its configs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import initializers
from cnnfast.errors import UnsupportedError
from parity import keras, plain

RANDOM: list[tuple[str, dict[str, Any]]] = [
    ("RandomNormal", {"mean": 1.0, "stddev": 0.5}),
    ("TruncatedNormal", {"mean": -1.0, "stddev": 0.5}),
    ("RandomUniform", {"minval": -2.0, "maxval": 1.0}),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"}),
    ("VarianceScaling", {"mode": "fan_avg", "distribution": "uniform"}),
    ("VarianceScaling", {"distribution": "normal"}),
    *(
        (name, {})
        for name in (
            *("GlorotUniform", "GlorotNormal", "LecunNormal", "LecunUniform"),
            *("HeNormal", "HeUniform"),
        )
    ),
]
FIXED: list[tuple[str, dict[str, Any]]] = [
    ("Zeros", {}),
    ("Ones", {}),
    ("Constant", {"value": 2.5}),
    ("Identity", {"gain": 3.0}),
]


def _both(name: str, kwargs: dict[str, Any]) -> tuple[Any, initializers.Initializer]:
    return getattr(keras.initializers, name)(**kwargs), getattr(initializers, name)(**kwargs)


@pytest.mark.parametrize(("name", "kwargs"), RANDOM)
def test_a_random_initializer_has_the_distribution_of_keras(
    name: str, kwargs: dict[str, Any]
) -> None:
    theirs, ours = _both(name, {**kwargs, "seed": 7})
    shape = (3, 3, 40, 60)
    a, b = np.asarray(theirs(shape)).ravel(), ours(shape).ravel()
    # 21,600 numbers: quantiles differ by a few times sigma / sqrt(n) = 0.7%.
    levels = np.linspace(0.02, 0.98, 25)
    spread = float(a.std())
    np.testing.assert_allclose(
        np.quantile(b, levels), np.quantile(a, levels), atol=0.06 * spread, rtol=0
    )
    assert b.dtype == np.float32
    # A cut-off tail or an interval ends where Keras' ends.
    if name != "RandomNormal" and kwargs.get("distribution") != "untruncated_normal":
        np.testing.assert_allclose([b.min(), b.max()], [a.min(), a.max()], atol=0.02 * spread)


@pytest.mark.parametrize(("name", "kwargs"), FIXED)
def test_a_fixed_initializer_gives_the_numbers_of_keras(name: str, kwargs: dict[str, Any]) -> None:
    theirs, ours = _both(name, kwargs)
    np.testing.assert_array_equal(ours((4, 3)), np.asarray(theirs((4, 3))))


@pytest.mark.parametrize(("name", "kwargs"), [*RANDOM, *FIXED[:3], ("Orthogonal", {"gain": 2.0})])
def test_configs_are_those_of_keras_and_load_in_both_directions(
    name: str, kwargs: dict[str, Any]
) -> None:
    theirs, ours = _both(name, kwargs)
    saved = plain(keras.initializers.serialize(theirs))
    assert plain(initializers.serialize(ours)) == saved
    assert plain(initializers.serialize(initializers.deserialize(saved))) == saved
    reloaded = keras.initializers.deserialize(plain(initializers.serialize(ours)))
    assert plain(reloaded.get_config()) == saved["config"]


@pytest.mark.parametrize("name", sorted(set(keras.src.initializers.ALL_OBJECTS_DICT)))
def test_every_name_of_keras_is_known(name: str) -> None:
    if name.lower().startswith("stft") or name in ("Initializer", "initializer"):
        pytest.skip("a base class, or one for audio")
    theirs = keras.src.initializers.ALL_OBJECTS_DICT[name]
    assert type(initializers.get(name)).__name__ == theirs.__name__


def test_the_gain_of_an_identity_is_kept_though_keras_forgets_it() -> None:
    saved = plain(initializers.serialize(initializers.Identity(gain=3.0)))
    assert keras.initializers.deserialize(saved).gain == 3.0
    assert plain(initializers.serialize(initializers.deserialize(saved))) == saved


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (2, 3, 5)])
def test_orthogonal_has_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    q = initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1])
    product = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
    np.testing.assert_allclose(product, 4.0 * np.eye(len(product)), atol=1e-5)


@pytest.mark.parametrize("shape", [(), (5,), (5, 7), (3, 5, 7), (3, 3, 5, 7), (2, 3, 3, 5, 7)])
def test_fans_are_those_of_keras(shape: tuple[int, ...]) -> None:
    from keras.src.initializers.random_initializers import compute_fans

    assert initializers.compute_fans(shape) == compute_fans(shape)


def test_a_seed_gives_the_same_numbers_and_another_seed_others() -> None:
    first, again, other = (initializers.HeNormal(seed)((4, 4)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_object_without_a_seed_repeats_itself_as_in_keras() -> None:
    initializer = initializers.GlorotUniform()
    np.testing.assert_array_equal(initializer((3, 3)), initializer((3, 3)))
    assert not np.array_equal(initializer((3, 3)), initializers.GlorotUniform()((3, 3)))


def test_an_array_is_its_own_initializer() -> None:
    initializer = initializers.get(np.arange(3.0))
    assert initializer is not None
    np.testing.assert_array_equal(initializer((3,)), [0, 1, 2])
    with pytest.raises(ValueError, match="Expected `shape` to be"):
        initializer((4,))


def test_an_unknown_class_of_a_file_can_be_written_but_not_drawn_from() -> None:
    config = {"module": "mine", "class_name": "Own", "config": {}, "registered_name": "Own"}
    initializer = initializers.deserialize(config)
    assert initializers.serialize(initializer) == config
    with pytest.raises(UnsupportedError, match="'Own'"):
        initializer((2,))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: initializers.VarianceScaling(scale=0.0), "`scale` must be positive"),
        (lambda: initializers.VarianceScaling(mode="fan"), "`mode` must be one of"),
        (lambda: initializers.VarianceScaling(distribution="x"), "`distribution` must be one of"),
        (lambda: initializers.RandomNormal(seed="x"), "`seed` of an initializer"),
        (lambda: initializers.Identity()((2, 2, 2)), "only be used for 2D"),
        (lambda: initializers.Orthogonal()((2,)), "at least two-dimensional"),
        (lambda: initializers.get("gloroot"), "one of: .*glorot_uniform.*Received: 'gloroot'"),
        (lambda: initializers.get({"class_name": "Zeros"}), "must hold `class_name` and"),
    ],
)
def test_bad_arguments_state_the_rule(make: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        make()
