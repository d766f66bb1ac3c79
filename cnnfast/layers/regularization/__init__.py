"""Layers that do nothing at inference."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.regularization.unchanged import (
        ActivityRegularization as ActivityRegularization,
        AlphaDropout as AlphaDropout,
        Dropout as Dropout,
        GaussianDropout as GaussianDropout,
        GaussianNoise as GaussianNoise,
        Identity as Identity,
        SpatialDropout1D as SpatialDropout1D,
        SpatialDropout2D as SpatialDropout2D,
        SpatialDropout3D as SpatialDropout3D,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "unchanged": [
                "ActivityRegularization",
                "AlphaDropout",
                "Dropout",
                "GaussianDropout",
                "GaussianNoise",
                "Identity",
                "SpatialDropout1D",
                "SpatialDropout2D",
                "SpatialDropout3D",
            ],
        },
    )
