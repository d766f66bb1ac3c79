"""Recurrent layers of Keras over cells that are the user's: drawn step by step."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from cnnfast.errors import Refusal, UnsupportedError
from cnnfast.utils import handed_over

# As own cells here.
MOST_STEPS = 1024
# Where layers have others that run over the time.
_INSIDE = ("cell", "forward_layer", "backward_layer")


def runs_users_cell(layer: Any) -> bool:
    """Whether a layer of Keras goes through the time as a class of the user's says."""
    inside = [vars(layer).get(name) for name in _INSIDE]
    cells = vars(layer).get("cells")
    inside += cells if isinstance(cells, list | tuple) else ()
    return any(
        part is not None and (not handed_over.is_of_keras(type(part)) or runs_users_cell(part))
        for part in inside
    )


@contextmanager
def unrolled(layer: Any) -> Iterator[None]:
    """Let a recurrent layer call its cell once for each step in a ``with`` block."""
    if not hasattr(layer, "inner_loop"):
        yield
        return
    if layer.stateful:
        raise _refusal(layer, "stateful=True")
    # It calls cells to find out what dropout is asked for, of which there is none here.
    vars(layer)["_maybe_config_dropout_masks"] = lambda *_: None
    vars(layer)["inner_loop"] = partial(_step_by_step, layer)
    try:
        yield
    finally:
        del vars(layer)["inner_loop"], vars(layer)["_maybe_config_dropout_masks"]


def _step_by_step(
    layer: Any, sequences: Any, initial_state: Any, mask: Any = None, training: bool = False
) -> Any:
    """Do what `RNN.inner_loop` of Keras does, on tensors without numbers."""
    del training
    steps = sequences.shape[1]
    if mask is not None or steps is None or steps > MOST_STEPS:
        raise _refusal(layer, f"steps={steps}, mask={mask}")
    keras = sys.modules["keras"]
    ops, outputs = keras.ops, []
    # A cell is called on tensors, of which each sequence has its own.
    none = ops.zeros_like(sequences[:, 0, :1])
    states = keras.tree.map_structure(lambda state: ops.add(none, state), list(initial_state))
    for time in reversed(range(steps)) if layer.go_backwards else range(steps):
        output, states = layer.cell(sequences[:, time], states)
        states = list(states) if isinstance(states, list | tuple) else [states]
        outputs.append(output)
    return outputs[-1], ops.stack(outputs, axis=1), states


def _refusal(layer: Any, received: str) -> UnsupportedError:
    return UnsupportedError(
        Refusal(
            "layer",
            f"is drawn step by step: over at most {MOST_STEPS} steps, as many for each sequence, "
            "without masks and without keeping states.",
            class_name=type(layer).__name__,
            layers=(layer.name,),
            received=(received,),
            advice="Hand over the class of its cell: "
            "`from_keras(…, custom_objects={name of the class: class made from cnnfast})`.",
        )
    )
