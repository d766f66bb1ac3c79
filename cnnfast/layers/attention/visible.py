"""What attention may see: no later steps where a call says so, and not what is masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers.base import masks
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer

HIDDEN = float(-0.7 * np.finfo(np.float32).max)
"""What JAX' attention puts in place of scores that are not seen."""

_CAUSAL = "use_causal_mask"


def named(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a call by their names in Keras."""
    names = (*layer.call_arguments, *layer.call_options)
    return dict(zip(names, args, strict=False)) | dict(kwargs)


def is_causal(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call says that no step may see later ones."""
    value = named(layer, args, kwargs).get(_CAUSAL)
    return value is not None and arguments.boolean(value, _CAUSAL)


def inputs(
    layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any], taken: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the arguments of a call without those that say what may be seen."""
    is_causal(layer, args, kwargs)
    given = named(layer, args, kwargs)
    return {name: item for name, item in given.items() if name not in (_CAUSAL, *taken)}


def earlier(graph: Graph, rows: int, columns: int) -> Value:
    """Return 1 where step ``column`` is not later than step ``row``."""
    return append.constant(graph, np.tri(int(rows), int(columns), dtype=np.float32))


def both(graph: Graph, one: Value | None, other: Value | None) -> Value | None:
    """Return where both hold; None holds everywhere."""
    if one is None or other is None:
        return other if one is None else one
    return append.binary(graph, one, other, BinaryKind.LOGICAL_AND)


def of_heads(
    layer: Layer,
    graph: Graph,
    given: Mapping[str, Any],
    drawn: Mapping[str, Any],
    causal: bool,
    carried: bool,
) -> tuple[Value | None, Value | None]:
    """Return what each head may see, (heads or 1, steps or 1, steps or 1), and the query's mask.

    Parameters
    ----------
    given, drawn
        The arguments of the call by name: as values, and as they were drawn.
    causal
        Whether no step may see later ones.
    carried
        Whether the masks that value and key carry count, where none are given.

    The query's mask is the one that it carries, as in Keras, whatever `query_mask` says.

    Raises
    ------
    ValueError
        If a mask has another rank than Keras' one.
    UnsupportedError
        If there is a mask for inputs of several axes of steps.
    """

    def mask_of(name: str) -> Value | None:
        said, value = given.get(f"{name}_mask"), given.get(name)
        if said is not None and name != "query":
            return masks.truth(graph, said, _dtype(drawn.get(f"{name}_mask")))
        return masks.mask_in(graph, value) if carried or name == "query" else None

    of_query = mask_of("query")
    found = {name: of_query if name == "query" else mask_of(name) for name in _SIDES}
    said = given.get("attention_mask")
    query, value = given["query"], given["value"]
    known = causal or said is not None or any(mask is not None for mask in found.values())
    if not known:
        return None, None
    if len(query.shape) != 2:
        raise layer.unsupported(
            "takes masks for inputs of 3 axes only. Received: inputs with "
            f"{len(query.shape) + 1} axes"
        )
    rows, columns = query.shape[0], value.shape[0]
    seen = None
    for name, mask in found.items():
        if mask is not None:
            _check(layer, f"{name}_mask", mask, 1)
            shape = (1, rows, 1) if name == "query" else (1, 1, columns)
            seen = both(graph, seen, append.reshape(graph, mask, shape))
    if causal:
        later = append.reshape(graph, earlier(graph, rows, columns), (1, rows, columns))
        seen = both(graph, seen, later)
    if said is not None:
        seen = both(graph, _attention_mask(layer, graph, said, drawn, seen), seen)
    return seen, of_query


_SIDES = ("query", "value", "key")


def _attention_mask(
    layer: Layer, graph: Graph, said: Any, drawn: Mapping[str, Any], others: Value | None
) -> Value:
    if not isinstance(said, Value):
        array = np.asarray(getattr(said, "array", said))
        said = array[None] if array.ndim == 2 else array
    mask = masks.truth(graph, said, _dtype(drawn.get("attention_mask")))
    _check(layer, "attention_mask", mask, 2, 3)
    if len(mask.shape) == 3 and others is not None:
        raise layer.unsupported(
            "takes an `attention_mask` for each head alone, without other masks. Received: "
            f"attention_mask.shape={(None, *mask.shape)} beside masks of the inputs or "
            f"{_CAUSAL}=True",
            advice="Give one of shape (batch, query steps, value steps).",
        )
    return append.reshape(graph, mask, (1,) * (3 - len(mask.shape)) + mask.shape)


def _check(layer: Layer, name: str, mask: Value, *ranks: int) -> None:
    if len(mask.shape) not in ranks:
        raise ValueError(
            f"Layer '{layer.name}': `{name}` must have {' or '.join(str(r + 1) for r in ranks)} "
            f"axes. Received: {name}.shape={(None, *mask.shape)}"
        )


def _dtype(leaf: Any) -> str:
    return leaf.dtype if isinstance(leaf, KerasTensor) else ""
