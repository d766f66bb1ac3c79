"""The HDF5 format of Keras 1 and 2, which Keras 3 still writes: `.h5`, whole model or weights.

The rules are those of Keras (keras/src/legacy/saving/legacy_h5_format.py and, for files before
Keras 3, tf_keras/src/saving/legacy/hdf5_format.py): the k-th layer that has weights takes those
of the k-th name in `layer_names` that has any; inside a layer, trainable weights come before the
others, also across the layers of a model inside the model. A name in `weight_names` is a path
below the layer's group; only its last part says something, and is used as a check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from cnnfast.files.contents import VARIABLES, listed
from cnnfast.files.hdf5 import H5Dataset, H5Group
from cnnfast.files.versions import KERAS_1, KERAS_3, major
from cnnfast.layers.serialization.stand_in import StandIn
from cnnfast.saving.assignment import Adapter, Assignment, Mismatches, check_count
from cnnfast.saving.keras_format import children, own_weights, sublayers

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer
    from cnnfast.variables import Variable

MODEL_WEIGHTS = "model_weights"
LAYER_NAMES, WEIGHT_NAMES = "layer_names", "weight_names"
# How the names of the weights of a low-rank adapter (LoRA) begin.
_ADAPTER = "lora_"
TOP_LEVEL = "top_level_model_weights"
# Of a list of names in one attribute; larger ones are split.
MAX_ATTRIBUTE_BYTES = 64512
_CONVOLUTIONS = frozenset({"Conv2D", "Conv2DTranspose"})


def weights_group(root: H5Group) -> H5Group | None:
    """Return the group with `layer_names`, the root or ``model_weights``; None if neither."""
    group = root.group(MODEL_WEIGHTS) if MODEL_WEIGHTS in root else root
    return None if group.texts(LAYER_NAMES) is None else group


def find_weights(
    model: Layer, group: H5Group, *, by_name: bool, mismatches: Mismatches
) -> list[Assignment]:
    """Find the dataset of each weight of `model`.

    Parameters
    ----------
    model
        A built model.
    group
        What `weights_group` returned.
    by_name
        Whether a layer takes the weights under its own name, if there are any, in place of the
        next ones.
    mismatches
        What to do about the layers below, which do not fit.

    Raises
    ------
    ModelFileError
        The number of layers with weights (unless `by_name`), or of weights in one, differs
        from the model's.
    """
    dialect = _Dialect(group)
    found: list[Assignment] = []
    for layer, weights, name, paths in _pairs(model, group, by_name):
        with mismatches.allowed():
            found += _assignments(dialect, layer, weights, group.group(name), name, paths)
    if not by_name:
        with mismatches.allowed():
            _check_own_weights(group)
    return found


def _assignments(
    dialect: _Dialect,
    layer: Layer,
    weights: list[Variable],
    group: H5Group,
    name: str,
    paths: list[str],
) -> list[Assignment]:
    """Find the dataset of each of `weights` among `paths` in the group of `layer`, `name`."""
    adapters: dict[Variable, Adapter] = {}
    if any(weight.startswith(_ADAPTER) for weight in last_names(paths)):
        weights, paths, adapters = _without_adapters(layer, paths, group)
    check_count(layer, len(weights), len(paths), group.error)
    placed = _of_stand_ins(layer, name, paths, group)
    others = [weight for weight in weights if weight not in placed]
    rest = [path for path in paths if path not in placed.values()]
    _check_names(layer, others, rest, group)
    owners = _owners(layer)
    return [
        replace(
            dialect.assignment(owners[id(weight)], weight, group.dataset(path)),
            adapter=adapters.get(weight),
        )
        for weight, path in [*zip(others, rest, strict=True), *placed.items()]
    ]


def _without_adapters(
    layer: Layer, paths: list[str], group: H5Group
) -> tuple[list[Variable], list[str], dict[Variable, Adapter]]:
    """Return weights and paths in one order, and what belongs to them of low-rank adapters.

    Keras 3 writes an adapter as two weights behind the layer's own, of which the first is frozen.
    """
    slots: list[tuple[Variable, str, bool]] = []
    for part in layer._flatten_layers():
        own = own_weights(part)
        adapted = set(own[:1] if part._adapter_scale is not None else [])
        slots += [(w, w.name, w.trainable and w not in adapted) for w in own]
        slots += [(w, f"{_ADAPTER}{w.name}_{end}", True) for w in adapted for end in "ab"]
    if layer.trainable:
        slots.sort(key=lambda slot: not slot[2])
    check_count(layer, len(slots), len(paths), group.error)
    expected, received = [name for _, name, _ in slots], last_names(paths)
    if expected != received:
        raise group.error(
            f"the weights of layer {layer.name!r}, which has low-rank adapters, must be "
            f"{expected}. Received: {received}."
        )
    by_role = {(w, name): path for (w, name, _), path in zip(slots, paths, strict=True)}
    weights = [w for w, name, _ in slots if not name.startswith(_ADAPTER)]
    adapters = {}
    for part in layer._flatten_layers():
        if part._adapter_scale is not None:
            kernel = own_weights(part)[0]
            a, b = (by_role[kernel, f"{_ADAPTER}{kernel.name}_{end}"] for end in "ab")
            adapters[kernel] = Adapter(group.dataset(a), group.dataset(b), part._adapter_scale)
    return weights, [by_role[w, w.name] for w in weights], adapters


def _of_stand_ins(layer: Layer, name: str, paths: list[str], group: H5Group) -> dict[Variable, str]:
    """Return the path of each weight of a function that stands in for a layer: where it was."""
    placed: dict[Variable, str] = {}
    for part in layer._flatten_layers():
        if not isinstance(part, StandIn) or not part.stored:
            continue
        places = [weight.place for weight in part.stored]
        flat = all(place.startswith(f"{VARIABLES}/") for place in places)
        if part is layer and (flat or last_names(places) == last_names(paths)):
            # A `.keras` file has a layer's weights in the same order.
            places = paths
        elif layer.name != name or not set(places) <= set(paths):
            raise group.error(
                f"the weights of layer {part.name!r}, for which a function stands in, must be "
                f"called {places}. Received: {paths}."
            )
        placed |= zip(part.weights, places, strict=True)
    if len(set(placed.values())) != len(placed):
        raise group.error(f"weights of layer {layer.name!r} are asked for twice: {placed}.")
    return placed


def _check_own_weights(group: H5Group) -> None:
    """Refuse weights that belong to a model, and to no layer in it."""
    if TOP_LEVEL in group and (paths := group.group(TOP_LEVEL).texts(WEIGHT_NAMES)):
        raise group.error(
            "a model must have no weights but those of its layers. Received: "
            f"{listed(paths)} in {TOP_LEVEL!r}."
        )


def _pairs(
    model: Layer, group: H5Group, by_name: bool
) -> list[tuple[Layer, list[Variable], str, list[str]]]:
    """Return each layer with its weights, its name in the file and the paths there."""
    order = _ordered if _major(group) < KERAS_3 else ordered_by_keras_3
    layers = [(layer, weights) for layer in sublayers(model) if (weights := order(layer))]
    names = group.texts(LAYER_NAMES) or []
    stored = {name: paths for name in names if (paths := _names(group, name))}
    if by_name:
        return [(x, w, x.name, stored[x.name]) for x, w in layers if x.name in stored]
    if len(layers) != len(stored):
        own = {layer.name: None for layer, _ in layers}
        # Those that the other lacks are listed first.
        ours, theirs = sorted(own, key=stored.__contains__), sorted(stored, key=own.__contains__)
        raise group.error(
            f"the model has {len(layers)} layer(s) with weights: {listed(ours)}. Received: "
            f"{len(stored)} in the file: {listed(theirs)}."
        )
    return [
        (layer, weights, name, paths)
        for (layer, weights), (name, paths) in zip(layers, stored.items(), strict=True)
    ]


def ordered_by_keras_3(layer: Layer) -> list[Variable]:
    """Return the weights of `layer` in the order of a file that Keras 3 wrote.

    There a frozen model stands as it is, also where a layer in it would be trained.
    """
    if not layer.trainable:
        return layer.weights
    return sorted(layer.weights, key=lambda weight: not weight.trainable)


def _ordered(layer: Layer) -> list[Variable]:
    """Return the weights of `layer` in the order of an older file, each once."""
    return list(dict.fromkeys([*_trainable(layer), *_frozen(layer)]))


def _trainable(layer: Layer) -> list[Variable]:
    """Return what training would change, as tf_keras' `trainable_weights`."""
    if not layer.trainable:
        return []
    own = [weight for weight in own_weights(layer) if weight.trainable]
    return [*own, *_of_children(layer, _trainable)]


def _frozen(layer: Layer) -> list[Variable]:
    """Return the rest, as tf_keras' `non_trainable_weights`.

    A frozen model hands out what its layers would train first; another frozen layer hands out
    one layer inside it after the other.
    """
    own = own_weights(layer)
    if layer.trainable:
        return [*(w for w in own if not w.trainable), *_of_children(layer, _frozen)]
    if sublayers(layer):
        return [*own, *_of_children(layer, _trainable), *_of_children(layer, _frozen)]
    return [*own, *_of_children(layer, _ordered)]


def _of_children(layer: Layer, weights: Callable[[Layer], list[Variable]]) -> Iterator[Variable]:
    for _, part in children(layer):
        yield from weights(part)


def _owners(layer: Layer) -> dict[int, Layer]:
    """Map the identity of each weight to the innermost layer it belongs to."""
    owners = {id(weight): layer for weight in layer.weights}
    for _, part in children(layer):
        owners |= _owners(part)
    return owners


def _names(group: H5Group, layer_name: str) -> list[str]:
    return group.group(layer_name).texts(WEIGHT_NAMES) or []


def _check_names(layer: Layer, weights: list[Variable], paths: list[str], group: H5Group) -> None:
    """Refuse a file with the same names in another order: the rule above would mix them up."""
    expected = [weight.name for weight in weights]
    received = last_names(paths)
    if expected != received and sorted(expected) == sorted(received):
        raise group.error(
            f"the weights of layer {layer.name!r} must be in the order {expected}. "
            f"Received: {received}."
        )


def last_names(paths: Iterable[str]) -> list[str]:
    """Return what alone says something of the names of weights."""
    return [path.rsplit("/", 1)[-1].rsplit(":", 1)[0] for path in paths]


def _major(group: H5Group) -> int:
    return major(group.text("keras_version"))


class _Dialect:
    """How the file's version and backend of Keras lay out the kernels of convolutions."""

    def __init__(self, group: H5Group) -> None:
        self.first = _major(group) == KERAS_1
        self.theano = group.text("backend") == "theano"

    def assignment(self, layer: Layer, weight: Variable, dataset: H5Dataset) -> Assignment:
        if type(layer).__name__ not in _CONVOLUTIONS or weight is not layer.weights[0]:
            return Assignment(layer, weight, dataset)
        axes = self._axes(layer, weight.shape, dataset.shape)
        # Theano convolves where the others correlate: its kernels are mirrored.
        return Assignment(layer, weight, dataset, axes, flip=self.theano)

    def _axes(
        self, layer: Layer, shape: tuple[int, ...], stored: tuple[int, ...]
    ) -> tuple[int, ...] | None:
        """Return the transposition of tf_keras' `preprocess_weights_for_loading`."""
        axes: tuple[int, ...] = (0, 1, 2, 3)
        channels_first = getattr(layer, "data_format", None) == "channels_first"
        if self.first and type(layer).__name__ == "Conv2D" and channels_first:
            axes = (2, 3, 1, 0)
        elif self.first and type(layer).__name__ == "Conv2DTranspose":
            axes = (2, 3, 0, 1) if channels_first else (0, 1, 3, 2)
        if len(stored) == len(axes) and tuple(stored[a] for a in axes) != shape:
            # What tf_keras tries where the shape does not fit.
            axes = tuple(axes[a] for a in (3, 2, 0, 1))
        return None if axes == (0, 1, 2, 3) or len(stored) != len(axes) else axes
