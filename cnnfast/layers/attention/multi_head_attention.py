"""Multi-head attention."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast import constraints, initializers, regularizers
from cnnfast._core import ActivationKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray
from cnnfast.engine.ops import Activation, BatchShape, Shape, Value
from cnnfast.layers.attention import visible
from cnnfast.layers.base import masks, phases, weight_options
from cnnfast.layers.base.calling import batch_shapes
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.core.dense import WithKernel
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        IntOrSequence,
        OptionsBesideRegularizer,
        RegularizerLike,
    )


class _Projection(WithKernel):
    """A product with a matrix, whose weights have the shapes of Keras' einsum.

    Weights: `kernel` (*inputs, *outputs) and, with a bias, `bias` (*outputs,).
    """

    _divides_channels = False

    def __init__(self, outer: Any, name: str, inputs: Shape, outputs: Shape) -> None:
        super().__init__(name=name, dtype=outer._policy.of(name), trainable=outer.trainable)
        self._set_scheme(None)
        self._summed = tuple(range(len(inputs)))
        self._outputs = outputs
        # How to make the weights: by name, the bias if there is one.
        self._making: dict[str, dict[str, Any]] = {
            "kernel": {
                "shape": (*inputs, *outputs),
                "initializer": outer.kernel_initializer,
                "regularizer": outer.kernel_regularizer,
            }
        }
        if outer.use_bias:
            self._making["bias"] = {
                "shape": outputs,
                "initializer": outer.bias_initializer,
                "regularizer": outer.bias_regularizer,
            }
        self.bias: Variable | None = None

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        scales = (*(1,) * (len(input_shape) - 1), *self._outputs)
        self._create_kernel(
            summed=self._summed, scale_shape=scales, path=path, **self._making["kernel"]
        )
        if "bias" in self._making:
            self.bias = self.add_weight(name="bias", path=path, **self._making["bias"])

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (*input_shape[:-1], *self._outputs)

    def project(self, graph: Graph, x: Value, factor: float = 1.0) -> Value:
        """Return the product, times `factor`, with the rows of `x`: (rows, all outputs)."""
        columns = math.prod(self._outputs)
        shape = (x.shape[0], columns)
        bias = None if self.bias is None else self.bias.numpy().reshape(columns)
        scale = Activation(ActivationKind.SCALE, factor, 0.0)
        activation = ops.LINEAR if factor == 1.0 else scale
        scheme = self._scheme
        if scheme is not None and not scheme.fuses:
            y = scheme.product(
                graph,
                x,
                (1,),
                lambda q, kernel: append.product(
                    graph, q, _as_matrix(kernel, columns), None, shape
                ),
                joined=True,
            )
            y = scheme.with_bias(graph, y, bias)
            return append.activate(graph, y, [activation] if activation is scale else [])
        kernel = self._kernel_numbers()
        if scheme is not None:
            x, bias = scheme.entered(graph, x), scheme.bias(bias)
        return append.product(graph, x, _as_matrix(kernel, columns), bias, shape, activation)


def _as_matrix(kernel: LateArray, columns: int) -> LateArray:
    return kernel.reshape(math.prod(kernel.shape) // columns, columns)


class MultiHeadAttention(Layer):
    """Attention by several heads (Vaswani et al., 2017), called on query, value and key.

    The key may be left out and then is the value. Inputs are (batch, ..., features); every position
    attends to all others. Weights: kernel (features, heads, size) and, with `use_bias`, bias
    (heads, size) of the query, the key and the value, then kernel (heads, size, outputs) and bias
    (outputs,) of the output.

    Returns (batch, ..., output features), with the positions of the query.

    Parameters
    ----------
    num_heads
        How many heads.
    key_dim, value_dim
        Features of a head's key and value; the value's are the key's where None.
    dropout
        Without effect here.
    use_bias
        Whether the projections have biases.
    output_shape
        Features of the output; those of the query where None.
    attention_axes
        All but the batch and the features, or None for that.
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
        Must not be set.
    seed
        Without effect here.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If only some axes are attended to, or what must not be set is set.

    Examples
    --------
    >>> layer = cnnfast.layers.MultiHeadAttention(num_heads=2, key_dim=3)
    >>> x = np.ones((2, 5, 4))
    >>> layer(x, x).shape
    (2, 5, 4)
    """

    has_policies_inside = True
    passes_masks = True
    takes_masks_away = True
    call_arguments = ("query", "value", "key")
    call_options = (
        *("query_mask", "value_mask", "key_mask", "attention_mask", "return_attention_scores"),
        *("training", "use_causal_mask"),
    )

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: IntOrSequence | None = None,
        attention_axes: IntOrSequence | None = None,
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
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        rule = "Received an invalid value for `{}`, expected a positive integer."
        self.num_heads = arguments.positive_integer(num_heads, rule.format("num_heads"))
        self.key_dim = arguments.positive_integer(key_dim, rule.format("key_dim"))
        self.value_dim = arguments.positive_integer(value_dim or key_dim, rule.format("value_dim"))
        self.use_bias = arguments.boolean(use_bias, "use_bias")
        self._outputs = (
            None if output_shape is None else arguments.axes(output_shape, "output_shape")
        )
        self.attention_axes = (
            None if attention_axes is None else arguments.axes(attention_axes, "attention_axes")
        )
        if sliding_window is not None or use_gate or len(self._outputs or (0,)) != 1:
            raise self.unsupported(
                "has no gate and no sliding window, and one axis of outputs. Received: "
                f"use_gate={use_gate}, sliding_window={sliding_window}, "
                f"output_shape={output_shape}"
            )
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

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        """Make the weights for inputs of these shapes, batch included (None).

        `query_shape` may be the list of all.
        """
        given = [shape for shape in (query_shape, value_shape, key_shape) if shape is not None]
        super().build(query_shape if len(given) == 1 else given)

    def _sublayers(self) -> Sequence[Layer]:
        return list(self._projections.values())

    def _file_children(self) -> Mapping[str, Layer]:
        return self._projections

    def _create_weights(self, input_shape: Any, path: str) -> None:
        self._shape_by_rule(input_shape)
        query, value, key = input_shape[0], input_shape[1], input_shape[-1]
        heads, outputs = self.num_heads, self._outputs or query[-1:]
        of_keys, of_values = (heads, self.key_dim), (heads, self.value_dim)
        self._projections = {
            "query_dense": _Projection(self, "query", query[-1:], of_keys),
            "key_dense": _Projection(self, "key", key[-1:], of_keys),
            "value_dense": _Projection(self, "value", value[-1:], of_values),
            "output_dense": _Projection(self, "attention_output", of_values, outputs),
        }
        for projection in self._projections.values():
            projection.build(query)
        self.attention_axes = tuple(range(1, len(query) - 1))
        names = ("query_shape", "value_shape", "key_shape")
        self._shapes = dict(zip(names, input_shape, strict=False))

    @property
    def differs_in_training(self) -> bool:
        return self.dropout > 0

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes = list(input_shape)
        if len(shapes) not in (2, 3) or not all(
            isinstance(shape, list | tuple) and len(shape) > 2 for shape in shapes
        ):
            raise ValueError(
                f"Layer '{self.name}' must be called on a query, a value and, if wanted, a key, "
                f"of at least 3 axes. Received: shapes {input_shape}"
            )
        query, value, key = shapes[0], shapes[1], shapes[-1]
        if value[1:-1] != key[1:-1]:
            raise ValueError(
                f"Layer '{self.name}': all dimensions of `value` and `key`, except the last one, "
                f"must be equal. Received: value_shape={value} and key_shape={key}"
            )
        every = tuple(range(1, len(query) - 1))
        axes = every if self.attention_axes is None else self.attention_axes
        if sorted(axis % len(query) for axis in axes) != list(every) or len(value) != len(query):
            raise self.unsupported(
                "attends to all axes of inputs of one rank. Received: "
                f"attention_axes={self.attention_axes} for shapes {input_shape}"
            )
        return (*query[:-1], *(self._outputs or query[-1:]))

    def as_in_keras_2(self, mask: Any) -> bool:
        return False  # where later layers still saw the masks of what it had taken

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return super()._input_of_call((), visible.inputs(self, args, kwargs, self.call_options[:4]))

    def lower_like(
        self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: tuple[Any, Any]
    ) -> Any:
        return masks.lower(self, graph, args, kwargs, drawn)

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return self.lower_beside_masks(graph, args, kwargs, None, (args, kwargs))

    def lower_beside_masks(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        mask: Any,
        drawn: tuple[Any, Any],
    ) -> Any:
        x = self._input_of_call(args, kwargs)
        self._check_shapes(batch_shapes(x))
        with graph.layer(self.name), phases.of_call(kwargs, self.training_default) as training:
            if training and self.differs_in_training:
                return self.lower_in_training(graph, x)
            given, known = (visible.named(self, *call) for call in ((args, kwargs), drawn))
            causal = visible.is_causal(self, args, kwargs)
            seen, of_query = visible.of_heads(self, graph, given, known, causal, mask is not False)
            y = self._lower(graph, x, seen)
        for value in x:  # as Keras takes their masks away
            graph.masks.pop(value, None)
        if of_query is not None:
            graph.masks[y] = of_query
        return y

    def lower(self, graph: Graph, x: Any) -> Value:
        return self._lower(graph, x, None)

    def _lower(self, graph: Graph, x: Any, seen: Value | None) -> Value:
        shape = self._output_shape(x)
        inputs = {"query": x[0], "key": x[-1], "value": x[1]}
        heads = {
            name: self._heads(graph, name, _rows(graph, value)) for name, value in inputs.items()
        }
        query, key, value = heads["query"], heads["key"], heads["value"]
        count, steps, _ = query.shape
        turned = append.transpose(graph, key, (0, 2, 1))
        scores = graph.add(ops.MatMul(query, turned, Value((count, steps, key.shape[1]))))
        if seen is not None:
            scores = append.where(graph, seen, scores, visible.HIDDEN)
        weights = graph.add(ops.Softmax(scores, Value(scores.shape)))
        if seen is not None and self.dropout > 0:
            weights = append.where(graph, seen, weights, 0.0)  # where nothing is seen at all
        mean = graph.add(ops.MatMul(weights, value, Value((count, steps, self.value_dim))))
        joined = append.reshape(
            graph, append.transpose(graph, mean, (1, 0, 2)), (steps, count * self.value_dim)
        )
        y = self._projections["output_dense"].project(graph, joined)
        return append.reshape(graph, y, shape)

    def _heads(self, graph: Graph, name: str, rows: Value) -> Value:
        """Return a projection of `rows` as (heads, steps, size); queries come scaled."""
        factor = 1.0 / math.sqrt(self.key_dim) if name == "query" else 1.0
        y = self._projections[f"{name}_dense"].project(graph, rows, factor)
        size = y.shape[1] // self.num_heads
        split = append.reshape(graph, y, (rows.shape[0], self.num_heads, size))
        return append.transpose(graph, split, (1, 0, 2))

    def _get_build_config(self) -> dict[str, Any] | None:
        return None if self._shapes is None else {"shapes_dict": self._shapes}

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        # Keras 2 wrote what it was built for here.
        for name in ("query_shape", "key_shape", "value_shape"):
            config.pop(name, None)
        return config

    def _config(self) -> dict[str, Any]:
        return {
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "dropout": self.dropout,
            "use_bias": self.use_bias,
            "use_gate": False,
            "output_shape": self._outputs,
            "attention_axes": self.attention_axes,
            "sliding_window": None,
            **weight_options.config(self, "kernel"),
            **weight_options.config(self, "bias"),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "seed": self.seed,
        }


def _rows(graph: Graph, x: Value) -> Value:
    return append.reshape(graph, x, (math.prod(x.shape[:-1]), x.shape[-1]))
