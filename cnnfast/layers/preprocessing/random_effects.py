"""Augmentation layers that change pixels, alone or with those around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from cnnfast.layers.preprocessing.augmentation import (
    Augmentation,
    both,
    ends,
    from_one,
    from_zero,
)
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        AugmentationOptions,
        AugmentationOptionsBesideFormat,
        DataFormat,
        FillMode,
        Interpolation,
        IntOrSequence,
        Range,
    )


class RandomPosterization(Augmentation):
    """Takes away bits of colour at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, value_range
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
    >>> layer = cnnfast.layers.RandomPosterization(4)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT
    ranges: ClassVar = {"factor": from_one}

    def __init__(
        self,
        factor: Range,
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {"factor": factor, "value_range": value_range, "seed": seed},
            data_format=data_format,
            **kwargs,
        )


class RandomSharpness(Augmentation):
    """Changes the sharpness at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, value_range
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
    >>> layer = cnnfast.layers.RandomSharpness(0.2)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": from_zero}

    def __init__(
        self,
        factor: Range,
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {"factor": factor, "value_range": value_range, "seed": seed},
            data_format=data_format,
            **kwargs,
        )


class RandomInvert(Augmentation):
    """Inverts colours at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, value_range, seed
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
    >>> layer = cnnfast.layers.RandomInvert()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT
    ranges: ClassVar = {"factor": from_zero}

    def __init__(
        self,
        factor: Range = 1.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {"factor": factor, "value_range": value_range, "seed": seed},
            data_format=data_format,
            **kwargs,
        )


class RandomGaussianBlur(Augmentation):
    """Blurs at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, kernel_size, sigma, value_range
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
    >>> layer = cnnfast.layers.RandomGaussianBlur()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": from_zero, "kernel_size": both, "sigma": from_zero}

    def __init__(
        self,
        factor: Range = 1.0,
        kernel_size: IntOrSequence = 3,
        sigma: Range = 1.0,
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "factor": factor,
                "kernel_size": kernel_size,
                "sigma": sigma,
                "value_range": value_range,
                "seed": seed,
            },
            data_format=data_format,
            **kwargs,
        )


class Equalization(Augmentation):
    """Spreads the values of pixels evenly in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    value_range, bins
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
    >>> layer = cnnfast.layers.Equalization()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        bins: int = 256,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {"value_range": value_range, "bins": bins},
            data_format=data_format,
            **kwargs,
        )


class Solarization(Augmentation):
    """Inverts bright pixels at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    addition_factor, threshold_factor, value_range, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.Solarization()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {
        "addition_factor": from_zero,
        "threshold_factor": from_zero,
        "value_range": ends,
    }

    def __init__(
        self,
        addition_factor: Range = 0.0,
        threshold_factor: Range = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptions],
    ) -> None:
        super().__init__(
            {
                "addition_factor": addition_factor,
                "threshold_factor": threshold_factor,
                "value_range": value_range,
                "seed": seed,
            },
            **kwargs,
        )


class RandomErasing(Augmentation):
    """Erases a rectangle at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, scale, fill_value, value_range, seed
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
    >>> layer = cnnfast.layers.RandomErasing()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": from_zero, "scale": from_zero}

    def __init__(
        self,
        factor: Range = 1.0,
        scale: Range = (0.02, 0.33),
        fill_value: float | None = None,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "factor": factor,
                "scale": scale,
                "fill_value": fill_value,
                "value_range": value_range,
                "seed": seed,
            },
            data_format=data_format,
            **kwargs,
        )


class RandomElasticTransform(Augmentation):
    """Distorts at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, scale, interpolation, fill_mode, fill_value, value_range, seed
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
    >>> layer = cnnfast.layers.RandomElasticTransform()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": from_zero, "scale": from_zero}

    def __init__(
        self,
        factor: Range = 1.0,
        scale: Range = 1.0,
        interpolation: Interpolation = "bilinear",
        fill_mode: FillMode = "reflect",
        fill_value: float = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "factor": factor,
                "scale": scale,
                "interpolation": interpolation,
                "fill_mode": fill_mode,
                "fill_value": fill_value,
                "value_range": value_range,
                "seed": seed,
            },
            data_format=data_format,
            **kwargs,
        )
