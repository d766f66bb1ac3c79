"""Layers that compute new numbers of integers and round them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cnnfast._core import ActivationKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering.append import activate
from cnnfast.symbolic import dtypes


class Rounding(Layer):
    """A layer that makes integers of integers: rounded, and within the limits of their dtype.

    It is for integers of one dtype or for floats, which its first symbolic call settles. It has
    no weights.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._integers: str | None = None

    def result_dtype(self, received: Sequence[str]) -> str:
        integers = dtypes.integer(received[0])
        if integers != self._integers and self._inbound_nodes:
            raise self.unsupported(
                "must be called on integers of one dtype only, or on floats only. Received: a "
                f"tensor of {received[0]} after one of {self._integers or 'float32'}"
            )
        if integers != self._integers:
            self._integers = integers
            self._changed()
        return integers or self.compute_dtype

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        x = args[0] if args else None
        if isinstance(x, np.ndarray) and dtypes.integer(x.dtype.name) != self._integers:
            # Plans are kept by shape, so that the other kind of numbers needs another layer.
            twin = type(self).from_config(self.get_config())
            twin._integers = dtypes.integer(x.dtype.name)
            return twin(*args, **kwargs)
        return super().__call__(*args, **kwargs)

    def _rounded(self, graph: Graph, y: Value) -> Value:
        """Append what makes `y` integers, where the input is."""
        if self._integers is None:
            return y
        limits = np.iinfo(self._integers)
        steps = (
            Activation(ActivationKind.ROUND),
            Activation(ActivationKind.CLIP, float(limits.min), float(limits.max)),
        )
        return activate(graph, y, steps)
