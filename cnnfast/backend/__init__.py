"""The names of `keras.backend`, with the functions that Keras 2 has there.

Functions of tensors are those of `cnnfast.ops`, for arrays and for symbolic tensors.
"""

from typing import TYPE_CHECKING

from cnnfast.utils.defaults import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from cnnfast.utils.facade import facade
from cnnfast.utils.naming import reset_names as clear_session

if TYPE_CHECKING:
    from cnnfast.backend.dtypes import (
        is_float_dtype,
        is_int_dtype,
        result_type,
        standardize_dtype,
    )
    from cnnfast.backend.functions import get_uid, is_keras_tensor, name_scope

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "name_scope",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]


def backend() -> str:
    """Return the name of Keras' backend whose arrays go in and come out: ``"numpy"``.

    Examples
    --------
    >>> cnnfast.backend.backend()
    'numpy'
    """
    return "numpy"


if not TYPE_CHECKING:
    _HERE = (
        *("argmax", "argmin", "batch_flatten", "batch_get_value", "batch_set_value"),
        *("cast_to_floatx", "clip", "concatenate", "constant", "count_params", "cumprod", "cumsum"),
        *("dtype", "elu", "eval", "expand_dims", "eye", "get_uid", "get_value", "hard_sigmoid"),
        *("image_dim_ordering", "in_top_k", "int_shape", "is_keras_tensor", "l2_normalize"),
        *("name_scope", "ndim", "ones", "ones_like", "permute_dimensions", "pow", "random_normal"),
        *("random_uniform", "relu", "repeat", "repeat_elements", "reverse", "set_value", "softmax"),
        *("sqrt", "truncated_normal", "variable", "zeros", "zeros_like"),
    )
    _OPS = (
        *("abs", "all", "any", "arange", "cast", "cos", "dot", "equal", "exp", "greater"),
        *("greater_equal", "less", "less_equal", "log", "max", "maximum", "mean", "min", "minimum"),
        *("not_equal", "one_hot", "prod", "reshape", "round", "shape", "sigmoid", "sign", "sin"),
        *("softplus", "softsign", "square", "squeeze", "stack", "std", "stop_gradient", "sum"),
        *("tanh", "tile", "transpose", "var"),
    )
    _DTYPES = ("is_float_dtype", "is_int_dtype", "result_type", "standardize_dtype")
    _LAYER = "use the layer or the operation of `cnnfast.ops` that does it."
    _LOSS = "use that of `cnnfast.losses`."
    _SESSION = "there are no sessions and no graphs of TensorFlow; leave the call out."
    _TRAINING = "it is of training, which is done in Keras."
    _FUNCTION = "use `cnnfast.Function(inputs, outputs)`."
    __getattr__, __dir__ = facade(
        __name__,
        dict.fromkeys(_HERE, "backend.functions")
        | {name: f"ops:{name}" for name in _OPS}
        | dict.fromkeys(_DTYPES, "backend.dtypes"),
        dict.fromkeys(
            (
                *("batch_dot", "batch_normalization", "bias_add", "conv1d", "conv2d"),
                *("conv2d_transpose", "conv3d", "depthwise_conv2d", "dropout", "flatten"),
                *("foldl", "foldr", "gather", "map_fn", "pool2d", "pool3d", "resize_images"),
                *("resize_volumes", "rnn", "separable_conv2d", "spatial_2d_padding"),
                *("spatial_3d_padding", "switch", "temporal_padding"),
            ),
            _LAYER,
        )
        | dict.fromkeys(
            (
                *("binary_crossentropy", "binary_focal_crossentropy"),
                *("categorical_crossentropy", "categorical_focal_crossentropy"),
                *("ctc_batch_cost", "sparse_categorical_crossentropy"),
            ),
            _LOSS,
        )
        | dict.fromkeys(
            ("get_session", "manual_variable_initialization", "set_session", "tf"), _SESSION
        )
        | dict.fromkeys(
            (
                *("gradients", "in_train_phase", "learning_phase", "moving_average_update"),
                *("set_learning_phase", "update", "update_add", "update_sub"),
            ),
            _TRAINING,
        )
        | {"function": _FUNCTION},
        __all__,
    )
