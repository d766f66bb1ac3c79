"""Dense layers, inputs, and layers around others."""

from cnnfast.layers.core.dense import Dense
from cnnfast.layers.core.einsum_dense import EinsumDense
from cnnfast.layers.core.embedding import Embedding
from cnnfast.layers.core.input_layer import Input, InputLayer
from cnnfast.layers.core.lambda_layer import Lambda
from cnnfast.layers.core.wrapper import Wrapper

__all__ = [
    "Dense",
    "EinsumDense",
    "Embedding",
    "Input",
    "InputLayer",
    "Lambda",
    "Wrapper",
]
