"""Fourier transforms, whose complex numbers are pairs of tensors, as products with matrices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.layers.preprocessing import fourier
from cnnfast.ops.base.composite import Composite
from cnnfast.ops.base.operation import call
from cnnfast.ops.networks.linear import matmul
from cnnfast.ops.pointwise.arithmetic import add, divide, subtract
from cnnfast.ops.pointwise.elementwise import MATH
from cnnfast.ops.pointwise.functions import as_float, is_whole
from cnnfast.ops.shaping.arrangement import reshape, swapaxes
from cnnfast.ops.shaping.pieces import ndim_of, shape_of
from cnnfast.ops.shaping.selection import get_item, pad, take
from cnnfast.symbolic.arguments import boolean, positive_integer

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import Array, Tensor

# Of a transform that is a product; 64 MB for each of its two matrices.
_LONGEST = 4096
_WINDOWS = ("hann", "hamming")


def _waves(times: Any, bins: int, length: int) -> tuple[Any, Any]:
    """Return cosine and sine of each bin at each of `times`, (times, bins), in double precision."""
    if max(len(times), bins) > _LONGEST:
        raise UnsupportedError(
            "a Fourier transform is a product with a matrix here, of an axis of at most "
            f"{_LONGEST} numbers. Received: {max(len(times), bins)}",
            advice="Transform in NumPy before `predict`, or in a function in a `Lambda` layer.",
        )
    return fourier.waves(times, bins, length)


def _size(x: Any, axis: int = -1) -> int:
    size = shape_of(x)[axis]
    if size is None:
        raise ValueError(
            f"the axis that is transformed must have a known size. Received: shape {shape_of(x)}"
        )
    return int(size)


def _pair(x: Any) -> tuple[Any, Any]:
    if not isinstance(x, list | tuple) or len(x) != 2:
        raise ValueError(
            f"Input `x` should be a tuple of two tensors - real and imaginary. Received: {x!r:.200}"
        )
    real, imaginary = x
    if tuple(shape_of(real)) != tuple(shape_of(imaginary)):
        raise ValueError(
            "Both the real and imaginary parts should have the same shape. Received: "
            f"{shape_of(real)} and {shape_of(imaginary)}"
        )
    if is_whole(real) or is_whole(imaginary):
        raise ValueError(
            "At least one tensor in input `x` is not of type float. Received: integers"
        )
    return real, imaginary


def _single(array: Any) -> Float32Array:
    return np.ascontiguousarray(array, np.float32)


def _turned(x: Sequence[Any], inverse: bool) -> tuple[Any, Any]:
    """Return the transform of pairs along their last axis."""
    real, imaginary = x
    size = _size(real)
    cosine, sine = (
        _single(side / size if inverse else side) for side in _waves(np.arange(size), size, size)
    )
    back, forth = matmul(imaginary, sine), matmul(real, sine)
    if inverse:
        return subtract(matmul(real, cosine), back), add(matmul(imaginary, cosine), forth)
    return add(matmul(real, cosine), back), subtract(matmul(imaginary, cosine), forth)


class FFT(Composite):
    """The transform along the last axis."""

    module = MATH

    def composed(self, x: Any) -> Any:
        return _turned(_pair(x), inverse=False)


class FFT2(Composite):
    """The transform along the last two axes."""

    module = MATH
    inverse = False

    def composed(self, x: Any) -> Any:
        pair = _pair(x)
        if ndim_of(pair[0]) < 2:
            raise ValueError(
                "Input should have rank >= 2, of which the last two axes are transformed. "
                f"Received: shape {shape_of(pair[0])}"
            )
        for _ in range(2):
            pair = tuple(swapaxes(y, -1, -2) for y in _turned(pair, self.inverse))
        return pair


class IFFT2(FFT2):
    """The inverse of `FFT2`."""

    inverse = True


class RFFT(Composite):
    """The transform of real numbers along the last axis, half of it."""

    module = MATH

    def __init__(self, fft_length: int | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.fft_length = _length(fft_length)

    def composed(self, x: Any) -> Any:
        size = _size(x)
        length = self.fft_length or size
        if size > length:
            x = get_item(x, (..., slice(0, length)))
        cosine, sine = _waves(np.arange(min(size, length)), length // 2 + 1, length)
        x = as_float(x)
        return matmul(x, _single(cosine)), matmul(x, _single(-sine))

    def _config(self) -> dict[str, Any]:
        return {"fft_length": self.fft_length}


class IRFFT(Composite):
    """The inverse of `RFFT`."""

    module = MATH

    def __init__(self, fft_length: int | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.fft_length = _length(fft_length)

    def composed(self, x: Any) -> Any:
        real, imaginary = _pair(x)
        length = self.fft_length or max(2 * (_size(real) - 1), 1)
        return _real_inverse(real, imaginary, length, np.ones(length), np.arange(length))

    def _config(self) -> dict[str, Any]:
        return {"fft_length": self.fft_length}


def _real_inverse(
    real: Any, imaginary: Any, length: int, window: npt.NDArray[np.float64], times: Any
) -> Any:
    """Return what half of a spectrum is of at `times`, times a `window`."""
    bins = min(_size(real), length // 2 + 1)
    if bins < _size(real):
        real, imaginary = (get_item(y, (..., slice(0, bins))) for y in (real, imaginary))
    cosine, sine = (side.T for side in _waves(times, bins, length))
    # The other half is its conjugate, but of the mean and, of even lengths, the last.
    twice = np.where((np.arange(bins) == 0) | (2 * np.arange(bins) == length), 1.0, 2.0)
    scale = twice[:, None] * window / length
    return subtract(matmul(real, _single(cosine * scale)), matmul(imaginary, _single(sine * scale)))


def _length(value: Any) -> int | None:
    rule = "`fft_length` must be a positive integer."
    return None if value is None else positive_integer(value, rule)


def _frames(x: Any, length: int, stride: int, first: int = 0, whole: int | None = None) -> Any:
    """Return windows of the last axis, of `whole` positions of which `length` are taken."""
    count = (_size(x) - (whole or length)) // stride + 1
    if count < 1:
        raise ValueError(
            f"the last axis must be as long as a sequence of {whole or length}. Received: "
            f"shape {shape_of(x)}"
        )
    places = first + stride * np.arange(count)[:, None] + np.arange(length)
    rank = ndim_of(x)
    taken = take(x, places.ravel().tolist(), axis=rank - 1)
    shape = shape_of(x)[:-1]
    return reshape(taken, (*(-1 if size is None else size for size in shape), count, length))


class ExtractSequences(Composite):
    """Windows of the last axis."""

    module = MATH

    def __init__(
        self, sequence_length: int, sequence_stride: int, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.sequence_length = positive_integer(sequence_length, _rule("sequence_length"))
        self.sequence_stride = positive_integer(sequence_stride, _rule("sequence_stride"))

    def composed(self, x: Any) -> Any:
        return _frames(x, self.sequence_length, self.sequence_stride)

    def _config(self) -> dict[str, Any]:
        return {
            "sequence_length": self.sequence_length,
            "sequence_stride": self.sequence_stride,
        }


def _rule(name: str) -> str:
    return f"`{name}` must be a positive integer."


class STFT(Composite):
    """The transforms of windows of the last axis."""

    module = MATH

    def __init__(
        self,
        sequence_length: int,
        sequence_stride: int,
        fft_length: int,
        window: Any = "hann",
        center: bool = True,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.sequence_length = positive_integer(sequence_length, _rule("sequence_length"))
        self.sequence_stride = positive_integer(sequence_stride, _rule("sequence_stride"))
        self.fft_length = positive_integer(fft_length, _rule("fft_length"))
        if self.fft_length < self.sequence_length:
            raise ValueError(
                "`fft_length` must equal or larger than `sequence_length`. Received: "
                f"sequence_length={sequence_length}, fft_length={fft_length}"
            )
        self.window, self.center = window, boolean(center, "center")
        self._weights, self._first = self._placed()

    def _placed(self) -> tuple[npt.NDArray[np.float64], int]:
        """Return the window, and where it begins among the numbers that are transformed."""
        if self.window is None:
            return np.ones(self.fft_length), 0
        first, length = (self.fft_length - self.sequence_length) // 2, self.sequence_length
        if isinstance(self.window, str) and self.window not in _WINDOWS:
            raise ValueError(
                'If a string is passed to `window`, it must be one of `"hann"`, `"hamming"`. '
                f"Received: window={self.window}"
            )
        return fourier.window_of(self.window, length, periodic=True), first

    def composed(self, x: Any) -> Any:
        if is_whole(x):
            raise ValueError(
                "Invalid input type. Expected `float32` or `float64`. Received: integers"
            )
        if self.center:
            around = (self.fft_length // 2,) * 2
            x = pad(x, [(0, 0)] * (ndim_of(x) - 1) + [around], mode="reflect")
        weights, first, length = self._weights, self._first, self.fft_length
        frames = _frames(x, len(weights), self.sequence_stride, first, length)
        times = np.arange(first, first + len(weights))
        cosine, sine = _waves(times, length // 2 + 1, length)
        return (
            matmul(frames, _single(weights[:, None] * cosine)),
            matmul(frames, _single(-weights[:, None] * sine)),
        )

    def _config(self) -> dict[str, Any]:
        window = self.window
        return {
            "sequence_length": self.sequence_length,
            "sequence_stride": self.sequence_stride,
            "fft_length": self.fft_length,
            "window": window if window is None or isinstance(window, str) else list(window),
            "center": self.center,
        }


class ISTFT(STFT):
    """The inverse of `STFT`: windows laid over each other."""

    def __init__(
        self,
        sequence_length: int,
        sequence_stride: int,
        fft_length: int,
        length: int | None = None,
        window: Any = "hann",
        center: bool = True,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(sequence_length, sequence_stride, fft_length, window, center, name=name)
        self.length = None if length is None else positive_integer(length, _rule("length"))

    def composed(self, x: Any) -> Any:
        real, imaginary = _pair(x)
        if ndim_of(real) < 2:
            raise ValueError(
                f"Input `x` must have at least 2 dimensions. Received shape: {shape_of(real)}"
            )
        count, whole, stride = _size(real, -2), self.fft_length, self.sequence_stride
        window = np.zeros(whole)
        window[self._first : self._first + len(self._weights)] = self._weights
        parts = _real_inverse(real, imaginary, whole, window, np.arange(whole))
        laid = _laid_over(parts, count, whole, stride)
        weight = _laid_over(np.tile(window**2, (1, count, 1)), count, whole, stride)[0]
        scale = np.where(weight > 1e-10, weight, 1.0)
        if self.window is None:
            scale = scale * (stride / window.sum())
        end = whole + stride * (count - 1)
        first = whole // 2 if self.center else 0
        last = first + self.length if self.length is not None else end - first
        kept = slice(first, min(last, end))
        return divide(get_item(laid, (..., kept)), _single(scale[kept]))

    def _config(self) -> dict[str, Any]:
        return super()._config() | {"length": self.length}


def _laid_over(parts: Any, count: int, whole: int, stride: int) -> Any:
    """Return the sum of parts (..., count, whole), each `stride` behind the one before."""
    pieces = -(-whole // stride)
    shape = [-1 if size is None else int(size) for size in shape_of(parts)[:-2]]
    others = [(0, 0)] * len(shape)
    wide = pad(parts, [*others, (0, 0), (0, pieces * stride - whole)])
    total: Any = None
    for piece in range(pieces):
        cut = get_item(wide, (..., slice(piece * stride, (piece + 1) * stride)))
        moved = pad(cut, [*others, (piece, pieces - 1 - piece), (0, 0)])
        total = moved if total is None else add(total, moved)
    flat = reshape(total, (*shape, (count + pieces - 1) * stride))
    return get_item(flat, (..., slice(0, whole + stride * (count - 1))))


def fft(x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the Fourier transform along the last axis.

    Parameters
    ----------
    x
        Real and imaginary parts, of one shape.

    Examples
    --------
    >>> real, imaginary = cnnfast.ops.fft((np.ones((1, 4)), np.zeros((1, 4))))
    >>> real.shape, float(real[0, 0])
    ((1, 4), 4.0)
    """
    result: tuple[Tensor, Tensor] = FFT()(x)
    return result


def fft2(x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the Fourier transform along the last two axes; see `fft`."""
    result: tuple[Tensor, Tensor] = FFT2()(x)
    return result


def ifft2(x: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the inverse of `fft2`."""
    result: tuple[Tensor, Tensor] = IFFT2()(x)
    return result


def rfft(x: Tensor, fft_length: int | None = None) -> tuple[Tensor, Tensor]:
    """Return the first half of the Fourier transform of real numbers along the last axis.

    Parameters
    ----------
    fft_length
        How many numbers are transformed: the last ones go, or zeros follow. All where None.
    """
    result: tuple[Tensor, Tensor] = RFFT(fft_length)(x)
    return result


def irfft(x: tuple[Tensor, Tensor], fft_length: int | None = None) -> Tensor:
    """Return the inverse of `rfft`.

    Parameters
    ----------
    fft_length
        How many numbers come out; twice as many as there are bins, less two, where None.
    """
    result: Tensor = IRFFT(fft_length)(x)
    return result


def extract_sequences(x: Tensor, sequence_length: int, sequence_stride: int) -> Tensor:
    """Return windows of the last axis, along a new axis before it.

    Parameters
    ----------
    sequence_length
        Of a window.
    sequence_stride
        From one window to the next.

    Examples
    --------
    >>> cnnfast.ops.extract_sequences(np.arange(4.0)[None], 2, 1)
    array([[[0., 1.],
            [1., 2.],
            [2., 3.]]], dtype=float32)
    """
    return call(ExtractSequences(sequence_length, sequence_stride), x)


def stft(
    x: Tensor,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | Array | None = "hann",
    center: bool = True,
) -> tuple[Tensor, Tensor]:
    """Return the Fourier transforms of windows of the last axis, real and imaginary parts.

    Parameters
    ----------
    sequence_length, sequence_stride
        Of windows, and from one to the next.
    fft_length
        How many numbers are transformed; zeros stand around a window.
    window
        ``"hann"``, ``"hamming"``, numbers for each position, or None.
    center
        Whether windows lie around the numbers, of which those at the ends are mirrored.
    """
    operation = STFT(sequence_length, sequence_stride, fft_length, window, center)
    result: tuple[Tensor, Tensor] = operation(x)
    return result


def istft(
    x: tuple[Tensor, Tensor],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | Array | None = "hann",
    center: bool = True,
) -> Tensor:
    """Return the inverse of `stft`, with the same arguments.

    Parameters
    ----------
    length
        How many numbers come out; all that there are where None.
    """
    operation = ISTFT(sequence_length, sequence_stride, fft_length, length, window, center)
    result: Tensor = operation(x)
    return result
