"""The builders against those of real Keras: layers, shapes, weight files, outputs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from cnnfast import Input, applications, layers

keras = pytest.importorskip("keras")

CASES: list[tuple[str, dict[str, Any]]] = [
    ("VGG16", {"input_shape": (32, 32, 3), "classes": 3}),
    ("VGG16", {"include_top": False, "pooling": "avg"}),
    ("VGG19", {"include_top": False, "pooling": "max"}),
    ("ResNet50", {"classes": 5}),
    ("ResNet50", {"include_top": False, "pooling": "max", "input_shape": (33, 48, 3)}),
    ("MobileNetV2", {}),
    ("MobileNetV2", {"include_top": False, "alpha": 0.35}),
    ("MobileNetV2", {"alpha": 1.4, "input_shape": (97, 64, 3), "classifier_activation": None}),
    ("EfficientNetB0", {"classes": 5}),
    ("EfficientNetB0", {"include_top": False, "pooling": "avg", "input_shape": (None, 65, 3)}),
]
IDS = [f"{name}-{i}" for i, (name, _) in enumerate(CASES)]
# What says how training would begin or end; the weights come from files.
TRAINING = ("initializer", "regularizer", "constraint")


def both(name: str, **kwargs: Any) -> tuple[Any, Any]:
    from cnnfast.utils.naming import reset_names

    keras.utils.clear_session()
    reset_names()
    theirs = getattr(keras.applications, name)(weights=None, **kwargs)
    return theirs, getattr(applications, name)(weights=None, **kwargs)


def described(model: Any) -> list[Any]:
    """Give all layers with their arguments and connections."""
    found = []
    for layer in json.loads(model.to_json())["config"]["layers"]:
        config = {
            key: value
            for key, value in layer["config"].items()
            if not key.endswith(TRAINING) and value is not None
        }
        calls = [node["args"] for node in layer["inbound_nodes"]]
        found.append((layer["class_name"], config, calls))
    return found


@pytest.mark.parametrize(("name", "kwargs"), CASES, ids=IDS)
def test_layers_and_connections_are_those_of_keras(name, kwargs):
    theirs, ours = both(name, **kwargs)
    assert ours.name == theirs.name
    assert [x.name for x in ours.layers] == [x.name for x in theirs.layers]
    assert described(ours) == described(theirs)
    assert ours.count_params() == theirs.count_params()
    assert ours.output_shape == theirs.output_shape
    assert [(w.path, w.shape) for w in ours.weights] == [
        (w.path, tuple(w.shape)) for w in theirs.weights
    ]


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
@pytest.mark.parametrize("name", ["ResNet50", "MobileNetV2", "EfficientNetB0"])
def test_weight_files_of_keras_give_keras_outputs(name, suffix, tmp_path, rng):
    options = {"input_shape": (32, 32, 3), "classes": 7}
    theirs, _ = both(name, **options)
    for variable in theirs.variables:
        if variable.ndim == 1:  # of normalization, and biases
            variable.assign(rng.uniform(0.7, 1.3, tuple(variable.shape)))
    path = tmp_path / f"file{suffix}"
    if suffix == ".h5":
        theirs.save(path)  # the form of the published files, with a configuration beside it
    else:
        theirs.save_weights(path)
    ours = getattr(applications, name)(weights=path, **options)
    for mine, own in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), np.asarray(own))
    x = rng.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(ours(x), expected, rtol=0, atol=1e-4 * expected.max())


def test_a_network_without_head_takes_the_weights_of_one_without_head_only(tmp_path):
    theirs, _ = both("MobileNetV2", include_top=False)
    theirs.save_weights(tmp_path / "no_top.weights.h5")
    applications.MobileNetV2(include_top=False, weights=tmp_path / "no_top.weights.h5")
    with pytest.raises(ValueError, match="there is no '/layers/dense'"):
        applications.MobileNetV2(weights=tmp_path / "no_top.weights.h5")


@pytest.mark.parametrize("name", ["VGG16", "VGG19", "ResNet50", "MobileNetV2", "EfficientNetB0"])
def test_weights_imagenet_says_that_nothing_is_downloaded(name):
    for arguments in ({}, {"weights": "imagenet"}):
        with pytest.raises(ValueError, match=rf"{name}: nothing is downloaded\. Pass the path"):
            getattr(applications, name)(**arguments)


def test_a_network_may_begin_inside_a_graph(rng):
    begin = Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, -1.0)(begin)
    model = applications.MobileNetV2(weights=None, include_top=False, input_tensor=x, pooling="avg")
    assert model.input is begin
    assert model(rng.uniform(0, 255, (1, 32, 32, 3))).shape == (1, 1280)


def test_scaling_for_published_weights_is_that_of_keras(rng):
    ours = applications.EfficientNetB0(weights=None, include_top=False, imagenet_scaling=True)
    extra = [x for x in ours.layers if isinstance(x, layers.Rescaling)][1]
    np.testing.assert_allclose(np.square(extra.scale), [1 / 0.229, 1 / 0.224, 1 / 0.225])


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"input_shape": (31, 64, 3)}, "at least 32x32"),
        ({"input_shape": (None, 64, 3)}, "static `input_shape`"),
        ({"input_shape": (64, 64)}, "three integers"),
        ({"pooling": "sum"}, "`pooling` must be"),
    ],
)
def test_wrong_arguments_are_refused(arguments, rule):
    with pytest.raises(ValueError, match=rule):
        applications.ResNet50(weights=None, **arguments)
