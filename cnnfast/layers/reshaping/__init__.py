"""Other shapes: reshaping, padding, cropping, upsampling."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.reshaping.padding import (
        Cropping1D as Cropping1D,
        Cropping2D as Cropping2D,
        Cropping3D as Cropping3D,
        ZeroPadding1D as ZeroPadding1D,
        ZeroPadding2D as ZeroPadding2D,
        ZeroPadding3D as ZeroPadding3D,
    )
    from cnnfast.layers.reshaping.shapes import (
        Flatten as Flatten,
        Permute as Permute,
        RepeatVector as RepeatVector,
        Reshape as Reshape,
    )
    from cnnfast.layers.reshaping.up_sampling import (
        UpSampling1D as UpSampling1D,
        UpSampling2D as UpSampling2D,
        UpSampling3D as UpSampling3D,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "padding": [
                "Cropping1D",
                "Cropping2D",
                "Cropping3D",
                "ZeroPadding1D",
                "ZeroPadding2D",
                "ZeroPadding3D",
            ],
            "shapes": ["Flatten", "Permute", "RepeatVector", "Reshape"],
            "up_sampling": ["UpSampling1D", "UpSampling2D", "UpSampling3D"],
        },
    )
