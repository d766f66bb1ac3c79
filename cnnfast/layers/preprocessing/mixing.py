"""Augmentation layers that mix images, or other augmentations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from cnnfast.layers.preprocessing.augmentation import Augmentation, from_zero
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        AugmentationOptionsBesideFormat,
        DataFormat,
        Interpolation,
        Range,
    )


class AugMix(Augmentation):
    """Mixes chains of random changes in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    value_range, num_chains, chain_depth, factor, alpha, all_ops, interpolation, seed
        Of training; kept for the config.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.AugMix()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": from_zero}

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: Range = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "value_range": value_range,
                "num_chains": num_chains,
                "chain_depth": chain_depth,
                "factor": factor,
                "alpha": alpha,
                "all_ops": all_ops,
                "interpolation": interpolation,
                "seed": seed,
            },
            data_format=data_format,
            **kwargs,
        )


class RandAugment(Augmentation):
    """Applies random changes one after the other in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    value_range, num_ops, factor, interpolation, seed
        Of training; kept for the config.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.RandAugment()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": from_zero}

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        num_ops: int = 2,
        factor: Range = 0.5,
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "value_range": value_range,
                "num_ops": num_ops,
                "factor": factor,
                "interpolation": interpolation,
                "seed": seed,
            },
            data_format=data_format,
            **kwargs,
        )


class CutMix(Augmentation):
    """Puts parts of other images in, in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, seed
        Of training; kept for the config.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.CutMix()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": from_zero}

    def __init__(
        self,
        factor: Range = 1.0,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {"factor": factor, "seed": seed},
            data_format=data_format,
            **kwargs,
        )


class MixUp(Augmentation):
    """Mixes images with others in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    alpha
        Of training; kept for the config.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.MixUp()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {"alpha": alpha, "seed": seed},
            data_format=data_format,
            **kwargs,
        )
