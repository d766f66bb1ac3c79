"""Rows of a comparison: the statistics, a table for the terminal, Markdown and JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sidebyside.machine import Machine

if TYPE_CHECKING:
    from rich.table import Table


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
    ratio: Ratio | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Row:
    """One network with one batch size and number of threads in every runtime."""

    model: str
    batch: int
    threads: int
    cells: dict[str, Cell]


@dataclass
class Report:
    """All rows, and what they were measured with."""

    machine: Machine
    names: dict[str, str]
    """Command-line name -> name in the tables, of each runtime; the first is compared with."""
    versions: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def make_row(
    key: tuple[str, int, int],
    times: Mapping[str, Sequence[float]],
    relative_errors: Mapping[str, float],
    problems: Mapping[str, str],
    baseline: str,
) -> Row:
    """Make the row of `key` (model, batch, threads) from the seconds of each round."""
    cells = {name: Cell(problem=problem) for name, problem in problems.items()}
    for name, seconds in times.items():
        ratio = None
        if name != baseline and baseline in times:
            ratio = pairwise_ratio(seconds, times[baseline])
        median = 1e3 * statistics.median(seconds)
        cells[name] = Cell(median, relative_errors[name], ratio)
    return Row(*key, cells)


def pairwise_ratio(seconds: Sequence[float], baseline: Sequence[float]) -> Ratio:
    """Divide round by round, so that what slowed a whole round down cancels out."""
    ratios = [a / b for a, b in zip(seconds, baseline, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def columns(report: Report) -> list[str]:
    """Name the columns of the table: two of each runtime."""
    baseline, *others = report.names.values()
    first = ["model", "batch", "threads", f"{baseline} ms"]
    ratios = [title for name in others for title in (f"{name} ms", f"{name} / {baseline}")]
    return [*first, *ratios, "error"]


def cells(report: Report, row: Row) -> list[str]:
    """Write one row of the table."""
    texts = [row.model, str(row.batch), str(row.threads)]
    for number, name in enumerate(report.names):
        cell = row.cells[name]
        texts.append(cell.problem or f"{cell.milliseconds:.3f}")
        if number > 0:
            texts.append(ratio_text(cell.ratio))
    relative = [c.relative_error for c in row.cells.values() if c.relative_error is not None]
    return [*texts, f"{max(relative):.1e}" if relative else ""]


def ratio_text(ratio: Ratio | None) -> str:
    """Write a ratio with its spread."""
    if ratio is None:
        return ""
    return f"{ratio.median:.2f} ({ratio.lowest:.2f} to {ratio.highest:.2f})"


def geometric_means(report: Report) -> dict[str, float]:
    """Average the ratios of each runtime over the rows where it has one."""
    means = {}
    for name in report.names:
        found = (row.cells[name].ratio for row in report.rows)
        medians = [ratio.median for ratio in found if ratio is not None]
        if medians:
            means[name] = statistics.geometric_mean(medians)
    return means


def conclusions(report: Report) -> list[str]:
    """Say the averages, the machine and the versions in lines of text."""
    machine = report.machine
    baseline = next(iter(report.names.values()))
    means = [
        f"Geometric mean over the rows: {report.names[name]} takes {mean:.2f} times as long "
        f"as {baseline}."
        for name, mean in geometric_means(report).items()
    ]
    return [
        *means,
        f"Machine: {machine.cpu}, {machine.cores} cores ({machine.instruction_sets}); "
        f"{machine.system}, Python {machine.python}.",
        "Versions: " + ", ".join(f"{name} {v}" for name, v in report.versions.items()) + ".",
        *report.notes,
    ]


def rich_table(report: Report) -> Table:
    """Lay the rows out for the terminal."""
    from rich.table import Table

    table = Table()
    for number, title in enumerate(columns(report)):
        table.add_column(title, justify="left" if number == 0 else "right")
    for row in report.rows:
        table.add_row(*cells(report, row))
    return table


def markdown(report: Report) -> str:
    """Write the rows as a Markdown table with the conclusions under it."""
    titles = columns(report)
    lines = [titles, ["---"] + ["---:"] * (len(titles) - 1)]
    lines += [cells(report, row) for row in report.rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return table + "\n\n" + "\n\n".join(conclusions(report)) + "\n"


def write(report: Report, stem: Path) -> None:
    """Write `stem`.json and `stem`.md."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    stem.with_suffix(".json").write_text(json.dumps(asdict(report), indent=2) + "\n")
    stem.with_suffix(".md").write_text(markdown(report))
