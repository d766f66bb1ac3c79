"""Real images for a network: those it is calibrated on, and others that it is judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from sidebyside.crops import Part, crops
from sidebyside.real_images import photos, shipped
from sidebyside.runtimes import Images

Labels: TypeAlias = npt.NDArray[np.uint8]

CALIBRATION_IMAGES = 128
NO_LABELS: Labels = np.empty(0, np.uint8)


@dataclass(frozen=True)
class Examples:
    """Where a network's images come from, and which values its pixels have."""

    motif: Literal["photos", "digits"] = "photos"
    pixels: tuple[float, float] = (0.0, 1.0)
    """The values of black and white."""

    def draw(self, part: Part, shape: tuple[int, int, int], count: int) -> tuple[Images, Labels]:
        """Give `count` images, or fewer where there are not as many, and their labels, if any."""
        if self.motif == "digits":
            raw, labels = digits(part)
            raw, labels, white = raw[:count], labels[:count], 16
        else:
            raw, labels, white = crops(photos(), part, shape, count), NO_LABELS, 255
        low, high = self.pixels
        return (low + (high - low) / white * raw).astype(np.float32), labels


def digits(part: Part) -> tuple[npt.NDArray[np.uint8], Labels]:
    """Give the digits that the network in `cnnfast.data` was not trained on, or the others."""
    with np.load(shipped("cnnfast", "data/digits_test.npz")) as arrays:
        held_out, labels = arrays["images"], arrays["labels"]
    if part == "evaluation":
        return held_out, labels
    from sklearn.datasets import load_digits

    every = load_digits()
    images = every.images.astype(np.uint8)[..., None]
    unseen = {image.tobytes() for image in held_out}
    others = [number for number, image in enumerate(images) if image.tobytes() not in unseen]
    return images[others], every.target[others].astype(np.uint8)
