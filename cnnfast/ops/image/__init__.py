"""Operations on images, under the names of `keras.ops.image`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.ops import names
from cnnfast.ops.image.blocks import DepthToSpace, SpaceToDepth
from cnnfast.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from cnnfast.ops.image.geometry import affine_transform, map_coordinates
from cnnfast.ops.image.patches import crop_images, extract_patches, pad_images
from cnnfast.ops.image.resizing import Resize, resize

__all__ = [
    "DepthToSpace",
    "Resize",
    "SpaceToDepth",
    "affine_transform",
    "crop_images",
    "extract_patches",
    "hsv_to_rgb",
    "map_coordinates",
    "pad_images",
    "resize",
    "rgb_to_grayscale",
    "rgb_to_hsv",
]


if not TYPE_CHECKING:  # for which any name would be one

    def __getattr__(name: str) -> Any:
        raise AttributeError(names.missing("ops.image", name))
