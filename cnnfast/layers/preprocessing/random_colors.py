"""Augmentation layers that change colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from cnnfast.layers.preprocessing.augmentation import (
    Augmentation,
    around_zero,
    from_zero,
)
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        AugmentationOptions,
        AugmentationOptionsBesideFormat,
        DataFormat,
        Range,
    )


class RandomBrightness(Augmentation):
    """Changes the brightness at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, value_range, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.RandomBrightness(0.2)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT
    ranges: ClassVar = {"factor": around_zero}

    def __init__(
        self,
        factor: Range,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptions],
    ) -> None:
        super().__init__(
            {"factor": factor, "value_range": value_range, "seed": seed},
            **kwargs,
        )


class RandomContrast(Augmentation):
    """Changes the contrast at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, value_range, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.RandomContrast(0.2)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT
    ranges: ClassVar = {"factor": from_zero}

    def __init__(
        self,
        factor: Range,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptions],
    ) -> None:
        super().__init__(
            {"factor": factor, "value_range": value_range, "seed": seed},
            **kwargs,
        )


class RandomColorDegeneration(Augmentation):
    """Takes away colour at random in training; does nothing at inference.

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
    >>> layer = cnnfast.layers.RandomColorDegeneration(0.2)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT
    ranges: ClassVar = {"factor": around_zero}

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


class RandomHue(Augmentation):
    """Changes the hue at random in training; does nothing at inference.

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
    >>> layer = cnnfast.layers.RandomHue(0.2)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT
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


class RandomSaturation(Augmentation):
    """Changes the saturation at random in training; does nothing at inference.

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
    >>> layer = cnnfast.layers.RandomSaturation(0.2)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT
    ranges: ClassVar = {"factor": around_zero}

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


class RandomGrayscale(Augmentation):
    """Makes images gray at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor
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
    >>> layer = cnnfast.layers.RandomGrayscale(0.5)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT

    def __init__(
        self,
        factor: Range = 0.5,
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {"factor": factor},
            data_format=data_format,
            **kwargs,
        )
        self.seed = seed


class RandomColorJitter(Augmentation):
    """Changes colours at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    value_range, brightness_factor, contrast_factor, saturation_factor, hue_factor, seed
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
    >>> layer = cnnfast.layers.RandomColorJitter()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    integers = Integers.KEPT

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        brightness_factor: Range | None = None,
        contrast_factor: Range | None = None,
        saturation_factor: Range | None = None,
        hue_factor: Range | None = None,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "value_range": value_range,
                "brightness_factor": brightness_factor,
                "contrast_factor": contrast_factor,
                "saturation_factor": saturation_factor,
                "hue_factor": hue_factor,
                "seed": seed,
            },
            data_format=data_format,
            **kwargs,
        )
