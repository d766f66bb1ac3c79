"""Attention in which several heads of the query share one of the key and the value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cnnfast import regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.attention.heads import HeadAttention, Plane
from cnnfast.layers.base import weight_options
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.utils.naming import auto_name

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        OptionsBesideRegularizer,
        RegularizerLike,
    )


class GroupQueryAttention(HeadAttention):
    """Attention of many heads to few (Ainslie et al., 2023), called on query, value and key.

    The key may be left out and then is the value. Inputs are (batch, positions, features), of
    queries and values as many; every position attends to all others. Weights: kernel (features,
    heads, size) and, with `use_bias`, bias (heads, size) of the query, the key, the gate if there
    is one, and the value, then kernel (heads, size, features) and bias (features,) of the output.

    Returns (batch, positions of the query, features).

    Parameters
    ----------
    head_dim
        Features of a head.
    num_query_heads
        How many heads queries have.
    num_key_value_heads
        How many heads keys and values have: as many, or a part of it.
    dropout
        Of training.
    use_bias
        Whether the projections have biases.
    sliding_window
        How many steps to either side are seen, its own included; all where None.
    flash_attention
        Without effect here.
    kernel_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    kernel_constraint, bias_constraint
        Of training; kept for the config.
    use_gate
        Whether a sigmoid of one more projection of the query is multiplied with what was attended.
    seed
        Without effect here.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.GroupQueryAttention(3, num_query_heads=4, num_key_value_heads=2)
    >>> x = np.ones((2, 5, 4))
    >>> layer(x, x).shape
    (2, 5, 4)
    """

    hears_query_mask = True

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Unpack[OptionsBesideRegularizer],
    ) -> None:
        if kwargs.get("name") is None:
            kwargs["name"] = auto_name("GroupedQueryAttention")  # as Keras calls the class itself
        super().__init__(
            dropout=dropout,
            use_bias=use_bias,
            sliding_window=sliding_window,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            use_gate=use_gate,
            seed=seed,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        rule = "Received an invalid value for `{}`, expected a positive integer."
        self.head_dim = arguments.positive_integer(head_dim, rule.format("head_dim"))
        self.num_query_heads = arguments.positive_integer(
            num_query_heads, rule.format("num_query_heads")
        )
        self.num_key_value_heads = arguments.positive_integer(
            num_key_value_heads, rule.format("num_key_value_heads")
        )
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                "`num_query_heads` must be divisible by `num_key_value_heads`. Received: "
                f"num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}"
            )

    @property
    def num_heads(self) -> int:  # type: ignore[override]
        """How many heads attend."""
        return self.num_query_heads

    def _create_weights(self, input_shape: Any, path: str) -> None:
        self._shape_by_rule(input_shape)
        query, value, key = input_shape[0], input_shape[1], input_shape[-1]
        asking = (self.num_query_heads, self.head_dim)
        answering = (self.num_key_value_heads, self.head_dim)
        made = {
            "_query_dense": ("query", query[-1:], asking),
            "_key_dense": ("key", key[-1:], answering),
            "_gate_dense": ("gate", query[-1:], asking),
            "_value_dense": ("value", value[-1:], answering),
            "_output_dense": ("attention_output", asking, query[-1:]),
        }
        if not self.use_gate:
            del made["_gate_dense"]
        self._keep_projections(input_shape, made)

    def _output_of(self, shapes: Any) -> BatchShape:
        self._check_called(shapes, 3, 3)
        query, value = shapes[:2]
        if query[-1] != value[-1]:
            raise ValueError(
                f"Layer '{self.name}': The last dimension of `query_shape` and `value_shape` must "
                f"be equal. Received: query_shape={query}, value_shape={value}"
            )
        return tuple(query)

    def _of_heads(self, graph: Graph, plane: Plane, x: Any) -> tuple[Value, Value, Value]:
        of = (("query", x[0], 1.0 / math.sqrt(self.head_dim)), ("key", x[-1], 1.0))
        query, key, value = (
            self._heads(graph, plane, name, value, factor)
            for name, value, factor in (*of, ("value", x[1], 1.0))
        )
        return query, key, value

    def _heads(self, graph: Graph, plane: Plane, name: str, x: Value, factor: float) -> Value:
        """Return a projection as (heads of the query, steps, size)."""
        y = self._project(graph, name, x, factor)
        heads = plane.split(graph, y, x.shape, y.shape[1] // self.head_dim)
        return append.repeat(graph, heads, {0: self.num_query_heads // heads.shape[0]})

    def _config(self) -> dict[str, Any]:
        return {
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "sliding_window": self.sliding_window,
            "dropout": self.dropout,
            **weight_options.config(self, "kernel"),
            **weight_options.config(self, "bias"),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "seed": self.seed,
        }
