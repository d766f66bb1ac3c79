"""Models in 8 bits: `cnnfast.quantize` measures a model on images and returns one that is."""

from __future__ import annotations

from cnnfast.quantization.quantizing import quantize
from cnnfast.quantization.sensitivity import Sensitivity, sensitivity

__all__ = ["Sensitivity", "quantize", "sensitivity"]
