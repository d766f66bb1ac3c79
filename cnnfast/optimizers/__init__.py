"""Optimizers, under Keras' names and with Keras' arguments: to compile with, and to be saved."""

from typing import TYPE_CHECKING

from cnnfast.optimizers import schedules
from cnnfast.optimizers.known import KNOWN, deserialize, get, serialize
from cnnfast.optimizers.optimizer import Optimizer
from cnnfast.utils.facade import facade

if TYPE_CHECKING:
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

if not TYPE_CHECKING:
    _IN = {
        "adaptive": ("Adam", "AdamW", "Adamax", "Lamb", "Nadam", "ScheduleFreeAdamW"),
        "composite": ("LossScaleOptimizer", "Muon"),
        "gradient_descent": (
            *("Adadelta", "Adafactor", "Adagrad", "Ftrl", "Lion", "RMSprop", "SGD"),
        ),
    }
    _HOMES = {name: f"optimizers.{home}" for home, names in _IN.items() for name in names}
    _SEVERAL = "nothing is trained here, and one optimizer is enough to compile with."
    __getattr__, __dir__ = facade(
        __name__,
        _HOMES
        | {"legacy": "optimizers.legacy:"}
        # As Keras 2 has them, too.
        | {name.lower(): f"optimizers:{name}" for name in _HOMES},
        {"MultiOptimizer": _SEVERAL, "OptimizerMap": _SEVERAL},
        __all__,
    )
    KNOWN.postpone({name.lower(): name for name in _HOMES}, __getattr__)

KNOWN.seal()
