"""VGG: five blocks of 3x3 convolutions, each ended by a pooling layer, and three dense layers.

Simonyan and Zisserman, https://arxiv.org/abs/1409.1556.
"""

from __future__ import annotations

from collections.abc import Sequence

from cnnfast import layers
from cnnfast.applications.building import Options
from cnnfast.models import Model

FILTERS = (64, 128, 256, 512, 512)
HIDDEN = 4096


def build(options: Options, convolutions: Sequence[int], name: str) -> Model:
    """Build a VGG with so many convolutions in each block."""
    begin = x = options.input()
    for block, (number, filters) in enumerate(zip(convolutions, FILTERS, strict=True), start=1):
        for i in range(1, number + 1):
            x = layers.Conv2D(
                filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}"
            )(x)
        x = layers.MaxPooling2D(2, 2, name=f"block{block}_pool")(x)
    if options.include_top:
        x = layers.Flatten(name="flatten")(x)
        x = layers.Dense(HIDDEN, activation="relu", name="fc1")(x)
        x = layers.Dense(HIDDEN, activation="relu", name="fc2")(x)
        x = options.predictions(x)
    else:
        x = options.pooled(x, named=False)
    return options.model(begin, x, name)
