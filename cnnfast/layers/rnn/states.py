"""Sequences and the states that a recurrent layer starts from, as calls give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import MaskedSteps
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.lowering import append
from cnnfast.symbolic.batch_size import BatchSize
from cnnfast.symbolic.registry import OPERATIONS
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import tree
from cnnfast.utils.records import record

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer


@record(frozen=True)
class Passage:
    """How a cell goes through the time.

    Attributes
    ----------
    backwards
        Whether time runs from the end; outputs then stand in the order they were made.
    every
        Whether the outputs of all steps are wanted, or that of the last only.
    keeps
        Whether the states after the last step are wanted.
    mask
        (steps,), zero where a step is left out; None where there is none.
    masked
        What comes out of such a step.
    """

    backwards: bool = False
    every: bool = True
    keeps: bool = False
    mask: Value | None = None
    masked: MaskedSteps = MaskedSteps.NONE


def without_time(shape: BatchShape) -> BatchShape:
    """Return the shape of one step."""
    return (shape[0], *shape[2:])


def of_call(args: Sequence[Any], kwargs: Mapping[str, Any], names: Sequence[str]) -> Any:
    """Return the sequences of a call and the states to start from, and its other arguments.

    Parameters
    ----------
    args, kwargs
        Of the call.
    names
        Of the arguments that may stand by position, the sequences and the states first.

    Returns
    -------
    sequences : Any
    states : list or None
        Flat; None where there are none.
    others : dict

    Raises
    ------
    TypeError
        If there are too many arguments, or one is given twice.
    """
    given = dict(zip(names, args, strict=False))
    twice = [name for name in given if name in kwargs]
    if len(args) > len(names) or twice:
        raise TypeError(
            f"A recurrent layer is called with {list(names)}. Received: {len(args)} arguments by "
            f"position, and {list(kwargs)} by name"
        )
    given |= kwargs
    sequences, states = given.pop(names[0], None), given.pop(names[1], None)
    if isinstance(sequences, list | tuple) and states is None:
        # As Keras 2 takes and writes them.
        sequences, *states = sequences
    flat = tree.flatten(states)
    if all(leaf is None for leaf in flat):
        return sequences, None, given
    return sequences, flat, given


def hide_mask(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether Keras does not see the mask that the sequences of a call have.

    It looks for one where they are the only tensors, so not beside states.
    """
    given = (*args[1:2], kwargs.get("initial_state"))
    said = (*args[2:3], kwargs.get("mask"))
    return any(leaf is not None for leaf in tree.flatten(given)) and all(m is None for m in said)


def split(x: Any) -> tuple[Any, list[Any] | None]:
    """Return sequences and states of what stands for both, ``[sequences, [state, ...]]``."""
    if tree.is_shape(x) or not isinstance(x, list | tuple):
        return x, None
    sequences, states = x
    return sequences, leaves(states)


def listed(state_size: Any) -> list[Any]:
    """Return the sizes of states, which may be one number."""
    return list(state_size) if isinstance(state_size, list | tuple) else [state_size]


def shapes_of(batch: int | None, state_size: Any) -> list[Any]:
    """Return the shapes of states, nested as their sizes are; a single one is listed."""
    return [_shapes(batch, size) for size in listed(state_size)]


def _shapes(batch: int | None, size: Any) -> Any:
    if isinstance(size, list | tuple):
        return [(batch, int(one)) for one in size]
    return (batch, int(size))


def zero_values(graph: Graph, shapes: Any) -> list[Value]:
    """Append states of zeros, flat."""
    return [append.constant(graph, np.zeros(shape[1:])) for shape in leaves(shapes)]


def leaves(states: Any) -> list[Any]:
    """Return the shapes, or other leaves, in a structure of them."""
    found: list[Any] = []
    tree.map_shapes(found.append, states)
    return found


def check_shapes(layer: Layer, given: Sequence[BatchShape], wanted: Sequence[BatchShape]) -> None:
    """Raise ValueError if states of a call are not those that a cell has."""
    alike = len(given) == len(wanted) and all(
        len(one) == len(other)
        and all(a == b or None in (a, b) for a, b in zip(one[1:], other[1:], strict=True))
        for one, other in zip(given, wanted, strict=True)
    )
    if not alike:
        shapes = [(None, *shape[1:]) for shape in wanted]
        raise ValueError(
            f"Layer '{layer.name}' starts from {len(wanted)} state(s) of the shapes {shapes}, one "
            f"for each sequence. Received: an initial state of the shapes {list(given)}"
        )


def check_leaves(layer: Layer, states: Sequence[Any] | None, symbolic: bool) -> None:
    """Refuse states that are no tensors where the sequences are symbolic.

    Raises
    ------
    UnsupportedError
        If there is an array, of which there would be one for each sequence.
    """
    wrong = [leaf for leaf in states or () if symbolic and not isinstance(leaf, KerasTensor)]
    if wrong:
        raise layer.unsupported(
            "is called on symbolic tensors, so that the states it starts from must be, too: they "
            f"are others for each sequence. Received: {wrong[0]!r:.200}",
            advice="Give them to the model as inputs, or make them of one, such as "
            "`ops.zeros((ops.shape(x)[0], units))`.",
        )


def zeros(batch: Any, shape: Sequence[int]) -> Any:
    """Return zeros for a batch, which may be that of a symbolic tensor."""
    if not isinstance(batch, BatchSize):
        return np.zeros((batch, *shape), np.float32)
    tensor = batch.tensor
    one = OPERATIONS["GetItem"]()(tensor, (slice(None), *(0,) * (tensor.ndim - 1)))
    column = OPERATIONS["Reshape"]([-1, *(1,) * len(shape)])(
        OPERATIONS["ZerosLike"]("float32")(one)
    )
    return OPERATIONS["Add"]()(column, np.zeros((1, *shape), np.float32))
