"""``info``: show what is in a model file, without running anything in it.

Exit codes: 0 the model can run here; 3 it has something that is not supported, all of which is
listed; 4 the file cannot be read.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from cnnfast.cli import exit_codes
from cnnfast.cli.inspection import FileFacts, LayerFacts, inspect

if TYPE_CHECKING:
    from rich.console import Console


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Declare the arguments of the command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "info", help="show what is in a model file", description=__doc__
    )
    parser.add_argument("file", help="a .keras file or directory, or an .h5 file")
    parser.add_argument("--json", action="store_true", help="print the facts as JSON")
    return parser


def run(args: argparse.Namespace) -> int:
    """Inspect the file and show what was found."""
    facts = inspect(args.file)
    if args.json:
        print(json.dumps(facts.as_dict(), indent=2))
    else:
        show(facts)
    if facts.problem is not None:
        return exit_codes.UNREADABLE
    return exit_codes.UNSUPPORTED if facts.unsupported else exit_codes.GOOD


def show(facts: FileFacts) -> None:
    """Print the facts as tables."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    table = Table.grid(padding=(0, 2, 0, 0))
    for label, value in _rows(facts):
        table.add_row(label, escape(value))
    console.print(table)
    if facts.layers:
        _print_layers(console, facts.layers)
    if facts.unsupported:
        console.print(f"\n[bold red]not supported[/] ({len(facts.unsupported)})")
        for item in facts.unsupported:
            console.print(f"- {escape(item.text)}")
    if facts.problem is not None:
        console.print(f"\n[bold red]cannot be read[/]: {escape(facts.problem)}")


def _rows(facts: FileFacts) -> list[tuple[str, str]]:
    written = [facts.keras_version, facts.backend, facts.saved]
    rows: list[tuple[str, Any]] = [
        ("file", facts.file),
        ("format", facts.format),
        ("written by Keras", ", ".join(filter(None, written))),
        ("size", f"{facts.file_bytes:,} bytes, weights {facts.weights_bytes:,}"),
        ("model", " ".join(filter(None, [facts.model_class, facts.model_name]))),
        ("input", facts.input_shape),
        ("output", facts.output_shape),
        ("parameters", None if facts.parameters is None else f"{facts.parameters:,}"),
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


def _print_layers(console: Console, layers: list[LayerFacts]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("layer", "class", "output shape")
    table.add_column("parameters", justify="right")
    for layer in layers:
        table.add_row(
            escape("  " * layer.depth + layer.name),
            escape(layer.class_name),
            "?" if layer.output_shape is None else escape(str(layer.output_shape)),
            "?" if layer.parameters is None else f"{layer.parameters:,}",
        )
    console.print(table)
