"""Convolutions."""

from typing import TYPE_CHECKING

from cnnfast.symbolic.registry import of_keras2
from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.convolutional.conv import (
        Conv1D as Conv1D,
        Conv2D as Conv2D,
        Conv3D as Conv3D,
        Convolution1D as Convolution1D,
        Convolution2D as Convolution2D,
        Convolution3D as Convolution3D,
    )
    from cnnfast.layers.convolutional.conv_transpose import (
        Conv1DTranspose as Conv1DTranspose,
        Conv2DTranspose as Conv2DTranspose,
        Conv3DTranspose as Conv3DTranspose,
        Convolution1DTranspose as Convolution1DTranspose,
        Convolution2DTranspose as Convolution2DTranspose,
        Convolution3DTranspose as Convolution3DTranspose,
    )
    from cnnfast.layers.convolutional.depthwise_conv import (
        DepthwiseConv1D as DepthwiseConv1D,
        DepthwiseConv2D as DepthwiseConv2D,
    )
    from cnnfast.layers.convolutional.separable_conv import (
        SeparableConv1D as SeparableConv1D,
        SeparableConv2D as SeparableConv2D,
        SeparableConvolution1D as SeparableConvolution1D,
        SeparableConvolution2D as SeparableConvolution2D,
    )
else:
    __all__, _find, __dir__ = rooms.postponed(
        __name__,
        {
            "conv": [
                "Conv1D",
                "Conv2D",
                "Conv3D",
                "Convolution1D",
                "Convolution2D",
                "Convolution3D",
            ],
            "conv_transpose": [
                "Conv1DTranspose",
                "Conv2DTranspose",
                "Conv3DTranspose",
                "Convolution1DTranspose",
                "Convolution2DTranspose",
                "Convolution3DTranspose",
            ],
            "depthwise_conv": ["DepthwiseConv1D", "DepthwiseConv2D"],
            "separable_conv": [
                "SeparableConv1D",
                "SeparableConv2D",
                "SeparableConvolution1D",
                "SeparableConvolution2D",
            ],
        },
    )
    __getattr__ = of_keras2(_find)
