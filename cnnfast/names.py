"""The names of the package that are imported when first used, and those of Keras it has not."""

from __future__ import annotations

_ROOMS = (
    *("applications", "backend", "callbacks", "datasets", "dtype_policies", "losses", "metrics"),
    *("mixed_precision", "ops", "optimizers", "preprocessing", "quantization", "random"),
    *("saving", "tree"),
)
LATE = {room: f"{room}:" for room in _ROOMS} | {
    "DTypePolicy": "dtype_policies",
    "FloatDTypePolicy": "dtype_policies",
    "Function": "models.function",
    "Initializer": "initializers",
    "Loss": "losses",
    "Metric": "metrics",
    "Operation": "ops",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Variable": "variables",
    "from_keras": "saving",
    "get_source_inputs": "models.sources",
    "load_model": "saving",
    "name_scope": "utils.naming",
    "quantize": "quantization",
}
"""Where each name is, see `cnnfast.utils.facade`."""

_TRAINING = "it is of training, which is done in Keras."
_QUANTIZED = (
    "models that Keras has quantized load; `cnnfast.quantize` makes one of 8 bits of any other."
)
ABSENT = {
    "Quantizer": _QUANTIZED,
    "RematScope": _TRAINING,
    "StatelessScope": "models keep no state that a scope could hold apart.",
    "SymbolicScope": "calls on symbolic tensors are symbolic by themselves.",
    "device": "everything runs on the CPU; leave the call out.",
    "distillation": _TRAINING,
    "distribution": "everything runs on the CPU, on as many threads as `set_num_threads` says.",
    "export": "a model is exported from Keras; what runs here needs no export.",
    "legacy": "the names of Keras 2 stand where Keras 2 has them.",
    "quantizers": _QUANTIZED,
    "remat": _TRAINING,
    "visualization": "pictures are drawn with another library, such as Matplotlib.",
    "wrappers": "scikit-learn's estimators are trained, which is done in Keras.",
}
"""Why each is not there, and what works."""
