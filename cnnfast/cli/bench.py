"""``bench``: time the predictions of a model for several batches and numbers of threads.

The settings take turns, so that a busy moment of the machine meets them all. How far it is shows
on standard error; Ctrl-C ends it with what was timed by then. Exit codes: 0 all is well; 1 the
model does not run; 3 it has something that is not supported; 4 the file cannot be read; 130 it was
interrupted.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.cli import exit_codes
from cnnfast.cli.arguments import add_json_argument, positive_int, positive_ints
from cnnfast.cli.inputs import add_input_arguments, random_inputs
from cnnfast.cli.loading import with_model
from cnnfast.cli.output import print_error, print_json
from cnnfast.utils.display.console import console
from cnnfast.utils.system.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from cnnfast.models import Model


@dataclass(frozen=True)
class Timing:
    """Times of `predict_on_batch`; `images_per_second` is that of the median."""

    batch_size: int
    threads: int
    repeats: int
    median_ms: float
    min_ms: float
    p95_ms: float
    images_per_second: float


@dataclass(frozen=True)
class Timings:
    """What was timed, of `rounds` runs of each setting so many as were `done`."""

    timings: tuple[Timing, ...]
    done: int
    rounds: int

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it early."""
        return self.done < self.rounds


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
    add_json_argument(parser, "the times")
    return parser


def run(args: argparse.Namespace) -> int:
    """Time the model on random input and show the result."""

    def work(model: Model) -> int:
        inputs = {n: random_inputs(model, args.seed, n, args.size) for n in args.batch}
        found = measure(model, inputs, args.threads or [get_num_threads()], args.repeats)
        if args.json:
            timings = [asdict(timing) for timing in found.timings]
            print_json({"file": args.file, "interrupted": found.interrupted, "timings": timings})
        elif found.timings:
            show(args.file, found.timings)
        if not found.interrupted:
            return exit_codes.GOOD
        print_error(f"interrupted after {found.done} of {found.rounds} rounds")
        return exit_codes.INTERRUPTED

    return with_model(args.file, work)


def measure(model: Model, inputs: dict[int, Any], threads: Sequence[int], repeats: int) -> Timings:
    """Time `model` on the batches in `inputs`, by their size, after one run of each to warm up."""
    before = get_num_threads()
    settings = list(itertools.product(threads, inputs))
    seconds: list[list[float]] = [[] for _ in settings]
    done = 0
    try:
        for round_ in range(repeats + 1):
            _show_progress(round_, repeats)
            spent = [_seconds(model, inputs[batch], count) for count, batch in settings]
            if round_ > 0:  # the first one warms up
                for times, time_ in zip(seconds, spent, strict=True):
                    times.append(time_)
                done = round_
    except KeyboardInterrupt:
        pass  # the report says so
    finally:
        set_num_threads(before)
        _end_progress()
    found = [_timing(b, n, times) for (n, b), times in zip(settings, seconds, strict=True) if times]
    return Timings(tuple(found), done, repeats)


def _seconds(model: Model, batch: Any, threads: int) -> float:
    set_num_threads(threads)
    start = time.perf_counter()
    model.predict_on_batch(batch)
    return time.perf_counter() - start


def _show_progress(done: int, rounds: int) -> None:
    """Say that round `done` begins: in a line that is written over, or now and then in a file."""
    if sys.stderr is None:
        return
    text = f"round {done} of {rounds}" if done else "warming up"
    if sys.stderr.isatty():
        print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)
    elif 10 * done // rounds > 10 * (done - 1) // rounds:
        print(text, file=sys.stderr, flush=True)


def _end_progress() -> None:
    if sys.stderr is not None and sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _timing(batch: int, threads: int, seconds: Sequence[float]) -> Timing:
    median, minimum, p95 = 1e3 * np.percentile(seconds, [50, 0, 95])
    return Timing(
        batch_size=batch,
        threads=threads,
        repeats=len(seconds),
        median_ms=float(median),
        min_ms=float(minimum),
        p95_ms=float(p95),
        images_per_second=float(1e3 * batch / median),
    )


def show(file: str, timings: Sequence[Timing]) -> None:
    """Print the times as a table."""
    from rich.markup import escape
    from rich.table import Column, Table

    names = ("batch", "threads", "median ms", "min ms", "95% ms", "images/s")
    table = Table(*(Column(name, justify="right") for name in names), title=escape(file))
    for timing in timings:
        table.add_row(
            str(timing.batch_size),
            str(timing.threads),
            *(f"{ms:.3f}" for ms in (timing.median_ms, timing.min_ms, timing.p95_ms)),
            f"{timing.images_per_second:,.0f}",
        )
    console().print(table)
