"""Rows of a comparison: the statistics, and JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from sidebyside.agreement import Agreement
from sidebyside.machine import Machine
from sidebyside.runtimes import OWN


@dataclass(frozen=True)
class Ratio:
    """How many times as long as the first runtime another one takes, over all rounds."""

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True)
class Cell:
    """One runtime in one row: a time, or the problem that kept it from having one."""

    milliseconds: float | None = None
    relative_error: float | None = None
    peak_megabytes: float | None = None
    ratio: Ratio | None = None
    problem: str | None = None
    agreement: Agreement | None = None
    """With Keras in float32, where the runtime computes in fewer bits."""


@dataclass(frozen=True)
class Row:
    """One network with one batch size and number of threads in every runtime."""

    model: str
    batch: int
    threads: int
    cells: dict[str, Cell]

    @property
    def fastest_peer(self) -> str | None:
        """The runtime, other than our own, that takes the least time; `None` without any."""
        times = {
            name: cell.milliseconds
            for name, cell in self.cells.items()
            if cell.ratio is not None and cell.milliseconds is not None and name not in OWN
        }
        return min(times, key=lambda name: times[name]) if times else None

    @property
    def against_fastest(self) -> Ratio | None:
        """The fastest peer's time over the first runtime's."""
        peer = self.fastest_peer
        return None if peer is None else self.cells[peer].ratio


@dataclass
class Report:
    """All rows, and what they were measured with."""

    machine: Machine
    names: dict[str, str]
    """Command-line name -> name in the tables, of each runtime; the first is compared with."""
    versions: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """What a runtime that gave right answers did in a row."""

    seconds: Sequence[float]
    """Of one call, the median of each round."""
    relative_error: float
    peak_megabytes: float
    agreement: Agreement | None = None


def make_row(
    key: tuple[str, int, int],
    measured: Mapping[str, Measured],
    problems: Mapping[str, str],
    baseline: str,
) -> Row:
    """Make the row of `key` (model, batch, threads)."""
    cells = {name: Cell(problem=problem) for name, problem in problems.items()}
    for name, result in measured.items():
        ratio = None
        if name != baseline and baseline in measured:
            ratio = pairwise_ratio(result.seconds, measured[baseline].seconds)
        median = 1e3 * statistics.median(result.seconds)
        cells[name] = Cell(
            median,
            result.relative_error,
            result.peak_megabytes,
            ratio,
            agreement=result.agreement,
        )
    return Row(*key, cells)


def pairwise_ratio(seconds: Sequence[float], baseline: Sequence[float]) -> Ratio:
    """Divide round by round, so that what slowed a whole round down cancels out."""
    ratios = [a / b for a, b in zip(seconds, baseline, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def geometric_means(report: Report) -> dict[str, float]:
    """Average the ratios of each runtime over the rows where it has one."""
    means = {}
    for name in report.names:
        found = (row.cells[name].ratio for row in report.rows)
        medians = [ratio.median for ratio in found if ratio is not None]
        if medians:
            means[name] = statistics.geometric_mean(medians)
    return means


def mean_against_fastest(report: Report) -> float | None:
    """Average the ratios of each row's fastest peer."""
    found = (row.against_fastest for row in report.rows)
    medians = [ratio.median for ratio in found if ratio is not None]
    return statistics.geometric_mean(medians) if medians else None


def write_json(report: Report, path: Path) -> None:
    """Write everything that was measured."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(report), indent=2) + "\n")
