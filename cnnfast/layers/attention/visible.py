"""What attention may see: no later steps where a call says so, and not what is masked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Shape, Value
from cnnfast.layers.base import masks
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.layers.attention.heads import HeadAttention, Plane
    from cnnfast.layers.base.layer import Layer

HIDDEN = float(-0.7 * np.finfo(np.float32).max)
"""What JAX' attention puts in place of scores that are not seen."""

_CAUSAL = "use_causal_mask"
_SCORES = "return_attention_scores"


def named(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by their names in Keras."""
    names = (*layer.call_arguments, *layer.call_options)
    return dict(zip(names, args, strict=False)) | dict(kwargs)


def is_causal(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call says that no step may see later ones."""
    return _says(layer, args, kwargs, _CAUSAL)


def wants_scores(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call returns the weights of the mean beside it."""
    return _says(layer, args, kwargs, _SCORES)


def _says(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any], name: str) -> bool:
    value = named(layer, args, kwargs).get(name)
    return value is not None and arguments.boolean(value, name)


def inputs(
    layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any], taken: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the arguments of a call without those that say what may be seen, and returned."""
    is_causal(layer, args, kwargs)
    wants_scores(layer, args, kwargs)
    given = named(layer, args, kwargs)
    return {name: item for name, item in given.items() if name not in (_CAUSAL, _SCORES, *taken)}


def earlier(graph: Graph, rows: int, columns: int) -> Value:
    """Return 1 where step ``column`` is not later than step ``row``."""
    return append.constant(graph, np.tri(int(rows), int(columns), dtype=np.float32))


def both(graph: Graph, one: Value | None, other: Value | None) -> Value | None:
    """Return where both hold; None holds everywhere."""
    if one is None or other is None:
        return other if one is None else one
    rank = max(len(one.shape), len(other.shape))
    one, other = (
        append.reshape(graph, mask, (1,) * (rank - len(mask.shape)) + mask.shape)
        for mask in (one, other)
    )
    return append.binary(graph, one, other, BinaryKind.LOGICAL_AND)


class Seen:
    """What the heads of a call may see.

    Parameters
    ----------
    given, drawn
        The arguments of the call by name: as values, and as they were drawn.
    plane
        Over which axes attention is.
    by_hand
        Whether Keras computes the scores itself, and not its backend.
    carried
        Whether the masks that value and key carry count, where none are given.
    """

    def __init__(
        self,
        layer: HeadAttention,
        graph: Graph,
        given: Mapping[str, Any],
        drawn: Mapping[str, Any],
        plane: Plane,
        by_hand: bool,
        carried: bool,
    ) -> None:
        self._layer, self._graph, self._plane = layer, graph, plane
        self._given, self._drawn = given, drawn
        self._by_hand, self._carried = by_hand, carried
        self._query, self._value = given["query"], given["value"]

    def find(self, causal: bool) -> tuple[Value | None, Value | None]:
        """Return what is seen, (groups or 1, steps or 1, steps or 1), and the query's mask.

        None is all.

        Raises
        ------
        ValueError
            If a mask has another rank than Keras' one, or other sizes than the scores.
        UnsupportedError
            If a mask says nothing of the axes that are attended to.
        """
        layer, graph = self._layer, self._graph
        of_query = self._mask_of("query")
        seen = None
        for name in ("query", "value", "key"):
            mask = of_query if name == "query" else self._mask_of(name)
            if mask is not None:
                self._check_one_axis(f"`{name}_mask`")
                self._check(f"{name}_mask", mask, 1, len(self._query.shape) - 1)
                shape = mask.shape
                last = (*shape, 1) if name == "query" else (*shape[:-1], 1, shape[-1])
                seen = both(graph, seen, append.reshape(graph, mask, last))
        of_inputs = seen is not None
        if causal:
            self._check_first_axis(_CAUSAL)
            seen = both(graph, seen, earlier(graph, self._query.shape[0], self._value.shape[0]))
        if layer.sliding_window is not None:
            self._check_first_axis("sliding_window")
            seen = both(graph, seen, self._window(layer.sliding_window))
        said = self._given.get("attention_mask")
        if said is not None:
            seen = both(graph, self._attention_mask(said, seen is None, of_inputs), seen)
        return (None if seen is None else self._joined(seen)), of_query

    def _mask_of(self, name: str) -> Value | None:
        said, value = self._given.get(f"{name}_mask"), self._given.get(name)
        if said is not None and (name != "query" or self._layer.hears_query_mask):
            return masks.truth(self._graph, said, _dtype(self._drawn.get(f"{name}_mask")))
        # The query's own counts in any case where it alone does, as in Keras.
        by_itself = name == "query" and not self._layer.hears_query_mask
        return masks.mask_in(self._graph, value) if self._carried or by_itself else None

    def _window(self, size: int) -> Value:
        rows, columns = int(self._query.shape[0]), int(self._value.shape[0])
        apart = np.abs(np.arange(rows)[:, None] - np.arange(columns))
        return append.constant(self._graph, (apart < size).astype(np.float32))

    def _attention_mask(self, said: Any, alone: bool, of_inputs: bool) -> Value:
        steps = 2 * len(self._plane.attended)
        if not isinstance(said, Value):
            array = np.asarray(getattr(said, "array", said))
            said = array[None] if array.ndim == steps else array
        # Where nothing else is masked, one layer leaves it to its softmax what numbers mean.
        above = 0.5 if self._by_hand and self._layer.hears_query_mask and alone else None
        mask = masks.truth(self._graph, said, _dtype(self._drawn.get("attention_mask")), above)
        rank = len(self._plane.free) + 1 + steps
        self._check("attention_mask", mask, *range(steps, rank + 1))
        if len(mask.shape) > steps and of_inputs:
            raise self._layer.unsupported(
                "takes an `attention_mask` for each head without masks of the inputs. Received: "
                f"attention_mask.shape={(None, *mask.shape)} beside such masks",
                advice="Give one of shape (batch, query steps, value steps).",
            )
        return mask

    def _check_one_axis(self, what: str) -> None:
        if len(self._plane.attended) != 1:
            raise self._layer.unsupported(
                f"takes {what} where it attends to one axis only. Received: inputs with "
                f"{len(self._query.shape) + 1} axes, and {len(self._plane.attended)} axes that "
                "are attended to",
                advice="Give an `attention_mask` of shape (batch, query steps..., value steps...).",
            )

    def _check_first_axis(self, what: str) -> None:
        self._check_one_axis(f"`{what}`")
        if self._plane.attended != (0,):
            raise self._layer.unsupported(
                f"counts the steps of `{what}` along the first axis behind the batch, as Keras "
                "does, and so must attend to that axis. Received: "
                f"attention_axes={tuple(axis + 1 for axis in self._plane.attended)}",
                advice="Give an `attention_mask`, or move the axis there.",
            )

    def _check(self, name: str, mask: Value, *ranks: int) -> None:
        allowed = sorted(set(ranks))
        if len(mask.shape) not in allowed:
            raise ValueError(
                f"Layer '{self._layer.name}': `{name}` must have "
                f"{' or '.join(str(rank + 1) for rank in allowed)} axes. Received: "
                f"{name}.shape={(None, *mask.shape)}"
            )

    def _joined(self, seen: Value) -> Value:
        """Return a mask that broadcasts to the scores as three axes that do."""
        count = len(self._plane.attended)
        of = (self._layer.num_heads, self._query.shape, self._given_key.shape)
        shape = self._plane.scores(*of)
        own, before = seen.shape, len(seen.shape) - 2 * count
        # As Keras expands it: in front of the steps.
        full = (*own[:before], *(1,) * (len(shape) - len(own)), *own[before:])
        if any(one not in (1, other) for one, other in zip(full, shape, strict=True)):
            raise ValueError(
                f"Layer '{self._layer.name}': masks must broadcast to the scores, whose shape is "
                f"{(None, *shape)}. Received: masks that together have the shape {(None, *own)}"
            )
        x = append.reshape(self._graph, seen, full)
        first = len(shape) - 2 * count
        parts = [range(first), range(first, first + count), range(first + count, len(shape))]
        times: dict[int, int] = {}
        sizes = []
        for part in parts:
            if all(full[axis] == 1 for axis in part):
                sizes.append(1)
                continue
            times |= {axis: shape[axis] for axis in part if full[axis] != shape[axis]}
            sizes.append(math.prod(shape[axis] for axis in part))
        return append.reshape(self._graph, append.repeat(self._graph, x, times), tuple(sizes))

    @property
    def _given_key(self) -> Any:
        key = self._given.get("key")
        return self._value if key is None else key


def attention_shape(layer: Layer, mask: Value, rows: int, columns: int) -> Shape:
    """Return the shape of a mask over steps, (steps or 1, steps)."""
    shape = mask.shape if len(mask.shape) == 2 else (1, *mask.shape)
    if len(shape) != 2 or shape[0] not in (1, rows) or shape[1] not in (1, columns):
        raise ValueError(
            f"Layer '{layer.name}': the mask of the value must have the shape (batch, {columns}) "
            f"or (batch, {rows}, {columns}). Received: {(None, *mask.shape)}"
        )
    return shape


def _dtype(leaf: Any) -> str:
    return leaf.dtype if isinstance(leaf, KerasTensor) else ""
