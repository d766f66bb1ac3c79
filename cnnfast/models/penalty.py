"""What layers add to a loss."""

from __future__ import annotations

import numpy as np

from cnnfast.layers.base import rules
from cnnfast.layers.base.layer import Layer


def penalty_of(model: Layer) -> np.float32:
    """Return what regularization adds to the loss of `model`.

    Raises
    ------
    UnsupportedError
        If a layer adds what depends on the data.
    """
    rules.check_penalties(model)
    # Keras leaves out the penalties on weights that are frozen.
    return np.float32(sum(rules.penalties_on_weights(model)))
