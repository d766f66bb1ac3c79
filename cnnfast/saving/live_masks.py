"""Masks while Keras draws a model with classes of the user's: those of its symbolic tensors.

The user's classes are no part of what is drawn. What Keras would hand on beside the tensors that
they return is said in each call instead: `mask=`, or, of attention by heads, `attention_mask=`.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cnnfast.utils import handed_over

_ATTENTION = "_compute_attention_mask"
_MAKERS = ("Masking", "Embedding", "ReversibleEmbedding", "Lambda")


def mask_of(leaf: Any) -> Any:
    """Return the mask of one of Keras' tensors; None where there is none."""
    return getattr(leaf, "_keras_mask", None)


def said(keras: Any, layer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of a call, with the masks that Keras would find for them."""
    signature = inspect.signature(layer.call)
    known = {k: v for k, v in kwargs.items() if k in signature.parameters or k != "training"}
    try:
        named = signature.bind(*args, **known).arguments
    except TypeError:
        return dict(kwargs)  # what is wrong, the call says
    tensors = {name: item for name, item in named.items() if _is_of_tensors(keras, item)}
    pairs = [("mask", *tensors.values())] if len(tensors) == 1 else []
    if len(tensors) > 1:
        pairs = [(f"{name}_mask", item) for name, item in tensors.items()]
    found = {
        name: keras.tree.map_structure(mask_of, item)
        for name, item in pairs
        if name in signature.parameters and named.get(name) is None
    }
    found = {name: mask for name, mask in found.items() if mask is not None}
    if not _is_attention(layer) or not _any(keras, (found, named)):
        return {**kwargs, **found}
    return _as_one(layer, named, found, kwargs)


def _as_one(
    layer: Any, named: Mapping[str, Any], found: Mapping[str, Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments of attention by heads with one mask in place of all."""
    taken = ("query_mask", "value_mask", "key_mask", "attention_mask", "use_causal_mask")
    given = {**named, **found}
    masks = {name: given[name] for name in taken[1:] if given.get(name) is not None}
    query, value = given["query"], given["value"]
    # That which the query carries counts, as in Keras.
    whole = getattr(layer, _ATTENTION)(query, value, query_mask=mask_of(query), **masks)
    rest = {name: item for name, item in kwargs.items() if name not in taken}
    return {**rest, "attention_mask": whole}


def _is_attention(layer: Any) -> bool:
    """Whether a layer is Keras' own attention by heads; a class made from it calls that one."""
    return hasattr(layer, _ATTENTION) and handed_over.is_of_keras(type(layer))


def _any(keras: Any, structure: Any) -> bool:
    """Whether there is a mask beside a tensor, or one that is given."""
    found, named = structure
    carried = [mask_of(leaf) for leaf in keras.tree.flatten(list(named.values()))]
    return any(mask is not None for mask in [*found.values(), *carried])


def _is_of_tensors(keras: Any, item: Any) -> bool:
    leaves = keras.tree.flatten(item)
    tensors = [isinstance(leaf, keras.KerasTensor) for leaf in leaves]
    return any(tensors) and all(
        is_tensor or leaf is None for is_tensor, leaf in zip(tensors, leaves, strict=True)
    )


@contextmanager
def handed_on(
    keras: Any, layer: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[list[Any]]:
    """Give what a call returns, which is put into the list, its masks by the layer's own rule."""
    first = args[0] if args else next(iter(kwargs.values()), None)
    previous = kwargs.get("mask")
    if previous is None:
        previous = keras.tree.map_structure(mask_of, first)
    returned: list[Any] = []
    yield returned
    if returned and layer.supports_masking:
        layer._set_mask_metadata(first, returned[0], previous)
    if _is_attention(layer):
        for leaf in keras.tree.flatten((list(args), list(kwargs.values()))):
            if mask_of(leaf) is not None and not any(leaf is out for out in returned):
                leaf._keras_mask = None  # as Keras' `call` does when it runs


def runs_in(keras: Any, layer: Any, args: Sequence[Any]) -> bool:
    """Whether what a model of Keras' layers returns may have masks, which its call does not say."""
    if not hasattr(layer, "layers"):
        return False
    masked = any(mask_of(leaf) is not None for leaf in keras.tree.flatten(list(args)))
    inside = layer._flatten_layers()
    return masked or any(type(x).__name__ in _MAKERS and x.supports_masking for x in inside)
