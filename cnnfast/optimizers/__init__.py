"""Optimizers, under Keras' names and with Keras' arguments: to compile with, and to be saved."""

from typing import TYPE_CHECKING

from cnnfast.optimizers import schedules
from cnnfast.optimizers.adaptive import Adam, Adamax, AdamW, Lamb, Nadam, ScheduleFreeAdamW
from cnnfast.optimizers.composite import LossScaleOptimizer, Muon
from cnnfast.optimizers.gradient_descent import (
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Ftrl,
    Lion,
    RMSprop,
)
from cnnfast.optimizers.known import KNOWN, deserialize, get, serialize
from cnnfast.optimizers.optimizer import Optimizer
from cnnfast.utils.facade import facade

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]

KNOWN.register(
    **{
        name.lower(): item
        for name, item in list(globals().items())
        if isinstance(item, type) and issubclass(item, Optimizer) and item is not Optimizer
    }
)
KNOWN.seal()

if not TYPE_CHECKING:
    _SEVERAL = "nothing is trained here, and one optimizer is enough to compile with."
    __getattr__, __dir__ = facade(
        __name__,
        {"legacy": "optimizers.legacy:"}
        # As Keras 2 has them, too.
        | {name: f"optimizers:{item.__name__}" for name, item in KNOWN.items()},
        {"MultiOptimizer": _SEVERAL, "OptimizerMap": _SEVERAL},
        __all__,
    )
