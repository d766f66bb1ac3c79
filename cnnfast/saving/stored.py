"""Which weights a file has for a layer of which there is nothing but its config.

A function that stands in for a layer may ask for its weights. Their number and shapes must be
known when the model is drawn, which is before weights are looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from cnnfast.files.contents import weights_below
from cnnfast.files.hdf5 import H5Group
from cnnfast.layers.serialization.stand_in import StoredWeight, name_in
from cnnfast.saving.keras_format import LAYERS, OLD_LAYERS, OldNames, group_name
from cnnfast.saving.legacy_h5 import WEIGHT_NAMES, last_names
from cnnfast.symbolic.registry import is_operation
from cnnfast.utils import handed_over

if TYPE_CHECKING:
    from cnnfast.files.contents import Tree
    from cnnfast.layers.serialization.foreign import Stored


def in_keras_tree(config: Mapping[str, Any], root: Tree) -> Stored:
    """Return what tells the weights in a tree of Keras 3 of the layers in `config`."""

    @cache
    def groups() -> dict[int, Tree | None]:
        return {id(entry): group for entry, group in _in_tree(config, root)}

    def of_layer(entry: Mapping[str, Any]) -> list[StoredWeight]:
        group = groups().get(id(entry))
        if group is None:
            return []
        places = weights_below(group)
        return [StoredWeight(place, group.dataset(place).checked_shape()) for place in places]

    return of_layer


def _in_tree(config: Any, group: Tree | None) -> Iterator[tuple[Mapping[str, Any], Tree | None]]:
    """Yield the config of each layer inside `config` with its group.

    They are counted as `keras_format.children` counts the layers.
    """
    wrapped = _wrapped(config)
    if wrapped is not None:
        yield wrapped, _group_of(group, "layer")
        yield from _in_tree(wrapped, _group_of(group, "layer"))
    old = group is not None and LAYERS not in group and OLD_LAYERS in group
    names = OldNames(group) if group is not None and old else None
    counted: Counter[str] = Counter()
    for entry in _entries(config):
        name = group_name(str(handed_over.bare(entry["class_name"])))
        number = counted[name]
        counted[name] += 1
        place = f"{LAYERS}/{name}_{number}" if number else f"{LAYERS}/{name}"
        part = _group_of(group, names.path(name) if names else place)
        yield entry, part
        yield from _in_tree(entry, part)


def _entries(config: Any) -> list[Mapping[str, Any]]:
    """Return the configs of the layers of a model, as far as files count them."""
    inner = config.get("config") if isinstance(config, Mapping) else None
    entries = inner.get("layers") if isinstance(inner, Mapping) else inner
    stack = isinstance(config, Mapping) and config.get("class_name") == "Sequential"
    return [
        entry
        for entry in (entries if isinstance(entries, list) else ())
        if _is_layer(entry) and not (stack and entry["class_name"] == "InputLayer")
    ]


def _is_layer(entry: Any) -> bool:
    named = isinstance(entry, Mapping) and isinstance(entry.get("class_name"), str)
    return named and not is_operation(entry)


def _wrapped(config: Any) -> Mapping[str, Any] | None:
    """Return the config of the layer inside a wrapper."""
    inner = config.get("config") if isinstance(config, Mapping) else None
    part = inner.get("layer") if isinstance(inner, Mapping) else None
    return part if _is_layer(part) else None


def _group_of(group: Tree | None, path: str) -> Tree | None:
    """Return the group at `path`, if there is one."""
    for name in path.split("/"):
        group = group.subgroup(name) if group is not None and name in group else None
    return group


def in_legacy_groups(config: Mapping[str, Any], group: H5Group) -> Stored:
    """Return what tells the weights in an `.h5` of Keras 1 and 2 of the layers in `config`.

    There a model inside the model has one list of weights, where the name of a layer is a part of
    the names of its weights.
    """

    @cache
    def found() -> dict[int, list[StoredWeight]]:
        weights: dict[int, list[StoredWeight]] = {}
        for entry in _entries(config):
            own = weights[id(entry)] = _in_group(group, name_in(entry))
            for part in _inside(entry):
                named = [weight for weight in own if name_in(part) in weight.place.split("/")]
                weights[id(part)] = own if part is _wrapped(entry) else named
        return weights

    return lambda entry: found().get(id(entry), [])


def _in_group(group: H5Group, name: str | None) -> list[StoredWeight]:
    """Return the weights in the group of the layer called `name`."""
    if name is None or _group_of(group, name) is None:
        return []
    inner = group.group(name)
    paths = inner.texts(WEIGHT_NAMES) or []
    return [
        StoredWeight(path, inner.dataset(path).checked_shape(), weight)
        for path, weight in zip(paths, last_names(paths), strict=True)
    ]


def _inside(config: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the config of each layer inside `config`, at any depth."""
    wrapped = _wrapped(config)
    for part in [*_entries(config), *([] if wrapped is None else [wrapped])]:
        yield part
        yield from _inside(part)
