"""Augmentation layers that move, distort or erase parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from cnnfast.layers.preprocessing.augmentation import Augmentation, around_zero, from_zero

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        AugmentationOptions,
        AugmentationOptionsBesideFormat,
        DataFormat,
        FillMode,
        Interpolation,
        Range,
    )


class RandomPerspective(Augmentation):
    """Changes the perspective at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, scale, interpolation, fill_value, seed
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
    >>> layer = cnnfast.layers.RandomPerspective()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": from_zero}

    def __init__(
        self,
        factor: Range = 1.0,
        scale: Range = 1.0,
        interpolation: Interpolation = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "factor": factor,
                "scale": scale,
                "interpolation": interpolation,
                "fill_value": fill_value,
                "seed": seed,
            },
            data_format=data_format,
            **kwargs,
        )


class RandomFlip(Augmentation):
    """Flips at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    mode, seed
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
    >>> layer = cnnfast.layers.RandomFlip("horizontal")
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        mode: Literal[
            "horizontal", "vertical", "horizontal_and_vertical"
        ] = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {"mode": mode, "seed": seed},
            data_format=data_format,
            **kwargs,
        )


class RandomRotation(Augmentation):
    """Rotates at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, fill_mode, interpolation, seed, fill_value
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
    >>> layer = cnnfast.layers.RandomRotation(0.2)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    ranges: ClassVar = {"factor": around_zero}

    def __init__(
        self,
        factor: Range,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "factor": factor,
                "fill_mode": fill_mode,
                "interpolation": interpolation,
                "seed": seed,
                "fill_value": fill_value,
            },
            data_format=data_format,
            **kwargs,
        )


class RandomShear(Augmentation):
    """Shears at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    x_factor, y_factor, interpolation, fill_mode, fill_value
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
    >>> layer = cnnfast.layers.RandomShear()
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        x_factor: Range = 0.0,
        y_factor: Range = 0.0,
        interpolation: Interpolation = "bilinear",
        fill_mode: FillMode = "reflect",
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        # Keras writes ranges here too, but cannot read what is below 0.
        super().__init__(
            {
                "x_factor": x_factor,
                "y_factor": y_factor,
                "interpolation": interpolation,
                "fill_mode": fill_mode,
                "fill_value": fill_value,
                "seed": seed,
            },
            data_format=data_format,
            **kwargs,
        )


class RandomTranslation(Augmentation):
    """Moves at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    height_factor, width_factor, fill_mode, interpolation, seed, fill_value
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
    >>> layer = cnnfast.layers.RandomTranslation(0.1, 0.1)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        height_factor: Range,
        width_factor: Range,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "height_factor": height_factor,
                "width_factor": width_factor,
                "fill_mode": fill_mode,
                "interpolation": interpolation,
                "seed": seed,
                "fill_value": fill_value,
            },
            data_format=data_format,
            **kwargs,
        )


class RandomZoom(Augmentation):
    """Zooms at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    height_factor, width_factor, fill_mode, interpolation, seed, fill_value
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
    >>> layer = cnnfast.layers.RandomZoom(0.1)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        height_factor: Range,
        width_factor: Range | None = None,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[AugmentationOptionsBesideFormat],
    ) -> None:
        super().__init__(
            {
                "height_factor": height_factor,
                "width_factor": width_factor,
                "fill_mode": fill_mode,
                "interpolation": interpolation,
                "seed": seed,
                "fill_value": fill_value,
            },
            data_format=data_format,
            **kwargs,
        )


class RandomHeight(Augmentation):
    """Changes the height at random in training; does nothing at inference. A layer of Keras 2.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, interpolation, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.RandomHeight(0.1)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Range,
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptions],
    ) -> None:
        super().__init__(
            {"factor": factor, "interpolation": interpolation, "seed": seed},
            **kwargs,
        )


class RandomWidth(Augmentation):
    """Changes the width at random in training; does nothing at inference. A layer of Keras 2.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    factor, interpolation, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.

    Examples
    --------
    >>> layer = cnnfast.layers.RandomWidth(0.1)
    >>> layer(np.ones((2, 8, 8, 3)), training=False).shape
    (2, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Range,
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        **kwargs: Unpack[AugmentationOptions],
    ) -> None:
        super().__init__(
            {"factor": factor, "interpolation": interpolation, "seed": seed},
            **kwargs,
        )
