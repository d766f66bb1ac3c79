"""What augmentation layers share: at inference they pass images on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from cnnfast.layers.preprocessing.image_layer import ImageLayer
from cnnfast.layers.regularization.unchanged import Unchanged
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import AugmentationOptions

# From what was given to what Keras keeps of it, or None where it cannot be.
Rule: TypeAlias = Callable[[Any], Any]


def from_zero(value: Any) -> Any:
    """Return (0, value), or two ends in order; None where it is neither."""
    return (0, value) if _is_number(value) else ends(value)


def from_one(value: Any) -> Any:
    """Return (1, value), or two ends in order; None where it is neither."""
    return (1, value) if _is_number(value) else ends(value)


def around_zero(value: Any) -> Any:
    """Return (-value, value), or two ends in order; None where it is neither."""
    return (-abs(value), abs(value)) if _is_number(value) else ends(value)


def both(value: Any) -> Any:
    """Return (value, value), or a pair as it is; None where it is neither."""
    return (value, value) if _is_number(value) else value if _is_pair(value) else None


def ends(value: Any) -> Any:
    """Return two ends in order; None where there are not two."""
    return tuple(sorted(value)) if _is_pair(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))


class Augmentation(ImageLayer, Unchanged):
    """Random changes to images in training, which is refused.

    The arguments have no effect here: they are kept for the config, in which Keras writes some
    numbers as the range that they stand for.

    Parameters
    ----------
    options
        The arguments of a class, by name.

    Raises
    ------
    ValueError
        If an argument is no number, or pair of them, where one is needed.
    """

    integers = Integers.CAST
    _apart = True  # a call that says nothing is one in training
    passes_masks = False
    ranges: ClassVar[Mapping[str, Rule]] = {}
    """Arguments that Keras keeps as pairs, and what makes the pair."""

    def __init__(self, options: Mapping[str, Any], **kwargs: Unpack[AugmentationOptions]) -> None:
        kwargs.pop("rng_type", None)  # tf_keras' choice of a random generator
        super().__init__(**kwargs)  # type: ignore[misc]  # without rng_type
        self._options = dict(options)
        for option, rule in self.ranges.items():
            self._options[option] = self._range(option, rule)

    @property
    def differs_in_training(self) -> bool:
        return True

    def _range(self, option: str, rule: Rule) -> Any:
        pair = rule(self._options[option])
        if pair is None:
            raise ValueError(
                f"Layer '{self.name}': argument `{option}` must be a number or two. "
                f"Received: {option}={self._options[option]!r:.200}"
            )
        return pair

    def _config(self) -> dict[str, Any]:
        return super()._config() | self._options
