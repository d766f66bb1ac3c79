"""Dense layers, inputs, and layers around others."""

from typing import TYPE_CHECKING

from cnnfast.layers.core.dense import Dense
from cnnfast.layers.core.einsum_dense import EinsumDense
from cnnfast.layers.core.embedding import Embedding
from cnnfast.layers.core.input_layer import Input, InputLayer
from cnnfast.layers.core.lambda_layer import Lambda
from cnnfast.symbolic.registry import of_keras2

__all__ = [
    "Dense",
    "EinsumDense",
    "Embedding",
    "Input",
    "InputLayer",
    "Lambda",
]

if not TYPE_CHECKING:
    __getattr__ = of_keras2(__name__)
