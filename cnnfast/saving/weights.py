"""`load_weights`: the numbers of a model without its configuration."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from cnnfast.files import kinds, shards
from cnnfast.files.hdf5 import H5Group
from cnnfast.files.kinds import Found, Kind
from cnnfast.files.shards import ShardedGroup
from cnnfast.files.source import Readable, path_of
from cnnfast.saving import keras_format, legacy_h5
from cnnfast.saving.assignment import AnyAssignment, Mismatches, assign_all

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer


def load_weights(
    model: Layer,
    filepath: Readable,
    *,
    skip_mismatch: bool = False,
    by_name: bool = False,
    in_memory: bool = False,
) -> None:
    """Replace the weights of `model` by those in a file.

    Parameters
    ----------
    model
        A built model.
    filepath
        `.weights.h5` of Keras 3, `.weights.json` of weights in shards, weights or whole-model
        `.h5` of any Keras, or `.keras`; a path or, but for weights in shards, bytes or an open
        binary file, as `load_model` takes them. What it is, is decided by its content.
    skip_mismatch
        Whether layers that do not fit keep their weights, with a warning, in place of an error.
    by_name
        Whether layers take the weights stored under their names, and others keep theirs; only
        `.h5` in the form of Keras 1 and 2 has such names.
    in_memory
        As `load_model` takes it.

    Raises
    ------
    ValueError
        The model is not built, or the file has no names to go by.
    FileNotFoundError
        Nothing is at `filepath`.
    ModelFileError
        The file is no such file, is damaged, or its weights do not fit the model; then no
        weight has changed. The message names the layer, the place in the file and both shapes.
    """
    if not model.built:
        raise ValueError(
            "You are loading weights into a model that has not yet been built. Call it on some "
            f"data or use `build()` first. Received: model {model.name!r}."
        )
    mismatches = Mismatches(skip_mismatch)
    with kinds.opened(filepath, in_memory) as found, ExitStack() as stack:
        root = _root(found, filepath)
        if in_memory and isinstance(root, ShardedGroup):
            stack.callback(root.close)
        assign_all(_find(model, root, found.name, by_name, mismatches), mismatches)


def _find(
    model: Layer, root: H5Group | ShardedGroup, name: str, by_name: bool, mismatches: Mismatches
) -> Sequence[AnyAssignment]:
    group = legacy_h5.weights_group(root) if isinstance(root, H5Group) else None
    if group is not None:
        return legacy_h5.find_weights(model, group, by_name=by_name, mismatches=mismatches)
    if by_name:
        raise ValueError(
            "`by_name` needs an `.h5` file in the form of Keras 1 and 2: others store layers by "
            f"their place in the model. Received: {name}"
        )
    if not keras_format.is_keras_tree(root):
        raise root.error(f"expected the weights of a Keras model. Received: {root.names()[:8]}.")
    return keras_format.find_weights(model, root, mismatches=mismatches)


def _root(found: Found, filepath: Readable) -> H5Group | ShardedGroup:
    if found.kind is Kind.SHARDS:
        if not isinstance(filepath, str | os.PathLike):
            raise found.whole.error("weights in shards must be given by the path of their map.")
        return shards.open_shards(found.whole, path_of(filepath))
    if found.kind is Kind.FOREIGN:
        raise found.foreign("weights that Keras saved (.weights.h5, .h5 or .keras)")
    return found.weights.root
