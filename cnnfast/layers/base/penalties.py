"""What layers add to a loss: penalties on their weights, and on what a call on arrays gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer


def renew(layer: Layer) -> None:
    """Forget what calls gave, and let all of them pass by `note` where there is a penalty."""
    vars(layer).pop("_penalties", None)
    if not isinstance(type(layer)._apart, property):
        vars(layer)["_apart"] = layer.activity_regularizer is not None


def note(layer: Layer, outputs: Any) -> Any:
    """Keep the penalties on the outputs of a call on arrays, as Keras does; return the outputs."""
    regularizer = layer.activity_regularizer
    if regularizer is not None:
        arrays = [np.asarray(out) for out in tree.flatten(outputs)]
        vars(layer)["_penalties"] = [
            np.float32(regularizer(array) / max(len(array), 1)) for array in arrays
        ]
    return outputs


def of(layer: Layer) -> list[np.float32]:
    """Return the penalties of the last call, and those on weights, of all layers inside too.

    Raises
    ------
    UnsupportedError
        If a layer inside adds what depends on its output, or `add_loss` was called.
    """
    check_layers(layer, alone=True)
    return [*vars(layer).get("_penalties", ()), *of_weights(layer)]


def of_weights(layer: Layer) -> list[np.float32]:
    """Return the penalties on weights that training would change, of all layers inside too."""
    weights = layer.trainable_weights
    return [np.float32(w.regularizer(w.numpy())) for w in weights if w.regularizer]


def check_layers(layer: Layer, *, alone: bool = False) -> None:
    """Raise UnsupportedError if a layer adds what depends on the data.

    Where `layer` is `alone`, its own penalty is known.
    """
    for part in layer._flatten_layers():
        if getattr(part, "_has_loss", False):
            raise UnsupportedError(
                "What `add_loss` adds, which is part of Keras' loss, is not computed here. "
                f"Received: layer '{part.name}', whose `call` adds a loss"
            )
        regularizer = part.activity_regularizer
        if regularizer is None or (alone and part is layer) or _is_nothing(regularizer):
            continue
        raise UnsupportedError(
            "A penalty on the output of a layer, which is part of Keras' loss, is not computed "
            f"here where others call it. Received: layer '{part.name}' with activity_regularizer="
            f"{regularizer!r}",
            advice="Call that layer alone, and read its `losses`.",
        )


def _is_nothing(regularizer: Any) -> bool:
    ours = type(regularizer).__module__.partition(".")[0] == __name__.partition(".")[0]
    return ours and not any(regularizer.get_config().values())
