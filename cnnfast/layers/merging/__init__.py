"""Layers that make one tensor of several."""

from cnnfast.layers.merging.arithmetic import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from cnnfast.layers.merging.joining import Concatenate, Dot, concatenate, dot
from cnnfast.layers.merging.residual import CustomScaleLayer, LayerScale, StochasticDepth

__all__ = [
    "Add",
    "Average",
    "Concatenate",
    "CustomScaleLayer",
    "Dot",
    "LayerScale",
    "Maximum",
    "Minimum",
    "Multiply",
    "StochasticDepth",
    "Subtract",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]
