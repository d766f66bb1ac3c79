"""A report as a picture."""

from __future__ import annotations

from pathlib import Path

from sidebyside.report import Report


def write_chart(report: Report, path: Path) -> None:
    """Draw every time over the first runtime's, one panel for each batch and number of threads.

    Right of the line at 1 a runtime is slower than the first; the axis is logarithmic.
    """
    import matplotlib
    from matplotlib.figure import Figure

    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "cnnfast"

    panels = sorted({(row.batch, row.threads) for row in report.rows})
    baseline, *peers = report.names
    models = list(dict.fromkeys(row.model for row in report.rows))
    height = 1.2 + 0.45 * len(models)
    figure = Figure(figsize=(9, height * len(panels)), layout="constrained")
    for axes, panel in zip(figure.subplots(len(panels), squeeze=False)[:, 0], panels, strict=True):
        rows = [row for row in report.rows if (row.batch, row.threads) == panel]
        for number, name in enumerate(peers):
            points = [
                (cell.ratio.median, models.index(row.model))
                for row in rows
                if (cell := row.cells[name]).ratio is not None
            ]
            if points:
                x, y = zip(*points, strict=True)
                axes.scatter(x, y, marker="osD^vPX*"[number % 8], label=report.names[name])
        axes.axvline(1, color="black", linewidth=1)
        axes.set_xscale("log")
        ticks = [0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
        axes.minorticks_off()
        axes.set_yticks(range(len(models)), models)
        axes.set_ylim(len(models) - 0.5, -0.5)
        axes.grid(axis="x", alpha=0.4)
        axes.set_title(f"batch {panel[0]}, {panel[1]} thread{'s' * (panel[1] > 1)}")
        axes.set_xlabel(f"time over that of {report.names[baseline]}")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(path, metadata={"Date": None})
