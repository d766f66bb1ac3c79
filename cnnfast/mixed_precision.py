"""The names of `keras.mixed_precision`; the core computes in float32 under each policy."""

from typing import TYPE_CHECKING

from cnnfast.dtype_policies import DTypePolicy, dtype_policy, set_dtype_policy
from cnnfast.utils.facade import facade

if TYPE_CHECKING:
    from cnnfast.optimizers import LossScaleOptimizer

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

if not TYPE_CHECKING:
    _BEFORE = "it is older than TensorFlow 2.4; use the name without `experimental`."
    __getattr__, __dir__ = facade(
        __name__, {"LossScaleOptimizer": "optimizers"}, {"experimental": _BEFORE}, __all__
    )
