"""Profiles and reports of memory as tables for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Column, Table

if TYPE_CHECKING:
    from cnnfast.profiling.memory import MemoryReport
    from cnnfast.profiling.profile import Profile, Row

_LEGEND = (
    "share: of the whole time; GFLOP/s and GB/s: arithmetic of the operation, and weights and "
    "activations, per second; roofline: of the speed that this machine allows it"
)
_OF_CANDIDATES = (
    "; own: GFLOP/s of the algorithm's own arithmetic; of …: what the cost model expected of each "
    "algorithm"
)


def profile_table(profile: Profile, candidates: bool = False) -> Table:
    """Return the table of `profile`; `candidates` adds what concerns the choice of algorithms."""
    names = ["ms", "share", "GFLOP/s", "GB/s", "roofline"]
    if candidates:
        names.insert(3, "own")
    table = Table(
        *(Column(name, overflow="fold", min_width=9) for name in ("layer", "operation", "output")),
        *(Column(name, justify="right", no_wrap=True) for name in names),
        title=_title(profile),
        caption=_caption(profile, candidates),
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for row in profile.rows:
        table.add_row(*_description(row, candidates), *_numbers(row, candidates))
    return table


def memory_table(report: MemoryReport) -> Table:
    """Return the table of `report`."""
    run = f"batch {report.batch}, {_counted(report.threads, 'thread')}"
    table = Table("", Column("bytes", justify="right"), title=f"{escape(report.model)}: memory")
    table.add_row("variables in memory", f"{report.variable_bytes:,}")
    table.add_row("variables left in their file", f"{report.file_bytes:,}")
    if report.deferred_bytes:
        table.add_row("variables not drawn yet", f"({report.deferred_bytes:,})")
    for plan in report.plans:
        shapes = ", ".join("x".join(map(str, shape)) for shape in plan.input_shapes)
        table.add_section()
        table.add_row(f"plan for {shapes}", "")
        table.add_row("  packed weights", f"{plan.packed_bytes:,}")
        table.add_row("  constants", f"{plan.constant_bytes:,}")
        table.add_row(f"  workspace of a run ({run})", f"({plan.workspace_bytes:,})")
    table.add_section()
    if len(report.plans) > 1:
        table.add_row("packed weights, shared ones once", f"{report.packed_bytes:,}")
    table.add_row(f"held, with {_counted(len(report.plans), 'plan')}", f"{report.held_bytes:,}")
    table.add_row("idle workspaces of the process", f"{report.idle_bytes:,}")
    return table


def _title(profile: Profile) -> str:
    return (
        f"{escape(profile.model)}: {profile.milliseconds:.3f} ms for a batch of {profile.batch} "
        f"on {_counted(profile.threads, 'thread')}, {profile.images_per_second:,.0f} images/s"
    )


def _caption(profile: Profile, candidates: bool) -> str:
    machine = profile.machine
    rates = ", ".join(f"{_size(size)} at {rate:.0f}" for size, rate in machine.reading)
    return (
        f"median of {profile.repeats}; {profile.gflops:.0f} GFLOP/s over all; on the roofline it "
        f"would take {profile.least_milliseconds:.3f} ms\n{machine.isa}: {machine.gflops:.0f} "
        f"GFLOP/s; reads {rates} GB/s\n{_LEGEND}{_OF_CANDIDATES if candidates else ''}"
    )


def _description(row: Row, candidates: bool) -> list[str]:
    operation = f"{row.op} {row.algorithm}".strip()
    if candidates and row.candidates:
        costs = (f"{name} {cost / 1e6:.1f}" for name, cost in row.candidates.items())
        operation += f"\nof {', '.join(costs)} Mflop"
    shape = "x".join(map(str, row.output_shape))
    return [escape(_shortened(row.layer)), escape(operation), shape]


def _numbers(row: Row, own: bool) -> list[str]:
    rates = [row.gflops, row.own_gflops] if own else [row.gflops]
    return [
        f"{row.milliseconds:.3f}",
        f"{row.share:.1%}",
        *(f"{rate:.1f}" if row.flops else "" for rate in rates),
        f"{row.gbs:.1f}",
        f"{row.attained:.0%}",
    ]


def _shortened(layers: str) -> str:
    """Return the first of several layers, and how many more there are."""
    first, *others = layers.split(" + ")
    return f"{first} +{len(others)}" if others else first


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _size(size: int) -> str:
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} KB"
