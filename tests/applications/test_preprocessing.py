"""`preprocess_input` and `decode_predictions` of every family, against real Keras."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnfast import applications
from cnnfast.applications import imagenet_utils

FAMILIES = (
    "convnext",
    "densenet",
    "efficientnet",
    "efficientnet_v2",
    "inception_resnet_v2",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "nasnet",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
)


@pytest.mark.keras
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_preprocess_input_is_keras_and_leaves_its_input_alone(family, data_format, dtype, rng):
    theirs = importlib.import_module(f"keras.applications.{family}")
    ours = importlib.import_module(f"cnnfast.applications.{family}")
    shape = (2, 4, 5, 3) if data_format == "channels_last" else (2, 3, 4, 5)
    x = rng.integers(0, 256, shape).astype(dtype)
    before = x.copy()
    actual = ours.preprocess_input(x, data_format=data_format)
    np.testing.assert_array_equal(x, before)
    expected = theirs.preprocess_input(x.copy(), data_format=data_format)
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_preprocess_input_works_inside_a_graph(mode, rng):
    from cnnfast import Input, Model

    x = rng.uniform(0, 255, (2, 4, 5, 3)).astype(np.float32)
    begin = Input((4, 5, 3))
    model = Model(begin, imagenet_utils.preprocess_input(begin, mode=mode))
    expected = imagenet_utils.preprocess_input(x, mode=mode)
    np.testing.assert_allclose(model(x), expected, rtol=1e-5, atol=1e-4)


def test_preprocess_input_refuses_what_it_does_not_know(rng):
    x = np.zeros((1, 4, 4, 4), np.float32)
    with pytest.raises(ValueError, match="3 channels"):
        applications.vgg16.preprocess_input(x)
    with pytest.raises(ValueError, match="mode=magic"):
        imagenet_utils.preprocess_input(x, mode="magic")
    with pytest.raises(ValueError, match="data_format=left"):
        applications.convnext.preprocess_input(x, data_format="left")


def test_decode_predictions_takes_names_pairs_and_files(tmp_path):
    scores = np.array([[0.1, 0.7, 0.2], [0.5, 0.1, 0.4]])
    names = ["cat", "dog", "newt"]
    decode = applications.resnet.decode_predictions
    assert decode(scores, top=2, labels=names) == [
        [("1", "dog", 0.7), ("2", "newt", 0.2)],
        [("0", "cat", 0.5), ("2", "newt", 0.4)],
    ]
    pairs = [("n1", "cat"), ("n2", "dog"), ("n3", "newt")]
    assert decode(scores, top=1, labels=pairs) == [[("n2", "dog", 0.7)], [("n1", "cat", 0.5)]]
    path = tmp_path / "classes.json"
    path.write_text(json.dumps({str(i): list(pair) for i, pair in enumerate(pairs)}))
    assert decode(scores, labels=path) == decode(scores, labels=pairs)


def test_decode_predictions_finds_keras_labels_as_keras_does(tmp_path, monkeypatch, rng, keras):
    index = {str(i): [f"n{i:08}", f"thing_{i}"] for i in range(1000)}
    path = tmp_path / "models" / imagenet_utils.CLASS_INDEX
    path.parent.mkdir()
    path.write_text(json.dumps(index))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.src.applications.imagenet_utils, "CLASS_INDEX", index)
    scores = rng.uniform(size=(2, 1000))
    assert applications.vgg16.decode_predictions(scores, top=3) == [
        [(wnid, name, pytest.approx(score)) for wnid, name, score in image]
        for image in keras.applications.vgg16.decode_predictions(scores, top=3)
    ]


def test_decode_predictions_says_how_to_pass_labels_where_there_are_none(
    tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="nothing is downloaded: pass `labels`"):
        applications.vgg16.decode_predictions(np.zeros((1, 1000)))


@pytest.mark.parametrize("shape", [(1000,), (1, 999), (1, 1, 1000)])
def test_decode_predictions_checks_the_shape_before_it_looks_for_names(
    shape, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"of shape \(samples, 1000\)"):
        applications.vgg16.decode_predictions(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (1, 4), (1, 3, 3)])
def test_decode_predictions_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match=r"of shape \(samples, 3\)"):
        applications.vgg16.decode_predictions(np.zeros(shape), labels=["a", "b", "c"])


def test_labels_must_name_every_class():
    with pytest.raises(ValueError, match="every class from 0 on"):
        applications.vgg16.decode_predictions(np.zeros((1, 2)), labels={0: "a", 2: "b"})
    with pytest.raises(ValueError, match="for class 1"):
        applications.vgg16.decode_predictions(np.zeros((1, 2)), labels=["a", 5])


@pytest.mark.long
def test_applications_need_no_import_of_their_own() -> None:
    code = "import cnnfast; cnnfast.applications.vgg16.preprocess_input"
    subprocess.run([sys.executable, "-c", code], check=True)
