"""Settings of the process or of a block of code: how plans are made, memory, threads.

With those of `keras.config`: what layers do that do not say it, and what is shown.
"""

from typing import TYPE_CHECKING

from cnnfast.engine.options import Config, get, override, set
from cnnfast.utils.defaults import (
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from cnnfast.utils.facade import facade

if TYPE_CHECKING:
    from cnnfast.backend import backend
    from cnnfast.dtype_policies import dtype_policy, set_dtype_policy
    from cnnfast.utils.display.interactive import (
        disable_interactive_logging,
        enable_interactive_logging,
        is_interactive_logging_enabled,
    )
    from cnnfast.utils.display.tracebacks import (
        disable_traceback_filtering,
        enable_traceback_filtering,
        is_traceback_filtering_enabled,
    )

__all__ = [
    "Config",
    "backend",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "dtype_policy",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "epsilon",
    "floatx",
    "get",
    "image_data_format",
    "is_interactive_logging_enabled",
    "is_traceback_filtering_enabled",
    "override",
    "set",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
]

if not TYPE_CHECKING:
    _TRAINING = "it is a setting of training, which is done in Keras."
    _ATTENTION = "products of attention are computed in one way."
    __getattr__, __dir__ = facade(
        __name__,
        {
            "backend": "backend",
            "disable_interactive_logging": "utils.display.interactive",
            "disable_traceback_filtering": "utils.display.tracebacks",
            "dtype_policy": "dtype_policies",
            "enable_interactive_logging": "utils.display.interactive",
            "enable_traceback_filtering": "utils.display.tracebacks",
            "is_interactive_logging_enabled": "utils.display.interactive",
            "is_traceback_filtering_enabled": "utils.display.tracebacks",
            "set_dtype_policy": "dtype_policies",
        },
        {
            "disable_flash_attention": _ATTENTION,
            "enable_flash_attention": _ATTENTION,
            "enable_unsafe_deserialization": "code is never taken from a file; hand functions over "
            "with `custom_objects`.",
            "is_flash_attention_enabled": _ATTENTION,
            "is_nnx_enabled": "it is of JAX.",
            "max_epochs": _TRAINING,
            "max_steps_per_epoch": _TRAINING,
            "set_backend": "there is one, the core of this package; leave the call out.",
            "set_max_epochs": _TRAINING,
            "set_max_steps_per_epoch": _TRAINING,
        },
        __all__,
    )
