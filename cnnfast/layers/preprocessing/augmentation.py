"""Augmentation layers: at inference they pass images on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from cnnfast.layers.preprocessing.image_layer import ImageLayer
from cnnfast.layers.regularization.unchanged import Unchanged
from cnnfast.symbolic.dtypes import Integers

_REQUIRED = object()


# From what was given to what Keras keeps of it, or None where it cannot be.
_Rule: TypeAlias = Callable[[Any], Any]


def _options(*required: str, **defaults: Any) -> Mapping[str, Any]:
    return dict.fromkeys(required, _REQUIRED) | defaults


def _ranges(**rules: _Rule) -> Mapping[str, _Rule]:
    return rules


def _from_zero(value: Any) -> Any:
    return (0, value) if _is_number(value) else _ends(value)


def _from_one(value: Any) -> Any:
    return (1, value) if _is_number(value) else _ends(value)


def _around_zero(value: Any) -> Any:
    return (-abs(value), abs(value)) if _is_number(value) else _ends(value)


def _both(value: Any) -> Any:
    return (value, value) if _is_number(value) else value if _is_pair(value) else None


def _ends(value: Any) -> Any:
    return tuple(sorted(value)) if _is_pair(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))


class _Augmentation(ImageLayer, Unchanged):
    """Random changes to images in training.

    The arguments have no effect here: they are kept for the config, in which Keras writes some
    numbers as the range that they stand for.

    Raises
    ------
    TypeError
        If a needed argument is missing, or there are too many.
    ValueError
        If an argument is no number, or pair of them, where one is needed.
    """

    integers = Integers.CAST
    options: ClassVar[Mapping[str, Any]]
    """The arguments in order, with their defaults."""
    ranges: ClassVar[Mapping[str, _Rule]] = _ranges()
    """Arguments that Keras keeps as pairs, and what makes the pair."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = dict(zip(self.options, args, strict=False))
        given |= {name: kwargs.pop(name) for name in self.options if name in kwargs}
        missing = [n for n, v in self.options.items() if v is _REQUIRED and n not in given]
        if missing or len(args) > len(self.options):
            raise TypeError(
                f"{type(self).__name__} takes the arguments {list(self.options)}, of which it "
                f"needs {missing}. Received: {args}, {given}"
            )
        kwargs.pop("rng_type", None)  # tf_keras' choice of a random generator
        super().__init__(**kwargs)
        self._options = {**self.options, **given}
        for option, rule in self.ranges.items():
            self._options[option] = self._range(option, rule)

    def _range(self, option: str, rule: _Rule) -> Any:
        pair = rule(self._options[option])
        if pair is None:
            raise ValueError(
                f"Layer '{self.name}': argument `{option}` must be a number or two. "
                f"Received: {option}={self._options[option]!r:.200}"
            )
        return pair

    def _config(self) -> dict[str, Any]:
        return super()._config() | self._options


class RandomBrightness(_Augmentation):
    """Changes the brightness at random in training."""

    integers = Integers.KEPT
    options = _options("factor", value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_around_zero)


class RandomContrast(_Augmentation):
    """Changes the contrast at random in training."""

    integers = Integers.KEPT
    options = _options("factor", value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_from_zero)


class RandomColorDegeneration(_Augmentation):
    """Takes away colour at random in training."""

    integers = Integers.KEPT
    options = _options("factor", value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_around_zero)


class RandomHue(_Augmentation):
    """Changes the hue at random in training."""

    integers = Integers.KEPT
    options = _options("factor", value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_from_zero)


class RandomPosterization(_Augmentation):
    """Takes away bits of colour at random in training."""

    integers = Integers.KEPT
    options = _options("factor", value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_from_one)


class RandomSaturation(_Augmentation):
    """Changes the saturation at random in training."""

    integers = Integers.KEPT
    options = _options("factor", value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_around_zero)


class RandomSharpness(_Augmentation):
    """Changes the sharpness at random in training."""

    options = _options("factor", value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_from_zero)


class RandomInvert(_Augmentation):
    """Inverts colours at random in training."""

    integers = Integers.KEPT
    options = _options(factor=1.0, value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_from_zero)


class RandomGrayscale(_Augmentation):
    """Makes images gray at random in training."""

    integers = Integers.KEPT
    options = _options(factor=0.5)

    def __init__(self, *args: Any, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seed = seed


class RandomColorJitter(_Augmentation):
    """Changes brightness, contrast, saturation and hue at random in training."""

    integers = Integers.KEPT
    options = _options(
        value_range=(0, 255),
        brightness_factor=None,
        contrast_factor=None,
        saturation_factor=None,
        hue_factor=None,
        seed=None,
    )


class RandomGaussianBlur(_Augmentation):
    """Blurs at random in training."""

    options = _options(factor=1.0, kernel_size=3, sigma=1.0, value_range=(0, 255), seed=None)
    ranges = _ranges(factor=_from_zero, kernel_size=_both, sigma=_from_zero)


class RandomErasing(_Augmentation):
    """Erases a rectangle at random in training."""

    options = _options(
        factor=1.0, scale=(0.02, 0.33), fill_value=None, value_range=(0, 255), seed=None
    )
    ranges = _ranges(factor=_from_zero, scale=_from_zero)


class RandomElasticTransform(_Augmentation):
    """Distorts at random in training."""

    options = _options(
        factor=1.0,
        scale=1.0,
        interpolation="bilinear",
        fill_mode="reflect",
        fill_value=0.0,
        value_range=(0, 255),
        seed=None,
    )
    ranges = _ranges(factor=_from_zero, scale=_from_zero)


class RandomPerspective(_Augmentation):
    """Changes the perspective at random in training."""

    options = _options(factor=1.0, scale=1.0, interpolation="bilinear", fill_value=0.0, seed=None)
    ranges = _ranges(factor=_from_zero)


class RandomFlip(_Augmentation):
    """Flips at random in training."""

    options = _options(mode="horizontal_and_vertical", seed=None)


class RandomRotation(_Augmentation):
    """Rotates at random in training."""

    options = _options(
        "factor", fill_mode="reflect", interpolation="bilinear", seed=None, fill_value=0.0
    )
    ranges = _ranges(factor=_around_zero)


class RandomShear(_Augmentation):
    """Shears at random in training."""

    # Keras writes ranges here too, but cannot read what is below 0.

    options = _options(
        x_factor=0.0,
        y_factor=0.0,
        interpolation="bilinear",
        fill_mode="reflect",
        fill_value=0.0,
        seed=None,
    )


class RandomTranslation(_Augmentation):
    """Moves at random in training."""

    options = _options(
        "height_factor",
        "width_factor",
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
    )


class RandomZoom(_Augmentation):
    """Zooms at random in training."""

    options = _options(
        "height_factor",
        width_factor=None,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
    )


class RandomHeight(_Augmentation):
    """Changes the height at random in training; a layer of Keras 2."""

    options = _options("factor", interpolation="bilinear", seed=None)


class RandomWidth(_Augmentation):
    """Changes the width at random in training; a layer of Keras 2."""

    options = _options("factor", interpolation="bilinear", seed=None)


class AugMix(_Augmentation):
    """Mixes chains of random changes in training."""

    options = _options(
        value_range=(0, 255),
        num_chains=3,
        chain_depth=3,
        factor=0.3,
        alpha=1.0,
        all_ops=True,
        interpolation="bilinear",
        seed=None,
    )
    ranges = _ranges(factor=_from_zero)


class RandAugment(_Augmentation):
    """Applies random changes one after the other in training."""

    options = _options(
        value_range=(0, 255), num_ops=2, factor=0.5, interpolation="bilinear", seed=None
    )
    ranges = _ranges(factor=_from_zero)


class CutMix(_Augmentation):
    """Puts parts of other images in, in training."""

    options = _options(factor=1.0, seed=None)
    ranges = _ranges(factor=_from_zero)


class MixUp(_Augmentation):
    """Mixes images with others in training."""

    integers = Integers.KEPT
    options = _options(alpha=0.2, seed=None)


class Equalization(_Augmentation):
    """Spreads the values of pixels evenly in training."""

    integers = Integers.KEPT
    options = _options(value_range=(0, 255), bins=256)


class Solarization(_Augmentation):
    """Inverts bright pixels at random in training."""

    options = _options(addition_factor=0.0, threshold_factor=0.0, value_range=(0, 255), seed=None)
    ranges = _ranges(addition_factor=_from_zero, threshold_factor=_from_zero, value_range=_ends)
