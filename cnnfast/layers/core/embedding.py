"""Rows of a table, by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import constraints, initializers, regularizers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.base.layer import Layer
from cnnfast.symbolic import arguments
from cnnfast.symbolic.registry import OPERATIONS
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from cnnfast.layers.quantized.tables import Table
    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        OptionsBesideInputDim,
        RegularizerLike,
    )

# Rows reach the layer as float32, which holds no larger integers.
_LARGEST_TABLE = 2**24
_POSITIVE = "`{}` must be a positive integer."


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
        Whether 0 stands for no step, which does not count in later layers.
    quantization_config
        Keras' config object of how a quantized layer computes, in files; None for the default.
    **kwargs
        ``weights``, the table to begin with, ``name``, ``dtype`` and what else all layers take, see
        `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, or, when it runs, if there is no row of a number.
    UnsupportedError
        If it has more rows than float32 can count.

    Examples
    --------
    >>> layer = cnnfast.layers.Embedding(1000, 8)
    >>> layer(np.array([[4, 7, 7]])).shape
    (1, 3, 8)
    """

    quantization_modes = ("int8", "int4")

    quantization_config: Any = None
    _table: Table | None = None

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        quantization_config: Mapping[str, Any] | None = None,
        **kwargs: Unpack[OptionsBesideInputDim],
    ) -> None:
        weights = kwargs.pop("weights", None)  # type: ignore[typeddict-item]
        super().__init__(**kwargs)
        self.input_dim = arguments.positive_integer(input_dim, _POSITIVE.format("input_dim"))
        self.output_dim = arguments.positive_integer(output_dim, _POSITIVE.format("output_dim"))
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = arguments.boolean(mask_zero, "mask_zero")
        if self.input_dim > _LARGEST_TABLE:
            raise self.unsupported(
                f"must not have more than {_LARGEST_TABLE} rows. Received: input_dim={input_dim}",
                advice="Make one table of the rows that are used, and number those.",
            )
        self._set_scheme(quantization_config)
        if weights is not None:
            self.build()
            self.set_weights(
                weights if isinstance(weights, list) and len(weights) == 1 else [weights]
            )

    def _set_scheme(self, config: Mapping[str, Any] | None) -> None:
        self.quantization_config = config
        mode = self._policy.quantization_mode
        if config is None and mode is None:
            return
        from cnnfast.layers.quantized import configs, tables

        self.quantization_config = configs.cleaned(config)
        if mode is not None:
            self._table = tables.Table(self.name, self._policy, self.quantization_config)

    def build(self, input_shape: Any = None) -> None:
        """Make the table, which is the same for inputs of every shape."""
        super().build((None,) if input_shape is None else input_shape)

    @property
    def embeddings(self) -> Any:
        """The table, of integers if it is quantized; AttributeError if the layer is not built."""
        if self._table is not None and self.built:
            return self._table.shown()
        return self._built_weight(0, "embeddings")

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        if self._table is not None:
            self._table.make(self, self.input_dim, self.output_dim, path)
            return
        self.add_weight(
            name="embeddings",
            shape=(self.input_dim, self.output_dim),
            initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            path=path,
        )

    def _file_variables(self) -> list[Variable]:
        return self._own_variables() if self._table is None else self._table.in_files()

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (*input_shape, self.output_dim)

    @property
    def supports_masking(self) -> bool:
        """Whether the output has a mask; follows `mask_zero` unless it is set."""
        return self.mask_zero if self._supports_masking is None else self._supports_masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._supports_masking = bool(value)
        self._changed()

    @property
    def makes_mask(self) -> bool:
        return self.mask_zero

    @property
    def _apart(self) -> bool:  # type: ignore[override]
        return self.mask_zero or self._activity_regularizer is not None

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return OPERATIONS["NotEqual"]()(inputs, 0) if self.mask_zero else None

    def lower(self, graph: Graph, x: Value) -> Value:
        count, taken = self._rows()

        def rows(numbers: Float32Array) -> Float32Array:
            # Written so that NaN is no row either.
            if not (numbers.min() > -1 and numbers.max() < count):
                raise ValueError(
                    f"Layer '{self.name}': numbers must lie between 0 and input_dim - 1 = "
                    f"{count - 1}. Received: {numbers.min()} to {numbers.max()}"
                )
            return taken(numbers.astype(np.int32))

        return graph.add(ops.Call((x,), Value((*x.shape, self.output_dim)), rows, self.name))

    def _rows(self) -> tuple[int, Callable[[npt.NDArray[np.int32]], Float32Array]]:
        """Return how many rows there are, and what gives some of them."""
        if self._table is not None:
            return self.input_dim, self._table.rows()
        table = self.embeddings.numpy()
        return len(table), table.__getitem__

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
            "mask_zero": self.mask_zero,
            "quantization_config": self.quantization_config,
        }
