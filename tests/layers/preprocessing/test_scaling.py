"""Rescaling and normalization against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from layer_parity import LayerParity
from parity import both, keras, plain, randomize
from reference import tolerance

IMAGE = (None, 5, 7, 3)
NUMPY = {"class_name": "__numpy__", "config": {"value": [1.0, 2.0, 3.0], "dtype": "float32"}}

CASES: list[tuple[str, dict[str, Any], tuple[int | None, ...]]] = [
    ("Rescaling", {"scale": 1 / 255}, IMAGE),
    ("Rescaling", {"scale": 0.5, "offset": -1}, (None, 4)),
    ("Rescaling", {"scale": [0.5, 1.0, 2.0]}, IMAGE),
    ("Rescaling", {"scale": [0.5, 1.0, 2.0], "offset": [1, 2, 3]}, (None, 3)),
    ("Rescaling", {"scale": 0.1, "offset": (0.5, 0.25, 1.0)}, IMAGE),
    ("Rescaling", {"scale": [[[0.5]] * 7] * 5, "offset": [[0.5, 1.0, 1.5]]}, IMAGE),
    ("Rescaling", {"scale": np.array([0.5, 1.0, 2.0], np.float32)}, IMAGE),
    ("Rescaling", {"scale": np.float32(0.5), "offset": np.ones((1, 1, 1, 3))}, IMAGE),
    ("Normalization", {}, IMAGE),
    ("Normalization", {}, (None, 6)),
    ("Normalization", {"axis": None}, IMAGE),
    ("Normalization", {"axis": 1}, IMAGE),
    ("Normalization", {"axis": (1, -1)}, IMAGE),
    ("Normalization", {"axis": [3, 2]}, IMAGE),
    ("Normalization", {"invert": True}, IMAGE),
    ("Normalization", {"mean": [0.4, 0.5, 0.6], "variance": [0.04, 0.05, 0.06]}, IMAGE),
    ("Normalization", {"mean": 2.0, "variance": 4.0}, IMAGE),
    ("Normalization", {"axis": None, "mean": 2.0, "variance": 4.0, "invert": True}, IMAGE),
    ("Normalization", {"axis": (1, 3), "mean": [1.0, 2, 3], "variance": [1.0, 2, 3]}, IMAGE),
    ("Normalization", {"axis": 2, "mean": [3.0] * 7, "variance": [4.0] * 7}, IMAGE),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shape"), CASES)
class TestAgainstKeras(LayerParity):
    magnitude = 60.0


def test_a_variance_of_zero_divides_by_the_smallest_deviation() -> None:
    x = np.array([[5.0, 5.0, 5.25]], np.float32)
    kwargs = {"mean": [5.0, 4.0, 5.0], "variance": [0.0, 0.0, 1.0]}
    theirs, ours = both("Normalization", **kwargs)
    np.testing.assert_allclose(ours(x), [[0.0, 1e7, 0.25]], rtol=1e-6)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-6)


def test_a_mean_far_from_zero_costs_no_digits(rng: np.random.Generator) -> None:
    x = (1e4 + rng.normal(size=(4, 3))).astype(np.float32)
    theirs, ours = both("Normalization", mean=[1e4] * 3, variance=[1.0] * 3)
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-6)


@pytest.mark.parametrize("axis", [-1, 1, None, (1, 2)])
def test_adapting_sets_mean_and_variance_as_keras_does(axis: Any, rng: np.random.Generator) -> None:
    data = rng.normal(3.0, 2.0, size=(20, 5, 4)).astype(np.float32)
    theirs, ours = both("Normalization", axis=axis)
    theirs.adapt(data)
    assert isinstance(ours, layers.Normalization)
    ours.adapt(data)
    for mine, their in zip(ours.get_weights()[:2], theirs.get_weights()[:2], strict=True):
        np.testing.assert_allclose(mine, their, rtol=1e-5)
    np.testing.assert_allclose(ours(data), np.asarray(theirs(data)), atol=1e-4)


class Batches(keras.utils.PyDataset):
    """Arrays one after the other, with labels."""

    def __init__(self, arrays: list[np.ndarray]) -> None:
        super().__init__()
        self.arrays = arrays

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self.arrays[index], np.zeros(len(self.arrays[index]))


@pytest.mark.parametrize("axis", [-1, None, (1, 2)])
def test_batches_are_adapted_to_as_one_array(axis: Any, rng: np.random.Generator) -> None:
    batches = [rng.normal(3, 2, (n, 4, 5)).astype(np.float32) for n in (7, 3, 12)]
    theirs, ours = both("Normalization", axis=axis)
    assert ours.mean is None
    theirs.adapt(np.concatenate(batches))
    for data in (np.concatenate(batches), batches, iter(batches), Batches(batches)):
        ours.adapt(data)
        for mine, known in ((ours.mean, theirs.mean), (ours.variance, theirs.variance)):
            np.testing.assert_allclose(mine, np.asarray(known), rtol=1e-5)
            assert mine.shape == known.shape
    before = ours.mean
    for wrong, error, rule in (
        ([], ValueError, "empty iterable"),
        ([[1.0, 2.0]], TypeError, "`.shape`"),
        (3, TypeError, "takes an array"),
        (np.zeros((2, 4, 6)), ValueError, "an incompatible shape"),
        (np.zeros((2, 4)), ValueError, "an incompatible shape"),
    ):
        if axis is not None or np.shape(wrong) != (2, 4, 6):
            with pytest.raises(error, match=rule):
                ours.adapt(wrong)
    np.testing.assert_array_equal(ours.mean, before)
    theirs, ours = both("Normalization", axis=(1, 2), mean=[1.0] * 5, variance=[4.0] * 5)
    for layer in (theirs, ours):
        layer.build((None, 4, 5))
    np.testing.assert_array_equal(ours.mean, np.asarray(theirs.mean))


def test_a_scale_of_each_channel_where_channels_come_first(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 3, 5, 3)).astype(np.float32)
    packages = (keras, cnnfast)
    try:
        for package in packages:
            package.config.set_image_data_format("channels_first")
        theirs, ours = both("Rescaling", scale=[1.0, 2.0, 3.0], offset=0.5)
        np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-6)
    finally:
        for package in packages:
            package.config.set_image_data_format("channels_last")


def test_statistics_follow_an_assignment() -> None:
    theirs, ours = both("Normalization")
    theirs.build((None, 3))
    ours.build((None, 3))
    x = np.ones((2, 3), np.float32)
    np.testing.assert_allclose(ours(x), 1.0)
    randomize(theirs, ours, np.random.default_rng(0))
    theirs.finalize_state()
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), atol=tolerance(2, 10.0))


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({"scale": NUMPY}, [1.0, 2.0, 3.0]),
        ({"scale": {**NUMPY, "class_name": "__tensor__"}}, [1.0, 2.0, 3.0]),
        ({"scale": {"type": "ndarray", "value": [1.0, 2.0]}}, [1.0, 2.0]),
        ({"scale": {"type": "ndarray", "value": 0.5}}, 0.5),
    ],
)
def test_arrays_in_configs_are_read(config: dict[str, Any], scale: Any) -> None:
    layer = layers.Rescaling.from_config({"name": "r", "offset": 0.0, **config})
    assert isinstance(layer, layers.Rescaling)
    np.testing.assert_array_equal(layer.scale, scale)


def test_an_array_is_written_as_keras_writes_it() -> None:
    theirs, ours = both("Rescaling", scale=np.array([1.0, 2.0], np.float32))
    assert plain(ours.get_config()) == plain(theirs.get_config())
    again = keras.layers.Rescaling.from_config(plain(ours.get_config()))
    np.testing.assert_array_equal(np.asarray(again.scale), [1.0, 2.0])


@pytest.mark.parametrize(
    ("class_name", "kwargs", "rule"),
    [
        ("Rescaling", {"scale": "big"}, "`scale` must be a number or an array of numbers"),
        ("Rescaling", {"scale": 1.0, "offset": [[1], [1, 2]]}, "`offset` must be"),
        ("Rescaling", {"scale": {"class_name": "Lambda", "config": {}}}, "`scale` must be"),
        ("Normalization", {"mean": 1.0}, "both `mean` and `variance` must be set"),
        ("Normalization", {"mean": [1.0], "variance": 1.0}, "must have the same shape"),
        ("Normalization", {"mean": [[1.0]], "variance": [[1.0]]}, "rank of `mean`"),
    ],
)
def test_illegal_arguments_are_refused(class_name: str, kwargs: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        getattr(layers, class_name)(**kwargs)


@pytest.mark.parametrize(
    ("layer", "shape", "rule"),
    [
        (layers.Rescaling([1.0, 2.0], name="r"), (2, 4, 3), "'r': `scale` must broadcast"),
        (layers.Rescaling([1.0, 2.0], name="r"), (2, 4, 1), "'r': `scale` must broadcast"),
        (layers.Rescaling(1.0, np.ones((2, 1)), name="r"), (2, 3), "'r': `offset` must broadcast"),
        (layers.Normalization(3, name="n"), (2, 4), r"All `axis` values must be in the range"),
        (layers.Normalization(0, name="n"), (2, 4), "All `axis` values to be kept"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(
    layer: layers.Layer, shape: tuple[int, ...], rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        layer(np.zeros(shape, np.float32))
