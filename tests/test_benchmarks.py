"""The comparison with other runtimes: what it converts, checks and reports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cnnfast import _core

pytestmark = pytest.mark.long

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def sidebyside_importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def in_a_process_of_its_own(code, *arguments):
    """Run Python there, so that TensorFlow stays out of the process of the other tests."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS), "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_onnx_file_answers_as_keras_with_large_weights_past_the_converter(tmp_path):
    for package in ("tensorflow", "tf2onnx", "onnxruntime"):
        pytest.importorskip(package)
    code = """
import sys
from pathlib import Path
import numpy as np, onnxruntime
from sidebyside import exports, zoo
exports.LARGE_WEIGHT_BYTES = 1000
directory = Path(sys.argv[1])
model, images = zoo.build("mini_xception")
model.save(directory / "net.keras")
session = onnxruntime.InferenceSession(exports.onnx_file(directory / "net.keras", directory))
(got,) = session.run(None, {exports.INPUT: images[:3]})
np.testing.assert_allclose(got, model(images[:3], training=False), rtol=1e-4, atol=1e-6)
"""
    in_a_process_of_its_own(code, str(tmp_path))


def test_pictures_are_the_same_each_time_and_differ_from_image_to_image():
    from sidebyside.zoo import pictures

    first, again = (pictures((20, 30, 3), np.random.default_rng(1)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (32, 20, 30, 3)
    assert first.min() >= 0
    assert first.max() <= 1
    assert first.mean(axis=(1, 2, 3)).std() > 0.01


def test_drawn_weights_leave_no_batch_normalization_an_identity(rng, keras):
    from sidebyside.zoo import draw_weights

    norm = keras.layers.BatchNormalization()
    layers = [keras.layers.Conv2D(4, 3), norm, keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((5, 5, 3)), *layers])
    images = rng.random((8, 5, 5, 3), dtype=np.float32)
    draw_weights(model, images, np.random.default_rng(1))
    for weight in norm.get_weights():
        assert weight.std() > 1e-3
    signal = np.asarray(keras.Model(model.inputs[0], norm.output)(images))
    assert 0.1 < signal.std() < 10


def test_ratios_are_taken_round_by_round():
    from sidebyside.report import Ratio, pairwise_ratio

    # The second round was slow for both: the ratio does not see it.
    assert pairwise_ratio([2.0, 20.0, 3.0], [1.0, 10.0, 2.0]) == Ratio(2.0, 1.5, 2.0)


def test_report_shows_a_runtime_that_failed_with_its_error():
    from sidebyside.machine import this_machine
    from sidebyside.report import Measured, Report, make_row
    from sidebyside.tables import markdown

    report = Report(this_machine(), {"a": "Alpha", "b": "Beta", "c": "Gamma"})
    measured = {
        "a": Measured([0.001, 0.001], 1e-7, 90.4),
        "b": Measured([0.002, 0.003], 2e-7, 120.0),
    }
    row = make_row(("net", 1, 2), measured, {"c": "wrong shape (1, 9)"}, baseline="a")
    report.rows.append(row)
    table = markdown(report)
    assert "| net | 1 | 2 | 1.00 | 2.50 | - | 2.50 (2.00 to 3.00) Beta | 1.0e-07 |" in table
    assert "| net | 1 | 2 | 90 | 120 | - |" in table
    assert "- Gamma, net: wrong shape (1, 9)." in table
    assert "Beta takes 2.50 times as long as Alpha" in table
    assert "Gamma takes" not in table


def test_each_row_is_compared_with_its_fastest_peer():
    from sidebyside.machine import this_machine
    from sidebyside.report import Measured, Report, make_row, mean_against_fastest

    def row(**seconds):
        measured = {name: Measured([s], 0.0, 1.0) for name, s in seconds.items()}
        return make_row(("net", 1, 1), measured, {}, baseline="a")

    rows = [row(a=1.0, b=3.0, c=2.0), row(a=1.0, b=8.0, c=9.0)]
    assert [each.fastest_peer for each in rows] == ["c", "b"]
    assert row(a=1.0).fastest_peer is None
    report = Report(this_machine(), {}, rows=rows)
    assert mean_against_fastest(report) == pytest.approx(4.0)


def test_a_section_of_a_page_is_replaced_and_the_rest_stays(tmp_path):
    from sidebyside.pages import replace_section

    page = tmp_path / "page.md"
    page.write_text("before\n<!-- net -->\nold\n<!-- end of net -->\nafter\n")
    for text in ("new", "newer\n"):
        replace_section(page, "net", text)
    assert page.read_text() == "before\n<!-- net -->\n\nnewer\n\n<!-- end of net -->\nafter\n"
    with pytest.raises(ValueError, match=r"page.md must have one <!-- other -->"):
        replace_section(page, "other", "text")


def test_float64_config_differs_only_in_the_type():
    from accuracy import doubled

    config = {"dtype": "float32", "name": "float32_net", "layers": [{"dtype": "float32"}, 3]}
    assert doubled(config) == {
        "dtype": "float64",
        "name": "float32_net",
        "layers": [{"dtype": "float64"}, 3],
    }


def test_script_compares_the_introductory_model(tmp_path):
    for package in ("tensorflow", "tf2onnx", "onnxruntime", "matplotlib"):
        pytest.importorskip(package)
    command = [sys.executable, str(BENCHMARKS / "compare.py"), "--models", "intro"]
    chosen = ["--runtimes", "cnnfast", "onnxruntime", "--batches", "1", "32", "--threads", "1"]
    folders = ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "compare")]
    done = subprocess.run(
        [*command, *chosen, "--rounds", "2", "--seconds", "0.01", *folders],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "compare.json").read_text())
    assert [(row["model"], row["batch"], row["threads"]) for row in report["rows"]] == [
        ("intro", 1, 1),
        ("intro", 32, 1),
    ]
    for row in report["rows"]:
        for cell in row["cells"].values():
            assert cell["problem"] is None
            assert cell["milliseconds"] > 0
            assert cell["relative_error"] < 1e-4
            assert cell["peak_megabytes"] > 10
    assert "| intro | 1 | 1 |" in (tmp_path / "compare.md").read_text()
    assert "batch 32, 1 thread" in (tmp_path / "compare.svg").read_text()


@pytest.mark.parametrize("option", ["--calls", "--imports"])
def test_overhead_script_refuses_to_measure_nothing(option):
    command = [sys.executable, str(BENCHMARKS / "overhead.py"), option, "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "must be a positive integer. Received: 0" in done.stderr


def test_overhead_script_measures_both_calls_and_the_import():
    counts = ["--calls", "20", "--imports", "1"]
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "overhead.py"), *counts, "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stderr == ""
    measured = json.loads(done.stdout)
    assert measured["bare run"] > 0
    assert measured["import"]["numpy"] > 0
    assert measured["import"].keys() == {"numpy", "over it", "limit"}
    assert (
        measured["over it"].keys() == measured["limits"].keys() == {"predict_on_batch", "predict"}
    )


def test_weight_storage_script_compares_every_kind():
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "weight_storage.py"), "--rounds", "2", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = {row["weight_dtype"]: row for row in json.loads(done.stdout)}
    assert list(rows) == ["float32", "float16", "bfloat16"]
    assert rows["float32"]["largest_error"] == 0
    assert 0 < rows["float16"]["largest_error"] < rows["bfloat16"]["largest_error"]
    assert rows["float16"]["weight_bytes"] < 0.51 * rows["float32"]["weight_bytes"]
    assert all(row["milliseconds"] > 0 for row in rows.values())


def test_quantized_layers_script_compares_every_mode():
    script = str(BENCHMARKS / "quantized_layers.py")
    done = subprocess.run(
        [sys.executable, script, "--size", "256", "8", "--batch", "1", "--rounds", "2"],
        capture_output=True,
        text=True,
        check=True,
    )
    head, _, row = (line.strip("| ").split(" | ") for line in done.stdout.splitlines())
    assert head == ["inputs x units", "images", "int8", "int4 in blocks", "float8"]
    assert row[:2] == ["256 x 8", "1"]
    assert all(float(ratio) > 0 for ratio in row[2:])


def test_a_converter_that_is_killed_is_shown_as_such(tmp_path, monkeypatch):
    from sidebyside import prepare

    (tmp_path / "converter_of_a_test.py").write_text(
        "import os, signal\n"
        "def kill_itself(source, directory):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "class OwnError(Exception):\n"
        "    def __init__(self, first, second):\n"
        "        super().__init__(f'{first} and {second}')\n"
        "def refuse(source, directory):\n"
        "    raise OwnError('this', 'that')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import converter_of_a_test

    problems = []
    for convert in (converter_of_a_test.kill_itself, converter_of_a_test.refuse):
        found = type("Runtime", (), {"convert": staticmethod(convert)})
        monkeypatch.setattr(prepare, "runtime", lambda name, found=found: found)
        problems.append(prepare.converted("any", tmp_path, tmp_path)["problem"])
    assert problems == [
        "no conversion: the process died, exit code -9, as when memory runs out",
        "RuntimeError: OwnError: this and that",
    ]


@pytest.mark.skipif("openmp" not in _core.threadings(), reason="the core has no OpenMP")
def test_kinds_of_threads_are_compared_where_their_bits_agree(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- threads -->\n<!-- end of threads -->\n")
    command = [sys.executable, BENCHMARKS / "threads.py", "--models", "plain", "--rounds", "1"]
    command += ["--seconds", "0.01", "--page", page]
    subprocess.run(command, check=True, capture_output=True)
    rows = [line.split(" | ") for line in page.read_text().splitlines() if "| plain" in line]
    assert [row[2] for row in rows] == ["at once", "apart"]
    assert all(float(cell) > 0 for row in rows for cell in row[3:6])
