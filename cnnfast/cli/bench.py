"""``bench``: time the predictions of a model for several batches and numbers of threads.

The settings take turns, so that a busy moment of the machine meets them all. Exit codes: 0 all is
well; 1 the model does not run; 3 it has something that is not supported; 4 the file cannot be
read.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.cli.arguments import positive_int, positive_ints
from cnnfast.cli.inputs import add_input_arguments, random_inputs
from cnnfast.cli.loading import with_model
from cnnfast.utils.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from cnnfast.models import Model


@dataclass(frozen=True)
class Timing:
    """Times of `predict_on_batch` in milliseconds; `images_per_second` is that of the median."""

    batch: int
    threads: int
    repeats: int
    median: float
    minimum: float
    p95: float
    images_per_second: float


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the arguments of the command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "bench", help="time the predictions of a model", description=__doc__
    )
    add_input_arguments(parser)
    parser.add_argument(
        "--batch", type=positive_ints, default=[1, 32], help="numbers of images, such as 1,32"
    )
    parser.add_argument(
        "--threads", type=positive_ints, help="such as 1,2; default: one per usable core"
    )
    parser.add_argument("--repeats", type=positive_int, default=20, help="runs of each setting")
    parser.add_argument("--json", action="store_true", help="print the times as JSON")
    return parser


def run(args: argparse.Namespace) -> int:
    """Time the model on random input and show the result."""

    def work(model: Model) -> None:
        inputs = {n: random_inputs(model, args.seed, n, args.size) for n in args.batch}
        timings = measure(model, inputs, args.threads or [get_num_threads()], args.repeats)
        if args.json:
            report = {"file": args.file, "timings": [asdict(timing) for timing in timings]}
            print(json.dumps(report, indent=2))
        else:
            show(args.file, timings)

    return with_model(args.file, work)


def measure(
    model: Model, inputs: dict[int, Any], threads: Sequence[int], repeats: int
) -> list[Timing]:
    """Time `model` on the batches in `inputs`, by their size, after one run of each to warm up."""
    before = get_num_threads()
    seconds: dict[tuple[int, int], list[float]] = {}
    try:
        for round_ in range(repeats + 1):
            for count, batch in itertools.product(threads, inputs):
                set_num_threads(count)
                start = time.perf_counter()
                model.predict_on_batch(inputs[batch])
                spent = time.perf_counter() - start
                if round_ > 0:
                    seconds.setdefault((batch, count), []).append(spent)
    finally:
        set_num_threads(before)
    return [_timing(batch, count, times) for (batch, count), times in seconds.items()]


def _timing(batch: int, threads: int, seconds: Sequence[float]) -> Timing:
    median, minimum, p95 = 1e3 * np.percentile(seconds, [50, 0, 95])
    return Timing(
        batch=batch,
        threads=threads,
        repeats=len(seconds),
        median=float(median),
        minimum=float(minimum),
        p95=float(p95),
        images_per_second=float(1e3 * batch / median),
    )


def show(file: str, timings: Sequence[Timing]) -> None:
    """Print the times as a table."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    names = ("batch", "threads", "median ms", "min ms", "95% ms", "images/s")
    table = Table(*(Column(name, justify="right") for name in names), title=escape(file))
    for timing in timings:
        table.add_row(
            str(timing.batch),
            str(timing.threads),
            *(f"{ms:.3f}" for ms in (timing.median, timing.minimum, timing.p95)),
            f"{timing.images_per_second:,.0f}",
        )
    Console(highlight=False).print(table)
