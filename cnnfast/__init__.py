"""Runs Keras CNNs on an ordinary CPU: Keras' names in Python, a core in C++."""

from __future__ import annotations

from typing import TYPE_CHECKING

# First, because it tells what importing the others finds wrong.
from cnnfast import startup as startup  # isort: split

# Before NumPy, which would take what it says for a broken installation.
from cnnfast._core import __version__  # isort: split

from cnnfast import (
    activations,
    config,
    constraints,
    errors,
    initializers,
    layers,
    models,
    names,
    regularizers,
    utils,
)
from cnnfast.layers import Input, InputSpec, Layer
from cnnfast.models import Model, Sequential
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import environment, moved, rooms
from cnnfast.utils.facade import facade
from cnnfast.utils.system import thread_limits
from cnnfast.utils.system.threads import get_num_threads, set_num_threads

environment.check()
moved.install()
thread_limits.offer()
rooms.declare(  # imported when first used
    configs="cnnfast.layers.serialization.configs",
    operation="cnnfast.ops",
    random_numbers="cnnfast.ops.random_numbers",
    saving="cnnfast.saving",
    users_layers="cnnfast.layers.own.traced",
    users_models="cnnfast.models.subclassed",
)

if TYPE_CHECKING:
    from cnnfast import (
        applications,
        backend,
        callbacks,
        datasets,
        dtype_policies,
        losses,
        metrics,
        mixed_precision,
        ops,
        optimizers,
        preprocessing,
        quantization,
        random,
        saving,
        tree,
    )
    from cnnfast.dtype_policies import DTypePolicy
    from cnnfast.initializers import Initializer
    from cnnfast.losses import Loss
    from cnnfast.metrics import Metric
    from cnnfast.models.function import Function
    from cnnfast.ops import Operation
    from cnnfast.optimizers import Optimizer
    from cnnfast.quantization import quantize
    from cnnfast.regularizers import Regularizer
    from cnnfast.saving import from_keras, load_model
    from cnnfast.utils.naming import name_scope
    from cnnfast.variables import Variable

__all__ = [
    "DTypePolicy",
    "Function",
    "Initializer",
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "__version__",
    "activations",
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "errors",
    "from_keras",
    "get_num_threads",
    "initializers",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "ops",
    "optimizers",
    "preprocessing",
    "quantization",
    "quantize",
    "random",
    "regularizers",
    "saving",
    "set_num_threads",
    "tree",
    "utils",
    "version",
]


if not TYPE_CHECKING:  # for which any name would be one
    __getattr__, __dir__ = facade(__name__, names.LATE, names.ABSENT, __all__)


def version() -> str:
    """Return the version of this package."""
    return __version__
