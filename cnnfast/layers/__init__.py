"""Layers, under Keras' names and with Keras' arguments, by family as in Keras."""

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
from cnnfast.layers.activations import *
from cnnfast.layers.attention import *
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.convolutional import *
from cnnfast.layers.core import *
from cnnfast.layers.merging import *
from cnnfast.layers.normalization import *
from cnnfast.layers.own import traced as _traced  # noqa: F401  users' classes need it
from cnnfast.layers.pooling import *
from cnnfast.layers.preprocessing import *
from cnnfast.layers.regularization import *
from cnnfast.layers.reshaping import *
from cnnfast.layers.rnn import *
from cnnfast.layers.serialization.configs import deserialize, serialize
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.symbolic.registry import LAYERS

__all__ = ["InputSpec", "Layer", "deserialize", "serialize"]
__all__ += activations.__all__
__all__ += attention.__all__
__all__ += convolutional.__all__
__all__ += core.__all__
__all__ += merging.__all__
__all__ += normalization.__all__
__all__ += pooling.__all__
__all__ += preprocessing.__all__
__all__ += regularization.__all__
__all__ += reshaping.__all__
__all__ += rnn.__all__

# What a file may name: each class under its own name. The code of a Lambda is never taken.
_BASES = (InputSpec, Layer, core.Lambda, core.Wrapper)
LAYERS.register(
    item
    for name in __all__
    if isinstance(item := globals()[name], type) and item.__name__ == name and item not in _BASES
)
# Names of older versions of Keras.
LAYERS.register(
    AtrousConvolution1D=convolutional.Conv1D,
    AtrousConvolution2D=convolutional.Conv2D,
    BatchNormalizationV1=normalization.BatchNormalization,
    BatchNormalizationV2=normalization.BatchNormalization,
    Convolution1D=convolutional.Conv1D,
    Convolution2D=convolutional.Conv2D,
    SeparableConvolution2D=convolutional.SeparableConv2D,
    SyncBatchNormalization=normalization.BatchNormalization,
)
