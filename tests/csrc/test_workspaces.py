"""Memory for runs: one pool for the process, bounded in bytes, given back when idle."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest

from cnnfast import _core, config, layers
from cnnfast.models import Model, Sequential

MIB = 1 << 20


@pytest.fixture(autouse=True)
def _own_limit():
    """An empty pool, and the limit of before afterwards."""
    before = config.get().workspace_limit
    _core.release_idle_workspaces()
    yield
    config.set(workspace_limit=before)


def network(filters: int = 16) -> Sequential:
    """Several steps whose images are kept between them, for images of any size."""
    image = layers.Input((None, None, 3))
    return Sequential(
        [image, layers.AveragePooling2D(2, 1), layers.Conv2D(filters, 3), layers.MaxPooling2D(3, 1)]
    )


def image(size: int, value: float = 1.0) -> np.ndarray:
    return np.full((1, size, size, 3), value, np.float32)


def workspace(model: Model, size: int) -> int:
    (plan,) = [
        plan for plan in model.memory_report(1, threads=1).plans if plan.input_shapes[0][0] == size
    ]
    return plan.workspace_bytes


def test_everything_that_can_be_set_can_be_read_and_is_shown() -> None:
    shown = repr(config.get())
    settings = inspect.signature(config.set).parameters
    assert "workspace_limit" in settings
    for name in settings:
        assert f"{name}={getattr(config.get(), name)!r}" in shown


def test_many_sizes_keep_no_more_than_the_limit():
    config.set(workspace_limit=20 * MIB)
    model = network()
    total, kept = 0, []
    for size in range(300, 380, 10):
        model.predict_on_batch(image(size), threads=1)
        total += workspace(model, size)
        kept.append(_core.idle_workspace_bytes())
    assert total > 60 * MIB
    assert 0 < max(kept) <= 20 * MIB


def test_images_of_many_sizes_share_the_workspace_of_the_largest():
    model = network()
    sizes = [300, 340, 380, 320, 360, 300, 380]
    for size in sizes:
        model.predict_on_batch(image(size), threads=1)
    assert _core.idle_workspace_bytes() == workspace(model, 380)


def test_models_take_what_others_left():
    one, other = network(16), network(15)
    one.predict_on_batch(image(200), threads=1)
    left = _core.idle_workspace_bytes()
    other.predict_on_batch(image(200), threads=1)
    assert _core.idle_workspace_bytes() == left == workspace(one, 200)


def test_a_small_run_does_not_take_a_large_workspace():
    model = network()
    model.predict_on_batch(image(700), threads=1)
    large = _core.idle_workspace_bytes()
    model.predict_on_batch(image(300), threads=1)
    assert large > 2 * workspace(model, 300) > 8 * MIB
    assert _core.idle_workspace_bytes() == large + workspace(model, 300)


def test_what_another_run_left_changes_no_bit(rng):
    model, other = network(), network()
    x = rng.standard_normal((1, 60, 61, 3), np.float32)
    want = model.predict_on_batch(x, threads=1)
    other.predict_on_batch(image(61, np.nan), threads=1)
    np.testing.assert_array_equal(model.predict_on_batch(x, threads=1), want)
    assert not np.isnan(want).any()


def test_no_limit_keeps_nothing():
    config.set(workspace_limit=0)
    network().predict_on_batch(image(300), threads=1)
    assert _core.idle_workspace_bytes() == 0


def test_a_lower_limit_gives_back_at_once():
    network().predict_on_batch(image(300), threads=1)
    assert _core.idle_workspace_bytes() > MIB
    config.set(workspace_limit=MIB)
    assert _core.idle_workspace_bytes() <= MIB


def test_released_memory_includes_idle_workspaces():
    model = network()
    model.predict_on_batch(image(300), threads=1)
    assert model.memory_report().idle_bytes == workspace(model, 300)
    model.release_memory()
    assert _core.idle_workspace_bytes() == 0


def test_the_default_returns_with_none():
    config.set(workspace_limit=None)
    default = config.get().workspace_limit
    config.set(workspace_limit=5)
    assert config.get().workspace_limit == 5
    config.set(winograd=True)
    assert config.get().workspace_limit == 5
    config.set(workspace_limit=None)
    assert config.get().workspace_limit == default


def test_the_limit_builds_no_plan_anew():
    model = network()
    plan = model._executor.plan(((20, 20, 3),))
    config.set(workspace_limit=12345)
    assert model._executor.plan(((20, 20, 3),)) is plan


@pytest.mark.parametrize("value", [-1, 1.5, True, "1GB", "100", np.float32(3)])
def test_a_limit_is_a_number_of_bytes(value):
    before = config.get().workspace_limit
    with pytest.raises(ValueError, match="workspace_limit must be a number of bytes"):
        config.set(workspace_limit=value)
    assert config.get().workspace_limit == before


def test_any_integer_will_do():
    config.set(workspace_limit=np.int32(77))
    assert config.get().workspace_limit == 77
    config.set(workspace_limit=10**30)
    assert config.get().workspace_limit >= 2**60


def python(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | environment,
    )


PRINT_LIMIT = "import cnnfast; print(cnnfast.config.get().workspace_limit)"


@pytest.mark.long
def test_the_environment_sets_the_limit():
    assert python(PRINT_LIMIT, CNNFAST_WORKSPACE_LIMIT=" 123456 ").stdout == "123456\n"
    assert python(PRINT_LIMIT, CNNFAST_WORKSPACE_LIMIT="").stdout == python(PRINT_LIMIT).stdout


@pytest.mark.long
@pytest.mark.parametrize("text", ["1GB", "-5", "1e9", "0.5", "none"])
def test_another_environment_is_refused(text):
    done = python(PRINT_LIMIT, CNNFAST_WORKSPACE_LIMIT=text)
    assert done.returncode != 0
    assert (
        f"CNNFAST_WORKSPACE_LIMIT must be a number of bytes, an integer of at least 0. "
        f"Received: '{text}'" in done.stderr
    )


COMMON = """
import os, re, resource, time
import numpy as np
import cnnfast
from cnnfast import _core, layers

def held():
    return 1024 * int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read()).group(1))

def wait_until_given_back():
    end = time.monotonic() + 60
    while _core.idle_workspace_bytes() > 8 << 20 and time.monotonic() < end:
        time.sleep(0.1)

image = layers.Input((None, None, 3))
model = cnnfast.Sequential(
    [image, layers.AveragePooling2D(2, 1), layers.Conv2D(16, 3), layers.MaxPooling2D(3, 1)]
)
x = np.ones((1, 1000, 1000, 3), np.float32)
out = model.predict_on_batch(x, threads=1)
idle = _core.idle_workspace_bytes()
assert idle > 60 << 20, idle
"""

GIVES_BACK = (
    COMMON
    + """
before = held()
wait_until_given_back()
assert held() < before - (50 << 20), (before, held())
assert np.array_equal(model.predict_on_batch(x, threads=1), out)
assert _core.idle_workspace_bytes() == idle
wait_until_given_back()
print(_core.idle_workspace_bytes())
"""
)

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


@pytest.mark.long
@linux
def test_an_idle_process_gives_its_workspaces_back():
    done = python(GIVES_BACK)
    assert done.stdout == "0\n", done.stderr


IN_A_CHILD = (
    COMMON
    + """
wait_until_given_back()  # the thread that watches is there
out = model.predict_on_batch(x, threads=1)
child = os.fork()
if child == 0:
    assert np.array_equal(model.predict_on_batch(x, threads=1), out)
    wait_until_given_back()
    os._exit(_core.idle_workspace_bytes() > 0)
print(os.waitpid(child, 0)[1])
"""
)


@pytest.mark.long
@linux
def test_a_forked_child_gives_its_workspaces_back():
    done = python(IN_A_CHILD)
    assert done.stdout == "0\n", done.stderr


IN_USE = (
    COMMON
    + """
pages = os.sysconf("SC_PAGE_SIZE")
model.predict_on_batch(x, threads=1)
output = np.empty_like(out)
begin = time.monotonic()
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
runs = 0
while time.monotonic() < begin + 6:
    model._executor.run([x], [output], threads=1)
    runs += 1
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
assert runs > 2
assert faults * pages < idle / 4, (faults, runs)  # with huge pages a whole workspace is 40 faults
assert _core.idle_workspace_bytes() == idle
print("kept")
"""
)


@pytest.mark.long
@linux
def test_a_process_that_goes_on_predicting_keeps_its_workspace():
    done = python(IN_USE)
    assert done.stdout == "kept\n", done.stderr


FEW = """
import os, time
import numpy as np
import cnnfast
from cnnfast import layers

model = cnnfast.Sequential([layers.Input((64, 64, 3)), layers.Conv2D(16, 3)])
threads = len(os.listdir("/proc/self/task"))
model.predict_on_batch(np.ones((1, 64, 64, 3), np.float32), threads=1)
print(len(os.listdir("/proc/self/task")) - threads)
"""


@linux
@pytest.mark.long
def test_small_models_need_no_thread_that_watches():
    done = python(FEW)
    assert done.stdout == "0\n", done.stderr
