"""A report as tables, for the terminal and in Markdown, and as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnfast.utils.display.console import console
from sidebyside.report import Report, Row, geometric_means, mean_against_fastest

if TYPE_CHECKING:
    from rich.table import Table as RichTable

NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """Titles and rows of text; the first column is a name, the others are numbers."""

    caption: str
    titles: Sequence[str]
    lines: Sequence[Sequence[str]]

    def rich(self) -> RichTable:
        """Lay it out for the terminal."""
        from rich.table import Table as RichTable

        table = RichTable(title=self.caption)
        for number, title in enumerate(self.titles):
            table.add_column(title, justify="left" if number == 0 else "right", no_wrap=True)
        for line in self.lines:
            table.add_row(*line)
        return table

    def print(self) -> None:
        """Print it."""
        console().print(self.rich())

    def markdown(self) -> str:
        """Write it in Markdown, its caption as a paragraph before it."""
        rule = ["---", *["---:"] * (len(self.titles) - 1)]
        written = ["| " + " | ".join(line) + " |" for line in (self.titles, rule, *self.lines)]
        return f"{self.caption}:\n\n" + "\n".join(written)


def times(report: Report) -> Table:
    """Set the times of all runtimes side by side."""
    baseline, *_ = report.names
    lines = []
    for row in report.rows:
        cells = [row.cells[name] for name in report.names]
        error = row.cells[baseline].relative_error
        lines.append(
            [
                *key(row),
                *(number(cell.milliseconds) for cell in cells),
                fastest_text(report, row),
                NOTHING if error is None else f"{error:.1e}",
            ]
        )
    titles = ["model", "batch", "threads", *report.names.values()]
    ours = report.names[baseline]
    return Table(
        "Median milliseconds of one call",
        [*titles, f"fastest peer / {ours}", f"{ours}'s error"],
        lines,
    )


def accuracy(report: Report) -> Table | None:
    """Set the errors of runtimes in fewer bits side by side; `None` where all are in float32."""
    rows = [row for row in report.rows if any(cell.agreement for cell in row.cells.values())]
    largest = {row.model: max(r.batch for r in rows if r.model == row.model) for row in rows}
    lines = {}
    for row in rows:
        if row.batch == largest[row.model]:
            found = (row.cells[name].agreement for name in report.names)
            cells = [NOTHING if each is None else each.text() for each in found]
            lines.setdefault(row.model, [row.model, str(row.batch), *cells])
    if not lines:
        return None
    caption = (
        "Largest and mean error, relative to the largest of Keras' float32 outputs; how often the "
        "first class is the same, of all images and of those where Keras gives it twice as much as "
        "the second"
    )
    return Table(caption, ["model", "images", *report.names.values()], list(lines.values()))


def memory(report: Report) -> Table:
    """Set the peak memory of all runtimes side by side."""
    lines = []
    for row in report.rows:
        peaks = [row.cells[name].peak_megabytes for name in report.names]
        lines.append([*key(row), *(NOTHING if p is None else f"{p:.0f}" for p in peaks)])
    titles = ["model", "batch", "threads", *report.names.values()]
    return Table("Peak resident megabytes of the process, from its start", titles, lines)


def key(row: Row) -> list[str]:
    """Name the row."""
    return [row.model, str(row.batch), str(row.threads)]


def number(milliseconds: float | None) -> str:
    """Write a time with three digits or more."""
    if milliseconds is None:
        return NOTHING
    return f"{milliseconds:.{3 if milliseconds < 1 else 2 if milliseconds < 10 else 1}f}"


def fastest_text(report: Report, row: Row) -> str:
    """Write the ratio of the fastest peer with its spread."""
    peer, ratio = row.fastest_peer, row.against_fastest
    if peer is None or ratio is None:
        return NOTHING
    spread = f"{ratio.lowest:.2f} to {ratio.highest:.2f}"
    return f"{ratio.median:.2f} ({spread}) {report.names[peer]}"


def problems(report: Report) -> list[str]:
    """Say once for each runtime and network what kept it from having a time."""
    found = {
        (report.names[name], row.model): cell.problem
        for row in report.rows
        for name, cell in row.cells.items()
        if cell.problem is not None
    }
    return [f"{name}, {model}: {problem}." for (name, model), problem in found.items()]


def conclusions(report: Report) -> list[str]:
    """Say the averages, the machine and the versions in lines of text."""
    machine = report.machine
    baseline = next(iter(report.names.values()))
    means = [
        f"{report.names[name]} takes {mean:.2f} times as long as {baseline}"
        for name, mean in geometric_means(report).items()
    ]
    fastest = mean_against_fastest(report)
    if fastest is not None:
        means.insert(0, f"the fastest peer of each row takes {fastest:.2f} times as long")
    return [
        "Geometric means over the rows: " + "; ".join(means) + ".",
        f"Machine: {machine.cpu}, {machine.cores} cores ({machine.instruction_sets}); "
        f"{machine.system}, Python {machine.python}.",
        "Versions: " + ", ".join(f"{name} {v}" for name, v in report.versions.items()) + ".",
        *report.notes,
    ]


def markdown(report: Report) -> str:
    """Write the report: its tables, what failed and why, and the conclusions."""
    parts = [times(report).markdown()]
    errors = accuracy(report)
    if errors is not None:
        parts.append(errors.markdown())
    failed = problems(report)
    if failed:
        parts.append("No time, and why:\n\n" + "\n".join(f"- {line}" for line in failed))
    return "\n\n".join([*parts, *conclusions(report), memory(report).markdown()]) + "\n"
