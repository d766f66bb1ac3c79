"""The names of `keras.preprocessing.image`: pictures, and generators of batches of them."""

from typing import TYPE_CHECKING

from cnnfast.preprocessing.flows import DirectoryIterator, Iterator, NumpyArrayIterator
from cnnfast.preprocessing.image_generator import ImageDataGenerator
from cnnfast.preprocessing.resizing import smart_resize
from cnnfast.preprocessing.transformations import (
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
)
from cnnfast.utils.data.images import array_to_img, img_to_array, load_img, save_img
from cnnfast.utils.facade import facade

__all__ = [
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "img_to_array",
    "load_img",
    "save_img",
    "smart_resize",
]

if not TYPE_CHECKING:
    _RANDOM = "use `ImageDataGenerator(…).random_transform`, or the layers of that name."
    __getattr__, __dir__ = facade(
        __name__,
        {},
        {
            f"random_{what}": _RANDOM
            for what in ("brightness", "channel_shift", "rotation", "shear", "shift", "zoom")
        },
        __all__,
    )
