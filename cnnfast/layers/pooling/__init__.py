"""Pooling."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.pooling.adaptive_pooling import (
        AdaptiveAveragePooling1D as AdaptiveAveragePooling1D,
        AdaptiveAveragePooling2D as AdaptiveAveragePooling2D,
        AdaptiveAveragePooling3D as AdaptiveAveragePooling3D,
        AdaptiveMaxPooling1D as AdaptiveMaxPooling1D,
        AdaptiveMaxPooling2D as AdaptiveMaxPooling2D,
        AdaptiveMaxPooling3D as AdaptiveMaxPooling3D,
    )
    from cnnfast.layers.pooling.global_pooling import (
        GlobalAveragePooling1D as GlobalAveragePooling1D,
        GlobalAveragePooling2D as GlobalAveragePooling2D,
        GlobalAveragePooling3D as GlobalAveragePooling3D,
        GlobalAvgPool1D as GlobalAvgPool1D,
        GlobalAvgPool2D as GlobalAvgPool2D,
        GlobalAvgPool3D as GlobalAvgPool3D,
        GlobalMaxPool1D as GlobalMaxPool1D,
        GlobalMaxPool2D as GlobalMaxPool2D,
        GlobalMaxPool3D as GlobalMaxPool3D,
        GlobalMaxPooling1D as GlobalMaxPooling1D,
        GlobalMaxPooling2D as GlobalMaxPooling2D,
        GlobalMaxPooling3D as GlobalMaxPooling3D,
    )
    from cnnfast.layers.pooling.window_pooling import (
        AveragePooling1D as AveragePooling1D,
        AveragePooling2D as AveragePooling2D,
        AveragePooling3D as AveragePooling3D,
        AvgPool1D as AvgPool1D,
        AvgPool2D as AvgPool2D,
        AvgPool3D as AvgPool3D,
        MaxPool1D as MaxPool1D,
        MaxPool2D as MaxPool2D,
        MaxPool3D as MaxPool3D,
        MaxPooling1D as MaxPooling1D,
        MaxPooling2D as MaxPooling2D,
        MaxPooling3D as MaxPooling3D,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "adaptive_pooling": [
                "AdaptiveAveragePooling1D",
                "AdaptiveAveragePooling2D",
                "AdaptiveAveragePooling3D",
                "AdaptiveMaxPooling1D",
                "AdaptiveMaxPooling2D",
                "AdaptiveMaxPooling3D",
            ],
            "global_pooling": [
                "GlobalAveragePooling1D",
                "GlobalAveragePooling2D",
                "GlobalAveragePooling3D",
                "GlobalAvgPool1D",
                "GlobalAvgPool2D",
                "GlobalAvgPool3D",
                "GlobalMaxPool1D",
                "GlobalMaxPool2D",
                "GlobalMaxPool3D",
                "GlobalMaxPooling1D",
                "GlobalMaxPooling2D",
                "GlobalMaxPooling3D",
            ],
            "window_pooling": [
                "AveragePooling1D",
                "AveragePooling2D",
                "AveragePooling3D",
                "AvgPool1D",
                "AvgPool2D",
                "AvgPool3D",
                "MaxPool1D",
                "MaxPool2D",
                "MaxPool3D",
                "MaxPooling1D",
                "MaxPooling2D",
                "MaxPooling3D",
            ],
        },
    )
