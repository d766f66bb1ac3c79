"""Compare cnnfast with other runtimes on the same networks, weights and images.

Every runtime has a process of its own, pinned to as many cores as it has threads. Its answers
are compared with Keras' first; a runtime whose answers are wrong is not timed. Then the
runtimes take turns, round after round: one works while the others sleep. A row gives the
median time of one call, and the median, lowest and highest of the ratios of each round.

Install what it needs with ``pip install .[bench]`` and leave the machine alone while it runs::

    python benchmarks/compare.py --out results/compare
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sidebyside import report as reports
from sidebyside.machine import this_machine
from sidebyside.rounds import Worker, WorkerError, interleave, usable_cores, workers
from sidebyside.runtimes import MODULES, Images, runtime
from sidebyside.zoo import MODELS, Prepared, prepare

LARGEST_ERROR = 1e-4
"""Of an answer, relative to Keras' largest output, for the runtime to count as right."""

LOAD_THAT_SPOILS_TIMES = 0.5


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the table, write the files."""
    args = parse(argv)
    report = reports.Report(this_machine(), {name: runtime(name).NAME for name in args.runtimes})
    if report.machine.load > LOAD_THAT_SPOILS_TIMES:
        report.notes.append(
            f"The machine was not idle: load {report.machine.load:.1f} before the run."
        )
    with tempfile.TemporaryDirectory(prefix="cnnfast-bench-") as directory:
        for model in args.models:
            try:
                prepared = prepare(model, args.runtimes, Path(directory))
            except FileNotFoundError as error:
                report.notes.append(f"{model} was left out: {error}.")
                continue
            for threads in args.threads:
                measure(report, model, prepared, threads, args)
    show(report)
    if args.out is not None:
        reports.write(report, args.out)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--runtimes", nargs="+", choices=MODULES, default=list(MODULES))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=15, help="turns of each runtime")
    parser.add_argument("--seconds", type=float, default=0.3, help="length of one turn")
    parser.add_argument("--quick", action="store_true", help="5 rounds of 0.1 seconds")
    parser.add_argument("--out", type=Path, help="write OUT.json and OUT.md")
    args = parser.parse_args(argv)
    if args.quick:
        args.rounds, args.seconds = 5, 0.1
    cores = len(usable_cores())
    if cores and max(args.threads) > cores:
        parser.error(f"--threads must be at most the {cores} usable cores.")
    return args


def measure(
    report: reports.Report, model: str, prepared: Prepared, threads: int, args: argparse.Namespace
) -> None:
    """Add the rows of one model and number of threads to the report."""
    with (
        workers(prepared.files, prepared.answers, threads) as started,
        np.load(prepared.answers) as arrays,
    ):
        for batch in args.batches:
            errors, problems = check(started, batch, arrays["outputs"])
            right = {name: worker for name, worker in started.items() if name in errors}
            times, failed = interleave(right, batch, args.rounds, args.seconds)
            problems = {**prepared.errors, **problems, **failed}
            key = (model, batch, threads)
            row = reports.make_row(key, times, errors, problems, baseline=args.runtimes[0])
            report.rows.append(row)
            for name in times:
                report.versions.update(started[name].versions())


def check(
    started: dict[str, Worker], batch: int, expected: Images
) -> tuple[dict[str, float], dict[str, str]]:
    """Compare the answers of each worker with Keras'.

    Returns
    -------
    errors
        For each runtime that is right its largest error, relative to the largest output.
    problems
        For each other one, what is wrong.
    """
    errors: dict[str, float] = {}
    problems: dict[str, str] = {}
    wanted = expected[:batch]
    for name, worker in started.items():
        try:
            got = worker.answer(batch)
        except WorkerError as failure:
            problems[name] = str(failure)
            continue
        if got.shape != wanted.shape:
            problems[name] = f"wrong shape {got.shape}"
            continue
        error = float(np.abs(got - wanted).max() / np.abs(wanted).max())
        if error <= LARGEST_ERROR:
            errors[name] = error
        else:
            problems[name] = f"wrong answers, by {error:.1e}"
    return errors, problems


def show(report: reports.Report) -> None:
    """Print the table and what is to be said about it."""
    from rich.console import Console

    console = Console()
    console.print(reports.rich_table(report))
    for line in reports.conclusions(report):
        console.print(line, highlight=False)


if __name__ == "__main__":
    main()
