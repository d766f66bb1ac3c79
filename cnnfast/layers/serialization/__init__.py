"""Layers as the config objects of files, and layers made of them."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.serialization.configs import (
        deserialize as deserialize,
        serialize as serialize,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "configs": ["deserialize", "serialize"],
        },
    )
