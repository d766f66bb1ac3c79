"""Attention in which several heads of the query share one of the key and the value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast import constraints, initializers, regularizers
from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, BatchShape, Value
from cnnfast.layers.attention.multi_head_attention import _Projection
from cnnfast.layers.base import weight_options
from cnnfast.layers.base.layer import Layer
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


class GroupQueryAttention(Layer):
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
        Must not be set.
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
    UnsupportedError
        If there is to be a sliding window.

    Examples
    --------
    >>> layer = cnnfast.layers.GroupQueryAttention(3, num_query_heads=4, num_key_value_heads=2)
    >>> x = np.ones((2, 5, 4))
    >>> layer(x, x).shape
    (2, 5, 4)
    """

    has_policies_inside = True
    call_arguments = ("query", "value", "key")

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
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
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
        if sliding_window is not None:
            raise self.unsupported(
                f"has no sliding window. Received: sliding_window={sliding_window}"
            )
        self.use_bias = arguments.boolean(use_bias, "use_bias")
        self.use_gate = arguments.boolean(use_gate, "use_gate")
        self.dropout = arguments.number(dropout, "dropout")
        self.seed = seed
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._projections: dict[str, _Projection] = {}
        self._shapes: Any = None

    def _sublayers(self) -> Sequence[Layer]:
        return list(self._projections.values())

    def _file_children(self) -> Mapping[str, Layer]:
        return self._projections

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
        self._projections = {name: _Projection(self, *how) for name, how in made.items()}
        for projection in self._projections.values():
            projection.build(query)
        names = ("query_shape", "value_shape", "key_shape")
        self._shapes = dict(zip(names, input_shape, strict=False))

    @property
    def differs_in_training(self) -> bool:
        return self.dropout > 0

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes = list(input_shape)
        if len(shapes) not in (2, 3) or not all(
            isinstance(shape, list | tuple) and len(shape) == 3 for shape in shapes
        ):
            raise ValueError(
                f"Layer '{self.name}' must be called on a query, a value and, if wanted, a key, "
                f"of 3 axes. Received: shapes {input_shape}"
            )
        query, value, key = shapes[0], shapes[1], shapes[-1]
        if query[-1] != value[-1] or value[1:-1] != key[1:-1]:
            raise ValueError(
                f"Layer '{self.name}': The last dimension of `query_shape` and `value_shape` must "
                "be equal, and all dimensions of `value` and `key`, except the last one. Received: "
                f"query_shape={query}, value_shape={value}, key_shape={key}"
            )
        return tuple(query)

    def lower(self, graph: Graph, x: Any) -> Value:
        shape = self._output_shape(x)
        query = self._heads(graph, "query", x[0], 1.0 / math.sqrt(self.head_dim))
        key, value = self._heads(graph, "key", x[-1]), self._heads(graph, "value", x[1])
        count, steps, size = query.shape
        turned = append.transpose(graph, key, (0, 2, 1))
        scores = graph.add(ops.MatMul(query, turned, Value((count, steps, key.shape[1]))))
        weights = graph.add(ops.Softmax(scores, Value(scores.shape)))
        mean = graph.add(ops.MatMul(weights, value, Value((count, steps, size))))
        joined = append.reshape(
            graph, append.transpose(graph, mean, (1, 0, 2)), (steps, count * size)
        )
        if self.use_gate:
            gate = self._projections["_gate_dense"].project(graph, x[0])
            gate = append.activate(graph, gate, [Activation(ActivationKind.SIGMOID)])
            joined = append.binary(graph, joined, gate, BinaryKind.MULTIPLY)
        y = self._projections["_output_dense"].project(graph, joined)
        return append.reshape(graph, y, shape)

    def _heads(self, graph: Graph, name: str, x: Value, factor: float = 1.0) -> Value:
        """Return a projection as (heads of the query, steps, size)."""
        y = self._projections[f"_{name}_dense"].project(graph, x, factor)
        split = append.reshape(graph, y, (x.shape[0], y.shape[1] // self.head_dim, self.head_dim))
        heads = append.transpose(graph, split, (1, 0, 2))
        return append.repeat(graph, heads, {0: self.num_query_heads // heads.shape[0]})

    def _get_build_config(self) -> dict[str, Any] | None:
        return None if self._shapes is None else {"shapes_dict": self._shapes}

    def _config(self) -> dict[str, Any]:
        return {
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "use_bias": self.use_bias,
            "use_gate": self.use_gate,
            "sliding_window": None,
            "dropout": self.dropout,
            **weight_options.config(self, "kernel"),
            **weight_options.config(self, "bias"),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "seed": self.seed,
        }
