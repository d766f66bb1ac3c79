"""Linear algebra on arrays, under the names of `keras.ops.linalg`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnfast.ops.arrays import of_arrays
from cnnfast.ops.reducing.statistics import norm as norm  # noqa: PLC0414 - Keras has it here, too

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import Array

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "lstsq",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]


@of_arrays
def cholesky(x: Array, upper: bool = False) -> Array:
    """Return the triangular matrix whose product with its transpose is `x`.

    Parameters
    ----------
    upper
        Whether it is the upper triangle.
    """
    lower: Array = np.linalg.cholesky(x)
    return np.swapaxes(lower, -1, -2) if upper else lower


@of_arrays
def cholesky_inverse(x: Array, upper: bool = False) -> Array:
    """Return the inverse of the matrix whose triangular factor is `x`.

    Parameters
    ----------
    upper
        Whether it is the upper triangle.
    """
    transposed = np.swapaxes(x, -1, -2)
    return np.linalg.inv(transposed @ x if upper else x @ transposed)


@of_arrays
def det(x: Array) -> Array:
    """Return the determinant."""
    return np.asarray(np.linalg.det(x))


@of_arrays
def eig(x: Array) -> tuple[Array, Array]:
    """Return the eigenvalues and the eigenvectors."""
    values, vectors = np.linalg.eig(x)
    return values, vectors


@of_arrays
def eigh(x: Array) -> tuple[Array, Array]:
    """Return the eigenvalues and the eigenvectors of symmetric matrices."""
    values, vectors = np.linalg.eigh(x)
    return values, vectors


@of_arrays
def inv(x: Array) -> Array:
    """Return the inverse."""
    return np.linalg.inv(x)


@of_arrays
def lstsq(a: Array, b: Array, rcond: float | None = None) -> Array:
    """Return the solution of ``a @ x = b`` with the least squares.

    Parameters
    ----------
    rcond
        Smaller singular values count as 0.
    """
    return np.linalg.lstsq(a, b, rcond)[0]


@of_arrays
def matrix_rank(x: Array, tol: float | None = None) -> Array:
    """Return the rank.

    Parameters
    ----------
    tol
        Smaller singular values count as 0.
    """
    return np.asarray(np.linalg.matrix_rank(x, tol))


@of_arrays
def pinv(x: Array, rcond: float | None = None) -> Array:
    """Return the pseudo-inverse.

    Parameters
    ----------
    rcond
        Smaller singular values count as 0.
    """
    return np.linalg.pinv(x) if rcond is None else np.linalg.pinv(x, rcond)


@of_arrays
def qr(x: Array, mode: Literal["reduced", "complete"] = "reduced") -> tuple[Array, Array]:
    """Return an orthogonal and an upper triangular factor.

    Parameters
    ----------
    mode
        ``"reduced"`` or ``"complete"``.
    """
    first, second = np.linalg.qr(x, mode)
    return first, second


@of_arrays
def solve(a: Array, b: Array) -> Array:
    """Return the solution of ``a @ x = b``."""
    return (
        np.linalg.solve(a, b[..., None])[..., 0] if b.ndim == a.ndim - 1 else np.linalg.solve(a, b)
    )


@of_arrays
def solve_triangular(a: Array, b: Array, lower: bool = False) -> Array:
    """Return the solution of ``a @ x = b`` for triangular matrices.

    Parameters
    ----------
    lower
        Whether it is the lower triangle.
    """
    triangle = np.tril(a) if lower else np.triu(a)
    column = b.ndim == a.ndim - 1
    x = np.linalg.solve(triangle, b[..., None] if column else b)
    return x[..., 0] if column else x


@of_arrays
def svd(
    x: Array, full_matrices: bool = True, compute_uv: bool = True
) -> Array | tuple[Array, Array, Array]:
    """Return the singular values, between both orthogonal factors.

    Parameters
    ----------
    full_matrices
        Whether the factors are square.
    compute_uv
        Whether the factors are returned, too.
    """
    options: Any = (full_matrices, compute_uv)
    made: Array | tuple[Array, Array, Array] = np.linalg.svd(x, *options)
    return made
