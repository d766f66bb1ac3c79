"""The table of `Model.summary`: the rows, columns and widths of Keras' table, drawn by rich."""

from __future__ import annotations

import itertools
import math
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import rich.console
import rich.markup
import rich.table

from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.layer import Layer
from cnnfast.models.model import Model
from cnnfast.variables import Variable

_LINE_LENGTH = 88
_TRAINABLE_COLUMN = 12
_NARROWEST_COLUMN = 4
_COLUMNS = (("Layer (type)", "left", 0.45), ("Output Shape", "left", 0.80), ("Param #", "right", 1))
_BYTES = 4


def print_summary(
    model: Model,
    *,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Print `model` as a table; the arguments are those of `Model.summary`."""
    table = _empty_table(line_length, positions, show_trainable)
    rows = list(zip(model.layers, model.layer_output_shapes(), strict=True))
    first, last = _bounds([layer.name for layer in model.layers], layer_range)
    for layer, shape in rows[first:last]:
        for cells in _rows(layer, shape, expand_nested, show_trainable):
            table.add_row(*cells)
    console = rich.console.Console(highlight=False)
    if print_fn:
        console = rich.console.Console(highlight=False, force_terminal=False, color_system=None)
        console.begin_capture()
    console.print(f'[bold]Model: "{rich.markup.escape(model.name)}"[/]')
    console.print(table)
    console.print(_total("Total params", model.weights))
    console.print(_total("Trainable params", model.trainable_weights))
    console.print(_total("Non-trainable params", model.non_trainable_weights))
    if print_fn:
        print_fn(console.end_capture())


def _empty_table(
    line_length: int | None, positions: Sequence[float] | None, show_trainable: bool
) -> rich.table.Table:
    names = [name for name, _, _ in _COLUMNS]
    justify = [side for _, side, _ in _COLUMNS]
    ends = list(positions or [end for _, _, end in _COLUMNS])
    length = _LINE_LENGTH
    if show_trainable:
        names, justify = [*names, "Trainable"], [*justify, "center"]
        ends = [end * 0.9 for end in ends] + [1.0]
        length += _TRAINABLE_COLUMN
    length = line_length or min(length, shutil.get_terminal_size().columns - 4)
    edges = [0, *(int(end * length) for end in ends)]
    widths = [right - left for left, right in itertools.pairwise(edges)]
    if min(widths) < _NARROWEST_COLUMN or len(widths) != len(names):
        raise ValueError(
            f"Each of the {len(names)} columns of a summary needs {_NARROWEST_COLUMN} characters. "
            f"Received: line_length={length}, positions={ends}"
        )
    columns = [
        rich.table.Column(name, justify=side, width=width)  # type: ignore[arg-type]
        for name, side, width in zip(names, justify, widths, strict=True)
    ]
    return rich.table.Table(*columns, width=length, show_lines=True)


def _rows(
    layer: Layer, shape: BatchShape | None, expand: bool, show_trainable: bool, depth: int = 0
) -> Iterator[list[str]]:
    prefix = "   " * depth + "└ " if depth else ""
    name = rich.markup.escape(f"{prefix}{layer.name}")
    params = _number(f"{layer.count_params():,}") if layer.built else f"{_number(0)} (unbuilt)"
    cells = [f"{name} ([color(33)]{type(layer).__name__}[/])", _shape(shape), params]
    if show_trainable:
        cells.append(_trainable(layer))
    yield cells
    if expand and isinstance(layer, Model):
        for inner, inner_shape in zip(layer.layers, layer.layer_output_shapes(), strict=True):
            yield from _rows(inner, inner_shape, expand, show_trainable, depth + 1)


def _trainable(layer: Layer) -> str:
    if not layer.weights:
        return "[bold]-[/]"
    return "[bold][color(34)]Y[/][/]" if layer.trainable else "[bold][color(9)]N[/][/]"


def _shape(shape: BatchShape | None) -> str:
    return "?" if shape is None else f"({', '.join(_number(size) for size in shape)})"


def _number(value: object) -> str:
    return f"[color({45 if value is None else 34})]{value}[/]"


def _total(label: str, weights: Sequence[Variable]) -> str:
    count = sum(math.prod(w.shape) for w in weights)
    return f"[bold] {label}: [/]{_number(f'{count:,}')} ({_memory(count * _BYTES)})"


def _memory(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def _bounds(names: Sequence[str], layer_range: Sequence[str] | None) -> tuple[int, int]:
    """Return the slice of `names` from the first match of one pattern to the last of another."""
    if layer_range is None:
        return 0, len(names)
    patterns = list(layer_range)
    if len(patterns) != 2 or not all(isinstance(p, str) for p in patterns):
        raise ValueError(
            f"`layer_range` must be a list or tuple of 2 strings. Received: {layer_range}"
        )
    lower, upper = ([i for i, n in enumerate(names) if re.match(p, n)] for p in patterns)
    if not lower or not upper:
        raise ValueError(
            f"`layer_range` matches no layer; the layers are {list(names)}. Received: {layer_range}"
        )
    if min(lower) > max(upper):
        return min(upper), max(lower) + 1
    return min(lower), max(upper) + 1
