"""A profile as a picture: the roofline with the operations on it, and their times as bars."""

from __future__ import annotations

import os
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cnnfast.profiling.profile import Profile, Row

_BARS = 25  # operations that get one, those that take longest
_LARGEST_DOT = 400.0  # in square points, for an operation that takes all of the time


def plot(profile: Profile, path: str | PathLike[str] | None) -> Figure:
    """Draw `profile`, and save it where `path` is given; see `Profile.plot`."""
    if path is not None:
        check_path(path)
    figure = _figure_class()(figsize=(14, 7), layout="constrained")
    roofline, bars = figure.subplots(1, 2)
    colours = _colours(profile)
    _draw_roofline(roofline, profile, colours)
    _draw_bars(bars, profile, colours)
    figure.suptitle(
        f"{profile.model}: {profile.milliseconds:.3f} ms, batch {profile.batch}, "
        f"threads {profile.threads}, {profile.machine.isa}"
    )
    if path is not None:
        figure.savefig(path)
    return figure


def check_path(path: str | PathLike[str]) -> None:
    """Check that a picture can be saved at `path`, before there is one.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    ValueError
        The ending is not that of a format.
    FileNotFoundError
        There is no such directory.
    """
    formats = sorted(_figure_class()().canvas.get_supported_filetypes())
    name = os.fspath(path)
    if os.path.splitext(name)[1].removeprefix(".").lower() not in formats:
        raise ValueError(
            f"The name of a picture must end in one of {formats}. Received: path={name!r}"
        )
    directory = os.path.dirname(name) or "."
    if not os.path.isdir(directory):
        raise FileNotFoundError(f"There is no directory {directory!r} to save {name!r} in.")


def _figure_class() -> type[Figure]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "`Profile.plot` needs matplotlib: pip install 'cnnfast[plot]'."
        ) from error
    return Figure


def _kind(row: Row) -> str:
    return f"{row.op} {row.algorithm}".strip()


def _colours(profile: Profile) -> dict[str, str]:
    return {kind: f"C{i % 10}" for i, kind in enumerate(dict.fromkeys(map(_kind, profile.rows)))}


def _draw_roofline(axes: Axes, profile: Profile, colours: dict[str, str]) -> None:
    """Draw GFLOP/s over flops per byte, both of the algorithm itself; dots as large as the time."""
    computing = [row for row in profile.rows if row.own_flops and row.milliseconds]
    intensities = [row.own_flops / (row.weight_bytes + row.moved_bytes) for row in computing]
    reach = np.geomspace(min([*intensities, 0.1]) / 2, max([*intensities, 100]) * 2, 100)
    machine = profile.machine
    for size, rate in machine.reading:
        label = f"{rate:.0f} GB/s from {size / 2**20:g} MB"
        roof = np.minimum(reach * rate, machine.gflops)
        axes.plot(reach, roof, color="0.6", linewidth=1, zorder=1)
        axes.annotate(label, (reach[0], roof[0]), fontsize=7, color="0.4")
    for kind, colour in colours.items():
        dots = [(i, r) for i, r in zip(intensities, computing, strict=True) if _kind(r) == kind]
        if dots:
            axes.scatter(
                [intensity for intensity, _ in dots],
                [row.own_gflops for _, row in dots],
                [max(6.0, _LARGEST_DOT * row.share) for _, row in dots],
                color=colour,
                alpha=0.7,
                label=kind,
                zorder=2,
            )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="flops per byte",
        ylabel="GFLOP/s",
        title=f"roofline, {machine.gflops:.0f} GFLOP/s at most",
    )
    if computing:
        axes.legend(fontsize=8, loc="lower right")


def _draw_bars(axes: Axes, profile: Profile, colours: dict[str, str]) -> None:
    """Draw the time of the longest operations in the order they run, with its least as a mark."""
    longest = sorted(range(len(profile.rows)), key=lambda i: -profile.rows[i].milliseconds)[:_BARS]
    rows = [profile.rows[i] for i in sorted(longest)]
    places = range(len(rows))
    times = [row.milliseconds for row in rows]
    axes.barh(places, times, color=[colours[_kind(row)] for row in rows])
    least = [row.least_milliseconds for row in rows]
    axes.plot(least, places, "k|", markersize=10, label="on the roofline")
    axes.set_yticks(places, [f"{row.layer.split(' + ')[0]} ({_kind(row)})" for row in rows])
    axes.tick_params(axis="y", labelsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="ms", title=f"time of the {len(rows)} longest of {len(profile.rows)}")
    axes.legend(fontsize=8)
