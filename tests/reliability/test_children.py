"""Child processes of every kind predict, also those forked while other threads are at work."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnfast import _core

pytestmark = pytest.mark.long

TESTS = Path(__file__).resolve().parents[1]
THREADINGS = _core.threadings()


def run(module: str, *arguments: str, threading: str = "crew", timeout: float = 240) -> str:
    """Return what `python -m module` prints, having ended well on threads of that kind."""
    command = [sys.executable, "-m", module, *arguments]
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command,
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": path, "CNNFAST_THREADING": threading},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("threading", THREADINGS)
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_children_give_the_bits_of_a_parent_that_ran_with_two_threads(
    method: str, threading: str
) -> None:
    done = run("reliability.children", method, threading=threading)
    assert done.split() == ["process", "pool", "executor"]


@pytest.mark.parametrize("threading", THREADINGS)
def test_children_of_joblib_give_the_bits_of_their_parent(threading: str) -> None:
    pytest.importorskip("joblib")
    assert run("reliability.children", "joblib", threading=threading).split() == ["joblib"]


@pytest.mark.skipif(os.name != "posix", reason="children inherit no open files here")
@pytest.mark.parametrize(
    ("method", "change", "result"),
    [
        ("spawn", "removed", "True"),
        ("spawn", "overwritten", "refused"),
        ("spawn", "touched", "True"),
        ("forkserver", "replaced", "True"),
    ],
)
def test_a_child_is_given_the_file_that_its_parent_has_open(
    tmp_path: Path, method: str, change: str, result: str
) -> None:
    pytest.importorskip("h5py")
    path = str(tmp_path / "m.keras")
    assert run("reliability.heirs", method, change, path).split() == ["1", result]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("threading", THREADINGS)
def test_children_forked_while_threads_hold_locks_predict(threading: str) -> None:
    assert run("reliability.forks", "30", threading=threading).split() == ["30"]
