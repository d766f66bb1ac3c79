"""What products of operands in bfloat16 gain in time and cost in accuracy.

Each network in float32 and in bfloat16, taking turns, one image at a time. A row gives the median
times of a call, the median over the rounds of float32's time divided by bfloat16's, and how far the
outputs of all images are from those of float32: the largest difference, relative to the largest
output, and the root of the mean square, relative to that of the outputs::

    python benchmarks/precision.py --page docs/performance.md
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnnfast.cli.arguments import positive_int
from cnnfast.cli.comparison import relative_error
from cnnfast.engine.ops import Float32Array
from cnnfast.models import Model
from cnnfast.saving import load_model
from sidebyside.pages import replace_section
from sidebyside.prepare import CACHE, available
from sidebyside.tables import Table
from sidebyside.zoo import NETWORKS

PRECISIONS = ("float32", "bfloat16")
SECONDS_OF_A_TURN = 0.05


@dataclass(frozen=True)
class Row:
    """A network on so many threads; milliseconds of a call in each precision."""

    network: str
    threads: int
    milliseconds: tuple[float, ...]
    ratio: float
    largest_error: float
    root_mean_square_error: float


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--threads", type=positive_int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=positive_int, default=15)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for networks")
    parser.add_argument("--page", type=Path, help="put the table into that page")
    args = parser.parse_args(argv)
    rows = []
    for name, prepared in available(args.models, args.cache):
        with np.load(prepared.answers) as arrays:
            images = arrays["images"].astype(np.float32)
        models = [load_model(prepared.source, compile=False, precision=one) for one in PRECISIONS]
        rows += [measure(name, models, images, threads, args.rounds) for threads in args.threads]
    result = table(rows)
    result.print()
    if args.page is not None:
        replace_section(args.page, "precision", result.markdown())
    return 0


def measure(
    name: str, models: Sequence[Model], images: Float32Array, threads: int, rounds: int
) -> Row:
    """Run both, in turns, on the first image; compare the outputs of all."""
    full, rounded = (np.asarray(model.predict(images, verbose=0)) for model in models)
    times = [[seconds_of(model, images[:1], threads) for model in models] for _ in range(rounds)]
    squares = np.mean(np.square(full - rounded)) / np.mean(np.square(full))
    return Row(
        name,
        threads,
        tuple(1e3 * statistics.median(spent) for spent in zip(*times, strict=True)),
        statistics.median(before / after for before, after in times),
        relative_error(full, rounded),
        float(np.sqrt(squares)),
    )


def seconds_of(model: Model, image: Float32Array, threads: int) -> float:
    """Return those of a call, of as many as fill a turn; the first one does not count."""
    model.predict_on_batch(image, threads)
    calls, start = 0, time.perf_counter()
    while (spent := time.perf_counter() - start) < SECONDS_OF_A_TURN or calls == 0:
        model.predict_on_batch(image, threads)
        calls += 1
    return spent / calls


def table(rows: Sequence[Row]) -> Table:
    """Lay the rows out."""
    lines = [
        [
            row.network,
            str(row.threads),
            *(f"{ms:.3f}" for ms in row.milliseconds),
            f"{row.ratio:.2f}",
            f"{row.largest_error:.1e}",
            f"{row.root_mean_square_error:.1e}",
        ]
        for row in rows
    ]
    titles = ["model", "threads", "float32 ms", "bfloat16 ms", "ratio", "largest", "mean square"]
    return Table("Batch 1; errors relative to float32, over all images", titles, lines)


if __name__ == "__main__":
    sys.exit(main())
