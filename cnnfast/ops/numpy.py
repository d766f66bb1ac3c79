"""Operations that NumPy has, too, under the names of `keras.ops.numpy`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast.ops import names
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
    searchsorted,
    size,
    unique,
    unravel_index,
    vander,
    vdot,
)
from cnnfast.ops.bits import (
    bitwise_and,
    bitwise_invert,
    bitwise_left_shift,
    bitwise_or,
    bitwise_right_shift,
    bitwise_xor,
)
from cnnfast.ops.control import vectorize
from cnnfast.ops.creation import (
    arange,
    array,
    empty,
    eye,
    full,
    geomspace,
    identity,
    linspace,
    logspace,
    meshgrid,
    ndim,
    ones,
    tri,
    zeros,
)
from cnnfast.ops.networks.contractions import einsum, inner, tensordot
from cnnfast.ops.networks.linear import dot, matmul
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
    ceil,
    clip,
    cos,
    exp,
    expm1,
    floor,
    log,
    log1p,
    negative,
    reciprocal,
    round,
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
    select,
    signbit,
    sinc,
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
from cnnfast.ops.reducing.reductions import amax, amin, max, mean, min, prod, std, sum, var
from cnnfast.ops.reducing.statistics import average, ptp
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
)
from cnnfast.ops.shaping.pieces import (
    append,
    array_split,
    dsplit,
    dstack,
    hsplit,
    hstack,
    vsplit,
    vstack,
)
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
from cnnfast.ops.shaping.selection import flip, get_item, pad, roll, take
from cnnfast.ops.shaping.shapes import (
    broadcast_to,
    empty_like,
    full_like,
    ones_like,
    repeat,
    tile,
    zeros_like,
)

# fmt: off
__all__ = [
    "abs", "absolute", "add", "all", "allclose", "amax", "amin", "angle", "any", "append",
    "arange", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "argmax", "argmin", "argpartition", "argsort", "array", "array_split", "average",
    "bartlett", "bincount", "bitwise_and", "bitwise_invert", "bitwise_left_shift",
    "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "blackman",
    "broadcast_to", "cbrt", "ceil", "clip", "concatenate", "conj", "conjugate", "copy",
    "corrcoef", "correlate", "cos", "cosh", "count_nonzero", "cross", "cumprod", "cumsum",
    "deg2rad", "diag", "diagflat", "diagonal", "diff", "digitize", "divide", "divide_no_nan",
    "dot", "dsplit", "dstack", "einsum", "empty", "empty_like", "equal", "exp", "exp2",
    "expand_dims", "expm1", "eye", "fabs", "flip", "fliplr", "flipud", "floor", "floor_divide",
    "fmax", "fmin", "fmod", "full", "full_like", "gcd", "geomspace", "get_item", "greater",
    "greater_equal", "hamming", "hanning", "heaviside", "histogram", "hsplit", "hstack",
    "hypot", "identity", "imag", "inner", "isclose", "isfinite", "isin", "isinf", "isnan",
    "isneginf", "isposinf", "isreal", "kaiser", "kron", "lcm", "left_shift", "less",
    "less_equal", "linspace", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logspace", "matmul", "max",
    "maximum", "mean", "median", "meshgrid", "min", "minimum", "mod", "moveaxis", "multiply",
    "nan_to_num", "nanmax", "nanmean", "nanmin", "nanprod", "nanstd", "nansum", "nanvar",
    "ndim", "negative", "nonzero", "not_equal", "ones", "ones_like", "outer", "pad",
    "percentile", "power", "prod", "ptp", "quantile", "rad2deg", "ravel", "real", "reciprocal",
    "repeat", "reshape", "right_shift", "roll", "rot90", "round", "searchsorted", "select",
    "sign", "signbit", "sin", "sinc", "sinh", "size", "sort", "split", "sqrt", "square",
    "squeeze", "stack", "std", "subtract", "sum", "swapaxes", "take", "take_along_axis", "tan",
    "tanh", "tensordot", "tile", "trace", "transpose", "trapezoid", "tri", "tril", "triu",
    "true_divide", "trunc", "unique", "unravel_index", "vander", "var", "vdot", "vectorize",
    "vsplit", "vstack", "where", "zeros", "zeros_like",
]
# fmt: on

abs = absolute
conj = conjugate
left_shift = bitwise_left_shift
right_shift = bitwise_right_shift
bitwise_not = bitwise_invert


if not TYPE_CHECKING:  # for which any name would be one

    def __getattr__(name: str) -> Any:
        raise AttributeError(names.missing("ops.numpy", name))
