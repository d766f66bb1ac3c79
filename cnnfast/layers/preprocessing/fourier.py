"""Windows, waves and kernels of Fourier transforms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.engine.ops import Float32Array
from cnnfast.errors import UnsupportedError
from cnnfast.initializers import Initializer
from cnnfast.symbolic import array_arguments

if TYPE_CHECKING:
    import numpy.typing as npt

# ``w(x) = sum of a_k * cos(k * x)`` for x from -pi to pi (Harris, 1978).
_COSINES = {
    "boxcar": (1.0,),
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
}


def decode_window(value: Any) -> Any:
    """Return the window of a user or config, which is a name, None or an array.

    Raises
    ------
    ValueError
        If it is something else.
    """
    value = array_arguments.decode(value, "window")
    if value is not None and not isinstance(value, str):
        array_arguments.numeric(value, "window")
    return value


def window_of(window: Any, length: int, periodic: bool) -> npt.NDArray[np.float64]:
    """Return the `length` numbers of `window`; a periodic one lacks its last point.

    Raises
    ------
    ValueError
        If an array has another length.
    UnsupportedError
        If the name is not known.
    """
    if window is None:
        return np.ones(length)
    if isinstance(window, str):
        if window not in _COSINES:
            raise UnsupportedError(
                f"The window must be one of {list(_COSINES)}, None or an array, unless the "
                f"kernels come from a file. Received: window={window!r}"
            )
        if length == 1:
            return np.ones(1)
        x = np.linspace(-np.pi, np.pi, length + periodic)[:length]
        return sum((a * np.cos(k * x) for k, a in enumerate(_COSINES[window])), np.zeros(length))
    numbers = array_arguments.numeric(window, "window")
    if numbers.shape != (length,):
        raise ValueError(
            f"The shape of `window` must be equal to {(length,)}, the length of a frame. "
            f"Received: window shape={numbers.shape}"
        )
    return numbers


def waves(
    times: npt.NDArray[np.int64], bins: int, length: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return cosine and sine of ``2 * pi * time * bin / length``, both (times, bins)."""
    # Whole turns taken off while they are integers.
    angle = (np.outer(times, np.arange(bins)) % length) * (2 * np.pi / length)
    return np.cos(angle), np.sin(angle)


def transform(
    window: npt.NDArray[np.float64], fft_length: int, first: int = 0
) -> tuple[Float32Array, Float32Array]:
    """Return ``window * exp(-2j * pi * time * frequency / fft_length)``, real and imaginary.

    Both are (length of the window, 1, frequencies); time begins at `first`.
    """
    times = np.arange(first, first + len(window))
    cosine, sine = waves(times, fft_length // 2 + 1, fft_length)
    real, imaginary = (
        (side * window[:, None])[:, None].astype(np.float32) for side in (cosine, -sine)
    )
    return real, imaginary


class FourierKernel(Initializer):
    """One side of the transform: (frame length, 1, frequencies).

    Parameters
    ----------
    side
        ``"real"`` or ``"imag"``.
    window, periodic
        See `window_of`; None is not scaled either.
    scaling
        ``"density"`` divides by the window's norm, ``"spectrum"`` by its sum.
    """

    def __init__(self, side: str, window: Any, scaling: str | None, periodic: bool) -> None:
        self.side = side
        self.window = window
        self.scaling = scaling
        self.periodic = periodic

    def __call__(self, shape: tuple[int, ...], dtype: object = None) -> Float32Array:
        length, _, frequencies = shape
        window = window_of(self.window, length, self.periodic)
        if self.window is not None and self.scaling == "density":
            window = window / np.linalg.norm(window)
        elif self.window is not None and self.scaling == "spectrum":
            window = window / np.abs(window).sum()
        # Keras' own angles are float32, so that its kernels are up to 1e-4 off.
        real, imaginary = transform(window, 2 * (frequencies - 1))
        return real if self.side == "real" else imaginary
