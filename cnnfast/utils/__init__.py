"""Helpers under Keras' names."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms
from cnnfast.utils.naming import reset_names

clear_session = reset_names

if TYPE_CHECKING:
    from cnnfast.utils.images import (
        array_to_img as array_to_img,
        img_to_array as img_to_array,
        load_img as load_img,
        save_img as save_img,
    )
    from cnnfast.utils.numerical import (
        set_random_seed as set_random_seed,
        to_categorical as to_categorical,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "images": ["array_to_img", "img_to_array", "load_img", "save_img"],
            "numerical": ["set_random_seed", "to_categorical"],
        },
    )
    __all__ += ["clear_session"]
