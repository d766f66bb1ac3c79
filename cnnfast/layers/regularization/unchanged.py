"""Regularization layers: at inference they pass their input on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast import regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.layers.base import phases
from cnnfast.layers.base.layer import Layer
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers
from cnnfast.symbolic.input_spec import InputSpec

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.typing import (
        DataFormat,
        DTypeLike,
        LayerOptions,
        OpenShape,
        OptionsBesideNameAndDType,
        OptionsBesideRegularizer,
    )


class Unchanged(Layer):
    """A layer that passes its input on, at least at inference."""

    integers = Integers.KEPT
    built_without_weights = True
    passes_masks = True

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        return x


class Identity(Unchanged):
    """Passes its input on.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> layer = cnnfast.layers.Identity()
    >>> layer(np.ones((2, 5))).shape
    (2, 5)
    """


class _Noise(Unchanged):
    """Random changes in training, of a strength between 0 and 1."""

    argument: ClassVar[str] = "rate"
    training_default = False

    def __init__(self, strength: float, seed: int | None, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not 0 <= arguments.number(strength, self.argument) <= 1:
            raise ValueError(
                f"Invalid value received for argument `{self.argument}`. Expected a float value "
                f"between 0 and 1. Received: {self.argument}={strength}"
            )
        self.seed = seed

    @property
    def differs_in_training(self) -> bool:
        return True

    @property
    def _random(self) -> phases.Random:
        made: phases.Random = vars(self).setdefault("_numbers", phases.Random(self.seed))
        return made

    def __getstate__(self) -> dict[str, Any]:
        return {key: item for key, item in super().__getstate__().items() if key != "_numbers"}

    def lower_in_training(self, graph: Graph, x: Value) -> Value:
        return phases.append(graph, x, self.name, self._noise())

    def _noise(self) -> Callable[[Float32Array], Float32Array]:
        """Return what is done to a batch in training; it must not hold the layer."""
        raise NotImplementedError


def _kept(random: phases.Random, shape: Sequence[int], rate: float) -> npt.NDArray[np.bool_]:
    """Draw which numbers a dropout keeps."""
    kept: npt.NDArray[np.bool_] = random.draw(lambda rng: rng.random(shape, np.float32) >= rate)
    return kept


class Dropout(_Noise):
    """Sets inputs to zero at random in training; does nothing at inference.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    rate
        Between 0 and 1.
    noise_shape, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `rate` lies outside of [0, 1].

    Examples
    --------
    >>> layer = cnnfast.layers.Dropout(0.5)
    >>> layer(np.array([[-2.0, 0.5, 3.0]]))
    array([[-2. ,  0.5,  3. ]], dtype=float32)
    """

    def __init__(
        self,
        rate: float,
        noise_shape: OpenShape | None = None,
        seed: int | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(rate, seed, **kwargs)
        self.rate = rate
        self.noise_shape = None if noise_shape is None else _noise_shape(noise_shape)

    def _config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}

    def _noise(self) -> Callable[[Float32Array], Float32Array]:
        rate, noise_shape, random = self.rate, self.noise_shape, self._random

        def dropped(x: Float32Array) -> Float32Array:
            kept = _kept(random, _shape_of_noise(noise_shape, x.shape), rate)
            return np.where(kept, x / np.float32(1 - rate or 1), np.float32(0))

        return dropped


def _noise_shape(value: Any) -> BatchShape:
    """Return `value` as sizes above 0 and None; the ValueErrors of others begin as Keras' do."""
    rule = "Invalid value received for argument `noise_shape`. Expected"
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(f"{rule} a tuple or list of integers. Received: noise_shape={value!r}")
    if not all(size is None or type(size) is int for size in value):
        raise ValueError(
            f"{rule} all elements to be integers or None. Received: noise_shape={value!r}"
        )
    if any(size is not None and size <= 0 for size in value):
        raise ValueError(
            f"{rule} all dimensions to be positive integers or None. "
            f"Received: noise_shape={value!r}"
        )
    return tuple(value)


def _shape_of_noise(noise_shape: OpenShape | None, shape: tuple[int, ...]) -> tuple[int, ...]:
    if noise_shape is None:
        return shape
    return tuple(own if n is None else n for n, own in zip(noise_shape, shape, strict=True))


class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance, for SELU; does nothing at inference.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    rate
        Between 0 and 1.
    noise_shape, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `rate` lies outside of [0, 1].

    Examples
    --------
    >>> layer = cnnfast.layers.AlphaDropout(0.5)
    >>> layer(np.ones((2, 5))).shape
    (2, 5)
    """

    def _noise(self) -> Callable[[Float32Array], Float32Array]:
        rate, noise_shape, random = self.rate, self.noise_shape, self._random
        # Of SELU (keras/src/layers/regularization/alpha_dropout.py).
        least = -1.6732632423543772 * 1.0507009873554805
        scale = ((1 - rate) * (1 + rate * least**2)) ** -0.5 if rate < 1 else 0.0

        def dropped(x: Float32Array) -> Float32Array:
            kept = _kept(random, _shape_of_noise(noise_shape, x.shape), rate)
            y = scale * np.where(kept, x, np.float32(least)) - scale * least * rate
            return y.astype(np.float32)

        return dropped


class GaussianDropout(_Noise):
    """Multiplies by random numbers around 1 in training; does nothing at inference.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    rate
        Between 0 and 1.
    seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `rate` lies outside of [0, 1].

    Examples
    --------
    >>> layer = cnnfast.layers.GaussianDropout(0.5)
    >>> layer(np.ones((2, 5))).shape
    (2, 5)
    """

    def __init__(
        self, rate: float, seed: int | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(rate, seed, **kwargs)
        self.rate = rate

    def _config(self) -> dict[str, Any]:
        return {"rate": self.rate, "seed": self.seed}

    def _noise(self) -> Callable[[Float32Array], Float32Array]:
        deviation, random = (self.rate / (1 - self.rate or 1)) ** 0.5, self._random

        def changed(x: Float32Array) -> Float32Array:
            drawn = random.draw(lambda rng: rng.standard_normal(x.shape, np.float32))
            noisy: Float32Array = x * (1 + np.float32(deviation) * drawn)
            return noisy

        return changed


class GaussianNoise(_Noise):
    """Adds random numbers around 0 in training; does nothing at inference.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    stddev
        Between 0 and 1.
    seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `stddev` lies outside of [0, 1].

    Examples
    --------
    >>> layer = cnnfast.layers.GaussianNoise(0.5)
    >>> layer(np.ones((2, 5))).shape
    (2, 5)
    """

    argument = "stddev"

    def __init__(
        self, stddev: float, seed: int | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(stddev, seed, **kwargs)
        self.stddev = stddev

    def _config(self) -> dict[str, Any]:
        return {"stddev": self.stddev, "seed": self.seed}

    def _noise(self) -> Callable[[Float32Array], Float32Array]:
        deviation, random = np.float32(self.stddev), self._random

        def changed(x: Float32Array) -> Float32Array:
            drawn = random.draw(lambda rng: rng.standard_normal(x.shape, np.float32))
            noisy: Float32Array = x + deviation * drawn
            return noisy

        return changed


class _SpatialDropout(GaussianDropout):
    """Sets whole channels to zero at random in training."""

    rank: ClassVar[int]

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        name: str | None = None,
        dtype: DTypeLike = None,
        **kwargs: Unpack[OptionsBesideNameAndDType],
    ) -> None:
        super().__init__(rate, seed, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def get_config(self) -> dict[str, Any]:
        # Keras writes the dtype by name here, and leaves out `trainable`.
        return {"name": self.name, "dtype": self.dtype, **self._config()}

    def _noise(self) -> Callable[[Float32Array], Float32Array]:
        rate, random = self.rate, self._random
        first = getattr(self, "data_format", None) == "channels_first"

        def dropped(x: Float32Array) -> Float32Array:
            ones = (1,) * (x.ndim - 2)
            shape = (*x.shape[:2], *ones) if first else (len(x), *ones, x.shape[-1])
            return np.where(_kept(random, shape, rate), x / np.float32(1 - rate or 1), 0)

        return dropped


class SpatialDropout1D(_SpatialDropout):
    """Sets channels of sequences to zero at random in training; does nothing at inference.

    Takes and returns (batch, steps, channels).

    Parameters
    ----------
    rate
        How many of the channels, between 0 and 1.
    seed
        Of training; kept for the config.
    name
        Unique in a model; made from the class where None.
    dtype
        Name or config of a dtype policy; the core computes in float32 under each.
    **kwargs
        What else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `rate` lies outside of [0, 1].

    Examples
    --------
    >>> layer = cnnfast.layers.SpatialDropout1D(0.5)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 4)
    """

    rank = 1


class SpatialDropout2D(_SpatialDropout):
    """Sets channels of images to zero at random in training; does nothing at inference.

    Takes and returns (batch, height, width, channels).

    Parameters
    ----------
    rate
        How many of the channels, between 0 and 1.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    seed
        Of training; kept for the config.
    name
        Unique in a model; made from the class where None.
    dtype
        Name or config of a dtype policy; the core computes in float32 under each.
    **kwargs
        What else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `rate` lies outside of [0, 1].

    Examples
    --------
    >>> layer = cnnfast.layers.SpatialDropout2D(0.5)
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    rank = 2

    def __init__(
        self,
        rate: float,
        data_format: DataFormat | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: DTypeLike = None,
        **kwargs: Unpack[OptionsBesideNameAndDType],
    ) -> None:
        super().__init__(rate, seed, name, dtype, **kwargs)
        self.data_format = arguments.data_format(data_format)

    def _config(self) -> dict[str, Any]:
        return super()._config() | {"data_format": self.data_format}


class SpatialDropout3D(SpatialDropout2D):
    """Sets channels of volumes to zero at random in training; does nothing at inference.

    Takes and returns (batch, depth, height, width, channels).

    Parameters
    ----------
    rate
        How many of the channels, between 0 and 1.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    seed
        Of training; kept for the config.
    name
        Unique in a model; made from the class where None.
    dtype
        Name or config of a dtype policy; the core computes in float32 under each.
    **kwargs
        What else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `rate` lies outside of [0, 1].

    Examples
    --------
    >>> layer = cnnfast.layers.SpatialDropout3D(0.5)
    >>> layer(np.ones((2, 4, 8, 8, 3))).shape
    (2, 4, 8, 8, 3)
    """

    rank = 3


class ActivityRegularization(Unchanged):
    """Adds a penalty on its input to the loss in training; does nothing at inference.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    l1, l2
        Weights of the sums of absolute and squared values.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> layer = cnnfast.layers.ActivityRegularization(l2=0.01)
    >>> layer(np.ones((2, 5))).shape
    (2, 5)
    """

    def __init__(
        self, l1: float = 0.0, l2: float = 0.0, **kwargs: Unpack[OptionsBesideRegularizer]
    ) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1 = l1
        self.l2 = l2

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        config.pop("activity_regularizer", None)
        return config

    def get_config(self) -> dict[str, Any]:
        said = {"activity_regularizer"}  # by the others
        return {name: value for name, value in super().get_config().items() if name not in said}

    def _config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}
