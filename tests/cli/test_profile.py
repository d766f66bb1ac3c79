"""``python -m cnnfast profile`` and ``bench``: what they report, and their exit codes."""

from __future__ import annotations

import json
import sys

import pytest

from cnnfast import get_num_threads
from cnnfast.cli import exit_codes, main
from saving.model_files import config_3, keras_file, layer


@pytest.fixture
def file(tmp_path):
    return str(keras_file(tmp_path / "net.keras"))


def run(capsys, *args):
    code = main([*args, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_profile_reports_each_operation_of_the_batch(file, capsys):
    code, report = run(capsys, "profile", file, "--batch", "3", "--threads", "1", "--repeats", "2")
    assert code == exit_codes.GOOD
    assert (report["batch_size"], report["threads"], report["repeats"]) == (3, 1, 2)
    assert {row["layer"] for row in report["rows"]} == {"conv + bn", "dense"}
    assert "memory" not in report


@pytest.mark.long
def test_profile_adds_memory_and_a_picture_on_request(file, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    path = tmp_path / "roofline.svg"
    code, report = run(capsys, "profile", file, "--memory", "--plot", str(path))
    assert code == exit_codes.GOOD
    assert report["memory"]["plans"][0]["packed_bytes"] > 0
    assert "roofline" in path.read_text()


def test_profile_prints_tables(file, capsys):
    assert main(["profile", file, "--candidates", "--memory", "--repeats", "1"]) == exit_codes.GOOD
    shown = capsys.readouterr().out
    assert "conv +1" in shown
    assert "of direct" in shown
    assert "packed weights" in shown
    for column in ("share: of", "GFLOP/s and GB/s: arithmetic", "roofline: of", "own: GFLOP/s"):
        assert column in " ".join(shown.split())


def test_a_picture_without_matplotlib_is_an_error_that_says_what_to_install(
    file, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["profile", file, "--repeats", "1", "--plot", "x.png"]) == exit_codes.WRONG
    assert "cnnfast[plot]" in capsys.readouterr().err


def test_bench_times_every_setting_and_leaves_the_threads_as_they_were(file, capsys):
    before = get_num_threads()
    code, report = run(
        capsys, "bench", file, "--batch", "1,4", "--threads", "1,2", "--repeats", "3"
    )
    assert code == exit_codes.GOOD
    settings = {(t["batch_size"], t["threads"]) for t in report["timings"]}
    assert settings == {(1, 1), (1, 2), (4, 1), (4, 2)}
    for timing in report["timings"]:
        assert timing["repeats"] == 3
        assert 0 < timing["min_ms"] <= timing["median_ms"] <= timing["p95_ms"]
        rate = 1e3 * timing["batch_size"] / timing["median_ms"]
        assert timing["images_per_second"] == pytest.approx(rate)
    assert get_num_threads() == before


def test_bench_prints_a_table(file, capsys):
    assert main(["bench", file, "--batch", "2", "--repeats", "1"]) == exit_codes.GOOD
    assert "images/s" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["profile", "bench"])
def test_files_that_cannot_be_run_have_exit_codes_of_their_own(command, tmp_path, capsys):
    assert main([command, str(tmp_path / "none.keras")]) == exit_codes.UNREADABLE
    config = config_3()
    config["config"]["layers"].append(
        {"module": "mine", "registered_name": "mine>Swirl", **layer("Swirl", "swirl")}
    )
    path = keras_file(tmp_path / "swirl.keras", config=config)
    assert main([command, str(path)]) == exit_codes.UNSUPPORTED
    assert "swirl" in capsys.readouterr().err


@pytest.mark.parametrize("numbers", ["0", "1,,2", "a", ""])
def test_lists_of_counts_are_checked(file, numbers, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["bench", file, "--batch", numbers])
    assert stopped.value.code == 2
    assert "positive integer" in capsys.readouterr().err
