"""Which kind of threads shares a prediction: the configuration, the environment, the build."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import cnnfast
from cnnfast import _core, config, layers

KINDS = _core.threadings()


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    monkeypatch.delenv("CNNFAST_THREADING", raising=False)
    config.set(threading=None)
    yield
    config.set(threading=None)


def test_the_crew_is_the_default():
    assert KINDS[0] == "crew"
    assert config.get().threading == "crew"


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_is_set_for_the_process_and_none_is_what_the_environment_says(kind, monkeypatch):
    config.set(threading=kind)
    assert config.get().threading == kind
    config.set(winograd=True)
    assert config.get().threading == kind
    config.set(threading=None)
    assert config.get().threading == "crew"
    monkeypatch.setenv("CNNFAST_THREADING", f" {kind} ")
    config.set(threading=None)
    assert config.get().threading == kind


@pytest.mark.parametrize("kind", ["tbb", "", "OpenMP", 3])
def test_a_kind_that_is_not_built_in_is_refused_and_nothing_changes(kind):
    rule = rf"threading must be one of {', '.join(KINDS)}.*Received: {kind!r}"
    with pytest.raises(ValueError, match=rule):
        config.set(threading=kind, winograd=False, workspace_limit=5)
    assert config.get().threading == "crew"
    assert config.get().winograd
    assert config.get().workspace_limit > 5


def test_a_wrong_limit_leaves_the_kind():
    with pytest.raises(ValueError, match="workspace_limit must be a number of bytes"):
        config.set(threading=KINDS[-1], workspace_limit=-1)
    assert config.get().threading == "crew"


@pytest.mark.long
def test_the_variable_is_read_on_import():
    for kind in KINDS:
        done = subprocess.run(
            [sys.executable, "-c", "import cnnfast; print(cnnfast.config.get().threading)"],
            env={**os.environ, "CNNFAST_THREADING": kind},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout == f"{kind}\n", done.stderr


def test_a_plan_stays_when_the_kind_changes():
    model = cnnfast.Sequential([layers.Input((20, 20, 8)), layers.Conv2D(8, 3)])
    x = np.ones((3, 20, 20, 8), np.float32)
    want = model.predict(x, verbose=0, threads=2)
    plan = model._executor.plan((x.shape[1:],))
    for kind in KINDS:
        config.set(threading=kind)
        np.testing.assert_array_equal(model.predict(x, verbose=0, threads=2), want)
        assert model._executor.plan((x.shape[1:],)) is plan


# What OpenMP says of itself, asked in the part of a run that Python sees: a signal handler.
NESTED = """
import os, signal, threading, time
import numpy as np
import cnnfast
from cnnfast import layers

inner = cnnfast.Sequential([layers.Input((40, 40, 16)), layers.Conv2D(32, 3)])
small = np.random.default_rng(0).random((4, 40, 40, 16), np.float32)
want = inner.predict(small, verbose=0, threads=1)
outer = cnnfast.Sequential([layers.Input((700, 600, 16))] + [layers.Conv2D(64, 5)])
x = np.zeros((2, 700, 600, 16), np.float32)
outer.predict(x, verbose=0, threads=2)
seen = []

def handler(*_):
    seen.append(np.array_equal(inner.predict(small, verbose=0, threads=2), want))

signal.signal(signal.SIGINT, handler)

def interrupt():
    while not seen:
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

thread = threading.Thread(target=interrupt)
thread.start()
while not seen:
    outer.predict(x, verbose=0, threads=2)
thread.join()
print(set(seen))
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to itself")
@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_inside_of_another_gives_its_bits(kind):
    done = subprocess.run(
        [sys.executable, "-c", NESTED],
        env={**os.environ, "CNNFAST_THREADING": kind},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "{True}\n", done.stderr
