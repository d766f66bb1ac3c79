"""Images of any size cut from photos: two sets that have no pixel in common.

The left part of each photo is for calibration, the right one for evaluation. A crop has a random
place and size, from 32 pixels to all of the part, and is scaled to the size that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from sidebyside.real_images import Photo

Part = Literal["calibration", "evaluation"]

SEED = 11
SMALLEST_SIDE = 32
CALIBRATION_SHARE = 0.35
"""Of a photo's width."""


def crops(
    photos: Mapping[str, Photo], part: Part, shape: tuple[int, int, int], count: int
) -> Photo:
    """Cut `count` images (count, height, width, channels) of that part.

    The photos take turns. Fewer images are the first of more.
    """
    height, width, channels = shape
    rng = np.random.default_rng([SEED, *part.encode()])
    parts = [part_of(photo, part) for photo in photos.values()]
    images = (cut(parts[number % len(parts)], (height, width), rng) for number in range(count))
    return np.stack([image if channels == 3 else grey(image) for image in images])


def part_of(photo: Photo, part: Part) -> Photo:
    """Take the columns of a photo that belong to a part."""
    border = round(CALIBRATION_SHARE * photo.shape[1])
    return photo[:, :border] if part == "calibration" else photo[:, border:]


def cut(photo: Photo, size: tuple[int, int], rng: np.random.Generator) -> Photo:
    """Cut one image of a random place and size, and scale it to (height, width)."""
    from PIL import Image

    largest = min(photo.shape[0] / size[0], photo.shape[1] / size[1])
    smallest = min(SMALLEST_SIDE / min(size), largest)
    scale = np.exp(rng.uniform(np.log(smallest), np.log(largest)))
    height, width = (max(1, int(scale * side)) for side in size)
    top = rng.integers(photo.shape[0] - height + 1)
    left = rng.integers(photo.shape[1] - width + 1)
    box = np.ascontiguousarray(photo[top : top + height, left : left + width])
    scaled = Image.fromarray(box).resize(size[::-1], Image.Resampling.BILINEAR)
    return np.asarray(scaled)


def grey(image: Photo) -> Photo:
    """Turn colours into one channel."""
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("L"))[..., None]
