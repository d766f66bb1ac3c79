"""The builders against those of real Keras: layers, shapes, weight files, outputs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from applications.keras_side import CASES, FILE_OPTIONS, SUFFIXES, WITH_FILES, described
from cnnfast import Input, layers
from cnnfast import applications as ours
from cnnfast.utils.naming import reset_names

TESTS = Path(__file__).resolve().parents[1]
NUMBERS = range(len(CASES))


@pytest.fixture(scope="module")
def keras_side(tmp_path_factory: pytest.TempPathFactory, keras: Any) -> Path:
    folder = tmp_path_factory.mktemp("keras")
    command = [sys.executable, "-m", "applications.keras_side", str(folder)]
    done = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    "number", NUMBERS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)]
)
def test_layers_connections_and_weights_are_those_of_keras(number: int, keras_side: Path) -> None:
    name, arguments = CASES[number]
    theirs: dict[str, Any] = json.loads((keras_side / "networks.json").read_text())[number]
    reset_names()
    mine = json.loads(json.dumps(described(getattr(ours, name)(weights=None, **arguments))))
    assert [x[1]["name"] for x in mine["layers"]] == [x[1]["name"] for x in theirs["layers"]]
    assert mine == theirs


def counted() -> dict[str, tuple[int, int, int, int]]:
    """Return parameters, layers and input of each network, as Keras' own were counted."""
    page = (TESTS.parent / "docs" / "parity.md").read_text()
    rows = re.findall(r"^\| (\w+) \| ([\d,]+) \| (\d+) \| (\d+) x (\d+) \|", page, re.MULTILINE)
    return {
        name: (int(parameters.replace(",", "")), *map(int, rest))
        for name, parameters, *rest in rows
    }


COUNTED = counted()


@pytest.mark.parametrize("name", sorted(COUNTED))
def test_every_network_of_keras_has_as_many_parameters_and_layers(name: str) -> None:
    parameters, layer_count, height, width = COUNTED[name]
    model = getattr(ours, name)(weights=None, input_shape=(height, width, 3))
    assert (model.count_params(), len(model.layers)) == (parameters, layer_count)


def test_all_networks_of_keras_are_there(keras: Any) -> None:
    theirs = {name for name in vars(keras.applications) if not name.startswith("_")}
    assert theirs <= set(dir(ours))
    assert len(COUNTED) == 40


def test_weights_of_imagenet_are_taken_where_keras_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    model = ours.MobileNetV2(weights=None, include_top=False, alpha=0.35, input_shape=(96, 96, 3))
    file = tmp_path / "models/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_96_no_top.h5"
    file.parent.mkdir()
    model.save(file)
    found = ours.MobileNetV2(include_top=False, alpha=0.35, input_shape=(96, 96, 3))
    for mine, other in zip(found.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", WITH_FILES)
def test_weight_files_of_keras_give_keras_outputs(name: str, suffix: str, keras_side: Path) -> None:
    model = getattr(ours, name)(weights=keras_side / f"{name}{suffix}", **FILE_OPTIONS)
    expected = np.load(keras_side / f"{name}.npy")
    actual = model(np.load(keras_side / "images.npy"))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * expected.max())


def test_weights_of_another_network_are_refused(keras_side: Path) -> None:
    with pytest.raises(ValueError, match="Received"):
        ours.MobileNetV2(weights=keras_side / "ResNet50.h5", **FILE_OPTIONS)


@pytest.mark.parametrize("name", ["VGG16", "VGG19", "ResNet50", "MobileNetV2", "EfficientNetB0"])
def test_weights_imagenet_says_that_nothing_is_downloaded(name: str) -> None:
    for arguments in ({}, {"weights": "imagenet"}):
        with pytest.raises(ValueError, match=rf"{name}: nothing is downloaded\. Pass the path"):
            getattr(ours, name)(**arguments)


def test_a_network_may_begin_inside_a_graph(rng: np.random.Generator) -> None:
    begin = Input((32, 32, 3))
    x = layers.Rescaling(1 / 127.5, -1.0)(begin)
    model = ours.MobileNetV2(weights=None, include_top=False, input_tensor=x, pooling="avg")
    assert model.input is begin
    assert model(rng.uniform(0, 255, (1, 32, 32, 3))).shape == (1, 1280)


def test_scaling_for_published_weights_is_that_of_keras() -> None:
    model = ours.EfficientNetB0(weights=None, include_top=False, imagenet_scaling=True)
    extra = [x for x in model.layers if isinstance(x, layers.Rescaling)][1]
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
def test_wrong_arguments_are_refused(arguments: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        ours.ResNet50(weights=None, **arguments)
