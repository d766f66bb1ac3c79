"""Functions of arrays alone: what they return depends on more than one image, or has any size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base import eager
from cnnfast.symbolic.tensor import symbolic

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.symbolic.typing import Array

P = ParamSpec("P")
R = TypeVar("R")


def of_arrays(function: Callable[P, R]) -> Callable[P, R]:
    """Refuse symbolic tensors; give and return arrays of Keras' dtypes."""

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if symbolic((args, kwargs)):
            raise UnsupportedError(
                f"`{function.__name__}` is for arrays and variables, not for what follows from "
                f"images. Received: {args!r:.200}",
                advice="A NumPy function of images runs in a `Lambda` layer.",
            )
        made: R = eager.at_once(function, args, kwargs)
        return made

    return called


@of_arrays
def allclose(
    x1: npt.ArrayLike,
    x2: npt.ArrayLike,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Array:
    """Return whether all numbers differ by no more than ``atol + rtol * |x2|``.

    Parameters
    ----------
    rtol
        A part of `x2`.
    atol
        A number.
    equal_nan
        Whether NaN is close to NaN.
    """
    return np.asarray(np.allclose(x1, x2, rtol, atol, equal_nan))


@of_arrays
def argpartition(x: Array, kth: int, axis: int = -1) -> Array:
    """Return positions such that smaller numbers come before the one at `kth`, larger ones behind.

    Parameters
    ----------
    kth
        Which position.
    axis
        Along which.
    """
    return np.argpartition(x, kth, axis).astype(np.int32)


@of_arrays
def bartlett(x: int) -> Array:
    """Return a triangular window of `x` numbers."""
    return np.bartlett(x)


@of_arrays
def blackman(x: int) -> Array:
    """Return Blackman's window of `x` numbers."""
    return np.blackman(x)


@of_arrays
def hamming(x: int) -> Array:
    """Return Hamming's window of `x` numbers."""
    return np.hamming(x)


@of_arrays
def hanning(x: int) -> Array:
    """Return von Hann's window of `x` numbers."""
    return np.hanning(x)


@of_arrays
def kaiser(x: int, beta: float) -> Array:
    """Return Kaiser's window of `x` numbers.

    Parameters
    ----------
    beta
        How narrow it is.
    """
    return np.kaiser(x, beta)


@of_arrays
def bincount(
    x: Array, weights: Array | None = None, minlength: int = 0, sparse: bool = False
) -> Array:
    """Return how often each integer comes.

    Parameters
    ----------
    weights
        What each counts; 1 where None.
    minlength
        How many there are at least.
    sparse
        Must be False.
    """
    if sparse:
        raise UnsupportedError(f"tensors are dense. Received: sparse={sparse}")
    if x.ndim > 1:
        rows = [np.bincount(row, minlength=int(x.max()) + 1) for row in x.reshape(-1, x.shape[-1])]
        counts = np.stack(rows).reshape(*x.shape[:-1], -1)
        return np.pad(counts, [(0, 0)] * (x.ndim - 1) + [(0, max(minlength - counts.shape[-1], 0))])
    return np.bincount(x, weights, minlength)


@of_arrays
def corrcoef(x: Array) -> Array:
    """Return the correlation of each row with each."""
    return np.corrcoef(x)


@of_arrays
def correlate(x1: Array, x2: Array, mode: Literal["valid", "same", "full"] = "valid") -> Array:
    """Return the products of two sequences at each distance.

    Parameters
    ----------
    mode
        ``"valid"``, ``"same"`` or ``"full"``.
    """
    return np.correlate(x1, x2, mode)


@of_arrays
def cross(
    x1: Array, x2: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Array:
    """Return the vector products.

    Parameters
    ----------
    axisa, axisb, axisc
        Along which the vectors of `x1`, `x2` and the result stand.
    axis
        The same for all, where it is not None.
    """
    first, second = eager.together(x1, x2)
    made: Array = np.cross(first, second, axisa=axisa, axisb=axisb, axisc=axisc, axis=axis)
    return made


@of_arrays
def diag(x: Array, k: int = 0) -> Array:
    """Return a diagonal of a matrix, or a matrix with a diagonal.

    Parameters
    ----------
    k
        0 is the main diagonal, above it it is positive.
    """
    return np.diag(x, k)


@of_arrays
def diagflat(x: Array, k: int = 0) -> Array:
    """Return a matrix with all numbers on a diagonal.

    Parameters
    ----------
    k
        0 is the main diagonal, above it it is positive.
    """
    return np.diagflat(x, k)


@of_arrays
def gcd(x1: Array, x2: Array) -> Array:
    """Return the greatest common divisor."""
    return np.gcd(x1, x2)


@of_arrays
def lcm(x1: Array, x2: Array) -> Array:
    """Return the least common multiple."""
    return np.lcm(x1, x2)


@of_arrays
def histogram(
    x: Array, bins: int = 10, range: tuple[float, float] | None = None
) -> tuple[Array, Array]:
    """Return how many numbers lie in each of so many intervals, and where those begin and end.

    Parameters
    ----------
    bins
        How many intervals.
    range
        Where they begin and end; at the smallest and largest number where None.
    """
    if x.ndim != 1:
        raise ValueError(f"Input tensor must be 1-dimensional. Received: shape {x.shape}")
    counts, edges = np.histogram(x, bins, range)
    return counts.astype(np.float32), edges.astype(np.float32)


@of_arrays
def kron(x1: Array, x2: Array) -> Array:
    """Return the Kronecker product."""
    return np.kron(*eager.together(x1, x2))


@of_arrays
def nonzero(x: Array) -> tuple[Array, ...]:
    """Return where numbers are not 0: an array of positions for each axis."""
    return tuple(place.astype(np.int32) for place in np.nonzero(x))


@of_arrays
def outer(x1: Array, x2: Array) -> Array:
    """Return the product of each number with each."""
    return np.outer(*eager.together(x1, x2))


@of_arrays
def vdot(x1: Array, x2: Array) -> Array:
    """Return the sum of the products of all numbers."""
    first, second = eager.together(x1, x2)
    return np.asarray(np.vdot(first, second))


@of_arrays
def searchsorted(
    sorted_sequence: Array, values: Array, side: Literal["left", "right"] = "left"
) -> Array:
    """Return where values belong in a sequence that is in order.

    Parameters
    ----------
    sorted_sequence
        In ascending order.
    values
        Whose places are found.
    side
        Whether before or behind equal ones.
    """
    return np.searchsorted(sorted_sequence, values, side).astype(np.int32)


@of_arrays
def size(x: Array) -> Array:
    """Return how many numbers there are."""
    return np.asarray(np.size(x), np.int32)


@of_arrays
def unique(
    x: Array,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: float | None = None,
) -> Array | tuple[Array, ...]:
    """Return the numbers, each once, in order.

    Parameters
    ----------
    sorted
        They are in order either way.
    return_index, return_inverse, return_counts
        Whether it is returned where they come first, which of them stands where, and how often.
    axis
        Whose slices are compared; None for all numbers.
    size, fill_value
        Must be None.
    """
    if size is not None or fill_value is not None:
        raise UnsupportedError(
            f"`size` and `fill_value` must be None. Received: {size} and {fill_value}"
        )
    options: Any = (return_index, return_inverse, return_counts, axis)
    made: Array | tuple[Array, ...] = np.unique(x, *options)
    return made


@of_arrays
def unravel_index(indices: Array, shape: Sequence[int]) -> tuple[Array, ...]:
    """Return positions of each axis for positions in all numbers as one axis.

    Parameters
    ----------
    indices
        Of the one axis.
    shape
        Of the array.
    """
    places = np.unravel_index(indices, tuple(shape))
    return tuple(np.asarray(place, np.int32) for place in places)


@of_arrays
def vander(x: Array, N: int | None = None, increasing: bool = False) -> Array:  # noqa: N803
    """Return the powers of each number.

    Parameters
    ----------
    N
        How many; as many as there are numbers where None.
    increasing
        Whether they begin with the power 0.
    """
    return np.vander(x, N, increasing).astype(x.dtype)


def _segments(
    function: Any, first: float, data: Array, segment_ids: Array, count: int | None
) -> Array:
    places = np.asarray(segment_ids)
    if places.ndim != 1 or len(places) != len(data):
        raise ValueError(
            "`segment_ids` must have one axis, as long as the first of `data`. Received: shapes "
            f"{places.shape} and {data.shape}"
        )
    size = int(places.max(initial=-1)) + 1 if count is None else count
    made = np.full((size, *data.shape[1:]), first, data.dtype)
    known = (places >= 0) & (places < size)
    function.at(made, places[known], data[known])
    return made


def _limit(data: Array, end: Literal["min", "max"]) -> float:
    if data.dtype.kind == "f":
        return np.inf if end == "max" else -np.inf
    limit: float = getattr(np.iinfo(data.dtype), end)
    return limit


@of_arrays
def segment_sum(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the sum of the rows of each segment.

    Parameters
    ----------
    segment_ids
        The segment of each row.
    num_segments
        How many there are; as many as are named where None.
    sorted
        Kept for Keras' sake.
    """
    return _segments(np.add, 0, data, segment_ids, num_segments)


@of_arrays
def segment_prod(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the product of the rows of each segment.

    Parameters
    ----------
    segment_ids
        The segment of each row.
    num_segments
        How many there are; as many as are named where None.
    sorted
        Kept for Keras' sake.
    """
    return _segments(np.multiply, 1, data, segment_ids, num_segments)


@of_arrays
def segment_max(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the largest of the rows of each segment.

    Parameters
    ----------
    segment_ids
        The segment of each row.
    num_segments
        How many there are; as many as are named where None.
    sorted
        Kept for Keras' sake.
    """
    return _segments(np.maximum, _limit(data, "min"), data, segment_ids, num_segments)


@of_arrays
def segment_min(
    data: Array, segment_ids: Array, num_segments: int | None = None, sorted: bool = False
) -> Array:
    """Return the smallest of the rows of each segment.

    Parameters
    ----------
    segment_ids
        The segment of each row.
    num_segments
        How many there are; as many as are named where None.
    sorted
        Kept for Keras' sake.
    """
    return _segments(np.minimum, _limit(data, "max"), data, segment_ids, num_segments)


@of_arrays
def scatter(indices: Array, values: Array, shape: Sequence[int]) -> Array:
    """Return zeros with values at some places, those at the same place being added.

    Parameters
    ----------
    indices
        A row of positions for each value.
    values
        What stands there.
    shape
        Of the result.
    """
    made = np.zeros(tuple(shape), values.dtype)
    np.add.at(made, tuple(np.moveaxis(np.asarray(indices), -1, 0)), values)
    return made


@of_arrays
def scatter_update(
    inputs: Array, indices: Array, updates: Array, reduction: str | None = None
) -> Array:
    """Return an array with other numbers at some places.

    Parameters
    ----------
    indices
        A row of positions for each number.
    updates
        What stands there.
    reduction
        None, or how it joins what stood there: ``"add"``, ``"max"``, ``"min"`` or ``"mul"``.
    """
    made = inputs.copy()
    places = tuple(np.moveaxis(np.asarray(indices), -1, 0))
    joined = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}
    if reduction is None:
        made[places] = updates
    elif reduction in joined:
        joined[reduction].at(made, places, updates)
    else:
        raise ValueError(f"`reduction` must be one of {list(joined)}. Received: {reduction!r}")
    return made


@of_arrays
def isin(x1: Array, x2: Array, assume_unique: bool = False, invert: bool = False) -> Array:
    """Return whether each number is one of others.

    Parameters
    ----------
    assume_unique
        Kept for Keras' sake.
    invert
        Whether it is none of them.
    """
    return np.isin(x1, x2, invert=invert)
