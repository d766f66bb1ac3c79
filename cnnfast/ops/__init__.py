"""Operations, under Keras' names and with Keras' arguments.

A function called on symbolic tensors becomes part of a model's graph. The first axis of each is the
batch, which stays as it is; arrays, variables and numbers beside them are the same for every image.
Called on arrays and variables alone, it runs at once, over any axis. What is by nature an operation
on images, such as a pooling, takes them along the first axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.ops import image, linalg, names, nn, numpy
from cnnfast.ops import registry as registry
from cnnfast.ops import turned as turned
from cnnfast.ops.arrays import (
    allclose,
    argpartition,
    bartlett,
    bincount,
    blackman,
    corrcoef,
    correlate,
    cross,
    diag,
    diagflat,
    gcd,
    hamming,
    hanning,
    histogram,
    isin,
    kaiser,
    kron,
    lcm,
    nonzero,
    outer,
    scatter,
    scatter_update,
    searchsorted,
    segment_max,
    segment_min,
    segment_prod,
    segment_sum,
    size,
    unique,
    unravel_index,
    vander,
    vdot,
)
from cnnfast.ops.base.operation import Operation
from cnnfast.ops.bits import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
)
from cnnfast.ops.control import (
    cond,
    custom_gradient,
    fori_loop,
    map,
    scan,
    switch,
    vectorize,
    vectorized_map,
    while_loop,
)
from cnnfast.ops.creation import (
    arange,
    array,
    convert_to_numpy,
    convert_to_tensor,
    dtype,
    empty,
    eye,
    full,
    geomspace,
    identity,
    is_tensor,
    linspace,
    logspace,
    meshgrid,
    ndim,
    ones,
    tri,
    zeros,
)
from cnnfast.ops.image.blocks import depth_to_space, space_to_depth
from cnnfast.ops.linalg import (
    cholesky,
    cholesky_inverse,
    det,
    eig,
    eigh,
    inv,
    lstsq,
    matrix_rank,
    pinv,
    qr,
    solve,
    solve_triangular,
    svd,
)
from cnnfast.ops.networks.attention import dot_product_attention, in_top_k, multi_hot, one_hot
from cnnfast.ops.networks.contractions import einsum, inner, tensordot
from cnnfast.ops.networks.convolution import conv, conv_transpose, depthwise_conv, separable_conv
from cnnfast.ops.networks.fourier import (
    extract_sequences,
    fft,
    fft2,
    ifft2,
    irfft,
    istft,
    rfft,
    stft,
)
from cnnfast.ops.networks.linear import dot, matmul
from cnnfast.ops.networks.normalization import (
    batch_normalization,
    layer_normalization,
    rms_normalization,
)
from cnnfast.ops.networks.pooling import average_pool, max_pool
from cnnfast.ops.networks.row_functions import glu, sparsemax
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
from cnnfast.ops.pointwise.arithmetic import (
    add,
    divide,
    floor_divide,
    maximum,
    minimum,
    mod,
    multiply,
    power,
    subtract,
    true_divide,
)
from cnnfast.ops.pointwise.comparison import (
    equal,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    isneginf,
    isposinf,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
    where,
)
from cnnfast.ops.pointwise.elementwise import (
    absolute,
    cast,
    ceil,
    clip,
    cos,
    erf,
    exp,
    expm1,
    floor,
    log,
    log1p,
    negative,
    reciprocal,
    round,
    rsqrt,
    sign,
    sin,
    sqrt,
    square,
    tanh,
)
from cnnfast.ops.pointwise.functions import (
    angle,
    cbrt,
    conjugate,
    copy,
    digitize,
    divide_no_nan,
    fabs,
    fmax,
    fmin,
    fmod,
    heaviside,
    hypot,
    imag,
    isclose,
    isreal,
    logaddexp,
    logaddexp2,
    nan_to_num,
    real,
    saturate_cast,
    select,
    signbit,
    sinc,
    stop_gradient,
    trunc,
)
from cnnfast.ops.pointwise.trigonometry import (
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cosh,
    deg2rad,
    erfc,
    exp2,
    log2,
    log10,
    rad2deg,
    sinh,
    tan,
)
from cnnfast.ops.reducing.quantiles import (
    median,
    nanmax,
    nanmean,
    nanmin,
    nanprod,
    nanstd,
    nansum,
    nanvar,
    percentile,
    quantile,
)
from cnnfast.ops.reducing.reductions import (
    amax,
    amin,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    normalize,
    prod,
    std,
    sum,
    var,
)
from cnnfast.ops.reducing.statistics import average, moments, norm, ptp
from cnnfast.ops.reducing.truths import all, any, count_nonzero
from cnnfast.ops.shaping.arrangement import (
    expand_dims,
    moveaxis,
    ravel,
    reshape,
    squeeze,
    swapaxes,
    transpose,
)
from cnnfast.ops.shaping.joining import concatenate, split, stack
from cnnfast.ops.shaping.ordering import (
    argmax,
    argmin,
    argsort,
    cumprod,
    cumsum,
    sort,
    take_along_axis,
    top_k,
)
from cnnfast.ops.shaping.pieces import (
    append,
    array_split,
    dsplit,
    dstack,
    hsplit,
    hstack,
    slice_update,
    unstack,
    vsplit,
    vstack,
)
from cnnfast.ops.shaping.pieces import slice_ as slice
from cnnfast.ops.shaping.planes import (
    diagonal,
    diff,
    fliplr,
    flipud,
    rot90,
    trace,
    trapezoid,
    tril,
    triu,
)
from cnnfast.ops.shaping.rearrangement import rearrange
from cnnfast.ops.shaping.selection import flip, get_item, pad, roll, take
from cnnfast.ops.shaping.shapes import (
    broadcast_to,
    empty_like,
    full_like,
    ones_like,
    repeat,
    shape,
    tile,
    zeros_like,
)

# fmt: off
__all__ = [
    "Operation", "abs", "absolute", "add", "all", "allclose", "amax", "amin", "angle", "any",
    "append", "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2",
    "arctanh", "argmax", "argmin", "argpartition", "argsort", "array", "array_split", "average",
    "average_pool", "bartlett", "batch_normalization", "bincount", "bitwise_and",
    "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "blackman", "broadcast_to", "cast", "cbrt", "ceil", "celu", "cholesky",
    "cholesky_inverse", "clip", "concatenate", "cond", "conj", "conjugate", "conv",
    "conv_transpose", "convert_to_numpy", "convert_to_tensor", "copy", "corrcoef", "correlate",
    "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum", "custom_gradient", "deg2rad",
    "depth_to_space", "depthwise_conv", "det", "diag", "diagflat", "diagonal", "diff",
    "digitize", "divide", "divide_no_nan", "dot", "dot_product_attention", "dsplit", "dstack",
    "dtype", "eig", "eigh", "einsum", "elu", "empty", "empty_like", "equal", "erf", "erfc",
    "exp", "exp2", "expand_dims", "expm1", "extract_sequences", "eye", "fabs", "fft", "fft2",
    "flip", "fliplr", "flipud", "floor", "floor_divide", "fmax", "fmin", "fmod", "fori_loop",
    "full", "full_like", "gcd", "gelu", "geomspace", "get_item", "glu", "greater",
    "greater_equal", "hamming", "hanning", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "heaviside", "histogram", "hsplit", "hstack", "hypot",
    "identity", "ifft2", "imag", "image", "in_top_k", "inner", "inv", "irfft", "is_tensor",
    "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "istft",
    "kaiser", "kron", "layer_normalization", "lcm", "leaky_relu", "left_shift", "less",
    "less_equal", "linalg", "linspace", "log", "log1p", "log2", "log10", "log_sigmoid",
    "log_softmax", "logaddexp", "logaddexp2", "logical_and", "logical_not", "logical_or",
    "logical_xor", "logspace", "logsumexp", "lstsq", "map", "matmul", "matrix_rank", "max",
    "max_pool", "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod", "moments",
    "moveaxis", "multi_hot", "multiply", "nan_to_num", "nanmax", "nanmean", "nanmin", "nanprod",
    "nanstd", "nansum", "nanvar", "ndim", "negative", "nn", "nonzero", "norm", "normalize",
    "not_equal", "numpy", "one_hot", "ones", "ones_like", "outer", "pad", "percentile", "pinv",
    "power", "prod", "ptp", "qr", "quantile", "rad2deg", "ravel", "real", "rearrange",
    "reciprocal", "relu", "relu6", "repeat", "reshape", "rfft", "right_shift",
    "rms_normalization", "roll", "rot90", "round", "rsqrt", "saturate_cast", "scan", "scatter",
    "scatter_update", "searchsorted", "segment_max", "segment_min", "segment_prod",
    "segment_sum", "select", "selu", "separable_conv", "shape", "sigmoid", "sign", "signbit",
    "silu", "sin", "sinc", "sinh", "size", "slice", "slice_update", "soft_shrink", "softmax",
    "softplus", "softsign", "solve", "solve_triangular", "sort", "space_to_depth",
    "sparse_plus", "sparse_sigmoid", "sparsemax", "split", "sqrt", "square", "squareplus",
    "squeeze", "stack", "std", "stft", "stop_gradient", "subtract", "sum", "svd", "swapaxes",
    "swish", "switch", "take", "take_along_axis", "tan", "tanh", "tanh_shrink", "tensordot",
    "threshold", "tile", "top_k", "trace", "transpose", "trapezoid", "tri", "tril", "triu",
    "true_divide", "trunc", "unique", "unravel_index", "unstack", "vander", "var", "vdot",
    "vectorize", "vectorized_map", "vsplit", "vstack", "where", "while_loop", "zeros",
    "zeros_like",
]
# fmt: on

abs = absolute
swish = silu
hard_swish = hard_silu
conj = conjugate
left_shift = bitwise_left_shift
right_shift = bitwise_right_shift
bitwise_not = bitwise_invert


if not TYPE_CHECKING:  # for which any name would be one

    def __getattr__(name: str) -> Any:
        raise AttributeError(names.missing("ops", name))
