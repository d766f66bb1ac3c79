"""``info``: show what is in a model file, without running anything in it.

What is wrong goes to standard error. Exit codes: 0 the model can run here; 3 it has something that
is not supported, all of which is listed; 4 the file cannot be read.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cnnfast.cli import exit_codes
from cnnfast.cli.arguments import add_json_argument
from cnnfast.cli.inspection import FileFacts, LayerFacts, inspect
from cnnfast.cli.output import print_error, print_json
from cnnfast.utils.display.console import console

if TYPE_CHECKING:
    from rich.console import Console


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the arguments of the command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "info", help="show what is in a model file", description=__doc__
    )
    parser.add_argument("file", help="a .keras file or directory, or an .h5 file")
    add_json_argument(parser, "the facts")
    return parser


def run(args: argparse.Namespace) -> int:
    """Inspect the file and show what was found."""
    facts = inspect(args.file)
    if args.json:
        print_json(facts.as_dict())
    elif facts.is_known:
        show(facts)
    for problem in facts.problems:
        print_error(problem, args.file)
    if facts.unsupported:
        return exit_codes.UNSUPPORTED
    return exit_codes.UNREADABLE if facts.problems else exit_codes.GOOD


def show(facts: FileFacts) -> None:
    """Print the facts as tables."""
    from rich.markup import escape
    from rich.table import Table

    out = console()
    table = Table.grid(padding=(0, 2, 0, 0))
    for label, value in _rows(facts):
        table.add_row(label, escape(value))
    out.print(table)
    if facts.layers:
        _print_layers(out, facts.layers)


def _rows(facts: FileFacts) -> list[tuple[str, str]]:
    written = [facts.keras_version, facts.backend, facts.saved]
    rows: list[tuple[str, Any]] = [
        ("file", facts.file),
        ("format", facts.format),
        ("written by Keras", ", ".join(filter(None, written))),
        ("size", f"{facts.file_bytes:,} bytes, weights {facts.weight_bytes:,}"),
        ("model", " ".join(filter(None, [facts.model_class, facts.model_name]))),
        ("input", facts.input_shape),
        ("output", facts.output_shape),
        ("parameters", None if facts.parameter_count is None else f"{facts.parameter_count:,}"),
    ]
    rows += [(f"compiled {name}", _short(value)) for name, value in facts.compile_settings.items()]
    return [(label, str(value)) for label, value in rows if value]


def _short(value: Any) -> str:
    """Return a setting in a word or two: its class name where it is an object's config."""
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config")
        return str(inner if isinstance(inner, str) else value["class_name"])
    if isinstance(value, list):
        return ", ".join(map(_short, value))
    return str(value)


def _print_layers(out: Console, layers: list[LayerFacts]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("layer", "class", "output shape")
    table.add_column("parameters", justify="right")
    for layer in layers:
        table.add_row(
            escape("  " * layer.depth + layer.name),
            escape(layer.class_name),
            "?" if layer.output_shape is None else escape(str(layer.output_shape)),
            "?" if layer.parameter_count is None else f"{layer.parameter_count:,}",
        )
    out.print(table)
