"""Normalization."""

from cnnfast.layers.normalization.batch_normalization import BatchNormalization
from cnnfast.layers.normalization.group_normalization import GroupNormalization
from cnnfast.layers.normalization.layer_normalization import (
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from cnnfast.layers.normalization.spectral_normalization import SpectralNormalization

__all__ = [
    "BatchNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "RMSNormalization",
    "SpectralNormalization",
    "UnitNormalization",
]
