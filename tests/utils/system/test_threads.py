"""The number of threads: the knob, the environment, and what a run makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import cnnfast
from cnnfast import _core, layers
from cnnfast.utils.system import threads


@pytest.fixture(autouse=True)
def untouched(monkeypatch):
    """No setting from outside, and none left behind."""
    monkeypatch.delenv("CNNFAST_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cnnfast.set_num_threads(None)
    yield
    cnnfast.set_num_threads(None)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, 5),
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"OMP_NUM_THREADS": "3", "CNNFAST_NUM_THREADS": "7"}, 7),
        ({"OMP_NUM_THREADS": "3", "CNNFAST_NUM_THREADS": ""}, 3),
    ],
)
def test_the_environment_comes_before_the_cores(monkeypatch, variables, expected):
    monkeypatch.setattr(threads, "usable_cores", lambda: 5)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cnnfast.get_num_threads() == expected
    cnnfast.set_num_threads(2)
    assert cnnfast.get_num_threads() == 2


def test_a_wrong_environment_names_the_variable(monkeypatch):
    monkeypatch.setenv("CNNFAST_NUM_THREADS", "many")
    with pytest.raises(ValueError, match=r"CNNFAST_NUM_THREADS must be .* Received: 'many'"):
        cnnfast.get_num_threads()


def test_a_number_set_while_the_default_is_looked_up_stays(monkeypatch):
    setting = threading.Thread(target=cnnfast.set_num_threads, args=(3,))

    def looked_up():
        setting.start()
        setting.join(0.05)
        return 5

    monkeypatch.setattr(threads, "_default", looked_up)
    assert cnnfast.get_num_threads() in {3, 5}
    setting.join()
    assert cnnfast.get_num_threads() == 3


class RecordingPlan:
    """A plan that keeps the numbers of threads it was run with."""

    output_shapes = ((2,),)

    def __init__(self):
        self.threads = []

    def run(self, inputs, outputs, count, useful_only):
        assert useful_only
        self.threads.append(count)
        outputs[0][...] = 0


def test_every_way_to_predict_takes_threads(monkeypatch):
    model = cnnfast.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile(loss="mse")
    plan = RecordingPlan()
    monkeypatch.setattr(model._executor, "plan", lambda shapes: plan)
    x, y = np.zeros((5, 3), np.float32), np.zeros((5, 2), np.float32)
    cnnfast.set_num_threads(9)
    model.predict(x, verbose=0, threads=1)
    model.predict(x, verbose=0, batch_size=4, threads=2)
    model.predict_on_batch(x, threads=3)
    model.evaluate(x, y, verbose=0, threads=4)
    model.test_on_batch(x, y, threads=5)
    model.predict(x, verbose=0)
    model(x)
    assert plan.threads == [1, 2, 2, 3, 4, 5, 9, 9]


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "x"])
def test_a_wrong_number_of_threads_is_refused(count):
    model = cnnfast.Sequential([layers.Input((3,)), layers.Dense(2)])
    x = np.zeros((1, 3), np.float32)
    with pytest.raises(ValueError, match="threads must be a positive integer"):
        model.predict(x, verbose=0, threads=count)
    with pytest.raises(ValueError, match="threads must be a positive integer"):
        cnnfast.set_num_threads(count)


@pytest.mark.parametrize("count", [2**31, 10**30, float("inf")])
def test_more_threads_than_the_core_can_be_told_are_refused(monkeypatch, count):
    model = cnnfast.Sequential([layers.Input((3,)), layers.Dense(2)])
    x = np.zeros((1, 3), np.float32)
    for use in (
        lambda: model.predict(x, verbose=0, threads=count),
        lambda: model.profile(x, threads=count),
    ):
        with pytest.raises(ValueError, match=r"threads must be .*Received: "):
            use()
    with pytest.raises(ValueError, match=r"threads must be .*Received: "):
        cnnfast.set_num_threads(count)
    monkeypatch.setenv("OMP_NUM_THREADS", str(count))
    with pytest.warns(RuntimeWarning, match="OMP_NUM_THREADS must be .* It is ignored"):
        model.predict(x, verbose=0)


# A process of its own: OpenMP reads its limit once, and threads stay.
LIMITS = """
import os
import threading
import numpy as np
import threadpoolctl
import cnnfast

model = cnnfast.Sequential([cnnfast.Input((40, 40, 16)), cnnfast.layers.Conv2D(32, 3)])
x = np.zeros((12, 40, 40, 16), np.float32)

def grown(threads):
    before = len(os.listdir("/proc/self/task"))
    model.predict(x, verbose=0, threads=threads)
    return len(os.listdir("/proc/self/task")) - before

model.predict(x, verbose=0, threads=1)
with threadpoolctl.threadpool_limits(1):
    print(grown(4))
with threadpoolctl.threadpool_limits(2, user_api="openmp"):
    print(grown(4))
print(grown(4))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
@pytest.mark.parametrize("threading", _core.threadings())
def test_threadpoolctl_limits_a_run_and_only_while_it_does(threading):
    environment = {**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "1"}
    environment["CNNFAST_THREADING"] = threading
    command = [sys.executable, "-c", LIMITS]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "1", "2"]


# Threads that nobody asks for end after some seconds, those of crews for many callers too.
ENDING = """
import os
import time
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import cnnfast

model = cnnfast.Sequential([cnnfast.Input((40, 40, 16)), cnnfast.layers.Conv2D(32, 3)])
x = np.random.default_rng(1).random((12, 40, 40, 16), np.float32)

def count():
    return len(os.listdir("/proc/self/task"))

def predict(_=None):
    return model.predict(x, verbose=0, threads=4)

expected = model.predict(x, verbose=0, threads=1)
alone = count()
for _ in range(2):
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(predict, range(30)))
    assert all(np.array_equal(result, expected) for result in results)
    print(count() > alone)
    end = time.monotonic() + 60
    while count() > alone and time.monotonic() < end:
        time.sleep(0.1)
    print(count() - alone)
"""


@pytest.mark.long
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_threads_of_the_crew_that_nobody_asks_for_end_and_come_back():
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "CNNFAST_THREADING": "crew"}
    command = [sys.executable, "-c", ENDING]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["True", "0"] * 2


# Threads of a region are the runtime's: they stay, and those of a caller end with it.
REGIONS = """
import os
import time
from concurrent.futures import ThreadPoolExecutor
import numpy as np
import cnnfast

model = cnnfast.Sequential([cnnfast.Input((40, 40, 16)), cnnfast.layers.Conv2D(32, 3)])
x = np.random.default_rng(1).random((12, 40, 40, 16), np.float32)

def count():
    return len(os.listdir("/proc/self/task"))

def predict(_=None):
    return model.predict(x, verbose=0, threads=3)

expected = model.predict(x, verbose=0, threads=1)
alone = count()
with ThreadPoolExecutor(3) as pool:
    results = list(pool.map(predict, range(30)))
assert all(np.array_equal(result, expected) for result in results)
end = time.monotonic() + 60
while count() > alone and time.monotonic() < end:
    time.sleep(0.1)
print(count() - alone)
for _ in range(3):
    predict()
time.sleep(6)
print(count() - alone)
"""


@pytest.mark.long
@pytest.mark.skipif("openmp" not in _core.threadings(), reason="the core has no OpenMP")
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_threads_of_openmp_stay_for_the_next_run_of_their_caller():
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "CNNFAST_THREADING": "openmp"}
    command = [sys.executable, "-c", REGIONS]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "2"]
