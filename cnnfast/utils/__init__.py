"""Helpers under Keras' names."""

from cnnfast.utils.images import array_to_img, img_to_array, load_img, save_img
from cnnfast.utils.naming import reset_names
from cnnfast.utils.numerical import set_random_seed, to_categorical

clear_session = reset_names

__all__ = [
    "array_to_img",
    "clear_session",
    "img_to_array",
    "load_img",
    "save_img",
    "set_random_seed",
    "to_categorical",
]
