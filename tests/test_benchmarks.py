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


def test_precision_script_compares_both_ways(rng):
    import precision
    from cnnfast import layers
    from cnnfast.models import Sequential, clone_model

    model = Sequential([layers.Input((8, 8, 16)), layers.Conv2D(32, 1)])
    model.set_weights([rng.standard_normal(w.shape, np.float32) for w in model.weights])
    rounded = clone_model(model)
    rounded.set_weights(model.get_weights())
    rounded.precision = "bfloat16"
    images = rng.standard_normal((3, 8, 8, 16), np.float32)
    row = precision.measure("net", [model, rounded], images, 1, 2)
    assert min(*row.milliseconds, row.ratio) > 0
    assert 0 < row.root_mean_square_error < 2**-7
    assert 0 < row.largest_error < 2**-6
    (line,) = precision.table([row, row]).lines[1:]
    assert line[:2] == ["net", "1"]


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


def test_every_runtime_has_what_the_comparison_calls():
    from sidebyside.runtimes import MODULES, ROWS, runtime

    assert set().union(*ROWS.values()) == MODULES.keys()
    names = [runtime(name).NAME for name in MODULES]
    assert len(set(names)) == len(names)
    for name in MODULES:
        module = runtime(name)
        assert all(callable(getattr(module, each)) for each in ("versions", "convert", "load"))


def test_precision_chooses_the_runtimes_and_the_section():
    import compare

    def read(*arguments):
        args = compare.parse(["--threads", "1", *arguments])
        return args.runtimes, compare.section(args)

    assert read() == (list(compare.ROWS["float32"]), "compare")
    assert read("--without-avx512")[1] == "avx2"
    runtimes, section = read("--precision", "int8")
    assert (runtimes[0], section) == ("cnnfast_int8", "int8")
    assert read("--precision", "bfloat16", "--busy", "1")[1] == "bfloat16 busy"
    assert read("--precision", "int8", "--runtimes", "litert_int8")[0] == ["litert_int8"]


def test_crops_to_calibrate_on_share_no_pixel_with_those_that_judge():
    from sidebyside.crops import crops

    columns = np.broadcast_to(np.arange(250, dtype=np.uint8)[None, :, None], (90, 250, 3))
    photos = {"all": columns, "small": columns[:40, :100]}
    sets = {part: crops(photos, part, (24, 32, 3), 40) for part in ("calibration", "evaluation")}
    for images in sets.values():
        assert images.shape == (40, 24, 32, 3)
        assert images.dtype == np.uint8
    for place in (0, 1):  # the photos take turns
        seen = [images[place::2] for images in sets.values()]
        assert seen[0].max() < seen[1].min()
        assert seen[1].max() > seen[1].min() + 20
    first = crops(photos, "evaluation", (24, 32, 3), 7)
    np.testing.assert_array_equal(first, sets["evaluation"][:7])
    grey = crops(photos, "evaluation", (24, 32, 1), 2)
    np.testing.assert_array_equal(grey[..., 0], first[:2, ..., 0])


def test_examples_have_the_values_that_a_network_expects(monkeypatch):
    from sidebyside import examples

    photo = np.zeros((64, 64, 3), np.uint8)
    photo[:32] = 255
    monkeypatch.setattr(examples, "photos", lambda: {"halves": photo})
    images, labels = examples.Examples(pixels=(-1.0, 1.0)).draw("evaluation", (8, 8, 1), 30)
    assert images.dtype == np.float32
    assert images.shape == (30, 8, 8, 1)
    assert (images.min(), images.max()) == (-1, 1)
    assert len(labels) == 0


def test_digits_are_judged_by_others_than_they_are_calibrated_on():
    from sidebyside.examples import Examples

    examples = Examples("digits")
    judged, labels = examples.draw("evaluation", (8, 8, 1), 1000)
    calibrated, _ = examples.draw("calibration", (8, 8, 1), 128)
    assert judged.shape == (540, 8, 8, 1)
    assert labels.shape == (540,)
    assert calibrated.shape == (128, 8, 8, 1)
    assert judged.max() == calibrated.max() == 1
    assert not {x.tobytes() for x in judged} & {x.tobytes() for x in calibrated}


def test_agreement_counts_classes_and_answers_that_say_nothing_are_useless():
    from sidebyside.agreement import agreement_of, useless

    expected = np.array([[1.0, 3.0], [4.0, 0.0]], np.float32)
    near = expected + np.array([[0.0, 0.0], [-3.0, 2.0]], np.float32)
    found = agreement_of(expected, near)
    assert (found.largest, found.mean, found.top1, found.clear) == (0.75, 5 / 16, 0.5, 0.5)
    assert found.text() == "7.5e-01 / 3.1e-01, 50.0 % / 50.0 %"
    close = np.array([[1.0, 1.9], [4.0, 3.0]], np.float32)
    assert agreement_of(close, close).text() == "0.0e+00 / 0.0e+00, 100.0 %"
    mixed = np.concatenate([expected, close])
    found = agreement_of(mixed, np.concatenate([expected, close[:, ::-1]]))
    assert (found.top1, found.clear) == (0.5, 1.0)
    assert agreement_of(expected[..., None], near[..., None]).text() == "7.5e-01 / 3.1e-01"
    assert not useless(expected, expected)
    assert useless(expected, expected[::-1])
    assert useless(expected, np.full_like(expected, np.nan))


@pytest.mark.parametrize(("largest", "right"), [(1e-3, {"a"}), (None, {"a", "b"})])
def test_an_answer_in_fewer_bits_is_wrong_only_if_it_says_nothing(largest, right):
    from compare import check

    expected = np.array([[1.0, 3.0], [4.0, 0.0]], np.float32)
    got = {"a": expected, "b": expected + 0.1, "c": expected[::-1]}
    started = {
        name: type("Worker", (), {"answer": lambda self, batch, out=out: out})()
        for name, out in got.items()
    }
    found, problems = check(started, expected, largest)
    assert found.keys() == right
    assert problems.keys() == got.keys() - right
    assert problems["c"] == "wrong answers, by 7.5e-01"


def test_own_float32_is_no_peer_and_accuracy_stands_beside_the_times():
    from sidebyside.agreement import Agreement
    from sidebyside.machine import this_machine
    from sidebyside.report import Measured, Report, make_row
    from sidebyside.tables import accuracy, markdown

    names = {"cnnfast_int8": "Ours", "cnnfast": "Float", "litert_int8": "Other"}
    report = Report(this_machine(), names)
    for batch in (1, 32):
        measured = {
            name: Measured([time], 0.1, 50.0, Agreement(0.1, batch / 1000, top1))
            for name, time, top1 in (
                ("cnnfast_int8", 1.0, 1.0),
                ("cnnfast", 2.0, 1.0),
                ("litert_int8", 3.0, None),
            )
        }
        key = ("net", batch, 1)
        report.rows.append(make_row(key, measured, {}, baseline="cnnfast_int8"))
    assert [row.fastest_peer for row in report.rows] == ["litert_int8", "litert_int8"]
    table = accuracy(report)
    same = "1.0e-01 / 3.2e-02, 100.0 %"
    assert table.lines == [["net", "32", same, same, "1.0e-01 / 3.2e-02"]]
    assert "Float takes 2.00 times as long as Ours" in markdown(report)
    assert table.markdown() in markdown(report)


@pytest.mark.parametrize(
    ("flags", "bits"), [(["avx2"], "7 bits"), (["avx2", "avx512_vnni"], "8 bits")]
)
def test_onnx_runtime_gets_7_bits_where_its_products_may_overflow(monkeypatch, flags, bits):
    from sidebyside.runtimes import onnx_runtime, onnx_runtime_int8

    monkeypatch.setattr(onnx_runtime_int8, "instruction_sets", lambda: flags)
    monkeypatch.setattr(onnx_runtime, "package_versions", lambda *names: {})
    assert onnx_runtime_int8.versions() == {"onnxruntime's weights": bits}


def test_hidden_instruction_sets_are_not_named(monkeypatch):
    from sidebyside import machine

    flags = "sse4_2 avx2 avx_vnni avx512f avx512_bf16"
    monkeypatch.setattr(machine, "cpu_info", lambda: {"flags": flags})
    assert machine.instruction_sets() == flags.split()
    monkeypatch.setenv(machine.MARK, "1")
    assert machine.instruction_sets() == ["sse4_2", "avx2"]


def test_a_network_is_converted_again_only_where_its_maker_changed(tmp_path, monkeypatch):
    from sidebyside import prepare

    made = {"by": "one", "count": 0}

    def converted(name, source, directory):
        made["count"] += 1
        return {"file": "../net.keras", "problem": None}

    module = type("Runtime", (), {"versions": dict, "made_by": lambda: made["by"]})
    monkeypatch.setattr(prepare, "runtime", lambda name: module)
    monkeypatch.setattr(prepare, "converted", converted)
    monkeypatch.setitem(prepare.MODULES, "cnnfast", prepare.__name__)
    for by, count in (("one", 1), ("one", 1), ("two", 2)):
        made["by"] = by
        prepared = prepare.Prepared(tmp_path / "net.keras", tmp_path / "answers.npz")
        prepare.convert_all(prepared, ["cnnfast"], tmp_path)
        assert made["count"] == count
        assert prepared.files == {"cnnfast": tmp_path / "../net.keras"}


def test_accuracy_of_8_bits_is_laid_out_with_what_failed():
    import quantized_accuracy as script
    from sidebyside.agreement import Agreement

    worker = type("W", (), {"answer_each": lambda self, a, b: np.arange(a, b)[:, None]})()
    np.testing.assert_array_equal(script.answers(worker, 70)[:, 0], np.arange(70))
    assert script.accuracy(np.eye(3), np.array([0, 1, 1], np.uint8)) == pytest.approx(2 / 3)
    assert script.accuracy(np.eye(3), np.empty(0, np.uint8)) is None
    digits = script.Result("digits", 540, 0.99)
    digits.agreements["litert_int8"] = Agreement(0.1, 0.01, 0.995)
    digits.accuracies["litert_int8"] = 0.985
    photos = script.Result("photos", 640, None, problems={"litert_int8": "it died"})
    table = script.table([digits, photos], ["litert_int8"])
    assert table.lines == [
        ["digits", "540", "-", "1.0e-01 / 1.0e-02, 99.5 %"],
        ["digits, right", "540", "99.00 %", "98.50 %"],
        ["photos", "640", "-", "-"],
    ]
    assert script.problems([digits, photos]) == ["LiteRT int8, photos: it died."]
