"""``demo``: classify real handwritten digits with the small network that is shipped.

The images are UCI scans that the network did not see in training; both files in
``cnnfast/data`` come from ``examples/train_digits.py``.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cnnfast import _core
from cnnfast.cli.arguments import add_json_argument, positive_int
from cnnfast.cli.output import print_json
from cnnfast.utils.display.console import console
from cnnfast.utils.system.threads import get_num_threads, set_num_threads

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from cnnfast.models import Model

GREY_LEVELS = 16
"""The brightest pixel of a scan; the network was trained on pixels divided by this."""

ACCURACY_EXPECTED = 0.97
DIGITS_PER_ROW = 4
SHADES = " ░▒▓█"
SHADES_ASCII = " .:*#"


@dataclass(frozen=True)
class Answer:
    """What the network said to one image."""

    index: int
    label: int
    predicted: int
    probability: float


@dataclass(frozen=True)
class Report:
    """The numbers of one demo run."""

    instruction_set: str
    threads: int
    threading: str
    parameter_count: int
    image_count: int
    correct_count: int
    accuracy: float
    images_per_second: float
    single_image_ms: float


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the arguments of the command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "demo", help="classify held-out handwritten digits", description=__doc__
    )
    parser.add_argument(
        "--images", type=positive_int, default=DIGITS_PER_ROW, help="how many digits to draw"
    )
    parser.add_argument("--threads", type=positive_int, help="default: one per usable core")
    add_json_argument(parser, "the results")
    return parser


def run(args: argparse.Namespace) -> int:
    """Classify, measure and show; 1 if the accuracy is not what the network has."""
    if args.threads is not None:
        set_num_threads(args.threads)
    model = load_network()
    images, labels = load_test_images()
    pixels = images.astype(np.float32) * np.float32(1 / GREY_LEVELS)
    probabilities = model.predict(pixels, batch_size=len(pixels), verbose=0)
    answers = read_answers(probabilities, labels)
    report = measure(model, pixels, answers)
    if args.json:
        shown = [asdict(answer) for answer in answers[: args.images]]
        print_json({**asdict(report), "answers": shown})
    else:
        show(report, answers, images, args.images)
    return 0 if report.accuracy >= ACCURACY_EXPECTED else 1


def load_network() -> Model:
    """Load the network that is shipped in the package."""
    from cnnfast.saving import load_model

    with as_file(files("cnnfast") / "data" / "digits_cnn.keras") as path:
        return load_model(path)


def load_test_images() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Load the held-out scans, (n, 8, 8, 1) with values 0 to 16, and their labels, (n,)."""
    with (
        as_file(files("cnnfast") / "data" / "digits_test.npz") as path,
        np.load(path) as arrays,
    ):
        return arrays["images"], arrays["labels"]


def read_answers(
    probabilities: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]
) -> list[Answer]:
    """Pair each image's most probable digit with its label."""
    predicted = probabilities.argmax(axis=1)
    return [
        Answer(i, int(label), int(digit), float(row[digit]))
        for i, (label, digit, row) in enumerate(zip(labels, predicted, probabilities, strict=True))
    ]


def measure(model: Model, pixels: npt.NDArray[np.float32], answers: list[Answer]) -> Report:
    """Time the whole set and a single image, and put the numbers together."""
    correct = sum(answer.predicted == answer.label for answer in answers)
    batch = len(pixels)
    one = pixels[:1]
    whole_set = median_seconds(lambda: model.predict(pixels, batch_size=batch, verbose=0))
    return Report(
        instruction_set=_core.isa(),
        threads=get_num_threads(),
        threading=_core.threading(),
        parameter_count=model.count_params(),
        image_count=batch,
        correct_count=correct,
        accuracy=correct / batch,
        images_per_second=batch / whole_set,
        single_image_ms=1e3 * median_seconds(lambda: model.predict_on_batch(one)),
    )


def median_seconds(work: Callable[[], object], seconds: float = 0.3, at_least: int = 7) -> float:
    """Run `work` again and again for `seconds` after a warm-up; the median time of one run."""
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < at_least or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def show(report: Report, answers: list[Answer], images: npt.NDArray[np.uint8], drawn: int) -> None:
    """Print a few digits, a row of the mistakes, and the numbers."""
    out = console()
    mistakes = [answer for answer in answers if answer.predicted != answer.label]
    out.print(f"\n[bold]{report.image_count} handwritten digits[/], not seen in training\n")
    print_digits(out, answers[:drawn], images)
    if mistakes:
        out.print(f"[bold]its mistakes[/]: {len(mistakes)} in all\n")
        print_digits(out, mistakes[:DIGITS_PER_ROW], images)
    out.print(numbers_table(report))


def print_digits(out: Console, answers: list[Answer], images: npt.NDArray[np.uint8]) -> None:
    """Print the images of `answers` in rows, each over what the network said."""
    from rich.table import Table

    shades = SHADES_ASCII if out.options.ascii_only else SHADES
    for start in range(0, len(answers), DIGITS_PER_ROW):
        row = answers[start : start + DIGITS_PER_ROW]
        table = Table.grid(padding=(0, 2, 0, 0))
        cells: list[list[RenderableType]] = [
            [draw(images[answer.index, ..., 0], shades), caption(answer)] for answer in row
        ]
        for line in zip(*cells, strict=True):
            table.add_row(*line)
        out.print(table, "")


def draw(pixels: npt.NDArray[np.uint8], shades: str) -> str:
    """Draw one scan with two characters to a pixel, which makes the pixels about square."""
    levels = pixels.astype(int) * len(shades) // (GREY_LEVELS + 1)
    return "\n".join("".join(2 * shades[level] for level in row) for row in levels)


def caption(answer: Answer) -> str:
    """Say what the network made of an image, and what it is."""
    colour = "green" if answer.predicted == answer.label else "red"
    read = f"read as [{colour}]{answer.predicted}[/], {answer.probability:.1%}"
    return f"{read}\nlabelled {answer.label}"


def numbers_table(report: Report) -> Table:
    """Lay out the numbers of a report."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row(
        "accuracy", f"[bold]{report.accuracy:.2%}[/] ({report.correct_count}/{report.image_count})"
    )
    table.add_row("images per second", f"[bold]{report.images_per_second:,.0f}[/]")
    table.add_row("one image alone", f"{1e3 * report.single_image_ms:.0f} microseconds")
    table.add_row("instruction set", report.instruction_set)
    table.add_row("threads", f"{report.threads} ({report.threading})")
    table.add_row("parameters", f"{report.parameter_count:,}")
    table.add_row("cnnfast", _core.__version__)
    return table
