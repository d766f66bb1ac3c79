"""Several cells, one on the other, as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import MaskedSteps
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.rnn import states
from cnnfast.layers.rnn.cell import Cell
from cnnfast.layers.rnn.own_cells import steps_of
from cnnfast.layers.rnn.states import Passage
from cnnfast.layers.serialization import configs
from cnnfast.lowering import append
from cnnfast.utils.naming import to_snake_case

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions


class StackedRNNCells(Cell):
    """Cells of which each takes what the one before gives out, as one cell.

    Takes (batch, features) and returns (batch, units of the last cell).

    Parameters
    ----------
    cells
        Cells, those of your own among them.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If one is no cell.

    Examples
    --------
    >>> cells = [cnnfast.layers.LSTMCell(8), cnnfast.layers.GRUCell(3)]
    >>> layer = cnnfast.layers.RNN(cnnfast.layers.StackedRNNCells(cells))
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 3)
    """

    def __init__(self, cells: Sequence[Layer], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not isinstance(cells, list | tuple) or not cells:
            raise ValueError(f"`cells` must be a list of cells. Received: cells={cells!r}")
        for cell in cells:
            check_is_cell(self, cell)
        self.cells = tuple(cells)
        self._hold_layers()

    @property
    def state_size(self) -> Any:
        return [cell.state_size for cell in self._steps()]

    @property
    def output_size(self) -> int:
        """Numbers in the output of a sequence."""
        size: int = self._steps()[-1].output_size
        return size

    def _steps(self) -> list[Any]:
        return [steps_of(cell) for cell in self.cells]

    def _sublayers(self) -> Sequence[Layer]:
        return self.cells

    def _file_children(self) -> Mapping[str, Layer]:
        found: dict[str, Layer] = {}
        used: dict[str, int] = {}
        for cell in self.cells:
            name = to_snake_case(type(cell).__name__)
            number = used[name] = used.get(name, -1) + 1
            found[f"cells/{name}_{number}" if number else f"cells/{name}"] = cell
        return found

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        for cell in self._steps():
            cell.build(input_shape)
            input_shape = cell.output_shape(input_shape)

    def _inputs_of_cells(self, input_shape: BatchShape) -> Iterator[tuple[Any, BatchShape]]:
        for cell in self._steps():
            yield cell, input_shape
            input_shape = cell.output_shape(input_shape)

    def state_shapes(self, input_shape: BatchShape) -> list[Any]:
        found = []
        for cell, shape in self._inputs_of_cells(input_shape):
            shapes = cell.state_shapes(shape)
            several = isinstance(cell.state_size, list | tuple)
            found.append(list(shapes) if several else shapes[0])
        return found

    def output_shape(self, input_shape: BatchShape) -> BatchShape:
        for cell, shape in self._inputs_of_cells(input_shape):
            output: BatchShape = cell.output_shape(shape)
        return output

    def first_states(self, graph: Graph, x: Value) -> list[Value] | None:
        shapes = self._inputs_of_cells((None, *x.shape[1:]))
        found = [(cell.first_states(graph, x), cell.state_shapes(shape)) for cell, shape in shapes]
        if all(own is None for own, _ in found):
            return None
        return [
            value for own, shapes in found for value in own or states.zero_values(graph, shapes)
        ]

    def check_masked(self, masked: MaskedSteps, given: bool) -> None:
        # Keras takes `states[-1][0]` for the output before, or `states[0]` of plain states.
        sizes = [isinstance(cell.state_size, list | tuple) for cell in self.cells]
        plain = self.cells[-1].is_users and not sizes[-1]
        if masked == MaskedSteps.STATE and (plain or (given and not all(sizes))):
            raise self.unsupported(
                "gives out another sequence's state where a mask leaves out a step, in Keras, if a "
                "cell has one state that is not in a list. Received: a mask",
                advice="Set `zero_output_for_mask=True`, or say the sizes of states in lists, "
                "`state_size = [units]`.",
            )

    def over_time(
        self, graph: Graph, x: Value, before: Sequence[Value] | None, passage: Passage
    ) -> tuple[Value, list[Value]]:
        after: list[Value] = []
        shares = self._shares((None, *x.shape[1:]), before)
        for number, (cell, own) in enumerate(shares):
            last = number == len(self.cells) - 1
            way = passage if last else _inside(passage)
            x, made = cell.over_time(graph, x, own, way)
            after += made
            # The next cell reads the steps in the order they were made.
            passage = _turned(graph, passage)
        return x, after

    def step(self, graph: Graph, x: Value, before: Sequence[Value]) -> tuple[Value, list[Value]]:
        after: list[Value] = []
        for cell, own in self._shares((None, *x.shape), before):
            x, made = cell.step(graph, x, own)
            after += made
        return x, after

    def _shares(self, input_shape: BatchShape, before: Sequence[Value] | None) -> list[Any]:
        """Return each cell with its own of the states."""
        shares, start = [], 0
        for cell, shape in self._inputs_of_cells(input_shape):
            count = len(states.leaves(cell.state_shapes(shape)))
            shares.append((cell, None if before is None else before[start : start + count]))
            start += count
        return shares

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        return [cell.get_initial_state(batch_size=batch_size) for cell in self._steps()]

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return configs.with_layers(config, "cells")

    def _config(self) -> dict[str, Any]:
        return {"cells": [configs.serialize(cell) for cell in self.cells]}


def check_is_cell(layer: Layer, cell: Any) -> None:
    """Refuse what is no cell.

    Raises
    ------
    ValueError
        In Keras' words, if it does not say what its states are.
    UnsupportedError
        If it is no layer.
    """
    for name in ("call", "state_size"):
        if name not in dir(cell):
            raise ValueError(
                f"All cells must have a `{name}` {'method' if name == 'call' else 'attribute'}. "
                f"Received cell without a `{name}`: {cell!r}"
            )
    if not isinstance(cell, Layer):
        raise layer.unsupported(
            f"takes cells that are layers. Received: {cell!r}",
            advice="Make its class from `cnnfast.layers.Layer`.",
        )


def _inside(passage: Passage) -> Passage:
    """Return how a cell that is not the last goes: nobody sees what it gives out where masked."""
    masked = passage.masked if passage.mask is None else MaskedSteps.STATE
    return replace(passage, every=True, masked=masked)


def _turned(graph: Graph, passage: Passage) -> Passage:
    """Return how the next cell goes, which gets the steps in the order they were made."""
    mask = passage.mask
    if passage.backwards and mask is not None:
        mask = append.remap(graph, mask, {0: np.arange(mask.shape[0])[::-1]})
    return replace(passage, backwards=False, mask=mask)
