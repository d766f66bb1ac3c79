"""What is said of environment variables that are misspelt, in their name or in their value."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings

import pytest

import cnnfast
from cnnfast import _core
from cnnfast.utils import environment
from cnnfast.utils.system import threads

pytestmark = pytest.mark.long


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("CNNFAST_", "OMP_")):
            monkeypatch.delenv(name)


def imported(module: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process that imports `module` and does no more."""
    command = [sys.executable, "-c", f"import {module}"]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **variables}, check=False
    )


@pytest.mark.parametrize("module", ["cnnfast", "cnnfast.cli"])
@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("CNNFAST_ISA", "avx22", f"must be one of {', '.join(_core.available_isas())} on this"),
        ("CNNFAST_NUM_THREADS", "two", "must be a positive integer"),
        ("CNNFAST_THREADING", "tbb", f"must be one of {', '.join(_core.threadings())}"),
        ("CNNFAST_WINOGRAD", "perhaps", "must be one of"),
    ],
)
def test_a_wrong_value_is_an_error_of_the_import(module, name, value, rule):
    done = imported(module, **{name: value})
    assert done.returncode != 0
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"ValueError: {name} {rule}")
    assert "Received: " in last
    assert value in last


def test_right_values_and_other_names_say_nothing(monkeypatch):
    right = {"CNNFAST_ISA": _core.isa(), "CNNFAST_NUM_THREADS": "2", "CNNFAST_WINOGRAD": "0"}
    others = {"CNNFAST_MODEL_PATH": "x", "OMP_THREAD_LIMIT": "4", "OMP_NUM_TEAMS": "1", "OMP": "1"}
    for name, value in (right | others).items():
        monkeypatch.setenv(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        environment.check()


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [
        ("CNNFAST_ISAS", "CNNFAST_ISA"),
        ("CNNFAST_THREADINGS", "CNNFAST_THREADING"),
        ("CNNFAST_THREADS", "CNNFAST_NUM_THREADS"),
        ("CNNFAST_NUM_THREAD", "CNNFAST_NUM_THREADS"),
        ("CNNFAST_WINOGRADS", "CNNFAST_WINOGRAD"),
        ("OMP_NUM_THREAD", "OMP_NUM_THREADS"),
        ("OMP_NUMTHREADS", "OMP_NUM_THREADS"),
    ],
)
def test_a_name_that_is_nearly_right_is_warned_of(monkeypatch, misspelt, meant):
    monkeypatch.setenv(misspelt, "1")
    with pytest.warns(RuntimeWarning, match=rf"variable {meant} is read.* Received: {misspelt}$"):
        environment.check()
    assert "RuntimeWarning" in imported("cnnfast", **{misspelt: "1"}).stderr


@pytest.mark.parametrize("value", ["many", "0", "-2", "2.5"])
def test_a_wrong_number_of_openmp_is_warned_of_and_the_cores_count(monkeypatch, value):
    monkeypatch.setattr(threads, "usable_cores", lambda: 5)
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    cnnfast.set_num_threads(None)
    rule = rf"OMP_NUM_THREADS must be a positive integer. Received: '{value}'. It is ignored"
    try:
        with pytest.warns(RuntimeWarning, match=rule):
            assert cnnfast.get_num_threads() == 5
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert cnnfast.get_num_threads() == 5
    finally:
        cnnfast.set_num_threads(None)
