"""The names of `keras.backend`, `config`, `mixed_precision`, `random` and `tree`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import backend, config, layers, mixed_precision, random, tree


@pytest.fixture(autouse=True)
def _settings_come_back() -> Iterator[None]:
    yield
    backend.set_epsilon(1e-7)
    backend.set_image_data_format("channels_last")


def test_layers_follow_the_data_format_and_files_do_not(tmp_path: Any) -> None:
    model = cnnfast.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(4, 3)])
    path = tmp_path / "model.keras"
    model.save(path)
    x = np.ones((1, 8, 8, 3), np.float32)
    expected = model(x)
    config.set_image_data_format("channels_first")
    assert layers.Conv2D(4, 3).data_format == "channels_first"
    assert layers.Conv2D(4, 3, data_format="channels_last").data_format == "channels_last"
    assert cnnfast.utils.img_to_array(np.ones((4, 5, 3))).shape == (3, 4, 5)
    np.testing.assert_array_equal(cnnfast.load_model(path)(x), expected)
    with pytest.raises(ValueError, match="networks by name are channels_last"):
        cnnfast.applications.VGG16(weights=None)


@pytest.mark.parametrize("name", ["Cropping1D", "UpSampling1D"])
def test_layers_without_a_data_format_do_not_follow_it(name: str, keras: Any) -> None:
    x = np.arange(24, dtype=np.float32).reshape(1, 4, 6)
    found = []
    try:
        for module in (cnnfast, keras):
            module.config.set_image_data_format("channels_first")
            found.append(np.asarray(getattr(module.layers, name)()(x)))
    finally:
        keras.config.set_image_data_format("channels_last")
    np.testing.assert_array_equal(*found)


def test_epsilon_reaches_losses_and_metrics(keras: Any) -> None:
    try:
        for value in (1e-7, 1e-2):
            backend.set_epsilon(value)
            keras.backend.set_epsilon(value)
            y, p = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
            for name in ("binary_crossentropy", "mean_absolute_percentage_error", "dice"):
                ours, theirs = (getattr(m.losses, name)(y, p) for m in (cnnfast, keras))
                np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    finally:
        keras.backend.set_epsilon(1e-7)


NORMED: dict[str, Any] = {
    "Normalization": lambda m: m.layers.Normalization(mean=[0.5], variance=[1e-6]),
    "STFTSpectrogram": lambda m: m.layers.STFTSpectrogram(
        "log", frame_length=8, frame_step=4, fft_length=8
    ),
    "Dot": lambda m: lambda x: m.layers.Dot(1, normalize=True)([x, x]),
    "normalize": lambda m: lambda x: m.ops.normalize(x, axis=1),
    "layer_normalization": lambda m: lambda x: m.ops.layer_normalization(x, axis=1),
    "rms_normalization": lambda m: lambda x: m.ops.rms_normalization(x, axis=1),
}


@pytest.mark.parametrize("name", NORMED)
def test_epsilon_reaches_a_network_that_was_drawn_and_run_before(name: str, keras: Any) -> None:
    # Small enough for both limits to count.
    x = np.random.default_rng(0).normal(scale=1e-3, size=(2, 32, 1)).astype(np.float32)
    models = []
    for module in (cnnfast, keras):
        begin = module.Input((32, 1))
        models.append(module.Model(begin, NORMED[name](module)(begin)))
    seen = []
    try:
        for value in (1e-2, 1e-5, 1e-2):
            backend.set_epsilon(value)
            keras.backend.set_epsilon(value)
            ours, theirs = (np.asarray(model(x)) for model in models)
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)
            seen.append(ours)
    finally:
        keras.backend.set_epsilon(1e-7)
    np.testing.assert_array_equal(seen[0], seen[2])
    assert np.abs(seen[0] - seen[1]).max() > 1e-3


@pytest.mark.parametrize(
    "setter",
    [config.set_floatx, mixed_precision.set_global_policy, config.set_dtype_policy],
)
def test_a_precision_that_would_not_hold_is_refused(setter: Any) -> None:
    setter("float32")
    with pytest.raises(ValueError, match="Everything is computed in float32 here"):
        setter("float16")


def test_epsilon_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="must be a number"):
        backend.set_epsilon("small")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "dtypes",
    [
        ("int32", "float32"),
        ("int8", "uint8"),
        ("float16", "bfloat16"),
        ("bool", "int32"),
        ("float16", "int64"),
        ("uint8", "uint16"),
        (),
    ],
)
def test_dtypes_join_as_in_keras(dtypes: tuple[str, ...], keras: Any) -> None:
    assert backend.result_type(*dtypes) == keras.backend.result_type(*dtypes)


@pytest.mark.parametrize("dtype", ["float32", None, "int", float, np.uint8, "bfloat16", bool])
def test_dtypes_have_the_names_of_keras(dtype: Any, keras: Any) -> None:
    assert backend.standardize_dtype(dtype) == keras.backend.standardize_dtype(dtype)


def test_an_unknown_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="Invalid dtype: float31"):
        backend.standardize_dtype("float31")


def test_functions_of_keras_2_work_on_arrays_and_in_graphs(rng: np.random.Generator) -> None:
    x = rng.uniform(-2, 2, (3, 4, 5)).astype(np.float32)
    K: Any = backend  # noqa: N806
    begin = cnnfast.Input((4, 5))
    cases = {
        "relu": (K.relu(begin, alpha=0.1, max_value=1.0), np.where(x < 0, 0.1 * x, x.clip(0, 1))),
        "elu": (K.elu(begin, 0.5), np.where(x < 0, 0.5 * np.expm1(x), x)),
        "clip": (K.clip(begin, -1, 1), x.clip(-1, 1)),
        "mean": (K.mean(begin, axis=-1), x.mean(-1)),
        "pow": (K.pow(begin, 2), x**2),
        "reverse": (K.reverse(begin, 1), x[:, ::-1]),
        "permute": (K.permute_dimensions(begin, (0, 2, 1)), x.transpose(0, 2, 1)),
        "flatten": (K.batch_flatten(begin), x.reshape(3, 20)),
        "concatenate": (K.concatenate([begin, begin]), np.concatenate([x, x], -1)),
        "expand": (K.expand_dims(begin), x[..., None]),
        "norm": (
            K.l2_normalize(begin, axis=-1),
            x / np.sqrt((x * x).sum(-1, keepdims=True)),
        ),
    }
    for symbolic, expected in cases.values():
        np.testing.assert_allclose(cnnfast.Model(begin, symbolic)(x), expected, atol=1e-6)
    assert K.int_shape(begin) == (None, 4, 5)
    assert (K.ndim(begin), K.dtype(begin), K.dtype(x)) == (3, "float32", "float32")
    variable = K.variable([1.0, 2.0])
    K.set_value(variable, [3.0, 4.0])
    np.testing.assert_array_equal(K.get_value(variable), [3.0, 4.0])
    assert K.count_params(variable) == 2


def test_functions_that_compute_otherwise_in_keras_2_compute_as_there(
    rng: np.random.Generator,
) -> None:
    x = rng.uniform(-4, 4, (3, 5)).astype(np.float32)
    K: Any = backend  # noqa: N806
    cases: dict[str, tuple[Any, Any]] = {
        "argmax": (K.argmax, x.argmax(-1)),
        "argmin": (K.argmin, x.argmin(-1)),
        "hard_sigmoid": (K.hard_sigmoid, (0.2 * x + 0.5).clip(0, 1)),
        "repeat": (lambda t: K.repeat(t, 2), np.stack([x, x], 1)),
        "sqrt": (K.sqrt, np.sqrt(x.clip(0))),
        "clip, the wrong way": (lambda t: K.clip(t, 2, 1), np.full_like(x, 2)),
        "clip, one side": (lambda t: K.clip(t, None, 1), x.clip(None, 1)),
        "ones_like": (lambda t: K.ones_like(t, "float32", "name"), np.ones_like(x)),
    }
    begin = cnnfast.Input((5,))
    for name, (function, expected) in cases.items():
        np.testing.assert_allclose(function(x), expected, atol=1e-6, err_msg=name)
        drawn = cnnfast.Model(begin, function(begin))
        np.testing.assert_allclose(drawn(x), expected, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(K.cumsum(x), x.cumsum(0), atol=1e-5)
    np.testing.assert_allclose(K.cumprod(x), x.cumprod(0), atol=1e-4)
    found = K.in_top_k(np.array([[0.1, 0.9], [0.8, 0.2]], np.float32), np.array([1, 1]), 1)
    np.testing.assert_array_equal(found, [True, False])
    np.testing.assert_array_equal(K.eye(2, "int32", "name"), np.eye(2))
    np.testing.assert_array_equal(K.zeros((2,), "float32", "name"), [0, 0])
    with pytest.raises(ValueError, match="rank 2"):
        K.repeat(x[None], 2)
    with pytest.raises(ValueError, match="must be known"):
        K.batch_flatten(cnnfast.Input((None, 3)))


def test_a_prefix_is_counted_as_in_keras(keras: Any) -> None:
    for module in (cnnfast, keras):
        module.backend.clear_session()
        module.layers.Dense(1)
        counted = [module.backend.get_uid(p) for p in ("dense", "a_3", "a", "A", "a", "")]
        assert counted == [2, 1, 1, 1, 2, 1]


def test_what_sessions_and_training_need_says_so() -> None:
    with pytest.raises(AttributeError, match="no sessions"):
        backend.set_session  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match=r"cnnfast\.Function"):
        backend.function  # type: ignore[attr-defined]  # noqa: B018


def test_random_numbers_are_distributed_as_they_say() -> None:
    many = (40_000,)
    normal = random.normal(many, 3.0, 2.0, seed=1)
    assert (normal.dtype, round(float(normal.mean()), 1)) == (np.float32, 3.0)
    assert abs(normal.std() - 2) < 0.05
    cut = random.truncated_normal(many, 3.0, 2.0, seed=1)
    assert np.abs(cut - 3).max() <= 4
    assert abs(cut.std() - 2 * 0.8796) < 0.05  # of a normal distribution cut off at two
    flat = random.uniform(many, -1.0, 1.0, seed=1)
    assert -1 <= flat.min() < -0.99
    assert 0.99 < flat.max() < 1
    assert set(random.randint(many, 2, 5, seed=1)) == {2, 3, 4}
    kept = random.dropout(np.ones((100, 400), np.float32), 0.25, noise_shape=(100, 1), seed=1)
    assert set(np.unique(kept)) == {np.float32(0), np.float32(4 / 3)}
    assert (kept == kept[:, :1]).all()


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        (lambda: random.normal((2,), dtype="int32"), "floating point dtype"),
        (lambda: random.randint((2,), 0, 3, dtype="float32"), "integer `dtype`"),
        (lambda: random.normal((2,), seed="x"), "must be either an integer"),
        (lambda: random.SeedGenerator(-1), "integer of at least 0"),
        (lambda: random.dropout(np.ones(2), 2.0), "between 0 and 1"),
        (lambda: random.categorical(np.ones(3), 2), "2-D tensor"),
    ],
)
def test_wrong_random_arguments_are_refused(call: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        call()


def test_without_a_seed_the_seed_of_the_process_says_which() -> None:
    drawn = []
    for _ in range(2):
        cnnfast.utils.set_random_seed(3)
        drawn.append(random.normal((4,)))
    np.testing.assert_array_equal(*drawn)
    assert (random.normal((4,)) != drawn[0]).any()


TREES = [
    3,
    [],
    {"b": [1, 2], "a": (3, {"c": 4})},
    [1, (2, [3, {"x": 4}])],
    {"z": None, "a": [None, 5]},
]


@pytest.mark.parametrize("structure", TREES, ids=str)
def test_trees_are_walked_as_in_keras(structure: Any, keras: Any) -> None:
    theirs = keras.tree
    assert tree.flatten(structure) == theirs.flatten(structure)
    assert tree.flatten_with_path(structure) == theirs.flatten_with_path(structure)
    assert tree.is_nested(structure) == theirs.is_nested(structure)
    assert tree.lists_to_tuples(structure) == theirs.lists_to_tuples(structure)
    flat = [f"leaf {i}" for i in range(len(tree.flatten(structure)))]
    assert tree.pack_sequence_as(structure, flat) == theirs.pack_sequence_as(structure, flat)
    assert tree.map_structure(repr, structure) == theirs.map_structure(repr, structure)
    tree.assert_same_structure(structure, structure)

    def doubled(part: Any) -> Any:
        return part * 2 if isinstance(part, int) else None

    for top_down in (True, False):
        expected = theirs.traverse(doubled, structure, top_down)
        assert tree.traverse(doubled, structure, top_down) == expected


@pytest.mark.parametrize(
    "pair", [([1, 2], [1]), ([1], (1,)), ({"a": 1}, {"b": 1}), ([1], 1), ([[1]], [1])]
)
def test_trees_that_differ_are_told_apart_as_in_keras(pair: Any, keras: Any) -> None:
    for module in (tree, keras.tree):
        with pytest.raises((ValueError, TypeError)):
            module.assert_same_structure(*pair)


def test_interactive_logging_goes_to_the_logger(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    model = cnnfast.Sequential([layers.Input((3,)), layers.Dense(2)])
    config.disable_interactive_logging()
    try:
        with caplog.at_level("INFO", "cnnfast"):
            model.predict(np.ones((2, 3)))
    finally:
        config.enable_interactive_logging()
    assert capsys.readouterr().out == ""
    assert "1/1" in caplog.text
