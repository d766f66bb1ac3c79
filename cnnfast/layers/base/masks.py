"""Masks, which say of the steps of sequences whether they count: who gets them, who makes them.

The rules are those of `Layer.__call__` in keras/src/layers/layer.py. They hold twice, as in Keras:
when a graph is drawn, where a symbolic tensor has its mask beside it, and when it is run. Here that
is when it is lowered, where `Graph.masks` has the masks of values. What a layer was drawn with
counts before what it meets; a mask that nothing reads is dropped with all else that nothing reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers.base.weights import WeightHolder
from cnnfast.lowering import append
from cnnfast.symbolic.tensor import KerasTensor, symbolic
from cnnfast.symbolic.tracing import is_tracing, trace
from cnnfast.utils import tree
from cnnfast.utils.masked import mask_of
from cnnfast.utils.naming import named_apart
from cnnfast.utils.warned import warn

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer

_DESTROYED = (
    "Layer '{name}' (of type {kind}) was passed an input with a mask attached to it. However, this "
    "layer does not support masking and will therefore destroy the mask information. Downstream "
    "layers will not see the mask."
)


def is_given(mask: Any) -> bool:
    """Whether a mask, or a structure of them, says anything."""
    return mask is not None and any(leaf is not None for leaf in tree.flatten(mask))


# --- when a graph is drawn ----------------------------------------------------------------


def noted(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keyword arguments of a call as Keras writes them into its graph.

    It adds the mask where one tensor of the layer's own dtype is all that is given.
    """
    if kwargs or len(args) != 1 or is_tracing():
        return kwargs
    mask = mask_of(args[0]) if isinstance(args[0], KerasTensor) else None
    if mask is None or not layer.gets_mask or args[0].dtype != layer.compute_dtype:
        return kwargs
    return {"mask": mask}


def carry(operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], outputs: Any) -> None:
    """Do as `draw` for a graph that is followed once more, of which nothing is kept."""
    if isinstance(operation, WeightHolder):
        with named_apart():
            draw(cast("Layer", operation), args, kwargs, outputs, again=True)


def draw(
    layer: Layer,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    outputs: Any,
    *,
    again: bool = False,
) -> None:
    """Give the symbolic tensors that a call returned their masks; warn where one is lost."""
    first = layer._first_of_call(args, kwargs)
    previous = kwargs.get("mask")
    if not is_given(previous):
        previous = tree.map_structure(mask_of, first)
    if layer.takes_masks_away and (again or is_tracing()):
        for tensor in symbolic((args, kwargs)):
            tensor._keras_mask = None
    _check_followed(layer, previous)
    if not layer.supports_masking:
        if is_given(previous) and not again:
            warn(_DESTROYED.format(name=layer.name, kind=type(layer).__name__))
        return
    tensors = [leaf for leaf in tree.flatten(outputs) if isinstance(leaf, KerasTensor)]
    known = is_given(previous) or layer.makes_mask
    if not known or all(tensor._keras_mask is not None for tensor in tensors):
        return
    masks = layer.compute_mask(first, previous)
    for tensor, mask in zip(tensors, tree.flatten(masks), strict=False):
        if tensor._keras_mask is not None or mask is None:
            continue
        if tensor.node is None:
            tensor._keras_mask = mask
        else:
            tensor.node.mask(tensor, mask)


# --- when it is lowered -------------------------------------------------------------------


def lower(
    layer: Layer,
    graph: Graph,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    drawn: tuple[Any, Any],
) -> Any:
    """Append the operations of a call where there are masks, and give the outputs theirs."""
    first = layer._first_of_call(args, kwargs)
    mask = None
    if layer.gets_mask:
        said = kwargs.get("mask")
        if is_given(said) and not _is_plain_argument(layer, said):
            mask = truths(layer, graph, said, drawn[1].get("mask"))
    if mask is None:
        mask = tree.map_structure(lambda leaf: mask_in(graph, leaf), first)
    _check_followed(layer, mask)
    made = layer.lower_beside_masks(graph, args, kwargs, mask, drawn)
    if not layer.supports_masking:
        return made if layer.is_users or layer.keeps_tensor else _without(graph, first, made)
    outputs = tree.flatten(made)
    if all(out in graph.masks for out in outputs):
        return made
    with graph.layer(layer.name):
        drawn_first = layer._first_of_call(*drawn)
        masks = tree.flatten(_computed(layer, graph, first, mask, drawn_first))
    inputs = {leaf for leaf in tree.flatten(first) if isinstance(leaf, Value)}
    for index, new in enumerate(masks[: len(outputs)]):
        if new is not None and outputs[index] not in graph.masks:
            if outputs[index] in inputs and not layer.is_users:
                outputs[index] = append.renewed(graph, outputs[index])
            graph.masks[outputs[index]] = new
    return tree.pack(made, outputs)


def _is_plain_argument(layer: Layer, mask: Any) -> bool:
    """Whether a mask is an array that a user's `call` takes as it is, and no output carries on."""
    tensors = any(isinstance(leaf, Value) for leaf in tree.flatten(mask))
    own = layer.is_users and getattr(layer, "has_own_call", False)
    return bool(own) and not (tensors or layer.supports_masking)


def _check_followed(layer: Layer, mask: Any) -> None:
    """Refuse a mask for a layer that follows it in the Keras of its file in another way.

    Raises
    ------
    UnsupportedError
        If there is one.
    """
    if is_given(mask) and layer._of_keras_2 and not layer.as_in_keras_2(mask):
        raise layer.unsupported(
            "computes something else of masks in Keras 3 than in the older Keras that the file is "
            "of. Received: an input with a mask",
            advice="Load it in that Keras, and save it without what masks, or build the network "
            "in Keras 3 and copy the weights there.",
        )


def mask_in(graph: Graph, leaf: Any) -> Value | None:
    """Return the mask that a value has while it is lowered."""
    return graph.masks.get(leaf) if isinstance(leaf, Value) else None


def _without(graph: Graph, first: Any, made: Any) -> Any:
    """Return what a layer gave that lets no mask through: not the very value that has one."""
    masked = {leaf for leaf in tree.flatten(first) if mask_in(graph, leaf) is not None}
    return tree.map_structure(
        lambda out: append.renewed(graph, out) if out in masked else out, made
    )


def truth(graph: Graph, mask: Any, dtype: str, above: float | None = None) -> Value:
    """Return a mask that was given in a call as 1 and 0: not 0, or more than `above`.

    Raises
    ------
    ValueError
        If it is an array that differs from image to image.
    """
    if not isinstance(mask, Value):
        return append.constant(graph, _constant(mask, above))
    if dtype == "bool":
        return mask
    kind = BinaryKind.NOT_EQUAL if above is None else BinaryKind.GREATER
    other = append.constant(graph, np.full((1,) * len(mask.shape), above or 0.0, np.float32))
    return append.binary(graph, mask, other, kind)


def truths(layer: Layer, graph: Graph, mask: Any, drawn: Any) -> Any:
    """Return a mask that was given in a call, or a list of them, as 1 and 0; see `truth`."""
    if _is_array(mask):
        return truth(graph, mask, "", layer.masked_above)
    leaves = [
        None if leaf is None else truth(graph, leaf, _dtype(known), layer.masked_above)
        for leaf, known in zip(tree.flatten(mask), tree.flatten(drawn), strict=True)
    ]
    return tree.pack(mask, leaves)


def _dtype(leaf: Any) -> str:
    return leaf.dtype if isinstance(leaf, KerasTensor) else ""


def _is_array(mask: Any) -> bool:
    """Whether a mask is nested lists of numbers."""
    return isinstance(mask, list | tuple) and all(
        isinstance(leaf, bool | int | float) for leaf in tree.flatten(mask)
    )


def _constant(mask: Any, above: float | None) -> np.ndarray[Any, np.dtype[Any]]:
    array = np.asarray(getattr(mask, "array", mask))
    if array.ndim < 2 or len(array) != 1:
        raise ValueError(
            "A mask that is an array in a graph holds for every image: its first axis, the batch, "
            f"must have the size 1. Received: a mask of shape {array.shape}"
        )
    truths = array[0] != 0 if above is None or array.dtype == np.bool_ else array[0] > above
    return np.asarray(truths, np.float32)


def _computed(layer: Layer, graph: Graph, first: Any, mask: Any, drawn: Any) -> Any:
    """Return the masks of what a layer gave, by its `compute_mask`."""
    if not layer.has_own_mask_rule:
        return mask
    leaves = zip(tree.flatten(first), tree.flatten(drawn), strict=True)
    tensors = [
        KerasTensor((None, *leaf.shape), known.dtype) if isinstance(leaf, Value) else leaf
        for leaf, known in leaves
    ]
    places = [_stand_in(leaf) for leaf in tree.flatten(mask)]
    of = f"`compute_mask` of {layer._described()}"
    drawn_masks = trace(
        layer.compute_mask,
        (tree.pack(first, tensors), tree.pack(mask, places)),
        {},
        of=of,
        partly=True,
    )
    known = [*tensors, *places], [*tree.flatten(first), *tree.flatten(mask)]
    values = {
        tensor: value for tensor, value in zip(*known, strict=True) if isinstance(value, Value)
    }
    lowered = drawn_masks.lower(graph, [values[tensor] for tensor in drawn_masks.given])

    def settled(leaf: Any) -> Any:
        return leaf if leaf is None or isinstance(leaf, Value) else truth(graph, leaf, "")

    return tree.map_structure(settled, lowered)


def _stand_in(mask: Any) -> Any:
    return KerasTensor((None, *mask.shape), "bool") if isinstance(mask, Value) else mask
