"""Layers of several inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnnfast import layers
from parity import both, keras, plain

A, B, C = (None, 4, 3, 5), (None, 4, 3, 5), (None, 4, 3, 5)
Shapes = list[tuple[int | None, ...]]

CASES: list[tuple[str, dict[str, Any], Shapes]] = [
    *(
        (name, {}, shapes)
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum")
        for shapes in ([A, B, C], [A, (None, 1, 1, 5)], [(None, 5), A, (None, 3, 5)])
    ),
    ("Add", {}, [A]),
    ("Add", {}, [(None, 1, 3, 1), (None, 4, 1, 5)]),
    ("Add", {}, [(None, 4), (None, 4)]),
    ("Subtract", {}, [A, B]),
    ("Subtract", {}, [(None, 5), A]),
    ("Concatenate", {}, [A, B, C]),
    ("Concatenate", {}, [A, (None, 4, 3, 2)]),
    ("Concatenate", {"axis": 1}, [A, (None, 2, 3, 5)]),
    ("Concatenate", {"axis": -2}, [A, (None, 4, 7, 5)]),
    ("Concatenate", {}, [(None, 3), (None, 4)]),
    ("Dot", {"axes": 1}, [(None, 5), (None, 5)]),
    ("Dot", {"axes": -1, "normalize": True}, [(None, 5), (None, 5)]),
    ("Dot", {"axes": (1, 2)}, [(None, 3, 5), (None, 7, 3)]),
    ("Dot", {"axes": (2, 1)}, [(None, 3, 5), (None, 5)]),
    ("Dot", {"axes": (1, 2), "normalize": True}, [(None, 5), (None, 3, 5)]),
    ("Dot", {"axes": [-1, 1]}, [A, (None, 5, 2)]),
    ("Dot", {"axes": 2}, [(None, 3, 4, 5), (None, 2, 4)]),
    ("Dot", {"axes": 3, "normalize": True}, [A, (None, 2, 3, 5)]),
]


@pytest.mark.parametrize(("class_name", "kwargs", "shapes"), CASES)
class TestAgainstKeras:
    def test_output_shape(self, class_name: str, kwargs: dict[str, Any], shapes: Shapes) -> None:
        theirs, ours = both(class_name, **kwargs)
        expected = tuple(theirs.compute_output_shape(shapes))
        assert ours.compute_output_shape(shapes) == expected

    def test_outputs(
        self,
        class_name: str,
        kwargs: dict[str, Any],
        shapes: Shapes,
        rng: np.random.Generator,
    ) -> None:
        theirs, ours = both(class_name, **kwargs)
        arrays = [rng.normal(size=(3, *shape[1:])).astype(np.float32) for shape in shapes]
        expected = np.asarray(theirs(arrays))
        # Sums of at most twenty products of numbers below 5.
        np.testing.assert_allclose(ours(arrays), expected, rtol=0, atol=5e-5)

    def test_configs_load_in_both_directions(
        self, class_name: str, kwargs: dict[str, Any], shapes: Shapes
    ) -> None:
        theirs, ours = both(class_name, **kwargs)
        saved = plain(keras.saving.serialize_keras_object(theirs))
        assert plain(layers.deserialize(saved).get_config()) == saved["config"]
        assert plain(ours.get_config()) == saved["config"]
        keras.saving.deserialize_keras_object(plain(layers.serialize(ours)))


def test_unknown_sizes_stay_unknown() -> None:
    shapes = [(None, None, 3, 5), (None, 4, 3, 5)]
    for name in ("Add", "Concatenate"):
        theirs, ours = both(name)
        assert ours.compute_output_shape(shapes) == tuple(theirs.compute_output_shape(shapes))


def test_the_functions_are_calls_of_the_layers(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(2, 3, 4)).astype(np.float32)
    np.testing.assert_array_equal(layers.add([x, y]), x + y)
    np.testing.assert_array_equal(layers.subtract([x, y]), x - y)
    np.testing.assert_array_equal(layers.multiply([x, y]), x * y)
    np.testing.assert_array_equal(layers.maximum([x, y]), np.maximum(x, y))
    np.testing.assert_array_equal(layers.minimum([x, y]), np.minimum(x, y))
    np.testing.assert_array_equal(layers.average([x, y]), (x + y) / 2)
    np.testing.assert_array_equal(layers.concatenate([x, y], axis=1), np.hstack([x, y]))
    np.testing.assert_allclose(layers.dot([x, y]), (x * y).sum(1, keepdims=True), atol=1e-6)


BAD: list[tuple[layers.Layer, Any, str]] = [
    (layers.Add(name="m"), [(None, 4), (None, 5)], "Layer 'm': inputs have incompatible shapes"),
    (layers.Add(name="m"), (None, 4), "Layer 'm': a merge layer should be called on a list"),
    (layers.Add(name="m"), [], "Layer 'm': a merge layer should be called on a list"),
    (layers.Add(name="m"), [(2, 4), (3, 4)], "Layer 'm': cannot merge tensors with different"),
    (layers.Subtract(name="m"), [(None, 4)] * 3, "Layer 'm': a `Subtract` layer should be"),
    (layers.Concatenate(name="m"), [(None, 4, 2), (None, 5, 2)], "Layer 'm': a `Concatenate`"),
    (layers.Concatenate(name="m"), [(None, 4, 2), (None, 5)], "Layer 'm': a `Concatenate`"),
    (layers.Concatenate(axis=0, name="m"), [(None, 4), (None, 5)], "Layer 'm': axis 0"),
    (layers.Concatenate(axis=3, name="m"), [(None, 4), (None, 5)], "Layer 'm': axis 3"),
    (layers.Dot(axes=1, name="m"), [(None, 4), (None, 5)], "Layer 'm': incompatible input shapes"),
    (layers.Dot(axes=0, name="m"), [(None, 4), (None, 4)], "Layer 'm': the axes of a `Dot`"),
    (layers.Dot(axes=1, name="m"), [(None, 4)], "Layer 'm': a `Dot` layer should be called"),
    (layers.CustomScaleLayer(0.1, name="m"), [(None, 4)], "Layer 'm': a `CustomScaleLayer`"),
]


@pytest.mark.parametrize(("layer", "shapes", "rule"), BAD)
def test_shapes_that_do_not_fit_are_refused_and_the_layer_named(
    layer: layers.Layer, shapes: Any, rule: str
) -> None:
    with pytest.raises(ValueError, match=rule) as error:
        layer.compute_output_shape(shapes)
    assert "Received" in str(error.value)


@pytest.mark.parametrize("axes", [(1, 2, 3), "x", [1.5, 2]])
def test_illegal_axes_of_a_dot_are_refused(axes: Any) -> None:
    with pytest.raises(ValueError, match=r"`axes`.*Received"):
        layers.Dot(axes)


def test_the_layers_of_keras_applications(rng: np.random.Generator) -> None:
    from keras.src.applications import convnext, inception_resnet_v2

    x, y = rng.normal(size=(2, 3, 4, 4, 5)).astype(np.float32)
    for theirs, inputs in (
        (convnext.LayerScale(0.5, 5, name="layer"), x),
        (convnext.StochasticDepth(0.2, name="layer"), x),
        (inception_resnet_v2.CustomScaleLayer(0.17, name="layer"), [x, y]),
    ):
        expected = np.asarray(theirs(inputs))
        saved = plain(keras.saving.serialize_keras_object(theirs))
        ours = layers.deserialize(saved)
        np.testing.assert_allclose(ours(inputs), expected, atol=1e-6)
        again = plain(layers.serialize(ours))
        assert {**again, "build_config": None} == {**saved, "build_config": None}
        assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]


@pytest.mark.parametrize(
    ("config", "cls"),
    [
        ({"mode": "sum"}, layers.Add),
        ({"mode": "mul"}, layers.Multiply),
        ({"mode": "concat", "concat_axis": 1}, layers.Concatenate),
        ({"mode": "cos", "dot_axes": [1, 1]}, layers.Dot),
    ],
)
def test_merge_of_keras_1_is_the_layer_of_its_mode(config: Any, cls: type[layers.Layer]) -> None:
    layer = layers.deserialize({"class_name": "Merge", "config": {"name": "merge_1", **config}})
    assert type(layer) is cls
    assert layer.name == "merge_1"


def test_merge_of_an_unknown_mode_is_refused() -> None:
    config = {"class_name": "Merge", "config": {"name": "m", "mode": "lambda"}}
    with pytest.raises(ValueError, match="Layer 'm': the `mode` of a Merge must be one of"):
        layers.deserialize(config)
