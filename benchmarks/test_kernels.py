"""Speed of kernels by their names on one core, on every instruction set of this machine.

There is no plan around them: ``pytest benchmarks/test_kernels.py`` builds the native program
`kernels`, which checks the answer of each kernel and takes its times. The statistics of
pytest-benchmark are those of its rounds. ``-k "softmax and avx2"`` chooses among them.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

REPOSITORY = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("CNNFAST_KERNELS_BUILD", REPOSITORY / "build" / "kernels"))
PEAK = "fma_chain"

if shutil.which("cmake") is None or shutil.which("ninja") is None:
    pytest.skip("the native program needs cmake and ninja", allow_module_level=True)


class NativeClock:
    """A clock that goes on by what the native program has measured, and by nothing else."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Give the seconds."""
        return self.now


CLOCK = NativeClock()


@dataclass(frozen=True)
class Times:
    """A kernel on an instruction set: its arithmetic, and the seconds of a call in each round."""

    isa: str
    kernel: str
    operations: float
    seconds: list[float]


@functools.cache
def program() -> Path:
    """Build the native program."""
    configure = ["cmake", "-S", REPOSITORY, "-B", BUILD, "-G", "Ninja", "-DCNNFAST_SELFTEST=ON"]
    for command in (configure, ["cmake", "--build", BUILD, "--target", "kernels"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stdout + done.stderr)
    return BUILD / "kernels"


def lines_of(*arguments: str) -> list[str]:
    """Give what the program prints; it fails where an answer is wrong."""
    done = subprocess.run([program(), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


@functools.cache
def times_of(kernel: str) -> dict[str, Times]:
    """Time a kernel on every instruction set."""
    measured = (Times(**json.loads(line)) for line in lines_of("--time", "--json", kernel))
    return {times.isa: times for times in measured if times.kernel == kernel}


def peak_of(isa: str) -> float:
    """Give the operations a second of nothing but fused multiply-adds of float32."""
    best = times_of(PEAK)[isa.removesuffix("_vnni")]
    return best.operations / min(best.seconds)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each kernel on each instruction set that has one of its own."""
    metafunc.parametrize(("kernel", "isa"), [line.split() for line in lines_of("--pairs")])


@pytest.mark.benchmark(timer=CLOCK)
def test_kernel(
    kernel: str, isa: str, benchmark: BenchmarkFixture, keep_rate: Callable[..., None]
) -> None:
    """Time a kernel whose answer is right."""
    if benchmark.disabled:
        benchmark.pedantic(lines_of, [kernel])
        return
    times = times_of(kernel)[isa]
    rounds = iter(times.seconds)

    def work() -> None:
        CLOCK.now += next(rounds)

    benchmark.pedantic(work, rounds=len(times.seconds))
    keep_rate(times.operations, isa=isa, peak=peak_of(isa) / 1e9)
