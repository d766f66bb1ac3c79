"""Compare cnnfast with other runtimes on the same networks, weights and images.

Every runtime has a process of its own, pinned to as many cores as it has threads. Its answers
are compared with Keras' first; a runtime whose answers are wrong is not timed. Then the
runtimes take turns, round after round: one works while the others sleep. A row gives the
median time of one call, and the median, lowest and highest of the ratios of each round.

Install what it needs with ``pip install -e ".[bench]"`` and leave the machine alone while it
runs; the first run also converts every network for every runtime and keeps the files::

    python benchmarks/compare.py --quick
    python benchmarks/compare.py --out docs/compare --page docs/performance.md

``--precision int8`` (or bfloat16) compares what people take instead of float32, calibrated on and
judged by crops of real photos; it needs the extra ``bench-int8``. Accuracy stands beside the times.

With ``--busy 1`` another program computes on one of the cores meanwhile; with ``--without-avx512``
every runtime finds a processor that has no AVX-512.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sidebyside import report as reports
from sidebyside import tables
from sidebyside.agreement import Agreement, agreement_of, useless
from sidebyside.busy import busy_cores
from sidebyside.examples import Examples
from sidebyside.hidden import restart_without_avx512
from sidebyside.machine import this_machine
from sidebyside.pages import replace_section
from sidebyside.prepare import CACHE, DiedError, Prepared, prepare, prepare_real
from sidebyside.rounds import Effort, Worker, WorkerError, interleave, usable_cores, workers
from sidebyside.runtimes import MODULES, ROWS, Images, runtime
from sidebyside.zoo import IMAGES, NETWORKS

FLOAT32 = "float32"
ERROR_PER_LAYER = 2e-5
"""Of an answer, relative to Keras' largest output, for each layer with a kernel."""

LOAD_THAT_SPOILS_TIMES = 0.5

FULL = Effort(rounds=15, seconds=0.2, row_seconds=12.0)
QUICK = Effort(rounds=3, seconds=0.05, row_seconds=3.0)
QUICK_MODELS = ("intro", "cifar10_cnn", "mini_xception", "mobilenet_v2")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the tables, write the files."""
    args = parse(argv)
    if args.without_avx512:
        restart_without_avx512(args.cache)
    report = reports.Report(this_machine(), {name: runtime(name).NAME for name in args.runtimes})
    if report.machine.load > LOAD_THAT_SPOILS_TIMES:
        report.notes.append(
            f"The machine was not idle: load {report.machine.load:.1f} before the run."
        )
    if args.without_avx512:
        report.notes.append("AVX-512 was hidden from every runtime.")
    for model in args.models:
        try:
            prepared = prepare_in(args.precision, model, args.runtimes, args.cache)
        except (FileNotFoundError, DiedError) as error:
            report.notes.append(f"{model} was left out: {error}.")
            continue
        if args.only_convert:
            for name in args.runtimes:
                print(model, name, prepared.errors.get(name, "converted"), sep=": ", flush=True)
            continue
        with busy_cores(args.busy):
            for threads in args.threads:
                measure(report, model, prepared, threads, args)
    if args.only_convert:
        return
    show(report)
    if args.out is not None:
        write(report, args.out)
    if args.page is not None:
        replace_section(args.page, section(args), tables.markdown(report))


def prepare_in(precision: str, model: str, runtimes: Sequence[str], cache: Path) -> Prepared:
    """Prepare a network: with drawn images in float32, with real ones in fewer bits."""
    if precision == FLOAT32:
        return prepare(model, runtimes, cache)
    source = prepare(model, (), cache).source
    examples = Examples(pixels=(0.0, NETWORKS[model].largest_pixel))
    return prepare_real(source, examples, runtimes, IMAGES)


def section(args: argparse.Namespace) -> str:
    """Name the section of the page that such a run belongs to."""
    condition = "busy" if args.busy else "avx2" if args.without_avx512 else ""
    if args.precision == FLOAT32:
        return condition or "compare"
    return f"{args.precision} {condition}".strip()


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=NETWORKS)
    parser.add_argument("--precision", choices=ROWS, default=FLOAT32)
    parser.add_argument("--runtimes", nargs="+", choices=MODULES, help="those of the precision")
    parser.add_argument("--batches", "--batch", nargs="+", type=int, choices=(1, 32))
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, help=f"turns of each runtime ({FULL.rounds})")
    parser.add_argument("--seconds", type=float, help=f"length of one turn ({FULL.seconds})")
    parser.add_argument("--quick", action="store_true", help="small networks, batch 1, few rounds")
    parser.add_argument("--only-convert", action="store_true", help="measure nothing")
    parser.add_argument("--busy", type=int, default=0, help="cores that another program takes")
    parser.add_argument("--without-avx512", action="store_true", help="hide it from every runtime")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for converted networks")
    parser.add_argument("--out", type=Path, help="write OUT.json, OUT.md and OUT.svg")
    parser.add_argument("--page", type=Path, help="put the tables into that page, too")
    args = parser.parse_args(argv)
    effort = QUICK if args.quick else FULL
    args.runtimes = args.runtimes or list(ROWS[args.precision])
    args.models = args.models or (QUICK_MODELS if args.quick else list(NETWORKS))
    args.batches = sorted(args.batches or ([1] if args.quick else [1, 32]))
    args.effort = Effort(
        args.rounds or effort.rounds, args.seconds or effort.seconds, effort.row_seconds
    )
    cores = len(usable_cores())
    if cores and max(args.threads) > cores:
        parser.error(f"--threads must be at most the {cores} usable cores.")
    return args


def measure(
    report: reports.Report, model: str, prepared: Prepared, threads: int, args: argparse.Namespace
) -> None:
    """Add the rows of one model and number of threads to the report."""
    with np.load(prepared.answers) as arrays:
        expected, depth = arrays["outputs"], int(arrays["depth"])
    largest_error = ERROR_PER_LAYER * depth if args.precision == FLOAT32 else None
    with workers(prepared.files, prepared.answers, threads) as started:
        for batch in args.batches:
            found, problems = check(started, expected[:batch], largest_error)
            right = {name: worker for name, worker in started.items() if name in found}
            times, failed = interleave(right, batch, args.effort)
            measured = {
                name: reports.Measured(
                    seconds,
                    found[name].largest,
                    started[name].peak_megabytes(),
                    None if args.precision == FLOAT32 else found[name],
                )
                for name, seconds in times.items()
            }
            problems = {**prepared.errors, **problems, **failed}
            key = (model, batch, threads)
            report.rows.append(reports.make_row(key, measured, problems, args.runtimes[0]))
            for name in times:
                report.versions.update(started[name].versions())


def check(
    started: dict[str, Worker], expected: Images, largest_error: float | None
) -> tuple[dict[str, Agreement], dict[str, str]]:
    """Compare the answers of each worker with Keras'.

    Without a `largest_error` an answer is wrong only if it says nothing about the image.

    Returns
    -------
    found
        For each runtime that is right how near it comes.
    problems
        For each other one, what is wrong.
    """
    found: dict[str, Agreement] = {}
    problems: dict[str, str] = {}
    for name, worker in started.items():
        try:
            got = worker.answer(len(expected))
        except WorkerError as failure:
            problems[name] = str(failure).splitlines()[0]
            continue
        if got.shape != expected.shape:
            problems[name] = f"wrong shape {got.shape}"
            continue
        agreement = agreement_of(expected, got)
        if largest_error is None:
            right = not useless(expected, got)
        else:
            right = agreement.largest <= largest_error
        if right:
            found[name] = agreement
        else:
            problems[name] = f"wrong answers, by {agreement.largest:.1e}"
    return found, problems


def show(report: reports.Report) -> None:
    """Print the tables and what is to be said about them."""
    from rich.console import Console

    console = Console()
    shown = (tables.times(report), tables.accuracy(report), tables.memory(report))
    for table in (each.rich() for each in shown if each is not None):
        whole = console.measure(table, options=console.options.update(width=1000)).maximum
        Console(width=max(whole, console.width)).print(table)
    for line in [*tables.problems(report), *tables.conclusions(report)]:
        console.print(line, highlight=False)


def write(report: reports.Report, stem: Path) -> None:
    """Write the report as JSON, as Markdown and as a chart."""
    from sidebyside.charts import write_chart

    reports.write_json(report, stem.with_suffix(".json"))
    stem.with_suffix(".md").write_text(tables.markdown(report))
    write_chart(report, stem.with_suffix(".svg"))


if __name__ == "__main__":
    main()
