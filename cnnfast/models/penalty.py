"""What layers add to a loss."""

from __future__ import annotations

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.layer import Layer


def penalty_of(model: Layer) -> np.float32:
    """Return what regularization adds to the loss of `model`.

    Raises
    ------
    UnsupportedError
        If a layer adds what depends on the data.
    """
    for layer in model._flatten_layers():
        if getattr(layer, "_has_loss", False):
            raise UnsupportedError(
                "What `add_loss` adds, which is part of Keras' loss, is not computed here. "
                f"Received: layer '{layer.name}', whose `call` adds a loss"
            )
        regularizer = layer.activity_regularizer
        if regularizer is not None and any(regularizer.get_config().values()):
            raise UnsupportedError(
                "A penalty on the output of a layer, which is part of Keras' loss, is not "
                f"computed here. Received: layer '{layer.name}' with activity_regularizer="
                f"{regularizer!r}"
            )
    # Keras leaves out the penalties on weights that are frozen.
    return np.float32(sum(model.losses))
