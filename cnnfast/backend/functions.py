"""The functions of `keras.backend` in Keras 2 that `cnnfast.ops` has not, or has otherwise.

Some compute something else under the same name, such as `hard_sigmoid`, some have other defaults or
another order of their arguments.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from cnnfast import activations, ops, random
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import defaults, naming
from cnnfast.variables import Variable


def _array(x: Any) -> Any:
    return x if isinstance(x, KerasTensor) else np.asarray(x)


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor.

    Examples
    --------
    >>> cnnfast.backend.is_keras_tensor(cnnfast.Input((3,)))
    True
    """
    return isinstance(x, KerasTensor)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """Return the shape, None for sizes that are not known."""
    return tuple(_array(x).shape)


def ndim(x: Any) -> int:
    """Return the number of axes."""
    return len(_array(x).shape)


def dtype(x: Any) -> str:
    """Return the name of the dtype."""
    found = _array(x).dtype
    return found if isinstance(found, str) else str(found.name)


def count_params(x: Any) -> int:
    """Return how many numbers there are."""
    return int(np.prod([n for n in int_shape(x) if n is not None]))


def eval(x: Any) -> Any:
    """Return the numbers of an array or variable."""
    return np.asarray(x)


get_value = eval


def set_value(x: Variable, value: Any) -> None:
    """Give a variable other numbers."""
    x.assign(value)


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """Return the numbers of several variables."""
    return [np.asarray(tensor) for tensor in tensors]


def batch_set_value(tuples: Sequence[tuple[Variable, Any]]) -> None:
    """Give several variables other numbers."""
    for variable, value in tuples:
        variable.assign(value)


def variable(value: Any, dtype: Any = None, name: str | None = None) -> Variable:
    """Return a new variable."""
    del dtype
    return Variable(value, name=name or naming.auto_name("variable"))


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """Return an array, float32 where `dtype` does not say it."""
    array = np.asarray(value, dtype or defaults.floatx())
    return array if shape is None else np.broadcast_to(array, shape).copy()


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return an array of zeros, float32 where `dtype` does not say it."""
    return ops.zeros(shape, dtype)


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return an array of ones, float32 where `dtype` does not say it."""
    return ops.ones(shape, dtype)


def zeros_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return zeros in the shape of `x`."""
    return ops.zeros_like(x, dtype)


def ones_like(x: Any, dtype: Any = None, name: str | None = None) -> Any:
    """Return ones in the shape of `x`."""
    return ops.ones_like(x, dtype)


def eye(size: int, dtype: Any = None, name: str | None = None) -> Any:
    """Return the identity matrix, float32 where `dtype` does not say it."""
    return ops.eye(size, dtype=dtype)


def cast_to_floatx(x: Any) -> Any:
    """Return numbers as float32."""
    if isinstance(x, KerasTensor):
        return ops.cast(x, defaults.floatx())
    return np.asarray(x, defaults.floatx())


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Join tensors along an axis, the last by default."""
    return ops.concatenate(tensors, axis=axis)


def expand_dims(x: Any, axis: int = -1) -> Any:
    """Return `x` with one more axis of size 1."""
    return ops.expand_dims(x, axis)


def argmax(x: Any, axis: int = -1) -> Any:
    """Return where the largest numbers along an axis are, the last by default."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """Return where the smallest numbers along an axis are, the last by default."""
    return ops.argmin(x, axis)


def cumsum(x: Any, axis: int = 0) -> Any:
    """Return the running sums along an axis, the first by default."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """Return the running products along an axis, the first by default."""
    return ops.cumprod(x, axis)


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Return numbers that are between two values; `min_value` where that is the larger one."""
    if isinstance(min_value, int | float) and isinstance(max_value, int | float):
        max_value = max(min_value, max_value)
    return ops.clip(x, min_value, max_value)


def sqrt(x: Any) -> Any:
    """Return the square root of each number, 0 for negative ones."""
    return ops.sqrt(ops.maximum(x, 0.0))


def hard_sigmoid(x: Any) -> Any:
    """Return ``clip(0.2 * x + 0.5, 0, 1)``; that of Keras 3 is ``clip(x / 6 + 0.5, 0, 1)``."""
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


def in_top_k(predictions: Any, targets: Any, k: int) -> Any:
    """Whether each target is among the `k` largest predictions."""
    return ops.in_top_k(targets, predictions, k)


def pow(x: Any, a: float) -> Any:
    """Return a power of each number."""
    return ops.power(x, a)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Return ``x`` where positive, ``alpha * (exp(x) - 1)`` elsewhere."""
    return activations.elu(x, alpha=alpha)


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Return the rectified numbers, as `cnnfast.activations.relu`."""
    return activations.relu(x, negative_slope=alpha, max_value=max_value, threshold=threshold)


def softmax(x: Any, axis: int = -1) -> Any:
    """Return probabilities along an axis."""
    return ops.softmax(x, axis=axis)


def l2_normalize(x: Any, axis: int | None = None) -> Any:
    """Divide by the norm along an axis."""
    if axis is None:
        raise ValueError("`axis` must be given: the batch is not normalized as a whole.")
    # Keras adds under the root: a norm below 1e-6 counts as that.
    return ops.normalize(x, axis=axis, epsilon=1e-6)


def permute_dimensions(x: Any, pattern: Sequence[int]) -> Any:
    """Return `x` with its axes in another order."""
    return ops.transpose(x, axes=pattern)


def batch_flatten(x: Any) -> Any:
    """Return each sample as one row."""
    sizes = [n for n in int_shape(x)[1:] if n is not None]
    if len(sizes) != ndim(x) - 1:
        raise ValueError(
            "All sizes but that of the batch must be known; use `cnnfast.layers.Flatten`. "
            f"Received: shape {int_shape(x)}"
        )
    return ops.reshape(x, (-1, math.prod(sizes)))


def repeat(x: Any, n: int) -> Any:
    """Return each row `n` times: (batch, features) becomes (batch, n, features)."""
    if ndim(x) != 2:
        raise ValueError(f"Expected input `x` to have rank 2. Received: rank(x)={ndim(x)}")
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Return `x` with each element `rep` times."""
    return ops.repeat(x, rep, axis=axis)


def reverse(x: Any, axes: Any) -> Any:
    """Return `x` backwards along one or several axes."""
    return ops.flip(x, axis=axes)


def name_scope(name: str) -> AbstractContextManager[str]:
    """Build everything inside under `name`."""
    return naming.name_scope(name)


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw from a normal distribution; see `cnnfast.random.normal`."""
    return random.normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw from a range; see `cnnfast.random.uniform`."""
    return random.uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw from a normal distribution that is cut off; see `cnnfast.random.truncated_normal`."""
    return random.truncated_normal(shape, mean, stddev, dtype, seed)


def get_uid(prefix: str = "") -> int:
    """Count one use more of a `prefix`, those in automatic names among them."""
    return naming.count_use(prefix)


def image_dim_ordering() -> str:
    """Return the order of axes as Keras 1 calls it, ``"tf"`` or ``"th"``."""
    return "tf" if defaults.image_data_format() == "channels_last" else "th"
