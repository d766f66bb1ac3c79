"""Kernel benchmarks: the machine's peak, and a table of what the kernels make of it."""

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


RATES = pytest.StashKey[list[Rate]]()
PEAK = pytest.StashKey[float]()


@pytest.fixture(scope="session")
def peak(request: pytest.FixtureRequest) -> float:
    """Measure the GFLOP/s that one core reaches with nothing but fused multiply-adds."""
    measured = _core.fma_peak(PEAK_SECONDS)
    request.config.stash[PEAK] = measured
    return measured


@pytest.fixture
def record(
    request: pytest.FixtureRequest, benchmark: BenchmarkFixture, peak: float
) -> Callable[[Callable[[], object], float, float], None]:
    """Give a function that times `work` of `flops` operations and `weight_bytes` read."""

    def run(work: Callable[[], object], flops: float, weight_bytes: float) -> None:
        benchmark(work)
        if benchmark.stats is None:  # --benchmark-disable: only the answers are checked
            return
        seconds = benchmark.stats.stats.median
        rate = Rate(
            request.node.name, 1e6 * seconds, flops / seconds / 1e9, weight_bytes / seconds / 1e9
        )
        benchmark.extra_info.update(
            isa=_core.isa(),
            gflops=rate.gflops,
            fraction_of_peak=rate.gflops / peak,
            weight_gigabytes_per_second=rate.gigabytes,
        )
        request.config.stash.setdefault(RATES, []).append(rate)

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the rates after the run."""
    config = terminalreporter.config
    rates = config.stash.get(RATES, [])
    if not rates:
        return
    measured = config.stash[PEAK]
    terminalreporter.write_sep("-", f"{_core.isa()}, peak {measured:.0f} GFLOP/s on one core")
    width = max(len(rate.name) for rate in rates)
    terminalreporter.write_line(f"{'':{width}} median us   GFLOP/s  of peak  weights GB/s")
    for rate in rates:
        terminalreporter.write_line(
            f"{rate.name:{width}} {rate.microseconds:9.1f} {rate.gflops:9.1f} "
            f"{rate.gflops / measured:8.0%} {rate.gigabytes:13.1f}"
        )
