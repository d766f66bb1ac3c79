"""Arrays that are made of no tensor: computed at once, and constants of what they meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base import eager
from cnnfast.ops.pointwise.elementwise import cast
from cnnfast.ops.shaping.shapes import filled
from cnnfast.symbolic.batch_size import in_sizes
from cnnfast.symbolic.tensor import KerasTensor, symbolic

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.symbolic.typing import Array, DTypeLike, OpenSizes, Tensor


def convert_to_tensor(
    x: Tensor | npt.ArrayLike,
    dtype: DTypeLike = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
) -> Tensor | Array:
    """Return numbers as an array of Keras' dtype; a symbolic tensor stays one.

    Parameters
    ----------
    dtype
        Name of a dtype; that of `x` where None, with 32 bits in place of 64.
    sparse, ragged
        Must not be True.

    Examples
    --------
    >>> cnnfast.ops.convert_to_tensor([1.0, 2.0])
    array([1., 2.], dtype=float32)
    """
    if sparse or ragged:
        raise UnsupportedError(f"tensors are dense. Received: sparse={sparse}, ragged={ragged}")
    if isinstance(x, KerasTensor):
        made: Any = _tensor_as(x, dtype)
        return made  # type: ignore[no-any-return]
    if in_sizes(x):
        sizes: Any = x  # a shape
        return sizes  # type: ignore[no-any-return]
    if symbolic(x):
        raise UnsupportedError(
            f"a list of symbolic tensors is no tensor. Received: {x!r:.200}",
            advice="Join them by `ops.stack(tensors, axis=1)`.",
        )
    return _as_array(x, dtype)


def array(x: Tensor | npt.ArrayLike, dtype: DTypeLike = None) -> Tensor | Array:
    """Return numbers as an array of Keras' dtype; a symbolic tensor stays one.

    Parameters
    ----------
    dtype
        Name of a dtype; that of `x` where None, with 32 bits in place of 64.
    """
    made: Tensor | Array = convert_to_tensor(x, dtype)
    return made


def convert_to_numpy(x: npt.ArrayLike) -> Array:
    """Return numbers as an array of NumPy, which the caller may write to."""
    if symbolic(x):
        raise UnsupportedError(
            "a symbolic tensor has no numbers: it stands for those of images to come. Received: "
            f"{x!r:.200}",
            advice="Compute with `cnnfast.ops`, or give the NumPy function to a `Lambda` layer.",
        )
    return np.array(eager.numbers(x))


def is_tensor(x: Tensor | npt.ArrayLike) -> bool:
    """Whether `x` is a symbolic tensor or an array."""
    return isinstance(x, KerasTensor | np.ndarray)


def dtype(x: Tensor | npt.ArrayLike) -> str:
    """Return the name of the dtype of a tensor."""
    return x.dtype if isinstance(x, KerasTensor) else eager.numbers(x).dtype.name


def ndim(x: Tensor | npt.ArrayLike) -> int:
    """Return how many axes a tensor has, its batch included."""
    return x.ndim if isinstance(x, KerasTensor) else eager.numbers(x).ndim


def arange(
    start: float, stop: float | None = None, step: float | None = None, dtype: DTypeLike = None
) -> Array:
    """Return numbers from `start` up to, not including, `stop`.

    Parameters
    ----------
    start
        The first number; 0 where `stop` is None, as this is that then.
    stop
        No number is as large.
    step
        From one to the next; 1 where None.
    dtype
        Name of a dtype; int32 of integers and float32 of floats where None.

    Examples
    --------
    >>> cnnfast.ops.arange(3)
    array([0, 1, 2], dtype=int32)
    """
    given = [x for x in (start, stop, step) if x is not None]
    named = eager.promoted(*given) if dtype is None else eager.dtype_named(dtype)
    first, last = (0, start) if stop is None else (start, stop)
    return np.arange(first, last, 1 if step is None else step).astype(named)


def linspace(
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Array | tuple[Array, Array]:
    """Return `num` numbers at equal distances from `start` to `stop`.

    Parameters
    ----------
    start, stop
        The first, and the last or, without `endpoint`, what would come behind it.
    num
        How many.
    endpoint
        Whether `stop` is the last.
    retstep
        Whether the distance is returned, too.
    dtype
        Name of a dtype; float32 where None.
    axis
        Along which they stand where `start` and `stop` are arrays.

    Examples
    --------
    >>> cnnfast.ops.linspace(0.0, 1.0, 3)
    array([0. , 0.5, 1. ], dtype=float32)
    """
    numbers, step = np.linspace(
        eager.given(start), eager.given(stop), num, endpoint, retstep=True, axis=axis
    )
    made = _as_array(numbers, dtype or "float32")
    return (made, np.asarray(step, np.float32)) if retstep else made


def logspace(
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Array:
    """Return `num` powers of `base`, whose exponents have equal distances.

    Parameters
    ----------
    start, stop
        The first exponent, and the last or, without `endpoint`, what would come behind it.
    num
        How many.
    endpoint
        Whether `stop` is the last exponent.
    base
        Of the powers.
    dtype
        Name of a dtype; float32 where None.
    axis
        Along which they stand where `start` and `stop` are arrays.
    """
    numbers = np.logspace(eager.given(start), eager.given(stop), num, endpoint, base, axis=axis)
    return _as_array(numbers, dtype or "float32")


def geomspace(
    start: npt.ArrayLike,
    stop: npt.ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    dtype: DTypeLike = None,
    axis: int = 0,
) -> Array:
    """Return `num` numbers from `start` to `stop`, each the same multiple of the one before.

    Parameters
    ----------
    start, stop
        The first, and the last or, without `endpoint`, what would come behind it.
    num
        How many.
    endpoint
        Whether `stop` is the last.
    dtype
        Name of a dtype; float32 where None.
    axis
        Along which they stand where `start` and `stop` are arrays.
    """
    numbers = np.geomspace(eager.given(start), eager.given(stop), num, endpoint, axis=axis)
    return _as_array(numbers, dtype or "float32")


def eye(
    N: int,  # noqa: N803 - as Keras has it
    M: int | None = None,  # noqa: N803
    k: int = 0,
    dtype: DTypeLike = None,
) -> Array:
    """Return a matrix with ones on a diagonal and zeros elsewhere.

    Parameters
    ----------
    N, M
        Rows and columns; as many columns as rows where None.
    k
        Which diagonal: 0 is the main one, above it k is positive.
    dtype
        Name of a dtype; float32 where None.
    """
    return _as_array(np.eye(N, M, k), dtype or "float32")


def identity(n: int, dtype: DTypeLike = None) -> Array:
    """Return a square matrix with ones on its diagonal and zeros elsewhere.

    Parameters
    ----------
    n
        Rows and columns.
    dtype
        Name of a dtype; float32 where None.
    """
    return eye(n, dtype=dtype)


def tri(
    N: int,  # noqa: N803 - as Keras has it
    M: int | None = None,  # noqa: N803
    k: int = 0,
    dtype: DTypeLike = None,
) -> Array:
    """Return a matrix with ones on a diagonal and below it, zeros above.

    Parameters
    ----------
    N, M
        Rows and columns; as many columns as rows where None.
    k
        Which diagonal: 0 is the main one, above it k is positive.
    dtype
        Name of a dtype; float32 where None.
    """
    return _as_array(np.tri(N, M, k), dtype or "float32")


def meshgrid(*x: npt.ArrayLike, indexing: Literal["xy", "ij"] = "xy") -> list[Array]:
    """Return the coordinates of all points of a grid, one array for each axis.

    Parameters
    ----------
    *x
        Positions along each axis.
    indexing
        ``"xy"``, where the first two axes of the result are swapped, or ``"ij"``.
    """
    return list(np.meshgrid(*map(eager.numbers, x), indexing=indexing))


def zeros(shape: OpenSizes | int, dtype: DTypeLike = None) -> Array | KerasTensor:
    """Return zeros.

    Parameters
    ----------
    shape
        Its first size may be `cnnfast.ops.shape(x)[0]`: then there are as many for each image.
    dtype
        Name of a dtype; float32 where None.
    """
    return filled(shape, 0, dtype)


def ones(shape: OpenSizes | int, dtype: DTypeLike = None) -> Array | KerasTensor:
    """Return ones.

    Parameters
    ----------
    shape
        Its first size may be `cnnfast.ops.shape(x)[0]`: then there are as many for each image.
    dtype
        Name of a dtype; float32 where None.
    """
    return filled(shape, 1, dtype)


def empty(shape: OpenSizes | int, dtype: DTypeLike = None) -> Array | KerasTensor:
    """Return numbers of any value: zeros.

    Parameters
    ----------
    shape
        Its first size may be `cnnfast.ops.shape(x)[0]`: then there are as many for each image.
    dtype
        Name of a dtype; float32 where None.
    """
    return filled(shape, 0, dtype)


def full(
    shape: OpenSizes | int, fill_value: npt.ArrayLike, dtype: DTypeLike = None
) -> Array | KerasTensor:
    """Return a number, or numbers that are repeated, in a shape.

    Parameters
    ----------
    shape
        Its first size may be `cnnfast.ops.shape(x)[0]`: then there are as many for each image.
    fill_value
        What stands everywhere.
    dtype
        Name of a dtype; float32 where None.
    """
    return filled(shape, fill_value, dtype)


def _tensor_as(x: KerasTensor, dtype: Any) -> KerasTensor:
    named = x.dtype if dtype is None else eager.dtype_named(dtype)
    made: KerasTensor = x if named == x.dtype else cast(x, named)
    return made


def _as_array(x: Any, dtype: Any) -> Array:
    numbers = eager.numbers(x)
    return numbers if dtype is None else numbers.astype(eager.dtype_named(dtype), copy=False)
