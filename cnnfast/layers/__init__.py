"""Layers, under Keras' names and with Keras' arguments, by family as in Keras.

A module of a family is imported when one of its names is first asked for.
"""

from typing import TYPE_CHECKING

from cnnfast.layers import (
    activations,
    attention,
    convolutional,
    core,
    merging,
    normalization,
    pooling,
    preprocessing,
    regularization,
    reshaping,
    rnn,
)
from cnnfast.layers.base.layer import Layer as Layer
from cnnfast.symbolic.input_spec import InputSpec as InputSpec
from cnnfast.symbolic.registry import LAYERS
from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.activations import *
    from cnnfast.layers.attention import *
    from cnnfast.layers.convolutional import *
    from cnnfast.layers.core import *
    from cnnfast.layers.merging import *
    from cnnfast.layers.normalization import *
    from cnnfast.layers.pooling import *
    from cnnfast.layers.preprocessing import *
    from cnnfast.layers.regularization import *
    from cnnfast.layers.reshaping import *
    from cnnfast.layers.rnn import *
    from cnnfast.layers.serialization import *
else:
    _FAMILIES = (
        activations,
        attention,
        convolutional,
        core,
        merging,
        normalization,
        pooling,
        preprocessing,
        regularization,
        reshaping,
        rnn,
    )
    _FRAMEWORK = "it wraps another framework's code: convert that, or give a NumPy function"
    _TEXT = "it takes text, and networks here take numbers: prepare it before"
    _IMAGES = "change the images before the model, and leave the layer out of it"
    _ABSENT = {
        "AutoContrast": _IMAGES,
        "ContrastLimitedAdaptiveHistogramEqualization": _IMAGES,
        "FeatureSpace": _TEXT,
        "FlaxLayer": _FRAMEWORK,
        "JaxLayer": _FRAMEWORK,
        "MaxNumBoundingBoxes": "bring the boxes to a number before the model",
        "ReversibleEmbedding": "use `Embedding`, and `ops.matmul` with its table for the way back",
        "StringLookup": _TEXT,
        "TFSMLayer": _FRAMEWORK,
        "TextVectorization": _TEXT,
        "TorchModuleWrapper": _FRAMEWORK,
    }
    _NAMES = {family.__name__.rpartition(".")[2]: family.__all__ for family in _FAMILIES}
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__, _NAMES | {"serialization": ["deserialize", "serialize"]}, _ABSENT
    )
    __all__ += ["InputSpec", "Layer"]

    # What a file may name: each class under its own name. The code of a Lambda is never taken.
    _OTHERS = ("Convolution", "Pool1D", "Pool2D", "Pool3D")  # in Keras' shorter names of some
    _CLASSES = (
        name
        for family in _FAMILIES
        for name in family.__all__
        if name[0].isupper() and not any(other in name for other in _OTHERS)
    )
    LAYERS.postpone(
        {name: name for name in _CLASSES if name not in ("Input", "Lambda", "Wrapper")}, __getattr__
    )
    # Names of older versions of Keras.
    LAYERS.postpone(
        {
            "AtrousConvolution1D": "Conv1D",
            "AtrousConvolution2D": "Conv2D",
            "BatchNormalizationV1": "BatchNormalization",
            "BatchNormalizationV2": "BatchNormalization",
            "Convolution1D": "Conv1D",
            "Convolution2D": "Conv2D",
            "GroupedQueryAttention": "GroupQueryAttention",  # as HDF5 files of Keras 3 call it
            "SeparableConvolution2D": "SeparableConv2D",
            "SyncBatchNormalization": "BatchNormalization",
        },
        __getattr__,
    )
