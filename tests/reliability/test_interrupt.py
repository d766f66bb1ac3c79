"""Ctrl-C ends a long predict soon, also inside a call of the core, and the model runs on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cnnfast import _core

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to itself"),
]


# Kinds of threads, and how many.
THREADS = [("crew", "1"), *((kind, "2") for kind in _core.threadings())]


def python(
    script: str, *arguments: str, threading: str = "crew"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", script, *arguments],
        env={**os.environ, "CNNFAST_THREADING": threading},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


BETWEEN_BATCHES = """
import os, signal, threading
import numpy as np
import cnnfast
from cnnfast import layers

signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have had it ignored

class Progress(cnnfast.callbacks.Callback):
    begun, at_signal = 0, None

    def on_predict_batch_begin(self, batch, logs=None):
        self.begun += 1
        if self.begun == 3:
            threading.Thread(target=self.interrupt).start()

    def interrupt(self):
        os.kill(os.getpid(), signal.SIGINT)
        self.at_signal = self.begun

image = cnnfast.Input((64, 64, 32))
model = cnnfast.Sequential([image, layers.Conv2D(64, 3), layers.Conv2D(64, 3)])
one = np.ones((1, 64, 64, 32), np.float32)
before = model.predict(one, verbose=0)
progress = Progress()
try:
    model.predict(np.ones((400, 64, 64, 32), np.float32), 16, verbose=0, callbacks=[progress])
    print("never interrupted")
except KeyboardInterrupt:
    assert progress.begun - progress.at_signal <= 1, (progress.begun, progress.at_signal)
    assert np.array_equal(model.predict(one, verbose=0), before)
    assert np.array_equal(model.predict(np.repeat(one, 3, 0), verbose=0)[2:], before)
    print("ended")
"""


def test_an_interrupt_ends_a_predict_within_a_batch_and_the_model_runs_on() -> None:
    done = python(BETWEEN_BATCHES)
    assert done.stdout == "ended\n", done.stderr


# The signal comes when the core has begun to write the output: what it never reaches stays NaN.
COMMON = """
import os, signal, sys, threading, time
import numpy as np
import cnnfast
from cnnfast import _core, layers

signal.signal(signal.SIGINT, signal.default_int_handler)

def same(filters, size):
    return layers.Conv2D(filters, size, padding="same", activation="relu")

def network(kind):
    if kind == "bands":  # one step that makes rows of 9 layers
        wide = lambda: layers.DepthwiseConv2D(7, padding="same")
        chain = [f() for _ in range(3) for f in (lambda: same(64, 1), wide, lambda: same(32, 1))]
        return cnnfast.Sequential([cnnfast.Input((None, None, 16)), *chain]), (1, 2000, 1500, 16)
    if kind == "huge":  # bands of Winograd's tiles
        chain = [same(16, 3) for _ in range(6)]
        return cnnfast.Sequential([cnnfast.Input((None, None, 16)), *chain]), (1, 1400, 2000, 16)
    chain = [same(64, 5), same(64, 5), same(64, 5)]
    model = cnnfast.Sequential([cnnfast.Input((None, None, 16)), *chain])
    return model, (1, 700, 600, 16) if kind == "image" else (150, 96, 96, 16)

model, shape = network(sys.argv[1])
threads = int(sys.argv[2])
x = np.zeros(shape, np.float32)
small = np.random.default_rng(0).standard_normal((2, 40, 40, 16), np.float32)
before = model.predict(small, verbose=0, threads=threads)
out = [np.full((*shape[:3], model.output_shape[-1]), np.nan, np.float32)]
model._executor.plan((shape[1:],))

def written():
    return not np.isnan(out[0][0, 0, 0, 0])

def interrupt():
    while not written():
        time.sleep(0.002)
    os.kill(os.getpid(), signal.SIGINT)

def run():
    threading.Thread(target=interrupt, daemon=True).start()
    model._executor.run([x], out, threads)
"""

INSIDE_A_CALL = (
    COMMON
    + """
_core.release_idle_workspaces()  # that of the small images
plans = model.memory_report(shape[0], threads=threads).plans
(workspace,) = [plan.workspace_bytes for plan in plans if plan.input_shapes[0] == shape[1:]]
try:
    run()
    print("never interrupted")
except KeyboardInterrupt:
    idle = _core.idle_workspace_bytes()  # at once: what nobody takes for 5 s goes to the system
    assert idle >= workspace > 0, (idle, workspace)
    assert written()
    assert np.isnan(out[0]).any(), "it ran to its end"
    assert np.array_equal(model.predict(small, verbose=0, threads=threads), before)
    print("ended")
"""
)


@pytest.mark.parametrize(("threading", "threads"), THREADS)
@pytest.mark.parametrize("kind", ["image", "bands", "huge", "batch"])
def test_an_interrupt_ends_a_call_of_the_core_and_the_model_runs_on(
    kind, threading, threads
) -> None:
    done = python(INSIDE_A_CALL, kind, threads, threading=threading)
    assert done.stdout == "ended\n", done.stderr


HANDLED = (
    COMMON
    + """
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(np.isnan(out[0]).any()))
run()
assert not np.isnan(out[0]).any()
assert seen == [True], seen
print("went on")
"""
)


@pytest.mark.parametrize(("threading", "threads"), THREADS)
def test_a_handler_that_raises_nothing_runs_during_a_call_which_goes_on(threading, threads) -> None:
    done = python(HANDLED, "image", threads, threading=threading)
    assert done.stdout == "went on\n", done.stderr


ON_ANOTHER_THREAD = (
    COMMON
    + """
failed, ended = [], threading.Event()

def worker():
    try:
        run()
    except BaseException as error:
        failed.append(error)
    finally:
        ended.set()

threading.Thread(target=worker).start()
try:
    ended.wait()
    print("the main thread saw no signal")
except KeyboardInterrupt:
    ended.wait()
assert not failed, failed
assert not np.isnan(out[0]).any()
print("went on")
"""
)


@pytest.mark.parametrize("threading", _core.threadings())
def test_a_call_on_another_thread_than_the_main_one_goes_on(threading) -> None:
    done = python(ON_ANOTHER_THREAD, "image", "2", threading=threading)
    assert done.stdout == "went on\n", done.stderr
