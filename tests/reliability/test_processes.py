"""Runs from many Python threads, and in processes forked after the parent has run."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cnnfast import _core
from cnnfast.engine.ops import Conv2D, Value, Window
from cnnfast.engine.program import build as build_plan
from csrc.plans import graph_of

pytestmark = pytest.mark.long


def python(script: str, threading: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `script` in a process of its own, on threads of that kind."""
    return subprocess.run(
        [sys.executable, "-P", "-c", script, *arguments],
        env={**os.environ, "CNNFAST_THREADING": threading},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture(scope="module")
def plan():
    """Two convolutions, enough work for two threads."""
    rng = np.random.default_rng(5)
    kernel = rng.standard_normal((3, 3, 16, 16), np.float32)
    window = Window((3, 3), pads=(1, 1, 1, 1))

    def two(graph, x):
        for _ in range(2):
            x = graph.add(Conv2D(x, Value(x.shape), kernel, None, window))
        return x

    return build_plan(graph_of((20, 20, 16), two))


def run(plan, x, threads=2):
    out = np.empty((len(x), *plan.output_shapes[0]), np.float32)
    plan.run([x], [out], threads)
    return out


@pytest.mark.usefixtures("threading_kind")
def test_many_threads_share_one_plan(plan, rng):
    inputs = [rng.standard_normal((n, 20, 20, 16), np.float32) for n in (1, 2, 3, 5)] * 4
    want = [run(plan, x, 1) for x in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            for got, expected in zip(pool.map(lambda x: run(plan, x), inputs), want, strict=True):
                np.testing.assert_array_equal(got, expected)


def test_the_interpreter_runs_while_a_plan_does(plan):
    """The GIL is released: another thread counts while this one is inside the core."""
    counted = []
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counted.append(None)

    x = np.zeros((400, 20, 20, 16), np.float32)
    run(plan, x)
    counter = threading.Thread(target=count)
    counter.start()
    before = len(counted)
    run(plan, x, 1)
    after = len(counted)
    stop.set()
    counter.join()
    assert after > before


# A process of its own, because forking one with JAX's threads in it is not safe.
FORK = """
import multiprocessing
import os
import numpy as np
from cnnfast import _core
from cnnfast.models import Sequential
from cnnfast.layers import Conv2D, Input

model = Sequential([Input((40, 40, 16)), Conv2D(32, 3), Conv2D(32, 3)])
x = np.random.default_rng(1).standard_normal((3, 40, 40, 16), np.float32)
run = lambda threads: model._executor.run([x], threads=threads)[0]
want = run(2)
context = multiprocessing.get_context("fork")
results = context.Queue()

def predict():
    before = len(os.listdir("/proc/self/task"))
    got = run(2)
    assert _core.threading() == "crew"
    results.put((got, len(os.listdir("/proc/self/task")) - before))

child = context.Process(target=predict)
child.start()
try:
    got, threads = results.get(timeout=20)
    assert np.array_equal(got, want)
    assert threads == 1
finally:
    child.kill()
    child.join()
assert np.array_equal(run(2), want)
print("both ran")
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
@pytest.mark.parametrize("threading", _core.threadings())
def test_a_child_forked_after_a_run_with_two_threads_has_threads_too(threading):
    done = python(FORK, threading)
    assert done.stdout == "both ran\n", done.stderr


# The parent may have used the runtime that the child's core is linked with.
FORKED_BEFORE = """
import os, sys

child = os.fork() if sys.argv[1] == "fork" else 0
if child == 0:
    from cnnfast import config
    print(config.get().threading, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif("openmp" not in _core.threadings(), reason="the core has no OpenMP")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_child_that_imports_the_package_after_the_fork_has_the_crew_too():
    assert python(FORKED_BEFORE, "openmp", "fork").stdout == "crew\n"
    assert python(FORKED_BEFORE, "openmp", "none").stdout == "openmp\n"


FEW_THREADS = """
import os
import numpy as np
from cnnfast.models import Sequential
from cnnfast.layers import Dense, Input

model = Sequential([Input((4,)), Dense(4)])
x = np.ones((3, 4), np.float32)
want = model.predict_on_batch(x, threads=1)
count = lambda: len(os.listdir("/proc/self/task"))
alone = count()
assert np.array_equal(model.predict_on_batch(x, threads=3), want)
assert count() == alone
got = np.empty_like(want)
model._executor.plan((x.shape[1:],)).run([x], [got], 3)
assert np.array_equal(got, want)
assert count() == alone + 2
print("both ran")
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
@pytest.mark.parametrize("threading", _core.threadings())
def test_a_model_wakes_no_threads_for_little_work_and_a_plan_those_it_is_given(threading):
    done = python(FEW_THREADS, threading)
    assert done.stdout == "both ran\n", done.stderr
