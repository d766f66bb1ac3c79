"""Where Keras 3 keeps the weights of each layer: `.weights.h5`, alone or inside `.keras`.

The rules are those of Keras (keras/src/saving/saving_lib.py): weight number i of a layer is the
dataset ``layers/<class>/vars/<i>``. ``<class>`` is the class name in snake case; the second
layer of a class gets ``_1``, the third ``_2``, whatever the layers' own names are. A model
inside a model repeats the tree below its own place. A shared layer is stored at its first place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnfast.saving.assignment import Assignment, check_count
from cnnfast.saving.hdf5 import H5Group
from cnnfast.utils.naming import to_snake_case

if TYPE_CHECKING:
    from cnnfast.layers.layer import Layer
    from cnnfast.variables import Variable

LAYERS, VARIABLES = "layers", "vars"
# The name of LAYERS in files written by TensorFlow 2.12 and 2.13.
_OLD_LAYERS = "_layer_checkpoint_dependencies"


@dataclass(frozen=True)
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
        """Path of the group whose datasets are the weights."""
        return f"{self.path}/{VARIABLES}" if self.path else VARIABLES


def places(model: Layer) -> Iterator[Place]:
    """Every layer of `model`, itself first, in the order and under the path Keras gives it."""
    yield from _places(model, "", set())


def _places(layer: Layer, path: str, visited: set[int]) -> Iterator[Place]:
    if id(layer) in visited:
        return
    visited.add(id(layer))
    inner = sublayers(layer)
    elsewhere = {id(weight) for part in inner for weight in part.weights}
    yield Place(path, layer, [w for w in layer.weights if id(w) not in elsewhere])
    names: Counter[str] = Counter()
    for part in inner:
        name = to_snake_case(type(part).__name__)
        number = names[name]
        names[name] += 1
        part_path = f"{LAYERS}/{name}_{number}" if number else f"{LAYERS}/{name}"
        yield from _places(part, f"{path}/{part_path}" if path else part_path, visited)


def sublayers(layer: Layer) -> Sequence[Layer]:
    """Return the layers of a model; none for any other layer."""
    inner: Sequence[Layer] = getattr(layer, "layers", ())
    return inner


def is_keras_tree(root: H5Group) -> bool:
    """Whether `root` has the form this module reads."""
    return any(name in root for name in (LAYERS, VARIABLES, _OLD_LAYERS))


def find_weights(model: Layer, root: H5Group, *, check_names: bool) -> list[Assignment]:
    """Find the dataset of each weight of `model`.

    Parameters
    ----------
    model
        A built model.
    root
        The root of a `.weights.h5` file.
    check_names
        Whether the file was saved from this very model, so that the layer names in it (newer
        files have them) must be the model's.

    Raises
    ------
    ModelFileError
        A layer has no place in the file, another number of weights there, or another name.
    """
    moved = _old_paths(model, root) if LAYERS not in root and _OLD_LAYERS in root else {}
    found = []
    for place in places(model):
        if not place.weights:
            continue
        group = root.group(moved.get(place.variables_path, place.variables_path))
        if check_names:
            _check_name(place.layer, group)
        names = [name for name in group.names() if name.isdecimal()]
        check_count(place.layer, len(place.weights), len(names), group.error)
        found += [
            Assignment(place.layer, weight, group.dataset(str(i)))
            for i, weight in enumerate(place.weights)
        ]
    return found


def _check_name(layer: Layer, group: H5Group) -> None:
    stored = group.text("name")
    if stored is not None and stored != layer.name:
        raise group.error(f"expected the weights of layer {layer.name!r}. Received: {stored!r}.")


def _old_paths(model: Layer, root: H5Group) -> Mapping[str, str]:
    """Path in the file for each path of `places`, for files of TensorFlow 2.12 and 2.13.

    There a layer with weights is counted twice, so the numbers have gaps: the k-th layer of a
    class that has weights is the k-th group of that class that holds any.
    """
    moved: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for place in places(model):
        if not place.weights or not place.path:
            continue
        parent, _, _ = place.variables_path.rpartition(f"/{VARIABLES}")
        parent = parent.rpartition("/")[0].replace(LAYERS, _OLD_LAYERS)
        name = to_snake_case(type(place.layer).__name__)
        holders = _holders(root.group(parent), name)
        position = taken[f"{parent}/{name}"]
        taken[f"{parent}/{name}"] += 1
        if position < len(holders):
            moved[place.variables_path] = f"{parent}/{holders[position]}/{VARIABLES}"
    return moved


def _holders(group: H5Group, name: str) -> list[str]:
    """Return the groups ``name``, ``name_1``, ``name_2``, … that hold weights, by their number."""
    numbered = {
        int(suffix or 0): candidate
        for candidate in group.names()
        if candidate == name or candidate.startswith(f"{name}_")
        if (suffix := candidate.removeprefix(name).lstrip("_")).isdecimal() or not suffix
    }
    candidates = [numbered[number] for number in sorted(numbered)]
    return [
        c
        for c in candidates
        if VARIABLES in (inner := group.group(c)) and inner.group(VARIABLES).names()
    ]
