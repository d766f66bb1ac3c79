"""Activations as layers."""

from cnnfast.layers.activations.activation import (
    ELU,
    Activation,
    LeakyReLU,
    ReLU,
    Softmax,
    ThresholdedReLU,
)
from cnnfast.layers.activations.prelu import PReLU

__all__ = [
    "ELU",
    "Activation",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "Softmax",
    "ThresholdedReLU",
]
