"""What attention by heads has in common: projections, calls, and means weighted by scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnfast import constraints, initializers, regularizers
from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray
from cnnfast.engine.ops import Activation, BatchShape, Shape, Value
from cnnfast.layers.attention import visible
from cnnfast.layers.base import masks, phases
from cnnfast.layers.base.calling import batch_shapes
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.core.dense import WithKernel
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        OptionsBesideRegularizer,
        RegularizerLike,
    )


class Projection(WithKernel):
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


class Plane(NamedTuple):
    """Which axes of an input, without the batch and the features, attention is over.

    Attributes
    ----------
    free
        The others, for each position of which there is an attention of its own.
    attended
        Those over which it is.
    """

    free: tuple[int, ...]
    attended: tuple[int, ...]

    @classmethod
    def of(cls, attended: Sequence[int], rank: int) -> Plane:
        """Return that of inputs with `rank` axes besides these two."""
        return cls(tuple(a for a in range(rank) if a not in attended), tuple(attended))

    @property
    def is_all(self) -> bool:
        """Whether every position attends to every other, in order."""
        return not self.free and list(self.attended) == list(range(len(self.attended)))

    def scores(self, heads: int, query: Shape, key: Shape) -> Shape:
        """Return the shape of the scores, without the batch."""
        of = [size for shape in (query, key) for size in (shape[a] for a in self.attended)]
        return (*(query[a] for a in self.free), heads, *of)

    def split(self, graph: Graph, rows: Value, shape: Shape, heads: int) -> Value:
        """Return a projection as (free positions * heads, attended positions, size).

        It comes as (positions, heads * size), of an input of `shape`.
        """
        size = rows.shape[-1] // heads
        dims, (free, attended) = shape[:-1], self
        if self.is_all:
            dims, free, attended = (rows.shape[0],), (), (0,)
        x = append.reshape(graph, rows, (*dims, heads, size))
        x = append.transpose(graph, x, (*free, len(dims), *attended, len(dims) + 1))
        groups = math.prod(dims[a] for a in free) * heads
        return append.reshape(graph, x, (groups, math.prod(dims[a] for a in attended), size))

    def join(self, graph: Graph, x: Value, shape: Shape, heads: int) -> Value:
        """Undo `split`: return (positions, heads * size)."""
        dims, (free, attended) = shape[:-1], self
        if self.is_all:
            dims, free, attended = (x.shape[1],), (), (0,)
        order = (*free, len(dims), *attended, len(dims) + 1)
        moved = (*(dims[a] for a in free), heads, *(dims[a] for a in attended), x.shape[-1])
        back = [order.index(axis) for axis in range(len(order))]
        y = append.transpose(graph, append.reshape(graph, x, moved), back)
        return append.reshape(graph, y, (math.prod(dims), heads * x.shape[-1]))


class HeadAttention(Layer):
    """A layer that is called on query, value and, if wanted, key, and has heads."""

    has_policies_inside = True
    passes_masks = True
    hears_query_mask = False
    """Whether `query_mask` counts, and not just the mask that the query carries."""

    call_arguments = ("query", "value", "key")
    call_options = (
        *("query_mask", "value_mask", "key_mask", "attention_mask", "return_attention_scores"),
        *("training", "use_causal_mask"),
    )
    num_heads: int
    sliding_window: int | None

    def __init__(
        self,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        kernel_initializer: InitializerLike,
        bias_initializer: InitializerLike,
        kernel_regularizer: RegularizerLike,
        bias_regularizer: RegularizerLike,
        kernel_constraint: ConstraintLike,
        bias_constraint: ConstraintLike,
        use_gate: bool,
        seed: int | None,
        activity_regularizer: RegularizerLike,
        **kwargs: Unpack[OptionsBesideRegularizer],
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        rule = "`sliding_window` must be `None` or a positive integer."
        self.sliding_window = (
            None if sliding_window is None else arguments.positive_integer(sliding_window, rule)
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
        self._projections: dict[str, Projection] = {}
        self._shapes: Any = None

    # --- building -------------------------------------------------------------------------

    def build(self, query_shape: Any, value_shape: Any = None, key_shape: Any = None) -> None:
        """Make the weights for inputs of these shapes, batch included (None).

        `query_shape` may be the list of all.
        """
        super().build(_listed(query_shape, value_shape, key_shape))

    def compute_output_shape(
        self, query_shape: Any, value_shape: Any = None, key_shape: Any = None
    ) -> BatchShape:
        """Return the shape of the output; `query_shape` may be the list of all."""
        return self._output_of(_listed(query_shape, value_shape, key_shape))

    def _output_of(self, shapes: Any) -> BatchShape:
        raise NotImplementedError

    def _check_called(self, shapes: Any, least: int, most: float = math.inf) -> None:
        """Raise ValueError unless these are the shapes of two or three tensors that fit."""
        several = len(shapes) in (2, 3) and all(isinstance(one, list | tuple) for one in shapes)
        if several and tuple(shapes[1][1:-1]) != tuple(shapes[-1][1:-1]):
            raise ValueError(
                f"Layer '{self.name}': all dimensions of `value` and `key`, except the last one, "
                f"must be equal. Received: value_shape={shapes[1]} and key_shape={shapes[-1]}"
            )
        if not several or not all(least <= len(shape) <= most for shape in shapes):
            axes = f"{least} axes" if most == least else f"at least {least} axes"
            raise ValueError(
                f"Layer '{self.name}' must be called on a query, a value and, if wanted, a key, "
                f"of {axes}. Received: shapes {shapes}"
            )

    @property
    def query_dense(self) -> Projection:
        """The projection of the query."""
        return self._made("query")

    @property
    def key_dense(self) -> Projection:
        """The projection of the key."""
        return self._made("key")

    @property
    def value_dense(self) -> Projection:
        """The projection of the value."""
        return self._made("value")

    @property
    def output_dense(self) -> Projection:
        """The projection of what was attended."""
        return self._made("output")

    def _made(self, name: str) -> Projection:
        if not self._projections:
            raise AttributeError(
                f"You must build the layer before accessing `{name}_dense`. Received: {self!r}"
            )
        return self._projection(name)

    def _keep_projections(self, input_shape: Any, made: Mapping[str, Any]) -> None:
        self._projections = {name: Projection(self, *how) for name, how in made.items()}
        for projection in self._projections.values():
            projection.build(input_shape[0])
        names = ("query_shape", "value_shape", "key_shape")
        self._shapes = dict(zip(names, input_shape, strict=False))

    def _sublayers(self) -> Sequence[Layer]:
        return list(self._projections.values())

    def _file_children(self) -> Mapping[str, Layer]:
        return self._projections

    def _get_build_config(self) -> dict[str, Any] | None:
        return None if self._shapes is None else {"shapes_dict": self._shapes}

    # --- calls ----------------------------------------------------------------------------

    @property
    def differs_in_training(self) -> bool:
        return self.dropout > 0

    def _plane(self, rank: int) -> Plane:
        """Return what attention is over, for inputs with `rank` axes and a batch."""
        return Plane.of(range(rank - 1), rank - 1)

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        output = super().infer(args, kwargs)
        if not visible.wants_scores(self, args, kwargs):
            return output
        query, *_, key = self._input_of_call(args, kwargs)
        plane = self._plane(len(query.shape) - 1)
        shape = plane.scores(self.num_heads, query.shape[1:], key.shape[1:])
        return output, KerasTensor((query.shape[0], *shape), output.dtype)

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
            scores = visible.wants_scores(self, args, kwargs)
            given, known = (visible.named(self, *call) for call in ((args, kwargs), drawn))
            causal = visible.is_causal(self, args, kwargs)
            plane = self._plane(len(x[0].shape))
            # Where Keras does not take the attention of the backend, which knows no such things.
            by_hand = self.dropout > 0 or scores or len(x[0].shape) != 2
            seen, of_query = visible.Seen(
                self, graph, given, known, plane, by_hand, carried=mask is not False
            ).find(causal)
            y, weights = self._lower(graph, x, seen, by_hand)
        if self.takes_masks_away:
            for value in x:
                graph.masks.pop(value, None)
            if of_query is not None:
                graph.masks[y] = of_query
        if not scores:
            return y
        shape = plane.scores(self.num_heads, x[0].shape, x[-1].shape)
        return y, append.reshape(graph, weights, shape)

    def lower(self, graph: Graph, x: Any) -> Any:
        return self.lower_call(graph, x, {})

    def _lower(self, graph: Graph, x: Any, seen: Value | None, by_hand: bool) -> Any:
        """Return the output, and the scores as (free positions * heads, steps, steps)."""
        shape = self._output_shape(x)
        plane = self._plane(len(x[0].shape))
        query, key, value = self._of_heads(graph, plane, x)
        groups, steps, _ = query.shape
        turned = append.transpose(graph, key, (0, 2, 1))
        scores = graph.add(ops.MatMul(query, turned, Value((groups, steps, key.shape[1]))))
        if seen is not None:
            scores = append.where(graph, seen, scores, visible.HIDDEN)
        weights = graph.add(ops.Softmax(scores, Value(scores.shape)))
        if seen is not None and by_hand:
            weights = append.where(graph, seen, weights, 0.0)  # where nothing is seen at all
        mean = graph.add(ops.MatMul(weights, value, Value((groups, steps, value.shape[-1]))))
        joined = plane.join(graph, mean, x[0].shape, self.num_heads)
        if self.use_gate:
            gate = self._project(graph, "gate", x[0])
            gate = append.activate(graph, gate, [Activation(ActivationKind.SIGMOID)])
            joined = append.binary(graph, joined, gate, BinaryKind.MULTIPLY)
        y = self._projection("output").project(graph, joined)
        return append.reshape(graph, y, shape), weights

    def _of_heads(self, graph: Graph, plane: Plane, x: Any) -> tuple[Value, Value, Value]:
        """Return query, which comes scaled, key and value as `Plane.split` gives them."""
        raise NotImplementedError

    def _projection(self, name: str) -> Projection:
        found = self._projections
        return found.get(f"{name}_dense") or found[f"_{name}_dense"]

    def _project(self, graph: Graph, name: str, x: Value, factor: float = 1.0) -> Value:
        """Return a projection of all positions, times `factor`."""
        rows = append.reshape(graph, x, (math.prod(x.shape[:-1]), x.shape[-1]))
        return self._projection(name).project(graph, rows, factor)


def _listed(query: Any, value: Any, key: Any) -> Any:
    given = [shape for shape in (query, value, key) if shape is not None]
    return query if len(given) == 1 else given
