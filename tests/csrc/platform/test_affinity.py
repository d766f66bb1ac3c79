"""OpenMP's variables bind the thread that loads its runtime: all places still count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnfast import _core

PROCESSORS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        sys.platform != "linux" or len(PROCESSORS) < 2, reason="needs Linux and two processors"
    ),
]

FIRST, SECOND = PROCESSORS[:2] if len(PROCESSORS) > 1 else (0, 0)

BINDINGS = [
    {"OMP_PROC_BIND": "true"},
    {"OMP_PROC_BIND": "spread"},
    {"OMP_PLACES": "threads"},
    {"OMP_PLACES": f"{{{FIRST}}},{{{SECOND}}}"},
    {"GOMP_CPU_AFFINITY": f"{FIRST} {SECOND}"},
]

# What a process may use once cnnfast is there; `{before}` comes before the import.
ALLOWED = """
import os
{before}
import cnnfast
from cnnfast import _core
{after}
print(*sorted(os.sched_getaffinity(0)), "/", *_core.allowed_processors())
"""


# Becomes the program in its arguments, on one processor.
PINNED = "import os, sys; os.sched_setaffinity(0, {{{}}}); os.execv(sys.argv[1], sys.argv[1:])"


def run(script: str, variables: dict[str, str], pinned_to: int | None = None) -> str:
    """What a process of its own prints, with no other of OpenMP's variables."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))}
    first = [] if pinned_to is None else [sys.executable, "-c", PINNED.format(pinned_to)]
    done = subprocess.run(
        [*first, sys.executable, "-c", script],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def allowed(variables: dict[str, str], before: str = "", after: str = "", **pin: int) -> list[str]:
    """The processors of the main thread, and those that count."""
    return run(ALLOWED.format(before=before, after=after), variables, **pin).split(" / ")


def joined(processors: list[int]) -> str:
    return " ".join(map(str, processors))


@pytest.mark.parametrize("variables", BINDINGS, ids=lambda v: "=".join(*v.items()))
def test_all_places_count_where_openmp_has_bound_the_main_thread(variables):
    named = str(SECOND) in next(iter(variables.values()))
    expected = [FIRST, SECOND] if named else PROCESSORS
    assert allowed(variables) == [str(FIRST), joined(expected)]


def test_the_default_number_of_threads_counts_all_places():
    script = "import cnnfast; print(cnnfast.get_num_threads())"
    assert run(script, {"OMP_PROC_BIND": "true"}) == run(script, {})


@pytest.fixture
def other_runtime(tmp_path: Path) -> Path:
    """A second OpenMP runtime, under a name of its own, as torch and scikit-learn bring one."""
    script = "import cnnfast; print(open('/proc/self/maps').read())"
    paths = {line.split()[-1] for line in run(script, {}).splitlines() if "libgomp" in line}
    if not paths:
        pytest.skip("the core uses another runtime than libgomp")
    runtime = Path(paths.pop())
    name = runtime.name.split(".so")[0].encode()
    copy = tmp_path / "libgomp-other.so"
    copy.write_bytes(runtime.read_bytes().replace(name + b".so", name[:-1] + b"q.so"))
    return copy


def test_all_places_count_where_another_librarys_runtime_was_first(other_runtime):
    load = f"import ctypes; ctypes.CDLL({str(other_runtime)!r})\n"
    load += f"assert os.sched_getaffinity(0) == {{{FIRST}}}"
    assert allowed({"OMP_PROC_BIND": "true"}, load) == [str(FIRST), joined(PROCESSORS)]


def test_a_process_that_was_pinned_before_it_began_keeps_to_that():
    for variables in ({}, *BINDINGS[:3]):
        assert allowed(variables, pinned_to=SECOND) == [str(SECOND), str(SECOND)]


@pytest.mark.parametrize("variables", [{}, {"OMP_PROC_BIND": "true"}, {"OMP_PROC_BIND": "false"}])
def test_a_user_who_pins_the_thread_later_is_obeyed(variables):
    pin = f"os.sched_setaffinity(0, {{{SECOND}}})"
    assert allowed(variables, after=pin) == [str(SECOND), str(SECOND)]


HELPERS = """
import os
from pathlib import Path
import numpy as np
import cnnfast

def tasks():
    return set(os.listdir("/proc/self/task"))

model = cnnfast.Sequential([cnnfast.Input((40, 40, 16)), cnnfast.layers.Conv2D(32, 3)])
x = np.zeros((12, 40, 40, 16), np.float32)
model.predict(x, verbose=0, threads=1)
before = tasks()
model.predict(x, verbose=0, threads=3)
for task in tasks() - before:
    print(*sorted(os.sched_getaffinity(int(task))))
"""


def helpers(variables: dict[str, str], threading: str, before: str = "") -> list[str]:
    """The processors of each thread that helps with a run, as a line."""
    variables = {**variables, "OPENBLAS_NUM_THREADS": "1", "CNNFAST_THREADING": threading}
    return run(f"{before}\n{HELPERS}", variables).splitlines()


@pytest.mark.parametrize("variables", [{}, *BINDINGS[:3]])
def test_the_threads_of_the_crew_may_use_all_places(variables):
    assert helpers(variables, "crew") == [joined(PROCESSORS)] * 2


needs_openmp = pytest.mark.skipif(
    "openmp" not in _core.threadings(), reason="the core has no OpenMP"
)


@needs_openmp
@pytest.mark.parametrize("variables", BINDINGS[:3])
def test_the_threads_of_openmp_are_bound_to_places_as_its_variables_say(variables):
    lines = helpers(variables, "openmp")
    assert len(lines) == 2
    assert {str(SECOND)} <= set(lines) <= set(map(str, PROCESSORS))


@needs_openmp
def test_the_threads_of_openmp_may_use_all_places_where_another_runtime_was_first(other_runtime):
    load = f"import ctypes; ctypes.CDLL({str(other_runtime)!r})"
    assert helpers({"OMP_PROC_BIND": "true"}, "openmp", load) == [joined(PROCESSORS)] * 2


@needs_openmp
def test_the_threads_of_openmp_are_free_where_nothing_binds_them():
    assert helpers({}, "openmp") == [joined(PROCESSORS)] * 2
