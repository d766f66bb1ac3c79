"""Operations, under Keras' names and with Keras' arguments.

A function called on symbolic tensors becomes part of a model's graph. Called on arrays it runs
at once: the array with the most axes is a batch of images, and arrays with fewer are constants.
The first axis is the batch in both, and stays as it is.
"""

from cnnfast.ops import (
    arithmetic,
    arrangement,
    elementwise,
    image,
    joining,
    linear,
    nn,
    pooling,
    reductions,
    selection,
)
from cnnfast.ops import (
    registry as registry,
)
from cnnfast.ops.functions import function
from cnnfast.ops.operation import Operation

__all__ = [
    "Operation",
    "abs",
    "absolute",
    "add",
    "amax",
    "amin",
    "average_pool",
    "cast",
    "ceil",
    "celu",
    "clip",
    "concatenate",
    "cos",
    "depth_to_space",
    "divide",
    "dot",
    "elu",
    "erf",
    "exp",
    "expand_dims",
    "expm1",
    "flip",
    "floor",
    "floor_divide",
    "gelu",
    "get_item",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "image",
    "leaky_relu",
    "log",
    "log1p",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "max_pool",
    "maximum",
    "mean",
    "min",
    "minimum",
    "moveaxis",
    "multiply",
    "negative",
    "normalize",
    "pad",
    "power",
    "prod",
    "reciprocal",
    "relu",
    "relu6",
    "repeat",
    "reshape",
    "roll",
    "round",
    "rsqrt",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "space_to_depth",
    "sparse_plus",
    "sparse_sigmoid",
    "split",
    "sqrt",
    "square",
    "squareplus",
    "squeeze",
    "stack",
    "std",
    "subtract",
    "sum",
    "swapaxes",
    "swish",
    "take",
    "tanh",
    "tanh_shrink",
    "threshold",
    "tile",
    "transpose",
    "true_divide",
    "var",
]

add = function(arithmetic.Add)
subtract = function(arithmetic.Subtract)
multiply = function(arithmetic.Multiply)
divide = function(arithmetic.Divide)
true_divide = function(arithmetic.TrueDivide)
floor_divide = function(arithmetic.FloorDivide)
maximum = function(arithmetic.Maximum)
minimum = function(arithmetic.Minimum)
power = function(arithmetic.Power)
matmul = function(linear.Matmul)
dot = function(linear.Dot)
absolute = function(elementwise.Absolute)
negative = function(elementwise.Negative)
square = function(elementwise.Square)
sqrt = function(elementwise.Sqrt)
rsqrt = function(elementwise.Rsqrt)
reciprocal = function(elementwise.Reciprocal)
exp = function(elementwise.Exp)
expm1 = function(elementwise.Expm1)
log = function(elementwise.Log)
log1p = function(elementwise.Log1p)
sin = function(elementwise.Sin)
cos = function(elementwise.Cos)
floor = function(elementwise.Floor)
ceil = function(elementwise.Ceil)
sign = function(elementwise.Sign)
erf = function(elementwise.Erf)
tanh = function(elementwise.Tanh)
round = function(elementwise.Round)
clip = function(elementwise.Clip)
cast = function(elementwise.Cast)
mean = function(reductions.Mean)
sum = function(reductions.Sum)
max = function(reductions.Max)
min = function(reductions.Min)
prod = function(reductions.Prod)
amax = function(reductions.Amax)
amin = function(reductions.Amin)
var = function(reductions.Var)
std = function(reductions.Std)
logsumexp = function(reductions.Logsumexp)
log_softmax = function(reductions.LogSoftmax)
normalize = function(reductions.Normalize)
relu = function(nn.Relu)
relu6 = function(nn.Relu6)
leaky_relu = function(nn.LeakyRelu)
sigmoid = function(nn.Sigmoid)
sparse_sigmoid = function(nn.SparseSigmoid)
silu = function(nn.Silu)
hard_sigmoid = function(nn.HardSigmoid)
hard_silu = function(nn.HardSilu)
hard_tanh = function(nn.HardTanh)
tanh_shrink = function(nn.TanhShrink)
softplus = function(nn.Softplus)
softsign = function(nn.Softsign)
sparse_plus = function(nn.SparsePlus)
log_sigmoid = function(nn.LogSigmoid)
elu = function(nn.Elu)
celu = function(nn.Celu)
selu = function(nn.Selu)
gelu = function(nn.Gelu)
squareplus = function(nn.Squareplus)
soft_shrink = function(nn.SoftShrink)
hard_shrink = function(nn.HardShrink)
threshold = function(nn.Threshold)
softmax = function(nn.Softmax)
reshape = function(arrangement.Reshape)
transpose = function(arrangement.Transpose)
squeeze = function(arrangement.Squeeze)
expand_dims = function(arrangement.ExpandDims)
moveaxis = function(arrangement.Moveaxis)
swapaxes = function(arrangement.Swapaxes)
flip = function(selection.Flip)
roll = function(selection.Roll)
repeat = function(selection.Repeat)
tile = function(selection.Tile)
pad = function(selection.Pad)
take = function(selection.Take)
get_item = function(selection.GetItem)
stack = function(joining.Stack)
concatenate = function(joining.Concatenate)
split = function(joining.Split)
max_pool = function(pooling.MaxPool)
average_pool = function(pooling.AveragePool)
depth_to_space = function(image.DepthToSpace)
space_to_depth = function(image.SpaceToDepth)
abs = absolute
swish = silu
hard_swish = hard_silu
