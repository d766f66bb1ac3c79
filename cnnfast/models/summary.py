"""The table of `Model.summary`: the rows, columns and widths of Keras' table, drawn by rich."""

from __future__ import annotations

import itertools
import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import rich.console
import rich.markup
import rich.table

from cnnfast.layers.base.layer import Layer
from cnnfast.symbolic.tensor import Connectable, KerasTensor, Node
from cnnfast.utils import tree
from cnnfast.utils.display.console import console
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from cnnfast.models.model import Model

_TRAINABLE_COLUMN = 12
_NARROWEST_COLUMN = 4
# Widths, and where each column ends, of a plain stack and of a graph.
_STACK = (88, (("Layer (type)", 0.45), ("Output Shape", 0.80), ("Param #", 1.0)))
_GRAPH = (
    108,
    (("Layer (type)", 0.3), ("Output Shape", 0.56), ("Param #", 0.74), ("Connected to", 1.0)),
)


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
    rows, calls = model._drawn()
    connections = None if calls is None else _connections(rows, calls)
    table = _empty_table(line_length, positions, show_trainable, connections is not None)
    first, last = _bounds([layer.name for layer, _ in rows], layer_range)
    for layer, shape in rows[first:last]:
        for cells in _rows(layer, shape, expand_nested, show_trainable, connections):
            table.add_row(*cells)
    out = console()
    if print_fn:  # gets what Keras would hand it, as wide as a terminal
        out = rich.console.Console(highlight=False, force_terminal=False, color_system=None)
        out.begin_capture()
    out.print(f'[bold]Model: "{rich.markup.escape(model.name)}"[/]')
    out.print(table)
    out.print(_total("Total params", model.weights))
    out.print(_total("Trainable params", model.trainable_weights))
    out.print(_total("Non-trainable params", model.non_trainable_weights))
    if print_fn:
        print_fn(out.end_capture())


def _empty_table(
    line_length: int | None, positions: Sequence[float] | None, show_trainable: bool, graph: bool
) -> rich.table.Table:
    length, columns = _GRAPH if graph else _STACK
    names = [name for name, _ in columns]
    ends = list(positions or [end for _, end in columns])
    if show_trainable:
        names, ends = [*names, "Trainable"], [end * 0.9 for end in ends] + [1.0]
        length += _TRAINABLE_COLUMN
    length = line_length or min(length, shutil.get_terminal_size().columns - 4)
    edges = [0, *(int(end * length) for end in ends)]
    widths = [right - left for left, right in itertools.pairwise(edges)]
    if min(widths) < _NARROWEST_COLUMN or len(widths) != len(names):
        raise ValueError(
            f"Each of the {len(names)} columns of a summary needs {_NARROWEST_COLUMN} characters. "
            f"Received: line_length={length}, positions={ends}"
        )
    sides: dict[str, Any] = {"Param #": "right", "Trainable": "center"}
    return rich.table.Table(
        *(
            rich.table.Column(name, justify=sides.get(name, "left"), width=width)
            for name, width in zip(names, widths, strict=True)
        ),
        width=length,
        show_lines=True,
    )


def _connections(
    rows: Sequence[tuple[Connectable, Any]], calls: Sequence[Node]
) -> dict[Connectable, str]:
    """Say for each layer and operation which tensors it takes: layer, call and output."""
    own = set(calls)
    found = {}
    for operation, _ in rows:
        tensors = [t for node in operation._inbound_nodes if node in own for t in node.inputs]
        found[operation] = ", ".join(_source(tensor) for tensor in tensors) or "-"
    return found


def _source(tensor: KerasTensor) -> str:
    assert tensor.node is not None
    maker = tensor.node.operation
    call = maker._inbound_nodes.index(tensor.node)
    return f"{rich.markup.escape(maker.name)}[{_number(call)}][{_number(tensor.index)}]"


def _rows(
    layer: Connectable,
    shape: Any,
    expand: bool,
    show_trainable: bool,
    connections: Mapping[Connectable, str] | None,
    depth: int = 0,
) -> Iterator[list[str]]:
    prefix = "   " * depth + "└ " if depth else ""
    name = rich.markup.escape(f"{prefix}{layer.name}")
    kind = rich.markup.escape(layer._class_name)
    cells = [f"{name} ([color(33)]{kind}[/])", _shapes(shape), _parameters(layer)]
    if connections is not None:
        # Keras finds no connections of the layers of a model inside.
        cells.append(connections.get(layer, "-"))
    if show_trainable:
        cells.append(_trainable(layer))
    yield cells
    if expand and isinstance(layer, Layer):
        for inner, inner_shape in layer._shown_inside():
            yield from _rows(inner, inner_shape, expand, show_trainable, connections, depth + 1)


def _parameters(layer: Connectable) -> str:
    if not isinstance(layer, Layer):
        return _number(0)
    return _number(f"{layer.count_params():,}") if layer.built else f"{_number(0)} (unbuilt)"


def _trainable(layer: Connectable) -> str:
    if not isinstance(layer, Layer) or not layer.weights:
        return "[bold]-[/]"
    return "[bold][color(34)]Y[/][/]" if layer.trainable else "[bold][color(9)]N[/][/]"


def _shapes(shapes: Any) -> str:
    """Return one shape, or the list of those of several outputs."""
    if shapes is None:
        return "?"
    if not tree.is_shape(shapes):
        return rich.markup.escape("[") + ", ".join(_shapes(shape) for shape in shapes) + "]"
    return f"({', '.join(_number(size) for size in shapes)})"


def _number(value: object) -> str:
    return f"[color({45 if value is None else 34})]{value}[/]"


def _total(label: str, weights: Sequence[Variable]) -> str:
    count = sum(math.prod(w.shape) for w in weights)
    size = sum(w.itemsize * math.prod(w.shape) for w in weights)
    return f"[bold] {label}: [/]{_number(f'{count:,}')} ({_memory(size)})"


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
