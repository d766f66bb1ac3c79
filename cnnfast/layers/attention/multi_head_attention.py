"""Multi-head attention."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cnnfast import regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.attention.heads import HeadAttention, Plane
from cnnfast.layers.base import weight_options
from cnnfast.symbolic import arguments

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        IntOrSequence,
        OptionsBesideRegularizer,
        RegularizerLike,
    )


class MultiHeadAttention(HeadAttention):
    """Attention by several heads (Vaswani et al., 2017), called on query, value and key.

    The key may be left out and then is the value. Inputs are (batch, ..., features). Weights:
    kernel (features, heads, size) and, with `use_bias`, bias (heads, size) of the query, the key,
    the gate if there is one, and the value, then kernel (heads, size, *outputs) and bias
    (*outputs,) of the output.

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
        Sizes of the output's last axes; that of the query's where None.
    attention_axes
        Axes of the inputs whose positions attend to each other; all but the batch and the features
        where None.
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
    >>> layer = cnnfast.layers.MultiHeadAttention(num_heads=2, key_dim=3)
    >>> x = np.ones((2, 5, 4))
    >>> layer(x, x).shape
    (2, 5, 4)
    """

    takes_masks_away = True

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
        rule = "Received an invalid value for argument `{}`, expected a positive integer."
        self.num_heads = arguments.positive_integer(num_heads, rule.format("num_heads"))
        self.key_dim = arguments.positive_integer(key_dim, rule.format("key_dim"))
        self.value_dim = arguments.positive_integer(
            key_dim if value_dim is None else value_dim, rule.format("value_dim")
        )
        self._outputs = _axes_of_output(output_shape)
        self.attention_axes = (
            None if attention_axes is None else arguments.axes(attention_axes, "attention_axes")
        )

    def _create_weights(self, input_shape: Any, path: str) -> None:
        self._shape_by_rule(input_shape)
        query, value, key = input_shape[0], input_shape[1], input_shape[-1]
        heads, outputs = self.num_heads, self._outputs or query[-1:]
        made = {
            "query_dense": ("query", query[-1:], (heads, self.key_dim)),
            "key_dense": ("key", key[-1:], (heads, self.key_dim)),
            "_gate_dense": ("gate", query[-1:], (heads, self.value_dim)),
            "value_dense": ("value", value[-1:], (heads, self.value_dim)),
            "output_dense": ("attention_output", (heads, self.value_dim), outputs),
        }
        if not self.use_gate:
            del made["_gate_dense"]
        self._keep_projections(input_shape, made)
        self.attention_axes = tuple(axis + 1 for axis in self._plane(len(query) - 1).attended)

    def _plane(self, rank: int) -> Plane:
        if self.attention_axes is None:
            return super()._plane(rank)
        axes = [axis - 1 if axis >= 0 else rank + axis for axis in self.attention_axes]
        if not all(0 <= axis < rank - 1 for axis in axes) or len(set(axes)) != len(axes):
            raise ValueError(
                f"Layer '{self.name}': `attention_axes` must be different axes of the inputs, and "
                f"neither the batch nor the features. Received: attention_axes="
                f"{self.attention_axes} for inputs with {rank + 1} axes"
            )
        return Plane.of(axes, rank - 1)

    def _output_of(self, shapes: Any) -> BatchShape:
        self._check_called(shapes, 3)
        query, value = map(tuple, shapes[:2])
        plane = self._plane(len(query) - 1)
        same = len(query) == len(value) and all(
            query[axis + 1] == value[axis + 1] for axis in plane.free
        )
        if not same:
            raise ValueError(
                f"Layer '{self.name}': query and value must have as many axes, and those that are "
                f"not attended to the same sizes. Received: query_shape={query}, value_shape="
                f"{value}, attention_axes={self.attention_axes}"
            )
        return (*query[:-1], *(self._outputs or query[-1:]))

    def as_in_keras_2(self, mask: Any) -> bool:
        return False  # where later layers still saw the masks of what it had taken

    def _of_heads(self, graph: Graph, plane: Plane, x: Any) -> tuple[Value, Value, Value]:
        query, key, value = (
            plane.split(graph, self._project(graph, name, of, factor), of.shape, self.num_heads)
            for name, of, factor in (
                ("query", x[0], 1.0 / math.sqrt(self.key_dim)),
                ("key", x[-1], 1.0),
                ("value", x[1], 1.0),
            )
        )
        return query, key, value

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
            "use_gate": self.use_gate,
            "output_shape": self._outputs,
            "attention_axes": self.attention_axes,
            "sliding_window": self.sliding_window,
            **weight_options.config(self, "kernel"),
            **weight_options.config(self, "bias"),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "seed": self.seed,
        }


def _axes_of_output(output_shape: object) -> tuple[int, ...] | None:
    """Return the sizes of the output's features, None for those of the query."""
    if not output_shape:
        return None
    try:
        sizes = arguments.axes(output_shape, "output_shape")
    except ValueError as error:
        raise ValueError(
            "Invalid `output_shape`: it must be an integer above 0, or a tuple or list of them. "
            f"Received: output_shape={output_shape!r}"
        ) from error
    return arguments.positive_integers(sizes, len(sizes), "output_shape")
