"""Benchmarks of kernels and operations: a table of what they make of the machine's peak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from cnnfast import _core

PEAK_SECONDS = 0.5


@dataclass(frozen=True)
class Rate:
    """One benchmark's result: arithmetic and weight traffic by its median time."""

    name: str
    microseconds: float
    gflops: float
    gigabytes: float
    isa: str
    peak: float


RATES = pytest.StashKey[list[Rate]]()


def pytest_configure(config: pytest.Config) -> None:
    """Have benchmarks run where there are no workers.

    Whether there are, pytest-benchmark concludes from how they would share the tests, which
    pyproject.toml says for all runs.
    """
    if not config.getoption("numprocesses", None):
        config.option.dist = "no"


@pytest.fixture(scope="session")
def peak() -> float:
    """Measure the GFLOP/s that one core reaches with nothing but fused multiply-adds."""
    return _core.fma_peak(PEAK_SECONDS)


@pytest.fixture
def keep_rate(request: pytest.FixtureRequest, benchmark: BenchmarkFixture) -> Callable[..., None]:
    """Give a function that keeps what was timed for the table."""

    def keep(flops: float, *, isa: str, peak: float, weight_bytes: float = 0.0) -> None:
        seconds = benchmark.stats.stats.median
        gflops, gigabytes = flops / seconds / 1e9, weight_bytes / seconds / 1e9
        rate = Rate(request.node.name, 1e6 * seconds, gflops, gigabytes, isa, peak)
        benchmark.extra_info.update(
            isa=isa,
            gflops=rate.gflops,
            fraction_of_peak=rate.gflops / peak,
            weight_gigabytes_per_second=rate.gigabytes,
        )
        request.config.stash.setdefault(RATES, []).append(rate)

    return keep


@pytest.fixture
def record(
    benchmark: BenchmarkFixture, peak: float, keep_rate: Callable[..., None]
) -> Callable[[Callable[[], object], float, float], None]:
    """Give a function that times `work` of `flops` operations and `weight_bytes` read."""

    def run(work: Callable[[], object], flops: float, weight_bytes: float) -> None:
        benchmark(work)
        if benchmark.stats is not None:  # else --benchmark-disable: only the answers are checked
            keep_rate(flops, isa=_core.isa(), peak=peak, weight_bytes=weight_bytes)

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the rates after the run."""
    rates = terminalreporter.config.stash.get(RATES, [])
    if not rates:
        return
    peaks = {rate.isa: f"{rate.isa} {rate.peak:.0f}" for rate in rates}
    title = f"peak in GFLOP/s on one core: {', '.join(peaks.values())}"
    terminalreporter.write_sep("-", title)
    width = max(len(rate.name) for rate in rates)
    terminalreporter.write_line(f"{'':{width}} median us   GFLOP/s  of peak  weights GB/s")
    for rate in rates:
        terminalreporter.write_line(
            f"{rate.name:{width}} {rate.microseconds:9.1f} {rate.gflops:9.1f} "
            f"{rate.gflops / rate.peak:8.0%} {rate.gigabytes:13.1f}"
        )
