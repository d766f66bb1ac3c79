"""Random numbers, under the names of `keras.random`: arrays of NumPy's generator.

The distributions are Keras', the numbers are not. The same integer as `seed` gives the same
numbers each time; a `SeedGenerator` gives others each time, the same in each run of a program;
without a seed, `cnnfast.utils.set_random_seed` says which.

In a layer's `call`, a shape that begins with the batch's size makes a symbolic tensor, for which
numbers are drawn whenever a batch is run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from cnnfast.utils import defaults
from cnnfast.utils.naming import auto_name
from cnnfast.utils.rooms import Slot

if TYPE_CHECKING:
    from typing import Self

    import numpy.typing as npt

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

Array: TypeAlias = "npt.NDArray[Any]"
Seed: TypeAlias = "int | SeedGenerator | None"
_Function = TypeVar("_Function", bound=Callable[..., Any])

graphs = Slot("random_numbers")
"""What the operations, which stand above, draw in graphs."""


class SeedGenerator:
    """Gives a new seed each time it is asked.

    Parameters
    ----------
    seed
        An integer of at least 0; drawn where None.
    name
        Made from the class where None.

    Raises
    ------
    ValueError
        If `seed` is no such integer.

    Examples
    --------
    >>> seeds = cnnfast.random.SeedGenerator(3)
    >>> first, second = (cnnfast.random.normal((4,), seed=seeds) for _ in range(2))
    >>> bool((first == second).any())
    False
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        if kwargs.pop("rng_state_name", None) is not None or kwargs:
            raise ValueError(f"Unrecognized keyword arguments: {kwargs}")
        if seed is None:
            seed = _drawn()
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(
                f"Argument `seed` must be an integer of at least 0. Received: seed={seed!r}"
            )
        self.name = name or auto_name(type(self).__name__)
        self._initial_seed = int(seed)
        self._given = 0

    def next(self, ordered: bool = True) -> Array:
        """Return the next seed, two numbers."""
        del ordered
        state = np.array([self._initial_seed, self._given], np.uint32)
        self._given += 1
        return state

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"seed": self._initial_seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a generator of what `get_config` returned."""
        return cls(**config)


def _drawn() -> int:
    return int(np.random.randint(0, 2**31 - 1))


def _generator(seed: Any) -> np.random.Generator:
    if isinstance(seed, SeedGenerator):
        return np.random.default_rng([int(part) for part in seed.next()])
    if seed is None:
        return np.random.default_rng(_drawn())
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ValueError(
            "Argument `seed` must be either an integer or an instance of `SeedGenerator`. "
            f"Received: seed={seed} (of type {type(seed)})"
        )
    return np.random.default_rng(abs(int(seed)))


def _floats(dtype: Any) -> np.dtype[Any]:
    kind = np.dtype(defaults.floatx() if dtype is None else dtype)
    if kind.kind != "f":
        raise ValueError(f"`dtype` must be a floating point dtype. Received: {dtype}")
    return kind


def _also_in_graphs(function: _Function) -> _Function:
    """Let a function of a shape take one whose first size is that of a symbolic tensor's batch."""

    @wraps(function)
    def draw(shape: Any, *args: Any, **kwargs: Any) -> Any:
        if all(isinstance(size, int | np.integer) for size in shape):
            return function(shape, *args, **kwargs)
        return graphs.draw(function, shape, args, kwargs)

    return draw  # type: ignore[return-value]


@_also_in_graphs
def normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: Seed = None,
) -> Array:
    """Draw from a normal distribution.

    Parameters
    ----------
    shape
        Of the array.
    mean, stddev
        Of the distribution.
    dtype
        Of the array, a floating one; float32 where None.
    seed
        See above.

    Examples
    --------
    >>> cnnfast.random.normal((2, 3), seed=1).shape
    (2, 3)
    """
    drawn = _generator(seed).standard_normal(tuple(shape))
    return np.asarray(mean + stddev * drawn, _floats(dtype))


@_also_in_graphs
def truncated_normal(
    shape: Sequence[int],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = None,
    seed: Seed = None,
) -> Array:
    """Draw from a normal distribution, again what is more than two `stddev` from `mean`.

    Parameters and result are those of `normal`.

    Examples
    --------
    >>> bool(abs(cnnfast.random.truncated_normal((100,), seed=1)).max() <= 2)
    True
    """
    generator = _generator(seed)
    drawn = generator.standard_normal(tuple(shape))
    while (outside := np.abs(drawn) > 2).any():
        drawn[outside] = generator.standard_normal(int(outside.sum()))
    return (mean + stddev * drawn).astype(_floats(dtype))


@_also_in_graphs
def uniform(
    shape: Sequence[int],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = None,
    seed: Seed = None,
) -> Array:
    """Draw from `minval` on and below `maxval`, all alike; integers where `dtype` is one.

    Examples
    --------
    >>> bool(cnnfast.random.uniform((100,), seed=1).max() < 1)
    True
    """
    if dtype is not None and np.dtype(dtype).kind in "iu":
        return randint(shape, int(minval), int(maxval), dtype, seed)
    kind = _floats(dtype)
    drawn = _generator(seed).random(tuple(shape))
    numbers = (minval + (maxval - minval) * drawn).astype(kind)
    # What is rounded up to the end is not below it.
    end = np.nextafter(kind.type(maxval), kind.type(minval))
    return np.minimum(numbers, end) if maxval > minval else numbers


@_also_in_graphs
def randint(
    shape: Sequence[int], minval: int, maxval: int, dtype: Any = "int32", seed: Seed = None
) -> Array:
    """Draw integers from `minval` on and below `maxval`.

    Examples
    --------
    >>> cnnfast.random.randint((100,), 3, 4, seed=1).max()
    np.int32(3)
    """
    if np.dtype(dtype).kind not in "iu":
        raise ValueError(
            f"`keras.random.randint` requires an integer `dtype`. Received: dtype={dtype} "
        )
    return _generator(seed).integers(minval, maxval, tuple(shape)).astype(dtype)


def categorical(
    logits: npt.ArrayLike, num_samples: int, dtype: Any = "int32", seed: Seed = None
) -> Array:
    """Draw class numbers.

    Parameters
    ----------
    logits
        Logarithms of what each class weighs, (batch, classes).
    num_samples
        How many to draw for each row.
    dtype, seed
        As of `randint`.

    Returns
    -------
    numpy.ndarray
        (batch, num_samples).

    Examples
    --------
    >>> cnnfast.random.categorical([[0.0, -100.0]], 3, seed=1)
    array([[0, 0, 0]], dtype=int32)
    """
    weights = np.asarray(logits, np.float64)
    if weights.ndim != 2:
        raise ValueError(
            f"`logits` should be a 2-D tensor with shape [batch_size, num_classes]. Received: "
            f"logits of shape {weights.shape}"
        )
    noise = _generator(seed).gumbel(size=(len(weights), num_samples, weights.shape[1]))
    return np.asarray(np.argmax(weights[:, None] + noise, axis=-1), dtype)


@_also_in_graphs
def gamma(shape: Sequence[int], alpha: Any, dtype: Any = None, seed: Seed = None) -> Array:
    """Draw from the gamma distribution with shape `alpha` and scale 1.

    Examples
    --------
    >>> bool(cnnfast.random.gamma((100,), 2.0, seed=1).min() > 0)
    True
    """
    return _generator(seed).gamma(np.asarray(alpha), size=tuple(shape)).astype(_floats(dtype))


@_also_in_graphs
def beta(
    shape: Sequence[int], alpha: Any, beta: Any, dtype: Any = None, seed: Seed = None
) -> Array:
    """Draw from the beta distribution.

    Examples
    --------
    >>> bool(cnnfast.random.beta((100,), 2.0, 3.0, seed=1).max() < 1)
    True
    """
    drawn = _generator(seed).beta(np.asarray(alpha), np.asarray(beta), size=tuple(shape))
    return np.asarray(drawn).astype(_floats(dtype))


@_also_in_graphs
def binomial(
    shape: Sequence[int], counts: Any, probabilities: Any, dtype: Any = None, seed: Seed = None
) -> Array:
    """Draw how often something happens in `counts` trials.

    Examples
    --------
    >>> float(cnnfast.random.binomial((100,), 5, 1.0, seed=1).min())
    5.0
    """
    trials = np.asarray(counts).astype(np.int64)
    drawn = _generator(seed).binomial(trials, np.asarray(probabilities), size=tuple(shape))
    return np.asarray(drawn).astype(_floats(dtype))


def dropout(
    inputs: npt.ArrayLike,
    rate: float,
    noise_shape: Sequence[int | None] | None = None,
    seed: Seed = None,
) -> Array:
    """Set a part of an array to zero, and divide the rest by what remains of it.

    Parameters
    ----------
    inputs
        Any shape.
    rate
        The part, 0 to 1.
    noise_shape
        Of what is drawn, which is repeated along axes of size 1; None for the size of the array.
    seed
        See above.

    Examples
    --------
    >>> cnnfast.random.dropout(np.ones(4, np.float32), 0.0, seed=1)
    array([1., 1., 1., 1.], dtype=float32)
    """
    if hasattr(inputs, "parts"):  # a symbolic tensor
        given = {"noise_shape": noise_shape, "seed": seed}
        changed: Array = graphs.change(dropout, inputs, (rate,), given)
        return changed
    array = np.asarray(inputs)
    kind = array.dtype if array.dtype.kind == "f" else np.dtype(defaults.floatx())
    if not 0 <= rate <= 1:
        raise ValueError(f"`rate` must lie between 0 and 1. Received: rate={rate}")
    sizes = array.shape if noise_shape is None else noise_shape
    drawn = _generator(seed).random(
        tuple(n if m is None else m for m, n in zip(sizes, array.shape, strict=True))
    )
    if rate == 1:
        return np.zeros(array.shape, kind)
    kept = np.where(drawn >= rate, array / kind.type(1 - rate), kind.type(0))
    return np.asarray(kept, kind)


def shuffle(x: npt.ArrayLike, axis: int = 0, seed: Seed = None) -> Array:
    """Return an array in random order along an axis.

    Examples
    --------
    >>> sorted(cnnfast.random.shuffle(np.arange(4), seed=1).tolist())
    [0, 1, 2, 3]
    """
    return np.asarray(_generator(seed).permutation(np.asarray(x), axis=axis))
