"""Names of Keras' operations that this package does not have: why, and what works."""

from __future__ import annotations

from collections.abc import Mapping

_COMPLEX = "the core has no complex numbers"
_RANDOM = "it draws numbers, of which Keras' own generator is no part of this package"
_LAMBDA = "give it as a NumPy function to a `Lambda` layer"
_TRAINING = "nothing is trained here"
_BITS = "tensors are of float32, which has no other bits to show"
_LOSS = "it is a loss: `cnnfast.losses` has it for `evaluate`"

WHY: Mapping[str, str] = {
    **dict.fromkeys(("view_as_complex", "view_as_real", "polar"), _COMPLEX),
    **dict.fromkeys(("view", "nextafter", "ldexp"), _BITS),
    **dict.fromkeys(
        ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"),
        _LOSS,
    ),
    **dict.fromkeys(("ctc_loss", "jvp"), _TRAINING),
    **dict.fromkeys(
        (
            *("nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmedian", "nanpercentile"),
            *("nanquantile", "erfinv", "i0", "logdet", "slogdet", "lu_factor", "cdist", "psnr"),
            *("ctc_decode", "fold", "unfold", "associative_scan"),
            *("perspective_transform", "scale_and_translate", "gaussian_blur", "sobel_edges"),
            *("ssim", "extract_patches_3d"),
        ),
        _LAMBDA,
    ),
    "adaptive_average_pool": "use the layers `AdaptiveAveragePooling1D`, `2D` and `3D`",
    "adaptive_max_pool": "use the layers `AdaptiveMaxPooling1D`, `2D` and `3D`",
    "elastic_transform": _RANDOM,
}
"""Why a name of `keras.ops`, `keras.ops.nn`, `numpy`, `linalg` or `image` is not there."""


def missing(module: str, name: str) -> str:
    """Return the message about a name that `module` of this package does not have."""
    text = f"module 'cnnfast.{module}' has no attribute {name!r}"
    return f"{text}: {WHY[name]}." if name in WHY else text
