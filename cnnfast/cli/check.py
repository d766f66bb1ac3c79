"""``check``: load a model file, run it on random input, and compare with Keras if it is there.

Where Keras is installed, the model is compared layer by layer, and the first layer that differs
is named. What is wrong goes to standard error. Exit codes: 0 all is well; 1 the model does not run,
or differs from Keras; 3 it has something that is not supported; 4 the file cannot be read.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.cli import exit_codes
from cnnfast.cli.arguments import add_json_argument, positive_int
from cnnfast.cli.comparison import LARGEST_ERROR, Comparison, compare, is_installed
from cnnfast.cli.eight_bits import PREPROCESSING, EightBits, compare_eight_bits
from cnnfast.cli.inputs import add_input_arguments, random_inputs
from cnnfast.cli.output import print_error, print_json
from cnnfast.cli.rounding import Rounding, compare_rounding
from cnnfast.cli.storage import Storage, compare_storage
from cnnfast.errors import ModelFileError, Refusal, UnsupportedError
from cnnfast.utils.display.console import console

if TYPE_CHECKING:
    from rich.table import Table

    from cnnfast.models import Model

LAYERS_SHOWN = 5


@dataclass
class Report:
    """What came of a check; `problems` says what is wrong, `verdict` of which kind it is."""

    file: str
    verdict: str = "runs"
    problems: list[str] = field(default_factory=list)
    unsupported: tuple[Refusal, ...] = ()
    layer_count: int = 0
    parameter_count: int = 0
    operation_count: int = 0
    input_shapes: list[list[int]] = field(default_factory=list)
    output_shapes: list[list[int]] = field(default_factory=list)
    finite: bool = True
    load_ms: float = 0.0
    lower_ms: float = 0.0
    run_ms: float = 0.0
    keras: Comparison | None = None
    not_compared: str | None = None
    storage: Storage | None = None
    eight_bits: EightBits | None = None
    rounding: Rounding | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data."""
        result = asdict(self) | {"unsupported": [item.to_dict() for item in self.unsupported]}
        if self.keras is not None:
            first = self.keras.first_difference
            result["keras"]["agrees"] = self.keras.agrees
            result["keras"]["first_difference"] = None if first is None else asdict(first)
        return result


EXIT_CODES = {
    "agrees": exit_codes.GOOD,
    "runs": exit_codes.GOOD,
    "differs": exit_codes.WRONG,
    "does not run": exit_codes.WRONG,
    "unsupported": exit_codes.UNSUPPORTED,
    "unreadable": exit_codes.UNREADABLE,
}


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the arguments of the command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "check", help="verify that a model file runs and gives Keras' numbers", description=__doc__
    )
    add_input_arguments(parser)
    parser.add_argument("--batch", type=positive_int, default=2, help="how many images")
    parser.add_argument(
        "--weight-dtype",
        choices=("float16", "bfloat16"),
        help="show what storing large dense layers in 16 bits costs in accuracy",
    )
    parser.add_argument(
        "--quantized",
        metavar="FOLDER",
        help="show what 8 bits cost in accuracy on the pictures of a folder; the folders in it are "
        "classes, in the order of the outputs",
    )
    parser.add_argument(
        "--preprocess",
        choices=tuple(PREPROCESSING),
        default="none",
        help="what becomes of the pictures' numbers, which are 0 to 255; default: none",
    )
    parser.add_argument(
        "--precision",
        choices=("bfloat16",),
        help="show what products of operands in 16 bits cost in accuracy",
    )
    parser.add_argument("--without-keras", action="store_true", help="do not compare")
    add_json_argument(parser, "the report")
    return parser


def run(args: argparse.Namespace) -> int:
    """Check the file and show the report."""
    report = Report(args.file)
    try:
        loaded = _load(report)
        model = loaded.quantized(None)
        inputs = random_inputs(model, args.seed, args.batch, args.size)
        _run(model, inputs, report)
    except UnsupportedError as error:
        report.verdict, report.unsupported = "unsupported", error.items
        report.problems = [str(error)]
    except (ModelFileError, OSError) as error:
        report.verdict, report.problems = "unreadable", [str(error)]
    else:
        if args.without_keras:
            report.not_compared = "--without-keras was given"
        elif not is_installed():
            report.not_compared = "Keras is not installed; `pip install keras jax` brings one"
        elif report.verdict == "runs":
            _compare(model, inputs, report)
        if args.weight_dtype is not None and report.verdict != "does not run":
            report.storage = compare_storage(model, inputs, args.weight_dtype)
        _compare_eight_bits(loaded, args, report)
        if args.precision is not None and report.verdict != "does not run":
            report.rounding = compare_rounding(model, inputs, args.precision)
    if args.json:
        print_json(report.as_dict())
    else:
        show(report)
    for problem in report.problems:
        print_error(problem, args.file)
    return EXIT_CODES[report.verdict]


def _compare_eight_bits(model: Model, args: argparse.Namespace, report: Report) -> None:
    if args.quantized is None or report.verdict == "does not run":
        return
    try:
        keras = None if report.not_compared else report.file
        report.eight_bits = compare_eight_bits(model, args.quantized, args.preprocess, keras)
    except (ValueError, OSError) as error:
        report.verdict = "does not run"
        report.problems.append(str(error))


def _load(report: Report) -> Model:
    from cnnfast.saving import load_model

    start = time.perf_counter()
    model = load_model(report.file, compile=False)
    report.load_ms = _milliseconds_since(start)
    report.layer_count, report.parameter_count = len(model.layers), model.count_params()
    return model


def _run(model: Model, inputs: Any, report: Report) -> None:
    from cnnfast.engine.executor import lower
    from cnnfast.utils import tree

    arrays = tree.flatten(inputs)
    report.input_shapes = [list(x.shape) for x in arrays]
    try:
        start = time.perf_counter()
        graph = lower(model, [x.shape[1:] for x in arrays])
        report.lower_ms = _milliseconds_since(start)
        report.operation_count = len(graph.ops)
        model(inputs)
        start = time.perf_counter()
        outputs = tree.flatten(model(inputs))
        report.run_ms = _milliseconds_since(start)
    except ValueError as error:
        report.verdict, report.problems = "does not run", [str(error)]
        return
    report.output_shapes = [list(y.shape) for y in outputs]
    report.finite = all(bool(np.isfinite(y).all()) for y in outputs)


def _milliseconds_since(start: float) -> float:
    return 1e3 * (time.perf_counter() - start)


def _compare(model: Model, inputs: Any, report: Report) -> None:
    report.keras = compared = compare(report.file, model, inputs)
    if compared.problem is not None:
        return
    report.verdict = "agrees" if compared.agrees else "differs"
    first = compared.first_difference
    if not compared.agrees:
        where = "no single layer does" if first is None else _described(first)
        report.problems = [
            f"The outputs differ from Keras' by {compared.largest_relative_error:.1e}, relative to "
            f"the largest; at most {LARGEST_ERROR:.0e} is rounding. First to differ: {where}."
        ]


def _described(layer: Any) -> str:
    return f"layer {layer.name!r} of class {layer.class_name}, by {layer.relative_error:.1e}"


def show(report: Report) -> None:
    """Print the report."""
    from rich.markup import escape

    out = console()
    colour = "green" if EXIT_CODES[report.verdict] == exit_codes.GOOD else "red"
    out.print(f"{escape(report.file)}: [bold {colour}]{report.verdict}[/]")
    if report.layer_count:
        out.print(_numbers(report))


def _numbers(report: Report) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("layers", f"{report.layer_count}, {report.parameter_count:,} parameters")
    table.add_row("operations", str(report.operation_count))
    table.add_row("input", escape(", ".join(map(str, report.input_shapes))))
    table.add_row("output", escape(", ".join(map(str, report.output_shapes))))
    if not report.finite:
        table.add_row("", "[yellow]the outputs are not all finite[/]")
    times = (report.load_ms, report.lower_ms, report.run_ms)
    table.add_row("load, lower, run", ", ".join(f"{t:.1f} ms" for t in times))
    _add_storage(table, report.storage)
    if report.eight_bits is not None:
        for row in report.eight_bits.rows():
            table.add_row(*row)
    _add_rounding(table, report.rounding)
    _add_comparison(table, report)
    return table


def _add_storage(table: Table, storage: Storage | None) -> None:
    if storage is None:
        return
    table.add_row(
        f"{storage.weight_dtype} weights",
        f"{storage.weight_bytes:,} bytes instead of {storage.float32_bytes:,}, "
        f"in {storage.operation_count} of the operations",
    )
    table.add_row(
        "", f"largest difference from float32 weights: {storage.largest_relative_error:.1e}"
    )


def _add_rounding(table: Table, rounding: Rounding | None) -> None:
    if rounding is None:
        return
    table.add_row(
        f"{rounding.precision} products", f"in {rounding.operation_count} of the operations"
    )
    table.add_row("", f"largest difference from float32: {rounding.largest_relative_error:.1e}")


def _add_comparison(table: Table, report: Report) -> None:
    from rich.markup import escape

    compared = report.keras
    if compared is None:
        why = report.not_compared
        table.add_row("Keras", f"not compared: {why}" if why else "not compared")
        return
    table.add_row("Keras", f"{compared.keras_version} on {compared.backend}".strip(" on"))
    if compared.problem is not None:
        table.add_row("", escape(compared.problem))
        return
    table.add_row("largest error", f"{compared.largest_relative_error:.1e}")
    for layer in sorted(compared.layers, key=lambda x: -x.relative_error)[:LAYERS_SHOWN]:
        table.add_row("", escape(f"{layer.relative_error:.1e} {layer.name} ({layer.class_name})"))
