"""Attention: means of a sequence's steps, weighted by how well they fit a query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnfast import initializers
from cnnfast._core import ActivationKind, BinaryKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, BatchShape, Value
from cnnfast.layers.attention import visible
from cnnfast.layers.base import phases
from cnnfast.layers.base.calling import batch_shapes
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers
from cnnfast.symbolic.registry import OPERATIONS
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions


# What is taken off the scores of what is not to be seen.
_HIDDEN = 1e9


class Attention(Layer):
    """``softmax(scores(query, key)) @ value``, called on a list [query, value, key].

    The key may be left out and then is the value. Weights, each a single number: `scale` with
    `use_scale`, `concat_score_weight` with ``score_mode="concat"``.

    Takes a list of (batch, ..., queries, features), (batch, ..., keys, values) and (batch, ...,
    keys, features); returns (batch, ..., queries, values) and, in a call with
    ``return_attention_scores=True``, a tuple of that and (batch, ..., queries, keys).

    Parameters
    ----------
    use_scale
        Whether a weight multiplies the scores.
    score_mode
        ``"dot"``: ``query @ key``; ``"concat"``: the sum of ``tanh(query + key)``.
    dropout, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.Attention()
    >>> layer([np.ones((2, 3, 4)), np.ones((2, 5, 4))]).shape
    (2, 3, 4)
    """

    integers = Integers.REFUSED
    takes_structure = True
    takes_mask = True
    call_options = ("mask", "training", "return_attention_scores", "use_causal_mask")
    training_default = False

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: Literal["dot", "concat"] = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.use_scale = arguments.boolean(use_scale, "use_scale")
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                "Invalid value for argument score_mode. Expected one of {'dot', 'concat'}. "
                f"Received: score_mode={score_mode!r}"
            )
        self.score_mode = score_mode
        self.dropout = arguments.number(dropout, "dropout")
        self.seed = seed
        self.scale: Variable | None = None
        self.concat_score_weight: Variable | None = None

    def _create_weights(self, input_shape: Any, path: str) -> None:
        self._shape_by_rule(input_shape)
        one = initializers.Ones()
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer=one, path=path)
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(
                name="concat_score_weight", shape=(), initializer=one, path=path
            )

    @property
    def differs_in_training(self) -> bool:
        return self.dropout > 0

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes = list(input_shape)
        if len(shapes) not in (2, 3) or not all(
            isinstance(shape, list | tuple) and len(shape) > 2 for shape in shapes
        ):
            raise ValueError(
                f"Layer '{self.name}' must be called on a list of inputs, a list of length 2 or 3, "
                "namely [query, value] or [query, value, key], of at least 3 axes. Received: input "
                f"shapes {input_shape}"
            )
        query, value, key = (tuple(shape) for shape in (shapes[0], shapes[1], shapes[-1]))
        if _differ(query[-1], key[-1]) or _differ(value[-2], key[-2]):
            raise ValueError(
                f"Layer '{self.name}': query and key must have the same number of features, key "
                f"and value the same number of steps. Received: input shapes {input_shape}"
            )
        if any(
            len(query) != len(other) or any(map(_differ, query[1:-2], other[1:-2]))
            for other in (value, key)
        ):
            raise ValueError(
                f"Layer '{self.name}': query, value and key must have the same sizes in front of "
                f"steps and features. Received: input shapes {input_shape}"
            )
        return (*query[:-1], value[-1])

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        output = super().infer(args, kwargs)
        if not visible.wants_scores(self, args, kwargs):
            return output
        query, *_, key = self._input_of_call(args, kwargs)
        return output, KerasTensor((*query.shape[:-1], key.shape[-2]), output.dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the output: that of the query.

        Parameters
        ----------
        inputs
            The list that the layer is called on.
        mask
            The list of their masks.
        """
        self._check_mask(mask)
        if mask is None or mask[0] is None:
            return None
        return OPERATIONS["ConvertToTensor"]()(mask[0])

    def _check_mask(self, mask: Any) -> None:
        if mask is None:
            return
        if not isinstance(mask, list):
            raise ValueError(
                f"{type(self).__name__} layer mask must be a list, namely [query_mask, "
                f"value_mask]. Received: mask={mask}."
            )
        if len(mask) not in (2, 3):
            raise ValueError(
                f"{type(self).__name__} layer accepts mask list of length 2 or 3. Received: "
                f"mask={mask}."
            )

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return super()._input_of_call((), visible.inputs(self, args, kwargs))

    def lower_beside_masks(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        mask: Any,
        drawn: tuple[Any, Any],
    ) -> Any:
        mask = (list(mask) if isinstance(mask, tuple) else mask) or [None, None]
        self._check_mask(mask)
        x = self._input_of_call(args, kwargs)
        self._check_shapes(batch_shapes(x))
        with graph.layer(self.name), phases.of_call(kwargs, self.training_default) as training:
            if training and self.differs_in_training:
                return self.lower_in_training(graph, x)
            causal = visible.is_causal(self, args, kwargs)
            y, weights = self._lower(graph, x, mask, causal)
        return (y, weights) if visible.wants_scores(self, args, kwargs) else y

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return self.lower_beside_masks(graph, args, kwargs, None, (args, kwargs))

    def lower(self, graph: Graph, x: Any) -> Value:
        return self._lower(graph, x, (None, None), is_causal=False)[0]

    def _lower(self, graph: Graph, x: Any, masks: Any, is_causal: bool) -> tuple[Value, Value]:
        """Return the output, and the weights of what it is the mean of."""
        query, value = x[:2]
        scores = self._scores(graph, query, x[-1])
        rows, columns = scores.shape[-2:]
        if len(scores.shape) > 2 and any(mask is not None for mask in masks):
            raise self.unsupported(
                "takes masks for inputs of 3 axes only. Received: inputs with "
                f"{len(scores.shape) + 1} axes",
                advice="Move the others into the batch, by `ops.reshape`.",
            )
        seen = masks[1]
        if seen is not None:
            shape = visible.attention_shape(self, seen, rows, columns)
            seen = append.reshape(graph, seen, shape)
        if is_causal:
            seen = visible.both(graph, seen, visible.earlier(graph, rows, columns))
        if seen is not None:
            seen = append.reshape(
                graph, seen, (1,) * (len(scores.shape) - len(seen.shape)) + seen.shape
            )
            hidden = append.constant(graph, np.full((1,) * len(seen.shape), -_HIDDEN, np.float32))
            less = append.binary(graph, hidden, seen, BinaryKind.LEAVE)
            scores = append.binary(graph, scores, less, BinaryKind.ADD)
        weights = graph.add(ops.Softmax(scores, Value(scores.shape)))
        y = graph.add(ops.MatMul(weights, value, Value((*query.shape[:-1], value.shape[-1]))))
        if masks[0] is not None:
            y = append.where(graph, append.reshape(graph, masks[0], (rows, 1)), y, 0.0)
        return y, weights

    def _scores(self, graph: Graph, query: Value, key: Value) -> Value:
        lead = len(query.shape) - 2
        shape = (*query.shape[:-1], key.shape[-2])
        if self.score_mode == "dot":
            turned = append.transpose(graph, key, (*range(lead), lead + 1, lead))
            scores = graph.add(ops.MatMul(query, turned, Value(shape)))
            return self._times(graph, scores, self.scale)
        pairs = self._times(graph, _pair_sums(graph, query, key), self.scale)
        scores = _sum(graph, append.activate(graph, pairs, [Activation(ActivationKind.TANH)]))
        return self._times(graph, scores, self.concat_score_weight)

    @staticmethod
    def _times(graph: Graph, x: Value, factor: Variable | None) -> Value:
        return x if factor is None else append.scale_and_shift(graph, x, factor.numpy(), 0.0)

    def _config(self) -> dict[str, Any]:
        return {
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }


class AdditiveAttention(Attention):
    """Attention whose scores are sums of ``scale * tanh(query + key)`` (Bahdanau et al., 2015).

    Takes a list of (batch, queries, features), (batch, keys, features) and (batch, keys, features);
    returns (batch, queries, features).

    Weights: `scale` (features,), with `use_scale`.

    Parameters
    ----------
    use_scale
        Whether there is a scale.
    dropout
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.AdditiveAttention()
    >>> layer([np.ones((2, 3, 4)), np.ones((2, 5, 4))]).shape
    (2, 3, 4)
    """

    def __init__(
        self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def _create_weights(self, input_shape: Any, path: str) -> None:
        self._shape_by_rule(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(input_shape[0][-1],), path=path)

    def _scores(self, graph: Graph, query: Value, key: Value) -> Value:
        pairs = _pair_sums(graph, query, key)
        bent = append.activate(graph, pairs, [Activation(ActivationKind.TANH)])
        return _sum(graph, self._times(graph, bent, self.scale))

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        del config["score_mode"]
        return config


def _pair_sums(graph: Graph, query: Value, key: Value) -> Value:
    """Return ``query[i] + key[j]`` as (..., query steps, key steps, features)."""
    *lead, rows, features = query.shape
    left = append.reshape(graph, query, (*lead, rows, 1, features))
    right = append.reshape(graph, key, (*lead, 1, key.shape[-2], features))
    return append.binary(graph, left, right, BinaryKind.ADD)


def _sum(graph: Graph, x: Value) -> Value:
    axis = len(x.shape) - 1
    return graph.add(ops.Reduce(x, Value(x.shape[:-1]), ReductionKind.SUM, axis, axis + 1))


def _differ(size: int | None, other: int | None) -> bool:
    return None not in (size, other) and size != other
