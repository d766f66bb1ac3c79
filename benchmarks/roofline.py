"""How far each network is from what the machine allows, and where the time goes.

``model.profile`` times every operation and computes its roofline: the longer of its algorithm's own
flops at the measured rate of multiply-adds, and its weights and activations at the measured rate of
reading them. A row gives the sum over a network, and the operations that lose most against theirs::

    python benchmarks/roofline.py --page docs/performance.md
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cnnfast.cli.arguments import positive_int
from cnnfast.profiling.profile import Profile
from cnnfast.saving import load_model
from sidebyside.pages import replace_section
from sidebyside.prepare import CACHE, available
from sidebyside.tables import Table
from sidebyside.zoo import NETWORKS

LOSSES_NAMED = 3


def main(argv: Sequence[str] | None = None) -> int:
    """Profile the networks, print the table, write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--batch", type=positive_int, default=1)
    parser.add_argument("--threads", type=positive_int, default=1)
    parser.add_argument("--repeats", type=positive_int, default=30)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for networks")
    parser.add_argument("--page", type=Path, help="put the table into that page")
    args = parser.parse_args(argv)
    profiles = {}
    for name, prepared in available(args.models, args.cache):
        with np.load(prepared.answers) as arrays:
            images = np.resize(arrays["images"], (args.batch, *arrays["images"].shape[1:]))
        model = load_model(prepared.source, compile=False)
        profiles[name] = model.profile(images, repeats=args.repeats, threads=args.threads)
    result = table(profiles, args.batch, args.threads)
    result.print()
    if args.page is not None:
        replace_section(args.page, "roofline", result.markdown() + "\n\n" + machine(profiles))
    return 0


def table(profiles: dict[str, Profile], batch: int, threads: int) -> Table:
    """Lay the sums and the largest losses out."""
    lines = []
    for name, profile in profiles.items():
        spent = sum(row.milliseconds for row in profile.rows)
        least = sum(row.least_milliseconds for row in profile.rows)
        own = sum(row.own_flops for row in profile.rows) / spent / 1e6
        losses = ", ".join(f"{what} {lost:.2f}" for what, lost in losses_of(profile))
        lines.append(
            [name, f"{spent:.2f}", f"{least:.2f}", f"{least / spent:.0%}", f"{own:.0f}", losses]
        )
    titles = ["model", "ms", "roofline ms", "attained", "GFLOP/s", "most lost, in ms"]
    caption = f"Sums over a network's operations, batch {batch}, threads {threads}"
    return Table(caption, titles, lines)


def losses_of(profile: Profile) -> list[tuple[str, float]]:
    """Name the kinds of operations that lose most against their rooflines, and the milliseconds."""
    lost: dict[str, float] = defaultdict(float)
    for row in profile.rows:
        lost[f"{row.op} {row.algorithm}".strip()] += row.milliseconds - row.least_milliseconds
    return sorted(lost.items(), key=lambda item: -item[1])[:LOSSES_NAMED]


def machine(profiles: dict[str, Profile]) -> str:
    """Say what the rooflines were computed from."""
    measured = next(iter(profiles.values())).machine
    reading = ", ".join(
        f"{rate:.0f} GB/s of {size / 2**20:g} MiB" for size, rate in measured.reading
    )
    return (
        f"Measured on {measured.threads} thread(s), {measured.isa}: "
        f"{measured.gflops:.0f} GFLOP/s of multiply-adds; reading {reading}."
    )


if __name__ == "__main__":
    sys.exit(main())
