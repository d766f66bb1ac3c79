"""Photos that Python packages ship, and drawings of digits: real images that need no download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

Photo = npt.NDArray[np.uint8]
"""(height, width, 3)."""

PHOTOS = {
    "skimage": (
        *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png"),
        *("grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png"),
        *("motorcycle_left.png", "retina.jpg", "rocket.jpg"),
    ),
    "sklearn": ("china.jpg", "flower.jpg"),
    "matplotlib": ("grace_hopper.jpg",),
}
"""Package -> files; some are grey."""

FOLDERS = {
    "skimage": "data",
    "sklearn": "datasets/images",
    "matplotlib": "mpl-data/sample_data",
}


def photos() -> dict[str, Photo]:
    """Read all photos, grey ones with three equal channels."""
    return {
        name: read(shipped(package, f"{FOLDERS[package]}/{name}"))
        for package, names in PHOTOS.items()
        for name in names
    }


def read(path: Path) -> Photo:
    """Read one photo."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def shipped(package: str, file: str) -> Path:
    """Find a file of an installed package without importing that.

    Raises
    ------
    FileNotFoundError
        If the package or the file is not there.
    """
    spec = find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        if (path := Path(folder) / file).is_file():
            return path
    raise FileNotFoundError(f"{file} of the package {package} is not installed")
