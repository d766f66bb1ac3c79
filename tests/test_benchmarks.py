"""The comparison with other runtimes: what it converts, checks and reports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def sidebyside_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def every_layer(keras):
    """Build a model with every layer that is converted, and weights that all matter."""
    layers = keras.layers
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((13, 11, 4)),
            layers.Conv2D(6, (3, 2), strides=(2, 1), padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D((2, 2), padding="same"),
            layers.Conv2D(8, 3, dilation_rate=1, groups=2, use_bias=False, padding="same"),
            layers.BatchNormalization(scale=False),
            layers.ReLU(),
            layers.MaxPooling2D((2, 2), strides=(1, 1)),
            layers.Flatten(),
            layers.Dense(7, activation="tanh"),
            layers.Dropout(0.5),
            layers.BatchNormalization(center=False),
            layers.Activation("sigmoid"),
            layers.Dense(5),
            layers.Softmax(),
        ]
    )
    rng = np.random.default_rng(3)
    model.set_weights([rng.uniform(0.1, 1.0, w.shape) for w in model.get_weights()])
    return model


def test_onnx_graph_answers_as_keras(rng):
    keras = pytest.importorskip("keras")
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from sidebyside.onnx_model import onnx_from_keras

    model = every_layer(keras)
    session = onnxruntime.InferenceSession(
        onnx_from_keras(model).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = rng.random((3, 13, 11, 4), dtype=np.float32)
    (ours,) = session.run(None, {"images": x})
    np.testing.assert_allclose(ours, model.predict(x, verbose=0), rtol=1e-4, atol=1e-6)


def test_onnx_graph_transposes_images_once_each_way():
    keras = pytest.importorskip("keras")
    pytest.importorskip("onnx")
    from sidebyside.onnx_model import onnx_from_keras

    kinds = [node.op_type for node in onnx_from_keras(every_layer(keras)).graph.node]
    assert kinds[0] == "Transpose"
    assert kinds[kinds.index("Flatten") - 1] == "Transpose"
    assert kinds.count("Transpose") == 2


def test_onnx_refuses_a_layer_it_has_no_form_for():
    keras = pytest.importorskip("keras")
    pytest.importorskip("onnx")
    from sidebyside.onnx_model import UnsupportedLayerError, onnx_from_keras

    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.UpSampling2D(name="bigger")])
    with pytest.raises(UnsupportedLayerError, match="bigger: UpSampling2D"):
        onnx_from_keras(model)


def test_ratios_are_taken_round_by_round():
    from sidebyside.report import Ratio, pairwise_ratio

    # The second round was slow for both: the ratio does not see it.
    assert pairwise_ratio([2.0, 20.0, 3.0], [1.0, 10.0, 2.0]) == Ratio(2.0, 1.5, 2.0)


def test_report_shows_a_runtime_that_failed_with_its_error():
    from sidebyside.machine import this_machine
    from sidebyside.report import Report, make_row, markdown

    report = Report(this_machine(), {"a": "Alpha", "b": "Beta", "c": "Gamma"})
    times = {"a": [0.001, 0.001], "b": [0.002, 0.003]}
    errors = {"a": 1e-7, "b": 2e-7}
    row = make_row(("net", 1, 2), times, errors, {"c": "wrong shape (1, 9)"}, baseline="a")
    report.rows.append(row)
    table = markdown(report)
    assert "| net | 1 | 2 | 1.000 | 2.500 | 2.50 (2.00 to 3.00) | wrong shape (1, 9) |" in table
    assert "Beta takes 2.50 times as long as Alpha" in table
    assert "Gamma takes" not in table


def test_script_compares_the_introductory_model(tmp_path):
    for package in ("keras", "onnx", "onnxruntime"):
        pytest.importorskip(package)
    command = [sys.executable, str(BENCHMARKS / "compare.py"), "--models", "intro"]
    options = ["--batches", "1", "2", "--threads", "1", "--rounds", "2", "--seconds", "0.01"]
    done = subprocess.run(
        [*command, *options, "--out", str(tmp_path / "compare")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "compare.json").read_text())
    assert [(row["model"], row["batch"], row["threads"]) for row in report["rows"]] == [
        ("intro", 1, 1),
        ("intro", 2, 1),
    ]
    for row in report["rows"]:
        for cell in row["cells"].values():
            assert cell["problem"] is None
            assert cell["milliseconds"] > 0
            assert cell["relative_error"] < 1e-4
    assert "| intro | 1 | 1 |" in (tmp_path / "compare.md").read_text()


def test_overhead_script_measures_both_calls():
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "overhead.py"), "--calls", "20", "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    measured = json.loads(done.stdout)
    assert measured["bare run"] > 0
    assert (
        measured["over it"].keys() == measured["limits"].keys() == {"predict_on_batch", "predict"}
    )
