"""What makes batches of pictures: standardized, and transformed at random where that is asked."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from cnnfast.preprocessing.flows import DirectoryIterator, NumpyArrayIterator
from cnnfast.preprocessing.transformations import (
    Array,
    apply_affine_transform,
    apply_brightness_shift,
    apply_channel_shift,
)
from cnnfast.utils import choices, defaults

if TYPE_CHECKING:
    import numpy.typing as npt

_UNFIT = (
    "This ImageDataGenerator specifies `%s`, but it hasn't been fit on any training data. Fit it "
    "first by calling `.fit(numpy_data)`."
)


class ImageDataGenerator:
    """Makes batches of pictures, from arrays or folders.

    Random transformations are those of Keras, and for the same seed with the same numbers. To
    predict, give none of them, and ``shuffle=False``.

    Parameters
    ----------
    featurewise_center, featurewise_std_normalization
        Whether the mean is taken out, and divided by the deviation, of each channel, over the data
        of `fit`.
    samplewise_center, samplewise_std_normalization
        The same with the mean and deviation of each picture.
    zca_whitening, zca_epsilon
        Whether the pixels are made independent, over the data of `fit`.
    rotation_range, shear_range
        Largest angles, in degrees.
    width_shift_range, height_shift_range
        Largest shifts: parts of the size below 1, pixels from 1 on, or a list of pixels.
    brightness_range
        Least and largest factor.
    zoom_range
        Least and largest factor, or how far they are from 1.
    channel_shift_range
        Largest number that is added.
    fill_mode, cval, interpolation_order
        As of `apply_affine_transform`.
    horizontal_flip, vertical_flip
        Whether half of the pictures are mirrored.
    rescale
        What the numbers are multiplied by; None for 1.
    preprocessing_function
        Applied to each picture, an array of three axes, behind random transformations.
    data_format
        Where the channels are.
    validation_split
        Which part is for validation.
    dtype
        Of the batches; float32 where None.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> from cnnfast.preprocessing.image import ImageDataGenerator
    >>> flow = ImageDataGenerator(rescale=1 / 255).flow(np.full((3, 4, 4, 3), 255.0), batch_size=2)
    >>> float(next(flow).max()), len(flow)
    (1.0, 2)
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: float | Sequence[float] = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Array], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: npt.DTypeLike | None = None,
    ) -> None:
        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = _pair("brightness_range", brightness_range)
        self.shear_range = shear_range
        self.zoom_range = _zoom(zoom_range)
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.interpolation_order = interpolation_order
        self.dtype = defaults.floatx() if dtype is None else dtype
        self.data_format = choices.data_format(data_format)
        first = self.data_format == "channels_first"
        self.channel_axis, self.row_axis, self.col_axis = (1, 2, 3) if first else (3, 1, 2)
        if validation_split and not 0 < validation_split < 1:
            raise ValueError(
                "`validation_split` must be strictly between 0 and 1.  Received: "
                f"{validation_split}"
            )
        self._validation_split = validation_split
        self.mean: Array | None = None
        self.std: Array | None = None
        self.zca_whitening_matrix: Array | None = None
        self._settle()

    def _settle(self) -> None:
        """Turn on what another setting needs, and say so."""
        for given, needed, value in (
            ("zca_whitening", "featurewise_center", True),
            ("zca_whitening", "featurewise_std_normalization", False),
            ("featurewise_std_normalization", "featurewise_center", True),
            ("samplewise_std_normalization", "samplewise_center", True),
        ):
            if getattr(self, given) and getattr(self, needed) != value:
                setattr(self, needed, value)
                warnings.warn(
                    f"This ImageDataGenerator specifies `{given}`, which overrides setting of "
                    f"`{needed}`.",
                    stacklevel=3,
                )

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Return batches of arrays; see `NumpyArrayIterator` for the arguments."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            ignore_class_split=ignore_class_split,
        )

    def flow_from_directory(
        self,
        directory: str | os.PathLike[str],
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Return batches of the pictures in a folder; see `DirectoryIterator` for the arguments."""
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
        )

    def flow_from_dataframe(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise `NotImplementedError`: arrays or a folder are what works."""
        raise NotImplementedError(
            "Tables of pandas are not read here: load the pictures with `load_img`, and give their "
            "arrays to `flow`, or use `flow_from_directory`."
        )

    def standardize(self, x: Array) -> Array:
        """Return a picture or a batch as networks take it; `x` may be changed, as in Keras."""
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + 1e-6
        if self.featurewise_center and self._fit("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._fit(
            "featurewise_std_normalization", self.std
        ):
            assert self.std is not None
            x /= self.std + 1e-6
        if self.zca_whitening and self._fit("zca_whitening", self.zca_whitening_matrix):
            assert self.zca_whitening_matrix is not None
            flat = x.reshape(-1, int(np.prod(x.shape[-3:])))
            x = (flat @ self.zca_whitening_matrix).reshape(x.shape)
        return x

    def _fit(self, what: str, statistics: Array | None) -> bool:
        if statistics is None:
            warnings.warn(_UNFIT % what, stacklevel=3)
        return statistics is not None

    def get_random_transform(
        self, img_shape: Sequence[int], seed: int | None = None
    ) -> dict[str, Any]:
        """Draw how one picture is transformed, in Keras' order, so that seeds mean the same.

        Parameters
        ----------
        img_shape
            Of the picture.
        seed
            Of NumPy's generator; it goes on where None.
        """
        if seed is not None:
            np.random.seed(seed)
        theta = self._angle(self.rotation_range)
        tx = self._shift(self.height_shift_range, img_shape[self.row_axis - 1])
        ty = self._shift(self.width_shift_range, img_shape[self.col_axis - 1])
        shear = self._angle(self.shear_range)
        zx, zy = 1.0, 1.0
        if tuple(self.zoom_range) != (1, 1):
            zx, zy = np.random.uniform(self.zoom_range[0], self.zoom_range[1], 2)
        flip_horizontal = bool((np.random.random() < 0.5) * self.horizontal_flip)
        flip_vertical = bool((np.random.random() < 0.5) * self.vertical_flip)
        shift = brightness = None
        if self.channel_shift_range:
            shift = np.random.uniform(-self.channel_shift_range, self.channel_shift_range)
        if self.brightness_range is not None:
            brightness = np.random.uniform(*self.brightness_range)
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": flip_horizontal,
            "flip_vertical": flip_vertical,
            "channel_shift_intensity": shift,
            "brightness": brightness,
        }

    @staticmethod
    def _angle(largest: float) -> float:
        return np.random.uniform(-largest, largest) if largest else 0.0

    @staticmethod
    def _shift(given: Any, size: int) -> float:
        if not np.any(given):
            return 0.0
        # One of the numbers below a whole one, or of a list.
        if np.ndim(given) or isinstance(given, int | np.integer):
            shift = float(np.random.choice(given) * np.random.choice([-1, 1]))
        else:
            shift = float(np.random.uniform(-given, given))
        return shift * size if np.max(given) < 1 else shift

    def apply_transform(self, x: Array, transform_parameters: Mapping[str, Any]) -> Array:
        """Return a picture transformed as `get_random_transform` says."""
        get = transform_parameters.get
        rows, columns, channels = self.row_axis - 1, self.col_axis - 1, self.channel_axis - 1
        x = apply_affine_transform(
            x,
            **{name: get(name, 0) for name in ("theta", "tx", "ty", "shear")},
            zx=get("zx", 1),
            zy=get("zy", 1),
            row_axis=rows,
            col_axis=columns,
            channel_axis=channels,
            fill_mode=self.fill_mode,
            cval=self.cval,
            order=self.interpolation_order,
        )
        shift, brightness = get("channel_shift_intensity"), get("brightness")
        if shift is not None:
            x = apply_channel_shift(x, shift, channels)
        if get("flip_horizontal", False):
            x = np.flip(x, columns)
        if get("flip_vertical", False):
            x = np.flip(x, rows)
        if brightness is not None:
            x = apply_brightness_shift(x, brightness, False)
        return x

    def random_transform(self, x: Array, seed: int | None = None) -> Array:
        """Return a picture transformed at random."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Take the mean, deviation and whitening from pictures; nothing is trained.

        Parameters
        ----------
        x
            A batch of them.
        augment, rounds, seed
            Whether they are transformed at random first, and how often.

        Raises
        ------
        ValueError
            If `x` is no batch of pictures.
        """
        data = np.array(x, dtype=self.dtype)
        if data.ndim != 4:
            raise ValueError(
                f"Input to `.fit()` should have rank 4. Got array with shape: {data.shape}"
            )
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            data *= self.rescale
        if augment:
            data = np.stack([self.random_transform(one) for _ in range(rounds) for one in data])
        axes = (0, self.row_axis, self.col_axis)
        shape = [1, 1, 1]
        shape[self.channel_axis - 1] = data.shape[self.channel_axis]
        if self.featurewise_center:
            self.mean = np.mean(data, axis=axes).reshape(shape)
            data -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(data, axis=axes).reshape(shape)
            data /= self.std + 1e-6
        if self.zca_whitening:
            flat = data.reshape(len(data), -1)
            u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(len(flat)) / (s + self.zca_epsilon))) @ u.T


def _pair(name: str, value: Any) -> Any:
    if value is not None and not (isinstance(value, list | tuple) and len(value) == 2):
        raise ValueError(f"`{name}` should be tuple or list of two floats. Received: {value}")
    return value


def _zoom(value: Any) -> list[float]:
    if isinstance(value, float | int):
        return [1 - value, 1 + value]
    if not (len(value) == 2 and all(isinstance(one, float | int) for one in value)):
        raise ValueError(
            f"`zoom_range` should be a float or a tuple or list of two floats. Received: {value}"
        )
    return [value[0], value[1]]
