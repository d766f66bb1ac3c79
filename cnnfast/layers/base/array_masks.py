"""Calls on arrays that have masks, or of which arrays with masks come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.executor import Executor
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Float32Array, Value
from cnnfast.layers.base.calling import by_name
from cnnfast.symbolic.arrays import as_batches
from cnnfast.symbolic.bound import BoundCall, dtype_of
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import tree
from cnnfast.utils.masked import MaskedArray, mask_of, with_mask
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer


class WithMasks:
    """A network as executors ask for it, of which the masks of its outputs come out, too."""

    def __init__(self, network: Any) -> None:
        self._network = network
        self._masked: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        """Append the operations of the network; return its outputs, and then their masks."""
        outputs = list(self._network.lower_all(graph, inputs))
        found = [graph.masks.get(out) for out in outputs]
        self._masked = [mask is not None for mask in found]
        return [*outputs, *(mask for mask in found if mask is not None)]

    def joined(self, results: Sequence[Float32Array]) -> list[Float32Array]:
        """Return the outputs, each with its mask, of what an executor returned."""
        masks = iter(results[len(self._masked) :])
        pairs = zip(results, self._masked, strict=False)
        return [with_mask(out, next(masks) if masked else None) for out, masked in pairs]


class MaskExecutor:
    """Runs a network, and gives its outputs their masks."""

    def __init__(self, network: Any) -> None:
        self._network = WithMasks(network)
        self._executor = Executor(self._network)

    def run(self, arrays: Sequence[Any], threads: int | None = None) -> list[Float32Array]:
        """Return the outputs for a batch; see `Executor.run`."""
        return self._network.joined(self._executor.run(arrays, threads=threads))

    def clear(self) -> None:
        """Drop all plans."""
        self._executor.clear()


def there_are(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether an array of a call has a mask, or one is given."""
    if any(name.endswith("mask") and item is not None for name, item in kwargs.items()):
        return True
    return any(isinstance(leaf, MaskedArray) for leaf in tree.flatten((args, kwargs)))


def run(layer: Layer, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what a call on arrays gives, with the masks that it makes of theirs.

    Raises
    ------
    ValueError
        If `layer` cannot take them.
    """
    args, kwargs = by_name(layer, args, kwargs)
    arguments = tuple(args), {name: _as_array(name, item) for name, item in kwargs.items()}
    given = [leaf for leaf in tree.flatten(arguments) if _is_array(leaf)]
    batch = len(given[0]) if given and given[0].ndim else 0
    names = _names_of_masks(arguments[1])
    known: dict[int, KerasTensor] = {}
    arrays: list[Any] = []
    for leaf in given:
        name = names.get(id(leaf))
        if id(leaf) in known or (name is not None and not _is_batch(layer, name, leaf, batch)):
            continue
        known[id(leaf)] = place = _place(leaf, is_mask=name is not None)
        arrays.append(leaf)
        if mask_of(leaf) is not None:
            place._keras_mask = _place(leaf._keras_mask, is_mask=True)
    masked = [leaf for leaf in arrays if mask_of(leaf) is not None]
    masks = [leaf._keras_mask for leaf in masked]
    batches = as_batches([np.asarray(x) for x in (*arrays, *masks)], layer._described())
    drawn = tree.map_structure(lambda leaf: known.get(id(leaf), leaf), arguments)
    returned = layer.infer(*drawn)
    places = [known[id(leaf)] for leaf in arrays]
    call = _MaskedCall(layer, drawn, places, [known[id(leaf)] for leaf in masked])
    results = MaskExecutor(call).run(batches)
    if layer.takes_masks_away:
        for leaf in masked:
            leaf._keras_mask = None
    return tree.pack_present(returned, results)


class _MaskedCall(BoundCall):
    """A call whose arrays, and then the masks of some, are still to come."""

    def __init__(
        self,
        layer: Layer,
        drawn: tuple[Any, Any],
        places: list[KerasTensor],
        masked: list[KerasTensor],
    ) -> None:
        super().__init__(layer, *drawn)
        self._places, self._masked = places, masked

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        """Append the operations of the call."""
        count = len(self._places)
        of = dict(zip(self._places, inputs[:count], strict=True))
        masks = zip(self._masked, inputs[count:], strict=True)
        graph.masks |= {of[place]: value for place, value in masks}
        return super().lower_all(graph, inputs[:count])


def _place(array: Any, *, is_mask: bool) -> KerasTensor:
    is_bool = is_mask and np.asarray(array).dtype == np.bool_
    return KerasTensor((None, *array.shape[1:]), "bool" if is_bool else dtype_of(array))


def _is_array(leaf: Any) -> bool:
    return hasattr(leaf, "__array__") and not isinstance(leaf, Variable)


def _as_array(name: str, item: Any) -> Any:
    """Return a mask that is nested lists of numbers as an array."""
    if not name.endswith("mask") or not isinstance(item, list | tuple):
        return item
    plain = all(isinstance(leaf, bool | int | float) for leaf in tree.flatten(item))
    return np.asarray(item) if plain else item


def _names_of_masks(kwargs: Mapping[str, Any]) -> dict[int, str]:
    masks = {name: item for name, item in kwargs.items() if name.endswith("mask")}
    return {id(leaf): name for name, item in masks.items() for leaf in tree.flatten(item)}


def _is_batch(layer: Layer, name: str, mask: Any, batch: int) -> bool:
    """Whether a mask has a row for each image; it may be one for all."""
    if layer.is_users:
        return mask.ndim > 0 and len(mask) == batch
    for_all = name == "attention_mask" and mask.ndim == 2
    return mask.ndim > 1 and len(mask) == batch and not for_all
