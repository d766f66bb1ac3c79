"""Regularization layers: at inference they pass their input on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers import arguments
from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.layer import Layer


class Dropout(Layer):
    """Sets inputs to zero at random in training; does nothing at inference.

    Parameters
    ----------
    rate
        Between 0 and 1.
    noise_shape, seed
        Of training; kept for the config.

    Raises
    ------
    ValueError
        If `rate` lies outside of [0, 1].
    """

    built_without_weights = True

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        value = arguments.number(rate, "rate")
        if not 0 <= value <= 1:
            raise ValueError(
                "Invalid value received for argument `rate`. Expected a float value between 0 "
                f"and 1. Received: rate={rate}"
            )
        self.rate = rate
        self.noise_shape = None if noise_shape is None else arguments.shape(noise_shape)
        self.seed = seed

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        return x

    def _config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}
