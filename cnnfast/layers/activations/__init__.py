"""Activations as layers."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.activations.activation import (
        ELU as ELU,
        Activation as Activation,
        LeakyReLU as LeakyReLU,
        ReLU as ReLU,
        Softmax as Softmax,
        ThresholdedReLU as ThresholdedReLU,
    )
    from cnnfast.layers.activations.prelu import PReLU as PReLU
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "activation": ["ELU", "Activation", "LeakyReLU", "ReLU", "Softmax", "ThresholdedReLU"],
            "prelu": ["PReLU"],
        },
    )
