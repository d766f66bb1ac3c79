"""Layers, under Keras' names and with Keras' arguments."""

from cnnfast.layers.activation import Activation, ReLU, Softmax
from cnnfast.layers.convolutional import Conv2D, Convolution2D
from cnnfast.layers.core import Dense, Input, InputLayer
from cnnfast.layers.input_spec import InputSpec
from cnnfast.layers.layer import Layer
from cnnfast.layers.normalization import BatchNormalization
from cnnfast.layers.pooling import MaxPool2D, MaxPooling2D
from cnnfast.layers.registry import deserialize, serialize
from cnnfast.layers.regularization import Dropout
from cnnfast.layers.reshaping import Flatten

__all__ = [
    "Activation",
    "BatchNormalization",
    "Conv2D",
    "Convolution2D",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "MaxPool2D",
    "MaxPooling2D",
    "ReLU",
    "Softmax",
    "deserialize",
    "serialize",
]
