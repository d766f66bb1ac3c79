"""Normalization."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.normalization.batch_normalization import (
        BatchNormalization as BatchNormalization,
    )
    from cnnfast.layers.normalization.group_normalization import (
        GroupNormalization as GroupNormalization,
    )
    from cnnfast.layers.normalization.layer_normalization import (
        LayerNormalization as LayerNormalization,
        RMSNormalization as RMSNormalization,
        UnitNormalization as UnitNormalization,
    )
    from cnnfast.layers.normalization.spectral_normalization import (
        SpectralNormalization as SpectralNormalization,
    )
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "batch_normalization": ["BatchNormalization"],
            "group_normalization": ["GroupNormalization"],
            "layer_normalization": ["LayerNormalization", "RMSNormalization", "UnitNormalization"],
            "spectral_normalization": ["SpectralNormalization"],
        },
    )
