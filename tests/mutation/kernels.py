"""Break the core in one place at a time and see whether the tests notice; run from ``tests/``.

    python -m mutation.kernels

All mutants are built at once into a copy of the core, for the best instruction set of the machine;
``CNNFAST_MUTANT`` chooses one of them. A mutant is noticed where one of the core's own programs or
of the tests fails, crashes or hangs. Prints who noticed each, and ends with 1 if a mutant survived.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cnnfast import _core
from mutation.mutants import MUTANTS

REPOSITORY = Path(__file__).resolve().parents[2]
NATIVE = ("selftest", "jobs", "concurrency")
NATIVE_TIMEOUT, TIMEOUT = 60.0, 600.0
"""Seconds after which the core's own programs, and the tests, count as hanging."""

SWITCH = """#pragma once
#include <cstdlib>
inline const int mutant = [] {
  const char* number = std::getenv("CNNFAST_MUTANT");
  return number == nullptr ? 0 : std::atoi(number);
}();
"""

# Takes the place of the kernels for the other instruction sets, which nobody runs.
NO_KERNELS = """#include "table.hpp"
#define TABLE_(isa) kernels_##isa
#define TABLE(isa) TABLE_(isa)
namespace cnnfast {
extern const Kernels TABLE(CNNFAST_ISA);
const Kernels TABLE(CNNFAST_ISA) = {};
}
"""

# Puts the built core in the place of the installed one; a failing example is not made smaller.
RUN_PYTEST = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("cnnfast._core", sys.argv[1])
sys.modules["cnnfast._core"] = core = importlib.util.module_from_spec(spec)
spec.loader.exec_module(core)
import pytest
class Unshrunk:
    def pytest_sessionstart(self):
        from hypothesis import Phase, settings
        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("unshrunk", settings(), phases=phases)
        settings.load_profile("unshrunk")
sys.exit(pytest.main(sys.argv[2:], plugins=[Unshrunk()]))
"""

TESTS = [
    f"csrc/{name}.py"
    for name in (
        "ops/test_operations",
        "ops/test_matmul",
        "ops/test_recurrent",
        "ops/test_depthwise",
        "ops/test_conv2d",
        "ops/test_winograd_conv",
        "ops/test_bfloat16_conv",
        "kernels/test_conv_pool",
        "ops/test_bands",
        "test_batches",
        "test_slices",
        "test_reuse",
        "test_weight_storage",
        "test_packing",
        "test_guards",
        "test_useful_threads",
    )
]


def write_sources(directory: Path) -> Path:
    """Copy what the core is built of below `directory`, with all mutants in it."""
    source = directory / "source"
    for part in ("csrc", "tests/native"):
        shutil.copytree(REPOSITORY / part, source / part, dirs_exist_ok=True)
    for number, mutant in enumerate(MUTANTS, 1):
        file = source / "csrc" / mutant.file
        file.write_text(mutant.switch(file.read_text(), number))
    build = (REPOSITORY / "CMakeLists.txt").read_text()
    build = build.replace("CNNFAST_ISA=${name}", "CNNFAST_ISA=${name} CNNFAST_IS_${name}")
    # The least at which GCC joins products and sums, as some kernels do themselves.
    (source / "CMakeLists.txt").write_text(build.replace("kernel_level -O3", "kernel_level -O2"))
    isa = source / "csrc/kernels/isa.cpp"
    isa.write_text(
        f"#ifdef CNNFAST_IS_{_core.isa()}\n{isa.read_text()}\n#else\n{NO_KERNELS}#endif\n"
    )
    (source / "mutant.hpp").write_text(SWITCH)
    return source


def build(directory: Path) -> Path:
    """Build the core's own programs and the extension with all mutants; return where they are."""
    import pybind11

    source, built = write_sources(directory), directory / "build"
    options = {
        "CMAKE_CXX_FLAGS": f"-include {source / 'mutant.hpp'}",
        "CMAKE_CXX_FLAGS_RELEASE": "-O1",
        "CMAKE_INTERPROCEDURAL_OPTIMIZATION": "OFF",
        "CNNFAST_SELFTEST": "ON",
        "SKBUILD": "2",
        "SKBUILD_PROJECT_VERSION": "0",
        "pybind11_DIR": pybind11.get_cmake_dir(),
        "Python_EXECUTABLE": sys.executable,
    }
    if shutil.which("ccache"):
        options["CMAKE_CXX_COMPILER_LAUNCHER"] = "ccache"
    arguments = [f"-D{name}={value}" for name, value in options.items()]
    for command in (
        ["cmake", "-S", source, "-B", built, "-G", "Ninja", *arguments],
        ["cmake", "--build", built, "--target", *NATIVE, "_core"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"The mutants do not build:\n{done.stdout}{done.stderr}")
    return built


def passes(command: Sequence[str | Path], timeout: float, number: int) -> bool:
    """Whether `command` ends well in time with mutant `number`; 0 is the core as it should be."""
    environment = {**os.environ, "CNNFAST_MUTANT": str(number), "CNNFAST_ISA": _core.isa()}
    try:
        done = subprocess.run(
            command,
            cwd=REPOSITORY / "tests",
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def judge(directory: Path, numbers: Sequence[int]) -> int:
    """Try mutants, print a line for each, and return how many survived."""
    built = build(directory)
    options = ["-q", "-x", "-p", "no:cacheprovider"]
    core = next(built.glob("_core.*"))
    checks: dict[str, tuple[list[str | Path], float]] = {
        **{name: ([built / name], NATIVE_TIMEOUT) for name in NATIVE},
        "pytest": ([sys.executable, "-c", RUN_PYTEST, core, *options, *TESTS], TIMEOUT),
    }
    broken = [name for name, check in checks.items() if not passes(*check, 0)]
    if broken:
        raise SystemExit(f"Without a mutant fail: {', '.join(broken)}")
    survivors = 0
    for number in numbers:
        noticed = (name for name, check in checks.items() if not passes(*check, number))
        by = next(noticed, None)
        survivors += by is None
        print(f"{number:3} {by or 'SURVIVED':11} {MUTANTS[number - 1]}", flush=True)
    print(f"{len(numbers)} mutants, {survivors} survived")
    return survivors


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Break the core and see whether tests notice.")
    parser.add_argument("--only", type=int, nargs="+", help="the numbers of the mutants to try")
    parser.add_argument("--build", type=Path, help="an empty directory to build in and to keep")
    arguments = parser.parse_args()
    numbers = arguments.only or range(1, len(MUTANTS) + 1)
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(judge((arguments.build or Path(temporary)).resolve(), numbers) > 0)


if __name__ == "__main__":
    main()
