"""Rows of a table, by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import constraints, initializers, regularizers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.convolutional.base_conv import positive_channels
from cnnfast.symbolic import arguments, dtypes
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        OptionsBesideInputDim,
        RegularizerLike,
    )

# Rows reach the layer as float32, which holds no larger integers.
_LARGEST_TABLE = 2**24


class Embedding(Layer):
    """The row of a table that each integer from 0 to ``input_dim - 1`` stands for.

    Weights: `embeddings` (input_dim, output_dim). Inputs of any shape (batch, ...) give (batch,
    ..., output_dim); floats lose their fraction first.

    Parameters
    ----------
    input_dim
        Number of rows.
    output_dim
        Length of a row.
    embeddings_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    embeddings_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    embeddings_constraint
        Of training; kept for the config.
    mask_zero
        Must be False.
    quantization_config
        Must be None.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, or, when it runs, if there is no row of a number.
    UnsupportedError
        If it is to mask, or is quantized.

    Examples
    --------
    >>> layer = cnnfast.layers.Embedding(1000, 8)
    >>> layer(np.array([[4, 7, 7]])).shape
    (1, 3, 8)
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        quantization_config: None = None,
        **kwargs: Unpack[OptionsBesideInputDim],
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim = positive_channels(input_dim, "input_dim")
        self.output_dim = positive_channels(output_dim, "output_dim")
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        if mask_zero or quantization_config is not None or self.input_dim > _LARGEST_TABLE:
            raise self.unsupported(
                f"must not mask, be quantized or have more than {_LARGEST_TABLE} rows. Received: "
                f"mask_zero={mask_zero}, quantization_config={quantization_config}, "
                f"input_dim={input_dim}",
                advice="Where index 0 never stands for padding, save the model with "
                f"`mask_zero=False`. {dtypes.BEFORE_QUANTIZE}",
            )

    @property
    def embeddings(self) -> Variable:
        """The table; AttributeError if the layer is not built."""
        return self._built_weight(0, "embeddings")

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            path=path,
        )

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (*input_shape, self.output_dim)

    def lower(self, graph: Graph, x: Value) -> Value:
        table = self.embeddings.numpy()

        def rows(numbers: Float32Array) -> Float32Array:
            # Written so that NaN is no row either.
            if not (numbers.min() > -1 and numbers.max() < len(table)):
                raise ValueError(
                    f"Layer '{self.name}': numbers must lie between 0 and input_dim - 1 = "
                    f"{len(table) - 1}. Received: {numbers.min()} to {numbers.max()}"
                )
            return table[numbers.astype(np.int32)]

        return graph.add(ops.Call((x,), Value((*x.shape, self.output_dim)), rows, self.name))

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        config = arguments.without_lora(config)
        # `dropout` is an argument of Keras 1, which also shared its names with Dense.
        config.pop("dropout", None)
        config = {key.replace("kernel_", "embeddings_"): v for key, v in config.items()}
        if "units" in config:
            config["output_dim"] = config.pop("units")
        return config

    def _config(self) -> dict[str, Any]:
        return {
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            **weight_options.config(self, "embeddings"),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "mask_zero": False,
            "quantization_config": None,
        }
