"""Initializers: the numbers a weight starts with, under Keras' names and distributions.

The random ones draw from NumPy's generator: the same distribution as in Keras, other numbers.
As in Keras, one initializer object gives the same numbers each time it is called.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.utils.objects import ConfigObject, ObjectTable, OpaqueObject, UsersObject
from cnnfast.variables import initializers as variable_initializers

if TYPE_CHECKING:
    import numpy.typing as npt

Float32Array: TypeAlias = "npt.NDArray[np.float32]"
Shape: TypeAlias = tuple[int, ...]

# Standard deviation of a standard normal distribution cut off at two.
_TRUNCATED_STDDEV = 0.87962566103423978


class Initializer(ConfigObject):
    """Base class: calling it with a shape gives a float32 array."""

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        """Return the numbers for a weight of `shape`; `dtype` is Keras' and not used."""
        raise NotImplementedError


class Zeros(Initializer):
    """All zero."""

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        return np.zeros(shape, np.float32)


class Ones(Initializer):
    """All one."""

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        return np.ones(shape, np.float32)


class Constant(Initializer):
    """All `value`."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        return np.full(shape, self.value, np.float32)

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value}


class Identity(Initializer):
    """The identity matrix times `gain`."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        if len(shape) != 2:
            raise ValueError(
                "Identity matrix initializer can only be used for 2D matrices. "
                f"Received: shape={shape} of rank {len(shape)}."
            )
        return np.float32(self.gain) * np.eye(*shape, dtype=np.float32)

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}


class RandomInitializer(Initializer):
    """Base class of the random ones; `seed` None draws a seed once, for this object."""

    def __init__(self, seed: int | None = None) -> None:
        if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int | np.integer)):
            raise ValueError(
                f"The `seed` of an initializer must be an integer or None. Received: seed={seed!r}"
            )
        import random

        self._init_seed = seed
        self.seed = random.randint(1, 10**9) if seed is None else int(seed)

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(abs(self.seed))

    def get_config(self) -> dict[str, Any]:
        return {"seed": self._init_seed}


class RandomNormal(RandomInitializer):
    """Normal distribution."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        return _normal(self._rng(), shape, self.mean, self.stddev)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomNormal):
    """Normal distribution without what lies beyond two standard deviations."""

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        return _truncated_normal(self._rng(), shape, self.mean, self.stddev)


class RandomUniform(RandomInitializer):
    """Uniform distribution over [minval, maxval)."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        return _uniform(self._rng(), shape, self.minval, self.maxval)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"minval": self.minval, "maxval": self.maxval}


class VarianceScaling(RandomInitializer):
    """A variance of `scale` divided by the number of inputs, of outputs, or their average.

    Raises
    ------
    ValueError
        If `scale` is not positive, or `mode` or `distribution` is unknown.
    """

    _MODES = ("fan_in", "fan_out", "fan_avg")
    _DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        distribution = str(distribution).lower()
        self.scale = scale
        self.mode = mode
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        if not scale > 0.0:
            raise ValueError(f"Argument `scale` must be positive float. Received: scale={scale}")
        if mode not in self._MODES:
            raise ValueError(f"Argument `mode` must be one of {self._MODES}. Received: {mode}")
        if self.distribution not in self._DISTRIBUTIONS:
            raise ValueError(
                f"Argument `distribution` must be one of {self._DISTRIBUTIONS}. "
                f"Received: {distribution}"
            )

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        stddev = math.sqrt(self.scale / max(1.0, fans[self.mode]))
        if self.distribution == "truncated_normal":
            return _truncated_normal(self._rng(), shape, 0.0, stddev / _TRUNCATED_STDDEV)
        if self.distribution == "untruncated_normal":
            return _normal(self._rng(), shape, 0.0, stddev)
        limit = math.sqrt(3.0) * stddev
        return _uniform(self._rng(), shape, -limit, limit)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _NamedScaling(VarianceScaling):
    """A `VarianceScaling` whose class stands for scale, mode and distribution."""

    _ARGUMENTS: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._ARGUMENTS, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_NamedScaling):
    """Glorot and Bengio (2010), uniform."""

    _ARGUMENTS = (1.0, "fan_avg", "uniform")


class GlorotNormal(_NamedScaling):
    """Glorot and Bengio (2010), normal."""

    _ARGUMENTS = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_NamedScaling):
    """LeCun et al. (1998), normal."""

    _ARGUMENTS = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_NamedScaling):
    """LeCun et al. (1998), uniform."""

    _ARGUMENTS = (1.0, "fan_in", "uniform")


class HeNormal(_NamedScaling):
    """He et al. (2015), normal."""

    _ARGUMENTS = (2.0, "fan_in", "truncated_normal")


class HeUniform(_NamedScaling):
    """He et al. (2015), uniform."""

    _ARGUMENTS = (2.0, "fan_in", "uniform")


class Orthogonal(RandomInitializer):
    """A random orthogonal matrix, all axes but the last taken as rows (Saxe et al., 2014)."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        if len(shape) < 2:
            raise ValueError(
                "The tensor to initialize must be at least two-dimensional. "
                f"Received: shape={shape} of rank {len(shape)}."
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        random_matrix = self._rng().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(random_matrix)
        # Signs from R make the distribution uniform over the orthogonal group.
        q = q * np.sign(np.diag(r))
        matrix = q.T if rows < columns else q
        return (self.gain * matrix).reshape(shape).astype(np.float32)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"gain": self.gain}


class OpaqueInitializer(OpaqueObject, Initializer):
    """An initializer of a class that is not known here: enough to load a file's weights."""

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        raise UnsupportedError(
            "This initializer is not known, so the weight must be loaded or assigned. "
            f"Received: {dict(self.original)}"
        )


class ArrayInitializer(Initializer):
    """The given numbers themselves."""

    def __init__(self, value: npt.ArrayLike) -> None:
        self.value = np.array(value, np.float32)

    def __call__(self, shape: Shape, dtype: object = None) -> Float32Array:
        if tuple(shape) != self.value.shape:
            raise ValueError(
                f"Expected `shape` to be {self.value.shape} for direct tensor as initializer. "
                f"Received: shape={shape}"
            )
        return self.value

    def get_config(self) -> dict[str, Any]:
        return {"value": self.value.tolist()}


def compute_fans(
    shape: Shape,
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Count the inputs and outputs of one unit of a weight, as Keras does.

    A kernel ``(height, width, inputs, outputs)`` has ``height * width * inputs`` and
    ``height * width * outputs``; a vector or scalar has its own length twice.
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) <= 1:
        return math.prod(shape), math.prod(shape)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def _normal(rng: np.random.Generator, shape: Shape, mean: float, stddev: float) -> Float32Array:
    return rng.standard_normal(shape, np.float32) * np.float32(stddev) + np.float32(mean)


def _uniform(rng: np.random.Generator, shape: Shape, low: float, high: float) -> Float32Array:
    return rng.random(shape, np.float32) * np.float32(high - low) + np.float32(low)


def _truncated_normal(
    rng: np.random.Generator, shape: Shape, mean: float, stddev: float
) -> Float32Array:
    values = rng.standard_normal(shape, np.float32)
    flat = values.reshape(-1)
    outside = np.flatnonzero(np.abs(flat) > 2.0)
    while outside.size:
        flat[outside] = rng.standard_normal(outside.size, np.float32)
        outside = outside[np.abs(flat[outside]) > 2.0]
    return flat.reshape(shape) * np.float32(stddev) + np.float32(mean)


_table: ObjectTable[Initializer] = ObjectTable(
    "initializer",
    "keras.initializers",
    [
        Zeros,
        Ones,
        Constant,
        Identity,
        RandomNormal,
        TruncatedNormal,
        RandomUniform,
        VarianceScaling,
        GlorotUniform,
        GlorotNormal,
        LecunNormal,
        LecunUniform,
        HeNormal,
        HeUniform,
        Orthogonal,
    ],
    {
        "zero": Zeros,
        "one": Ones,
        "normal": RandomNormal,
        "uniform": RandomUniform,
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
    },
    OpaqueInitializer,
)
serialize = _table.serialize
deserialize = _table.deserialize


def get(identifier: object) -> Initializer | None:
    """Return the initializer that a name, config, class, object, function or array stands for.

    Raises
    ------
    ValueError
        If it stands for none.
    """
    if isinstance(identifier, np.ndarray | np.generic):
        return ArrayInitializer(identifier)
    return _table.make(identifier)


_PACKAGE = __name__.partition(".")[0] + "."


def is_users(initializer: object) -> bool:
    """Whether an initializer runs code of the user's."""
    inside = type(initializer).__module__.startswith(_PACKAGE)
    return not inside or isinstance(initializer, UsersObject)


variable_initializers.fill({"get": get}.__getitem__)

# Keras' other spelling of the classes.
zeros, ones, constant, identity = Zeros, Ones, Constant, Identity
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling, orthogonal = VarianceScaling, Orthogonal
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
he_uniform, he_normal = HeUniform, HeNormal
