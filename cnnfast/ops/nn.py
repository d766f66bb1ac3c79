"""Operations of networks, under the names of `keras.ops.nn`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.ops import names
from cnnfast.ops.image.blocks import depth_to_space, space_to_depth
from cnnfast.ops.networks.attention import dot_product_attention, multi_hot, one_hot
from cnnfast.ops.networks.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from cnnfast.ops.networks.normalization import (
    batch_normalization,
    layer_normalization,
    rms_normalization,
)
from cnnfast.ops.networks.pooling import average_pool, max_pool
from cnnfast.ops.networks.row_functions import glu, sparsemax
from cnnfast.ops.pointwise import activation
from cnnfast.ops.pointwise.activation import (
    celu,
    elu,
    gelu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    tanh_shrink,
    threshold,
)
from cnnfast.ops.reducing.reductions import log_softmax, normalize
from cnnfast.ops.reducing.statistics import moments

__all__ = [
    "average_pool",
    "batch_normalization",
    "celu",
    "conv",
    "conv_transpose",
    "depth_to_space",
    "depthwise_conv",
    "dot_product_attention",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "layer_normalization",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "max_pool",
    "moments",
    "multi_hot",
    "normalize",
    "one_hot",
    "relu",
    "relu6",
    "rms_normalization",
    "selu",
    "separable_conv",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "space_to_depth",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]

swish = silu
hard_swish = hard_silu


if not TYPE_CHECKING:  # for which any name would be one

    def __getattr__(name: str) -> Any:
        # Pickles of earlier versions name classes here.
        if isinstance(vars(activation).get(name), type):
            return vars(activation)[name]
        raise AttributeError(names.missing("ops.nn", name))
