"""Runs Keras CNNs on an ordinary CPU: Keras' names in Python, a core in C++."""

from __future__ import annotations

from typing import TYPE_CHECKING

# First, because it tells what importing the others finds wrong.
from cnnfast import startup as startup  # isort: split

# Before NumPy, which would take what it says for a broken installation.
from cnnfast._core import __version__  # isort: split

from cnnfast import (
    activations,
    callbacks,
    config,
    constraints,
    errors,
    initializers,
    layers,
    models,
    regularizers,
    utils,
)
from cnnfast.layers import Input, InputSpec, Layer
from cnnfast.models import Model, Sequential
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import environment, moved, rooms
from cnnfast.utils.system import thread_limits
from cnnfast.utils.system.threads import get_num_threads, set_num_threads

environment.check()
moved.install()
thread_limits.offer()
rooms.declare(  # imported when first used
    configs="cnnfast.layers.serialization.configs",
    operation="cnnfast.ops",
    saving="cnnfast.saving",
    users_layers="cnnfast.layers.own.traced",
    users_models="cnnfast.models.subclassed",
)

if TYPE_CHECKING:
    from cnnfast import applications, losses, metrics, ops, optimizers, saving
    from cnnfast.saving import from_keras, load_model

__all__ = [
    "Input",
    "InputSpec",
    "KerasTensor",
    "Layer",
    "Model",
    "Sequential",
    "__version__",
    "activations",
    "applications",
    "callbacks",
    "config",
    "constraints",
    "errors",
    "from_keras",
    "get_num_threads",
    "initializers",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "regularizers",
    "saving",
    "set_num_threads",
    "utils",
]


def __dir__() -> list[str]:
    return [*__all__]


if not TYPE_CHECKING:  # for which any name would be one
    # What predicting with a model does not need.
    _, __getattr__, _ = rooms.postponed(
        __name__,
        {
            "applications": [],
            "losses": [],
            "metrics": [],
            "ops": [],
            "optimizers": [],
            "saving": ["from_keras", "load_model"],
        },
    )
