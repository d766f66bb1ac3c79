"""What all commands have in common, as a shell sees them: streams, keys of JSON, interruptions."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cnnfast
from cnnfast import layers
from cnnfast.cli import exit_codes
from saving.model_files import config_3, keras_file, layer

pytestmark = pytest.mark.long

COMMANDS = ("info", "check", "profile", "bench")
FEW = {"check": ["--without-keras"], "profile": ["--repeats", "1"], "bench": ["--repeats", "2"]}


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "cnnfast", *args]
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=env, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("h5py")
    name = "a_layer_whose_name_alone_is_wider_than_the_terminals_of_eighty_columns_that_are_usual"
    conv = layers.Conv2D(4, 3, name=name)
    model = cnnfast.Sequential([cnnfast.Input((6, 6, 2)), conv, layers.Flatten(), layers.Dense(3)])
    path = tmp_path_factory.mktemp("commands") / "net.keras"
    model.save(path)
    return str(path)


@pytest.fixture(scope="module")
def swirls(tmp_path_factory: pytest.TempPathFactory) -> str:
    config = config_3()
    own = {"module": "mine", "registered_name": "mine>Swirl"}
    config["config"]["layers"] += [{**own, **layer("Swirl", f"swirl_{i}")} for i in range(300)]
    return str(keras_file(tmp_path_factory.mktemp("refused") / "net.keras", config=config))


# --- what is wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_is_wrong_goes_to_standard_error(
    command: str, form: list[str], swirls: str, tmp_path: Path
) -> None:
    done = run(command, swirls, *form)
    assert done.returncode == exit_codes.UNSUPPORTED
    assert done.stderr.startswith(f"{swirls}: not supported, for 1 cause in 300 layers:\n")
    assert done.stderr.count(swirls) == 1
    assert len(done.stderr.splitlines()) < 40
    assert "code is never taken" not in done.stdout or form
    done = run(command, str(tmp_path / "none.keras"), *form)
    assert done.returncode == exit_codes.UNREADABLE
    assert done.stderr.count("\n") == 1
    assert "none.keras" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_option_shows_how_the_command_is_used(command: str, file: str) -> None:
    done = run(command, file, "--nonsense", "3")
    assert done.returncode == exit_codes.USAGE
    assert done.stdout == ""
    assert f"usage: python -m cnnfast {command} " in done.stderr
    assert "unrecognized arguments: --nonsense 3" in done.stderr


@pytest.mark.parametrize("command", ["check", "profile", "bench"])
def test_a_size_for_a_model_that_leaves_none_open_is_refused(command: str, file: str) -> None:
    done = run(command, file, "--size", "32", *FEW[command])
    assert done.returncode == exit_codes.USAGE
    assert done.stdout == ""
    assert "leaves none. Received: --size 32 for inputs of shape (None, 6, 6, 2)" in done.stderr


@pytest.mark.parametrize("command", ["info", "check"])
def test_refusals_are_data_in_json(command: str, swirls: str) -> None:
    report = json.loads(run(command, swirls, "--json").stdout)
    (item,) = report["unsupported"]
    assert (item["kind"], item["class_name"], item["module"]) == ("layer", "Swirl", "mine")
    assert (item["count"], item["layers"][:2]) == (300, ["swirl_0", "swirl_1"])
    assert "custom_objects" in item["advice"]
    assert report["problems"] == [run(command, swirls).stderr.rstrip("\n")]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("CNNFAST_ISA", "avx3"), ("CNNFAST_NUM_THREADS", "many"), ("CNNFAST_WINOGRAD", "perhaps")],
)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_environment_variable_is_told_in_a_line(
    command: str, variable: str, value: str, file: str
) -> None:
    done = run(command, file, **{variable: value})
    assert done.returncode == exit_codes.USAGE
    assert done.stdout == ""
    assert re.fullmatch(rf"{variable} must be .*Received: '?{value}'?.*\n", done.stderr)


def test_other_programs_get_the_exception(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("import cnnfast")
    env = {**os.environ, "CNNFAST_WINOGRAD": "perhaps", "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-m", "other", "-m", "cnnfast"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "\nValueError: CNNFAST_WINOGRAD must be" in done.stderr


# --- tables and pipes --------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["info", "profile", "check"])
@pytest.mark.parametrize("columns", ["40", ""])
def test_tables_in_a_pipe_are_neither_broken_nor_cut(command: str, columns: str, file: str) -> None:
    done = run(command, file, *FEW.get(command, []), COLUMNS=columns)
    assert done.returncode == exit_codes.GOOD
    if command != "check":
        assert cnnfast.load_model(file).layers[0].name in done.stdout
    assert "…" not in done.stdout
    # A row for each layer or number, and what stands around them.
    assert len(done.stdout.splitlines()) < 25


def test_a_table_on_a_terminal_keeps_to_its_width(file: str) -> None:
    output = on_terminal("info", file, columns=60)
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output).splitlines()
    assert max(map(len, lines)) <= 60


def test_a_summary_in_a_pipe_is_as_long_as_it_is_asked_to_be(file: str) -> None:
    code = f"import cnnfast; cnnfast.load_model({file!r}).summary(line_length=250)"
    command = [sys.executable, "-P", "-c", code]
    env = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, check=True)
    assert max(map(len, done.stdout.splitlines())) == 250
    assert cnnfast.load_model(file).layers[0].name in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="pipes break so there")
def test_a_reader_who_leaves_ends_a_command_without_a_word(file: str) -> None:
    command = [sys.executable, "-P", "-m", "cnnfast", "info", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == exit_codes.UNREAD


# --- without streams ---------------------------------------------------------------------------

WITHOUT_STREAMS = """
import sys
import numpy as np
import cnnfast
from cnnfast.cli import main

path, result = sys.argv[1:]
sys.stdout = sys.stderr = None  # as in pythonw and some services
model = cnnfast.load_model(path)
x = np.ones((4, 6, 6, 2), np.float32)
model.summary()
for verbose in (0, 1, 2):
    model.predict(x, verbose=verbose)
model.compile(loss="mse")
model.evaluate(x, np.ones((4, 3)), verbose=1)
model.profile(x, repeats=1).print()
model.memory_report().print()
codes = [main([command, path]) for command in ("info", "profile")]
codes += [main(["check", path, "--without-keras"]), main(["bench", path, "--repeats", "1"])]
codes += [main(["info", path, "--json"]), main(["info", path + "x"]), main(["demo"])]
with open(result, "w") as file:
    print(*codes, file=file)
"""


def test_everything_runs_where_there_are_no_streams(file: str, tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-c", WITHOUT_STREAMS, file, str(tmp_path / "codes")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (tmp_path / "codes").read_text() == "0 0 0 0 0 4 0\n"


@pytest.mark.skipif(os.name != "posix", reason="closes streams as POSIX shells do")
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run_with_closed_streams(command: str, file: str) -> None:
    shell = f'"{sys.executable}" -P -m cnnfast {command} "{file}" >&- 2>&-'
    assert subprocess.run(shell, shell=True, check=False, timeout=120).returncode == 0
    shell = f'"{sys.executable}" -P -m cnnfast {command} "{file}x" 2>&-'
    done = subprocess.run(shell, shell=True, check=False, timeout=120, stdout=subprocess.PIPE)
    assert done.returncode == exit_codes.UNREADABLE
    assert b"No such file" not in done.stdout


# --- JSON --------------------------------------------------------------------------------------

UNITS = ("_ms", "_bytes", "_count", "_per_second")
# Whole numbers and fractions that are no times, sizes, counts or rates.
PLAIN = {
    *("attained", "share", "accuracy", "probability", "finite", "relative_error"),
    *("largest_relative_error", "flops", "own_flops", "batch_size", "threads", "repeats"),
    *("depth", "trainable", "agrees", "interrupted", "index", "label", "predicted"),
}


def numbers(data: Any) -> Iterator[str]:
    """Yield the key of each number in a report, but for those of shapes and by algorithm."""
    if isinstance(data, list):
        for item in data:
            yield from numbers(item)
    elif isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, int | float):
                yield key
            elif key != "candidate_flops":
                yield from numbers(value)


REPORTS = {
    "info": ["info", "FILE"],
    "check": ["check", "FILE", "--weight-dtype", "bfloat16"],
    "check without Keras": ["check", "FILE", "--without-keras"],
    "profile": ["profile", "FILE", "--memory", "--repeats", "1"],
    "bench": ["bench", "FILE", "--repeats", "1"],
    "demo": ["demo", "--images", "1"],
}


@pytest.mark.parametrize("case", REPORTS)
def test_keys_of_numbers_say_what_they_measure_or_count(case: str, file: str) -> None:
    done = run(*(file if arg == "FILE" else arg for arg in REPORTS[case]), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["cnnfast_version"] == cnnfast.__version__
    assert report.get("file", file) == file
    assert {key for key in numbers(report) if not key.endswith(UNITS)} <= PLAIN


def test_the_same_thing_has_the_same_key_in_all_commands(file: str) -> None:
    reports = {
        case: json.loads(run(*(file if a == "FILE" else a for a in args), "--json").stdout)
        for case, args in REPORTS.items()
        if case != "check"
    }
    check, info, bench = (reports[name] for name in ("check without Keras", "info", "bench"))
    assert info["parameter_count"] == check["parameter_count"] == 4 * 18 + 4 + 3 * 64 + 3
    assert info["problems"] == check["problems"] == []
    assert info["unsupported"] == check["unsupported"] == []
    profile = reports["profile"]
    for report in (profile, profile["memory"], bench["timings"][0]):
        assert report["batch_size"] == 1
    assert bench["timings"][0].keys() & profile.keys() >= {
        *("batch_size", "threads", "repeats", "median_ms", "images_per_second"),
    }
    assert "median_ms" in profile["rows"][0]
    assert "weight_bytes" in profile["rows"][0]
    assert "weight_bytes" in info


@pytest.mark.parametrize("command", [*COMMANDS, "demo"])
def test_the_help_says_what_keys_end_in(command: str) -> None:
    text = " ".join(run(command, "--help").stdout.split())
    assert "numbers end in _count, _ms, _bytes or _per_second" in text


# --- pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "says", "code"),
    [
        ("x.gif2", r"must end in one of \[.*'png'.*\]\. Received: path='x\.gif2'", "USAGE"),
        ("nowhere/x.png", "There is no directory 'nowhere'", "USAGE"),
        ("x.png", r"pip install 'cnnfast\[plot\]'", "WRONG"),
    ],
)
def test_a_picture_that_cannot_be_saved_is_refused_before_the_work(
    path: str, says: str, code: str, tmp_path: Path
) -> None:
    if code == "USAGE":
        pytest.importorskip("matplotlib")
    (tmp_path / "matplotlib").mkdir()
    (tmp_path / "matplotlib" / "__init__.py").write_text("raise ImportError('not here')")
    hidden = {} if code == "USAGE" else {"PYTHONPATH": str(tmp_path)}
    # The file, which is not there, would be missed first.
    done = run("profile", str(tmp_path / "none.keras"), "--plot", path, **hidden)
    assert done.returncode == getattr(exit_codes, code)
    assert re.search(says, done.stderr)
    assert "Traceback" not in done.stderr


# --- progress and Ctrl-C -----------------------------------------------------------------------


def test_bench_shows_its_progress_on_standard_error(file: str) -> None:
    done = run("bench", file, "--repeats", "40", "--batch", "1")
    lines = done.stderr.splitlines()
    assert lines == ["warming up", *(f"round {4 * i} of 40" for i in range(1, 11))]
    assert "round" not in done.stdout
    report = json.loads(run("bench", file, "--repeats", "3", "--json").stdout)
    assert [timing["repeats"] for timing in report["timings"]] == [3, 3]


def test_bench_writes_over_its_progress_on_a_terminal(file: str) -> None:
    output = on_terminal("bench", file, "--repeats", "3", columns=100)
    for text in ("\rwarming up\x1b[K", "\rround 1 of 3\x1b[K", "\rround 3 of 3\x1b[K\r\x1b[K"):
        assert text in output
    assert "\nround" not in output


def interrupted(*args: str, after: str) -> tuple[int, str, str]:
    """Run a command, press Ctrl-C once it has written `after` to standard error."""
    # A shell in the background may have had it ignored.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from cnnfast.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-P", "-c", code, *args]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        seen = ""
        while after not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return process.returncode, out, seen + err


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_ctrl_c_ends_bench_with_what_was_timed(form: list[str], file: str) -> None:
    args = ["bench", file, "--batch", "1", "--repeats", "1000000", *form]
    code, out, err = interrupted(*args, after="warming up")
    assert code == exit_codes.INTERRUPTED
    assert "Traceback" not in err
    found = re.search(r"^interrupted after (\d+) of 1000000 rounds$", err, re.MULTILINE)
    assert found, err
    rounds = int(found[1])
    if form:
        report = json.loads(out)
        assert report["interrupted"]
        assert [timing["repeats"] for timing in report["timings"]] == [rounds] * (rounds > 0)
    else:
        assert ("images/s" in out) == (rounds > 0)


LOADING = """
import os, signal, sys
from cnnfast import saving
from cnnfast.cli import main

def load_model(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
saving.load_model = load_model
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("command", ["check", "profile", "bench"])
def test_ctrl_c_ends_any_command_in_a_line(command: str, file: str) -> None:
    args = [sys.executable, "-P", "-c", LOADING, command, file]
    done = subprocess.run(args, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (exit_codes.INTERRUPTED, "interrupted\n")


def on_terminal(*args: str, columns: int) -> str:
    """Return what a command writes where all its streams are a terminal."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-P", "-m", "cnnfast", *args]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=env)
    os.close(theirs)
    chunks: list[bytes] = []
    end = time.monotonic() + 120
    try:
        while time.monotonic() < end:
            select.select([ours], [], [], 1)
            try:
                chunks.append(os.read(ours, 1 << 16))
            except OSError:  # the other side is closed
                break
            if not chunks[-1]:
                break
        assert process.wait(60) == 0
    finally:
        os.close(ours)
    return b"".join(chunks).decode().replace("\r\n", "\n")
