"""Images of many sizes, one after the other, in cnnfast and in other runtimes.

A detector, a segmentation network or a server sees images of any size. Each runtime has a process
of its own, as in ``compare.py``, and predicts one image of each of 20 sizes in turn, several times
over; the runtimes take turns. Answers are compared with Keras' first. The first visit of a size
shows what a new size costs, the later ones what it costs when it comes again::

    pip install -e ".[bench]"
    python benchmarks/image_sizes.py --page docs/performance.md
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cnnfast.cli.comparison import relative_error
from sidebyside import zoo
from sidebyside.machine import this_machine
from sidebyside.pages import replace_section
from sidebyside.prepare import CACHE, Prepared, converted, elsewhere, fingerprint
from sidebyside.rounds import Worker, WorkerError, usable_cores, workers
from sidebyside.runtimes import runtime
from sidebyside.tables import Table

RUNTIMES = ("cnnfast", "onnxruntime", "openvino", "keras_predict")
# Multiples of 8, as the U-Net's three halvings need; no two are the same, few are square.
SIZES = tuple((160 + 8 * i, 160 + 8 * (7 * i % 20)) for i in range(20))
LARGEST_ERROR = 1e-3  # of an answer, relative to Keras' largest output
ROUNDS = 6


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the table, write it into a page."""
    args = parse(argv)
    lines: list[list[str]] = []
    problems: list[str] = []
    versions: dict[str, str] = {}
    for name in args.models:
        prepared = prepare(name, args.cache)
        problems += [f"{other}, {name}: {why}." for other, why in prepared.errors.items()]
        for threads in args.threads:
            with workers(prepared.files, prepared.answers, threads, any_size=True) as started:
                seconds = visits(started, prepared.answers, args.rounds, problems)
                for other, rounds in seconds.items():
                    peak = started[other].peak_megabytes()
                    lines.append([name, str(threads), *figures(other, rounds, seconds, peak)])
                    versions.update(started[other].versions())
    table = Table(
        "Milliseconds for an image, mean over 20 sizes",
        ["model", "threads", "runtime", "first visit", "later visits", "over cnnfast's", "peak MB"],
        lines,
    )
    table.print()
    text = "\n\n".join([table.markdown(), *conclusions(problems, versions)])
    print("\n".join(conclusions(problems, versions)))
    if args.page is not None:
        replace_section(args.page, "image sizes", text)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=zoo.OF_ANY_SIZE, default=[*zoo.OF_ANY_SIZE])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="visits of each size")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for converted networks")
    parser.add_argument("--page", type=Path, help="put the table into that page, too")
    args = parser.parse_args(argv)
    cores = len(usable_cores())
    if cores and max(args.threads) > cores:
        parser.error(f"--threads must be at most the {cores} usable cores.")
    return args


def prepare(name: str, cache: Path) -> Prepared:
    """Build, answer and convert one network, each in a process of its own."""
    directory = cache / fingerprint(Path(zoo.__file__), Path(__file__)) / f"{name}_of_any_size"
    directory.mkdir(parents=True, exist_ok=True)
    prepared = Prepared(directory / f"{name}.keras", directory / "answers.npz")
    if not prepared.answers.is_file():
        elsewhere(build, name, prepared)
    for other in RUNTIMES:
        result = converted(other, prepared.source, directory)
        if result["problem"] is None:
            prepared.files[other] = directory / str(result["file"])
        else:
            prepared.errors[other] = result["problem"]
    return prepared


def build(name: str, prepared: Prepared) -> None:
    """Save a network and Keras' answers to an image of each size."""
    model, images = zoo.build_of_any_size(name, SIZES)
    model.save(prepared.source)
    arrays = {f"image_{i}": image for i, image in enumerate(images)}
    arrays |= {f"output_{i}": np.asarray(model(image)) for i, image in enumerate(images)}
    np.savez(prepared.answers, count=len(images), **arrays)


def visits(
    started: Mapping[str, Worker], answers: Path, rounds: int, problems: list[str]
) -> dict[str, list[list[float]]]:
    """Let the runtimes take turns; return the seconds of each size in each round."""
    seconds: dict[str, list[list[float]]] = {name: [] for name in started}
    with np.load(answers) as arrays:
        expected = [arrays[f"output_{i}"] for i in range(len(SIZES))]
    for number in range(rounds):
        names = list(seconds)
        for name in names if number % 2 == 0 else reversed(names):
            try:
                seconds[name].append(visit_all(started[name], expected))
            except WorkerError as error:
                problems.append(f"{name}: {error}.")
                del seconds[name]
    return seconds


def visit_all(worker: Worker, expected: Sequence[np.ndarray]) -> list[float]:
    """Predict an image of each size; return the seconds of each.

    Raises
    ------
    WorkerError
        If an answer is wrong.
    """
    times = []
    for number, want in enumerate(expected):
        taken, got = worker.visit(number)
        times.append(taken)
        if got.shape != want.shape or relative_error(want, got) > LARGEST_ERROR:
            raise WorkerError(f"wrong answer for size {SIZES[number]}")
    return times


def figures(
    name: str, rounds: list[list[float]], all_rounds: Mapping[str, list[list[float]]], peak: float
) -> list[str]:
    """Write one runtime's times: of the first visits, of the later ones, and beside cnnfast's."""
    ours = all_rounds[RUNTIMES[0]]
    later = statistics.median(map(statistics.fmean, rounds[1:]))
    ratio = statistics.median(
        sum(theirs) / sum(own) for theirs, own in zip(rounds[1:], ours[1:], strict=True)
    )
    first = statistics.fmean(rounds[0])
    return [
        runtime(name).NAME,
        f"{1e3 * first:.1f}",
        f"{1e3 * later:.1f}",
        f"{ratio:.2f}",
        f"{peak:.0f}",
    ]


def conclusions(problems: Sequence[str], versions: Mapping[str, str]) -> list[str]:
    """Say what failed, the machine and the versions."""
    machine = this_machine()
    return [
        *problems,
        f"Machine: {machine.cpu}, {machine.cores} cores ({machine.instruction_sets}); "
        f"{machine.system}, Python {machine.python}.",
        "Versions: " + ", ".join(f"{name} {v}" for name, v in versions.items()) + ".",
    ]


if __name__ == "__main__":
    main()
