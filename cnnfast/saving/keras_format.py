"""Where Keras 3 keeps the weights of each layer: `.weights.h5`, alone or inside `.keras`.

The rules are those of Keras (keras/src/saving/saving_lib.py): weight number i of a layer is the
dataset ``layers/<class>/vars/<i>``. ``<class>`` is the class name in snake case; the second
layer of a class gets ``_1``, the third ``_2``, whatever the layers' own names are. A model
inside a model repeats the tree below its own place; a layer that wraps another has it under the
name of the attribute, such as ``layers/bidirectional/forward_layer/cell/vars/0``. A shared layer
is stored at its first place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from cnnfast.errors import ModelFileError
from cnnfast.files.contents import VARIABLES, Tree, is_numbered, listed, unread, weights_below
from cnnfast.layers.serialization.stand_in import StandIn
from cnnfast.saving.assignment import (
    AnyAssignment,
    Assignment,
    Mismatches,
    OwnAssignment,
    check_count,
)
from cnnfast.symbolic import registry
from cnnfast.utils import handed_over
from cnnfast.utils.naming import to_snake_case
from cnnfast.utils.records import record

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer
    from cnnfast.variables import Variable

# The class of a layer in the file, by the identity of the layer.
ClassNames: TypeAlias = Mapping[int, str]
NO_NAMES: ClassNames = {}

LAYERS = "layers"
# What Keras exports a class as, and what it calls it in its code.
_CALLED_OTHERWISE = {"GroupQueryAttention": "GroupedQueryAttention"}
# The name of LAYERS in files written by TensorFlow 2.12 and 2.13.
OLD_LAYERS = "_layer_checkpoint_dependencies"


@record(frozen=True)
class Place:
    """Where one layer has its own weights, those of the layers inside it left out.

    Attributes
    ----------
    path
        Path of the layer's group, empty for the model itself.
    """

    path: str
    layer: Layer
    weights: Sequence[Variable]

    @property
    def variables_path(self) -> str:
        """Path of the group of the layer's own weights."""
        return _below(self.path, VARIABLES)

    @property
    def datasets(self) -> Iterator[tuple[str, Variable]]:
        """Path of each dataset, and its weight."""
        for place, weight in zip(own_places(self.layer), self.weights, strict=True):
            yield _below(self.path, place), weight


def _below(path: str, part: str) -> str:
    return f"{path}/{part}" if path else part


def places(model: Layer) -> Iterator[Place]:
    """Every layer of `model`, itself first, in the order and under the path Keras gives it."""
    yield from _places(model, "", set())


def _places(layer: Layer, path: str, visited: set[int]) -> Iterator[Place]:
    visited.add(id(layer))
    yield Place(path, layer, own_weights(layer))
    for part_path, part in children(layer):
        if id(part) not in visited:
            yield from _places(part, _below(path, part_path), visited)


def own_weights(layer: Layer) -> list[Variable]:
    """Return what a file has as the weights of `layer` itself; a layer inside may share some."""
    return layer._file_variables()


def own_places(layer: Layer) -> list[str]:
    """Return where each of `own_weights` is, below the place of `layer`."""
    if isinstance(layer, StandIn) and layer.stored is not None:
        places = [weight.place for weight in layer.stored]
        if all(map(is_numbered, places)):
            return places
    return [f"{VARIABLES}/{number}" for number in range(len(own_weights(layer)))]


def children(layer: Layer, classes: ClassNames = NO_NAMES) -> list[tuple[str, Layer]]:
    """Return the layers right inside `layer`, each with its path below that of `layer`.

    `classes` are the names of those that go by another class in the file.
    """
    inner = () if layer.stored_by_attribute else sublayers(layer)
    if not inner:
        return list(layer._file_children().items())
    counted: Counter[str] = Counter()
    result = []
    for part in inner:
        name = _class_name(part, classes)
        number = counted[name]
        counted[name] += 1
        result.append((f"{LAYERS}/{name}_{number}" if number else f"{LAYERS}/{name}", part))
    return result


def _class_name(layer: Layer, classes: ClassNames) -> str:
    own = layer._class_name if isinstance(layer, StandIn) else type(layer).__name__
    return group_name(classes.get(id(layer)) or own)


def group_name(class_name: str) -> str:
    """Return the name of the group of the first layer of a class."""
    return to_snake_case(_CALLED_OTHERWISE.get(class_name, class_name))


def sublayers(layer: Layer) -> Sequence[Layer]:
    """Return the layers of a model; none for any other layer."""
    inner: Sequence[Layer] = getattr(layer, "layers", ())
    return inner


def classes_in_file(model: Layer, config: Any) -> dict[int, str]:
    """Return the class that the file names for each layer of a class that has several names.

    `config` is that which `model` was made of; files name groups after the class in it.
    """
    inner = config.get("config") if isinstance(config, Mapping) else None
    entries = inner.get("layers") if isinstance(inner, Mapping) else None
    layers = {layer.name: layer for layer in sublayers(model)}
    found: dict[int, str] = {}
    for entry in entries if isinstance(entries, list) else ():
        name = entry.get("config", {}).get("name")
        if name in layers:
            found[id(layers[name])] = str(handed_over.bare(entry["class_name"]))
            found |= classes_in_file(layers[name], entry)
    return found


def is_keras_tree(root: Tree) -> bool:
    """Whether `root` has the form this module reads."""
    return any(name in root for name in (LAYERS, VARIABLES, OLD_LAYERS))


def find_weights(
    model: Layer,
    root: Tree,
    *,
    mismatches: Mismatches,
    check_names: bool = False,
    classes: ClassNames = NO_NAMES,
) -> list[AnyAssignment]:
    """Find the dataset of each weight of `model`.

    Parameters
    ----------
    model
        A built model.
    root
        The root of a `.weights.h5` file.
    mismatches
        What to do about the layers below, which do not fit.
    check_names
        Whether the file was saved from this very model, so that the layer names in it (newer
        files have them) must be the model's.
    classes
        What `classes_in_file` returned.

    Raises
    ------
    ModelFileError
        A layer has no place in the file, another number of weights there, or another name.
    """
    search = _Search(mismatches, check_names, classes)
    found = list(search.below(model, root, named=True))
    with mismatches.allowed():
        of_layers = [name for name in (VARIABLES, LAYERS, OLD_LAYERS) if name in root]
        left = [path for name in of_layers for path in unread(root, name, search.seen)]
        if left:
            raise root.error(
                f"the weights of every layer must have a place in the model. Received: "
                f"{listed(left)}, which no layer of model {model.name!r} takes."
            )
    return found


class _Search:
    """One walk over a model and the tree of its weights.

    Attributes
    ----------
    seen
        Path of each dataset that was looked at, whether or not it fits.
    """

    def __init__(self, mismatches: Mismatches, check_names: bool, classes: ClassNames) -> None:
        self.seen: set[str] = set()
        self._mismatches = mismatches
        self._check_names = check_names
        self._classes = classes
        self._visited: set[int] = set()

    def below(
        self, layer: Layer, group: Tree, *, named: bool, path: str = ""
    ) -> Iterator[AnyAssignment]:
        """Find the weights of `layer` and of the layers in it; `group` is its place, at `path`."""
        self._visited.add(id(layer))
        with self._mismatches.allowed():
            yield from self._own(layer, group, named, path)
        old = OldNames(group) if LAYERS not in group and OLD_LAYERS in group else None
        for part_path, part in children(layer, self._classes):
            if id(part) in self._visited:
                continue
            place = old.path(_class_name(part, self._classes)) if old else part_path
            with self._mismatches.allowed():
                if part.weights or any(x._stores_in_its_own_way for x in part._flatten_layers()):
                    # What is not in the config of a model may be named anew when it is made again.
                    inside = named and part_path.startswith(LAYERS) and not _is_users(layer)
                    inner = _place_of(part, group, place)
                    yield from self.below(part, inner, named=inside, path=_below(path, place))

    def _own(self, layer: Layer, group: Tree, named: bool, path: str) -> list[AnyAssignment]:
        weights = own_weights(layer)
        if layer._stores_in_its_own_way:
            return [self._in_its_own_way(layer, group, path)]
        if not weights:
            return []
        if isinstance(layer, StandIn):
            stored = weights_below(group)
            self.seen |= {_below(path, place) for place in stored}
            check_count(layer, len(weights), len(stored), group.error)
            return [
                Assignment(layer, weight, group.dataset(place))
                for weight, place in zip(weights, self._places(layer, stored, group), strict=True)
            ]
        store = group.group(VARIABLES)
        stored_name = store.text("name") if self._check_names and named else None
        if stored_name is not None and stored_name != layer.name:
            raise store.error(
                f"expected the weights of layer {layer.name!r}. Received: {stored_name!r}."
            )
        numbers = [name for name in store.names() if name.isdecimal()]
        self.seen |= {_below(path, f"{VARIABLES}/{number}") for number in numbers}
        if len(weights) != len(numbers):
            _explain(layer, store, numbers)
        check_count(layer, len(weights), len(numbers), store.error)
        return [Assignment(layer, w, store.dataset(str(i))) for i, w in enumerate(weights)]

    def _in_its_own_way(self, layer: Layer, group: Tree, path: str) -> OwnAssignment:
        store = group.group(VARIABLES) if VARIABLES in group else None
        datasets = {} if store is None else {name: store.dataset(name) for name in store.names()}
        self.seen |= {_below(path, f"{VARIABLES}/{name}") for name in datasets}
        return OwnAssignment(layer, datasets)

    def _places(self, layer: StandIn, stored: list[str], group: Tree) -> list[str]:
        places = own_places(layer)
        if set(places) != set(stored):
            raise group.error(
                f"the weights of layer {layer.name!r}, for which a function stands in, must have "
                f"the places {places}. Received: {stored}."
            )
        return places


def _explain(layer: Layer, store: Tree, numbers: Sequence[str]) -> None:
    """Say so where what Keras itself forgets to write is why the weights do not fit.

    Its configs do not say how layers inside of an attention layer are quantized, and Keras 3.15
    does not store the zero points of GPTQ and AWQ.
    """
    if layer.quantization_mode in ("gptq", "awq"):
        why = "are not all there (Keras 3.15 forgets `kernel_zero`)"
    elif layer.quantization_mode is None and any(
        store.dataset(number).dtype in ("int8", "uint8") for number in numbers
    ):
        why = "are quantized, and the model does not say how"
    else:
        return
    raise store.error(
        f"the weights of layer {layer.name!r} {why}, so that Keras does not load the file either. "
        "`cnnfast.from_keras(model)` takes the model while it is in memory in Keras, and what it "
        "makes saves a file that both load. "
        f"Received: {len(numbers)} weights of a layer that has {len(own_weights(layer))}."
    )


def _is_users(layer: Layer) -> bool:
    """Whether the class is one of the user's, whose constructor may make layers of any name."""
    return registry.LAYERS.get(type(layer).__name__) is not type(layer)


def _place_of(layer: Layer, group: Tree, path: str) -> Tree:
    try:
        return group.group(path)
    except ModelFileError as error:
        raise ModelFileError(f"{error} Expected the weights of layer {layer.name!r}.") from error


class OldNames:
    """The groups of a model's layers in files of TensorFlow 2.12 and 2.13.

    There a layer with weights is counted twice, so the numbers have gaps: the k-th layer of a
    class is the k-th group of that class.
    """

    def __init__(self, group: Tree) -> None:
        self._group = group
        self._names = group.group(OLD_LAYERS).names()
        self._taken: Counter[str] = Counter()

    def path(self, name: str) -> str:
        """Path of the group of the next layer of class `name`, below that of the model."""
        position = self._taken[name]
        self._taken[name] += 1
        numbers = sorted(
            int(suffix or 0)
            for candidate in self._names
            if candidate == name or candidate.startswith(f"{name}_")
            if (suffix := candidate.removeprefix(name).lstrip("_")).isdecimal() or not suffix
        )
        number = numbers[position] if position < len(numbers) else position
        return f"{OLD_LAYERS}/{name}_{number}" if number else f"{OLD_LAYERS}/{name}"
