"""Where a symbolic tensor comes from, and what is computed of it."""

from __future__ import annotations

from typing import Any

from cnnfast.symbolic.tensor import KerasTensor


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """Return the inputs that a tensor is computed from, itself if it is one.

    Parameters
    ----------
    tensor
        Symbolic.

    Raises
    ------
    ValueError
        If it is no symbolic tensor.

    Examples
    --------
    >>> begin = cnnfast.Input((3,))
    >>> end = cnnfast.layers.Dense(2)(begin)
    >>> cnnfast.utils.get_source_inputs(end)[0] is begin
    True
    """
    if not isinstance(tensor, KerasTensor):
        raise ValueError(f"`tensor` must be a symbolic tensor. Received: {tensor!r}")
    found: dict[int, KerasTensor] = {}
    pending: list[Any] = [tensor]
    seen = set()
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        if current.node is None or current.node.is_input:
            found[id(current)] = current
        else:
            pending += reversed(current.node.inputs)
    return list(found.values())
