"""A build for compilers that have no OpenMP: it runs on the crew, and threadpoolctl limits it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from native.test_native import REPOSITORY, build, run_selftest

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The directory of such a build, with the package in it."""
    pybind11 = pytest.importorskip("pybind11")
    directory = build(
        tmp_path_factory.mktemp("without_openmp"),
        "-DCNNFAST_OPENMP=OFF",
        "-DCNNFAST_ONLY_ISA=portable",
        "-DSKBUILD=ON",
        "-DSKBUILD_PROJECT_VERSION=0",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
        f"-DPython_EXECUTABLE={sys.executable}",
        "-DCMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF",  # which takes long to link
        targets=["_core", "concurrency", "jobs"],
    )
    ignored = shutil.ignore_patterns("_core*.so", "__pycache__")
    package = shutil.copytree(REPOSITORY / "cnnfast", directory / "package/cnnfast", ignore=ignored)
    (core,) = directory.glob("_core*.so")
    shutil.copy(core, package)
    return directory


def python(built: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `script` with the package of that build, whatever is installed."""
    path = [built / "package", *filter(None, sys.path)]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "CNNFAST_"))}
    return subprocess.run(
        [sys.executable, "-S", "-P", "-c", script],
        env={**kept, "PYTHONPATH": os.pathsep.join(map(str, path)), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def printed(*arguments: object, **variables: str) -> str:
    done = python(*arguments, **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("program", ["jobs", "concurrency"])
def test_the_core_holds_under_threads(built, program):
    (line,) = run_selftest([built / program]).splitlines()
    assert line.startswith("crew: ")
    assert line.endswith(", 0 failed")


# NumPy comes first: what it loads is not ours.
LOADED = """
import numpy
libraries = lambda: {line.split()[-1] for line in open("/proc/self/maps") if "omp" in line}
before = libraries()
import cnnfast
from cnnfast import _core
print(_core.threadings(), libraries() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
def test_no_runtime_is_loaded(built):
    assert printed(built, LOADED) == "['crew'] set()\n"


REFUSED = """
import cnnfast
try:
    cnnfast.config.set(threading="openmp")
except ValueError as error:
    print(error)
print(cnnfast.config.get().threading)
"""


def test_openmp_is_refused_and_the_error_says_why(built):
    rule = "must be one of crew, because this build has no OpenMP. Received: 'openmp'"
    assert printed(built, REFUSED) == f"threading {rule}\ncrew\n"
    done = python(built, "import cnnfast", CNNFAST_THREADING="openmp")
    assert done.stderr.splitlines()[-1] == f"ValueError: CNNFAST_THREADING {rule}"


LIMITS = """
import os, sys
{first}
import numpy as np
assert "threadpoolctl" in sys.modules or {late}
import threadpoolctl

model = cnnfast.Sequential([cnnfast.Input((40, 40, 16)), cnnfast.layers.Conv2D(32, 3)])
x = np.zeros((12, 40, 40, 16), np.float32)

def grown(threads):
    before = len(os.listdir("/proc/self/task"))
    model.predict(x, verbose=0, threads=threads)
    return len(os.listdir("/proc/self/task")) - before

def told():
    all_ = threadpoolctl.threadpool_info()
    return [i["num_threads"] for i in all_ if i["internal_api"] == "cnnfast"]

model.predict(x, verbose=0, threads=1)
print(told())
with threadpoolctl.threadpool_limits(1):
    print(told(), grown(4))
with threadpoolctl.threadpool_limits(2, user_api="openmp"):
    print(told(), grown(4))
with threadpoolctl.threadpool_limits(1, user_api="blas"):
    print(told())
print(told(), grown(4))
cnnfast.set_num_threads(6)
print(told(), grown(6))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
@pytest.mark.parametrize(
    ("first", "late"),
    [("import cnnfast", True), ("import threadpoolctl, cnnfast", False)],
    ids=["before threadpoolctl", "behind it"],
)
def test_threadpoolctl_limits_a_run_and_only_while_it_does(built, first, late):
    pytest.importorskip("threadpoolctl", "3.2")
    script = LIMITS.format(first=first, late=late)
    variables = {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "1"}
    assert printed(built, script, **variables).splitlines() == [
        "[4]",
        "[1] 0",
        "[2] 1",
        "[4]",
        "[4] 2",
        "[6] 2",
    ]


def test_the_import_does_not_load_threadpoolctl(built):
    script = "import sys, cnnfast; print('threadpoolctl' in sys.modules)"
    assert printed(built, script) == "False\n"


BITS = """
import hashlib
import numpy as np
import cnnfast
from cnnfast import layers

cnnfast.utils.set_random_seed(1)
image = layers.Input((40, 40, 8))
model = cnnfast.Sequential([image, layers.Conv2D(16, 3), layers.Conv2D(8, 1)])
x = np.random.default_rng(1).random((3, 40, 40, 8), np.float32)
print(hashlib.sha256(model.predict(x, verbose=0, threads=2)).hexdigest())
"""


def test_the_bits_are_those_of_a_build_with_openmp(built):
    other = subprocess.run(
        [sys.executable, "-c", BITS],
        env={**os.environ, "CNNFAST_ISA": "portable"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed(built, BITS) == other.stdout
