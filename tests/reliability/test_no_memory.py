"""Memory that runs out raises `MemoryError` and leaves the model usable."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import cnnfast
from cnnfast import _core, layers

pytestmark = pytest.mark.long

# The limit is on addresses, so that nothing is touched and no other process is in danger.
SCRIPT = """
import resource, sys
import numpy as np
import cnnfast
from cnnfast import layers

image = cnnfast.Input((None, None, 4))
x = layers.Conv2D(64, 3, padding="same", activation="relu")(image)
model = cnnfast.Model(image, layers.GlobalAveragePooling2D()(layers.Conv2D(64, 3)(x)))
small = np.ones((2, 16, 16, 4), np.float32)
large = np.ones((1, 2500, 2500, 4), np.float32)
before = model.predict(small, verbose=0, threads=1)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (int(sys.argv[1]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
for _ in range(3):
    try:
        model.predict(large, verbose=0, threads=1)
        print("there was memory")
    except MemoryError:
        pass
    assert np.array_equal(model.predict(small, verbose=0, threads=1), before)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
model.predict(large[:, :200, :200], verbose=0, threads=2)
assert np.array_equal(model.predict(small, verbose=0, threads=2), before)
print("usable")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("spare_megabytes", [64, 1024])
def test_a_predict_without_memory_raises_and_the_model_runs_on(spare_megabytes: int) -> None:
    command = [sys.executable, "-P", "-c", SCRIPT, str(spare_megabytes)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "usable\n", done.stderr


# A thread's stack takes 8 MB of addresses: with 4 to spare none can be had.
NO_THREAD = """
import os, resource
import numpy as np
import cnnfast

image = cnnfast.Input((40, 40, 16))
model = cnnfast.Sequential([image, cnnfast.layers.Conv2D(32, 3), cnnfast.layers.Conv2D(32, 3)])
x = np.ones((2, 40, 40, 16), np.float32)
expected = model.predict(x, verbose=0, threads=1)
threads = len(os.listdir("/proc/self/task"))
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (4 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
assert np.array_equal(model.predict(x, verbose=0, threads=4), expected)
print(len(os.listdir("/proc/self/task")) - threads)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert np.array_equal(model.predict(x, verbose=0, threads=4), expected)
print(len(os.listdir("/proc/self/task")) - threads)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize("threading", _core.threadings())
def test_a_predict_runs_with_the_threads_that_can_be_made(threading: str) -> None:
    command = [sys.executable, "-P", "-c", NO_THREAD]
    environment = {**os.environ, "CNNFAST_THREADING": threading}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["0", "3"]


# A hundred megabytes have room for the stacks of some threads.
PROFILE = """
import resource
import numpy as np
import cnnfast

model = cnnfast.Sequential([cnnfast.Input((4,)), cnnfast.layers.Dense(3)])
x = np.ones((2, 4), np.float32)
before = model.predict(x, verbose=0)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + (100 << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
for threads in (400, 100_000):
    try:
        model.profile(x, threads=threads, repeats=1)
    except ValueError as error:
        print(error)
assert np.array_equal(model.predict(x, verbose=0, threads=400), before)
resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert model.profile(x, threads=2, repeats=1).threads == 2
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_a_profile_on_more_threads_than_can_be_made_says_how_many_can() -> None:
    command = [sys.executable, "-P", "-c", PROFILE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    few, most = done.stdout.splitlines()
    rule = r"threads must be no more than the system starts, here (\d+)\. Received: 400"
    found = re.fullmatch(rule, few)
    assert found is not None, few
    assert 1 < int(found[1]) < 100
    assert most == "threads must be positive and at most 512. Received: 100000"


@pytest.mark.parametrize(("side", "filters"), [(2**20, 2**20), (2**20, 4), (2**31 - 1, 4)])
def test_sizes_whose_products_overflow_are_refused(side: int, filters: int) -> None:
    image = cnnfast.Input((8, 8, 1))
    grow = [layers.UpSampling2D(side), layers.Conv2D(filters, 1)]
    model = cnnfast.Sequential([image, *grow])
    with pytest.raises(ValueError, match=r"at most|too large"):
        model.predict(np.ones((1, 8, 8, 1), np.float32), verbose=0)


def test_an_array_that_claims_more_than_memory_holds_raises() -> None:
    model = cnnfast.Sequential([cnnfast.Input((None, None, 1)), layers.Conv2D(1, 1)])
    huge = np.broadcast_to(np.float32(1), (1, 2**20, 2**21, 1))
    with pytest.raises((MemoryError, ValueError)):
        model.predict(huge, verbose=0)
