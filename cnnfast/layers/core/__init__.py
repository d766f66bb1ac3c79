"""Dense layers, inputs, and layers around others."""

from typing import TYPE_CHECKING

from cnnfast.symbolic.registry import of_keras2
from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.core.dense import Dense as Dense
    from cnnfast.layers.core.einsum_dense import EinsumDense as EinsumDense
    from cnnfast.layers.core.embedding import Embedding as Embedding
    from cnnfast.layers.core.input_layer import Input as Input, InputLayer as InputLayer
    from cnnfast.layers.core.lambda_layer import Lambda as Lambda
    from cnnfast.layers.core.masking import Masking as Masking
    from cnnfast.layers.core.wrapper import Wrapper as Wrapper
else:
    __all__, _find, __dir__ = rooms.postponed(
        __name__,
        {
            "dense": ["Dense"],
            "einsum_dense": ["EinsumDense"],
            "embedding": ["Embedding"],
            "input_layer": ["Input", "InputLayer"],
            "lambda_layer": ["Lambda"],
            "masking": ["Masking"],
            "wrapper": ["Wrapper"],
        },
    )
    __getattr__ = of_keras2(_find)
