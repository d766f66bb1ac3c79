"""The interpreter ends while threads are at work in the core."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cnnfast import _core

pytestmark = pytest.mark.long

# Three daemon threads repeat {work} without end; the interpreter does not wait for them.
SCRIPT = """
import threading, time
import numpy as np
import cnnfast
from cnnfast import layers

image = cnnfast.Input((64, 64, 16))
model = cnnfast.Sequential([image, layers.Conv2D(32, 3), layers.BatchNormalization()])
x = np.ones((4, 64, 64, 16), np.float32)
model.predict(x, verbose=0)
begun = threading.Barrier(4)

def build():
    model.release_memory()
    model._executor.plan(((64, 64, 16),))

def predict():
    model.predict(x, verbose=0, threads=2)

def profile():
    model.profile(x, repeats=1, threads=2)

def repeat():
    begun.wait()
    while True:
        {work}()

for _ in range(3):
    threading.Thread(target=repeat, daemon=True).start()
begun.wait()
time.sleep(0.1)
"""
EXITS = 5


@pytest.mark.parametrize(
    ("work", "threading"),
    [*(("predict", kind) for kind in _core.threadings()), ("profile", "crew"), ("build", "crew")],
)
def test_an_interpreter_ends_well_while_daemon_threads_are_in_the_core(
    work: str, threading: str
) -> None:
    environment = {**os.environ, "CNNFAST_THREADING": threading}
    command = [sys.executable, "-c", SCRIPT.format(work=work)]
    for _ in range(EXITS):
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
