"""Layers that move or regroup numbers."""

from __future__ import annotations

import math
from typing import Any

from cnnfast import lowering
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers import arguments
from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.input_spec import InputSpec
from cnnfast.layers.layer import Layer


class Flatten(Layer):
    """One axis of all numbers of an image, channels changing fastest.

    Parameters
    ----------
    data_format
        ``"channels_first"`` inputs are put in channels-last order first.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        sizes = [size for size in input_shape[1:] if size is not None]
        known = len(sizes) == len(input_shape) - 1
        return (input_shape[0], math.prod(sizes) if known else None)

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        if self.data_format == "channels_first" and x.shape:
            x = lowering.axis_to_end(graph, x, 0)
        return lowering.reshape(graph, x, shape)

    def _config(self) -> dict[str, Any]:
        return {"data_format": self.data_format}
