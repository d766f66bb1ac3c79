"""Sound as powers on the mel scale, the first layer of networks that hear."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import ActivationKind, BinaryKind, ReductionKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, BatchShape, Float32Array, Value
from cnnfast.layers.preprocessing import fourier
from cnnfast.layers.preprocessing.samples import TakesOne
from cnnfast.lowering import append, windows
from cnnfast.lowering.resampling import LARGEST_AXIS
from cnnfast.symbolic import arguments, array_arguments
from cnnfast.symbolic.input_spec import InputSpec

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.typing import LayerOptions, WindowLike

_SQUARE = Activation(ActivationKind.SQUARE)
# The kernels grow with the square of the transform: this one has 256 MiB of them.
_LARGEST = 8192
# The scale of O'Shaughnessy (1987) in the form of HTK.
_MEL_BREAK_FREQUENCY_HERTZ = 700.0
_MEL_HIGH_FREQUENCY_Q = 1127.0


class MelSpectrogram(TakesOne):
    """Mel spectrograms (batch, bins, frames) of sound (batch, samples).

    Frames are centred: sound is reflected at both ends, and frame i is around sample ``i *
    sequence_stride``.

    With `power_to_db` Keras cuts off what lies `top_db` below the loudest number of the whole
    batch, and so does this layer: of the same sound, other company may give other numbers.

    Parameters
    ----------
    fft_length
        Samples of a transform.
    sequence_stride
        Samples from frame to frame.
    sequence_length
        Samples under the window, at most `fft_length`, which it is where None.
    window
        What they are multiplied by: ``"hann"``, ``"hamming"``, an array, or None for all of a
        transform alike.
    sampling_rate
        Samples in a second.
    num_mel_bins
        Number of bins, which are triangles on the mel scale.
    min_freq, max_freq
        Where the first begins and the last ends, in hertz; half of `sampling_rate` where None.
    power_to_db
        Whether to give decibels.
    top_db
        Range of the decibels.
    mag_exp
        Power of the magnitude that is summed.
    min_power
        Least of the numbers that logarithms are taken of.
    ref_power
        What 0 decibels are.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        For an `fft_length` or `num_mel_bins` above 8192.

    Examples
    --------
    >>> layer = cnnfast.layers.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8)
    >>> layer(np.ones((1, 320))).shape
    (1, 8, 11)
    """

    built_without_weights = True

    def __init__(
        self,
        fft_length: int = 2048,
        sequence_stride: int = 512,
        sequence_length: int | None = None,
        window: WindowLike = "hann",
        sampling_rate: float = 16000,
        num_mel_bins: int = 128,
        min_freq: float = 20.0,
        max_freq: float | None = None,
        power_to_db: bool = True,
        top_db: float = 80.0,
        mag_exp: float = 2.0,
        min_power: float = 1e-10,
        ref_power: float = 1.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        rule = "`{}` must be a positive integer."
        self.fft_length = arguments.positive_integer(fft_length, rule.format("fft_length"))
        self.num_mel_bins = arguments.positive_integer(num_mel_bins, rule.format("num_mel_bins"))
        self.sequence_stride = arguments.positive_integer(
            sequence_stride, rule.format("sequence_stride")
        )
        self.sequence_length = arguments.positive_integer(
            sequence_length or fft_length, rule.format("sequence_length")
        )
        if max(self.fft_length, self.num_mel_bins) > _LARGEST:
            raise self.unsupported(
                f"has an `fft_length` and `num_mel_bins` of at most {_LARGEST}. "
                f"Received: fft_length={fft_length}, num_mel_bins={num_mel_bins}"
            )
        if self.fft_length < self.sequence_length:
            raise ValueError(
                "`fft_length` must be greater than or equal to `sequence_length`. Received: "
                f"sequence_length={sequence_length}, fft_length={fft_length}"
            )
        named = isinstance(window, str)
        given = arguments.choice(window, "window", ("hann", "hamming")) if named else window
        self.window = fourier.decode_window(given)
        # Keras takes no notice of the length without a window.
        length = self.fft_length if self.window is None else self.sequence_length
        self._window = fourier.window_of(self.window, length, periodic=True)
        self.sampling_rate = arguments.number(sampling_rate, "sampling_rate")
        self.min_freq = arguments.number(min_freq, "min_freq")
        self.max_freq = arguments.number(max_freq or int(self.sampling_rate / 2), "max_freq")
        finite = math.isfinite(self.max_freq) and math.isfinite(self.sampling_rate)
        if not (0 <= self.min_freq < self.max_freq and finite):
            raise ValueError(
                "`min_freq` must be at least 0 and less than `max_freq`, all finite. Received: "
                f"min_freq={min_freq}, max_freq={max_freq}, sampling_rate={sampling_rate}"
            )
        self.power_to_db = arguments.boolean(power_to_db, "power_to_db")
        self.top_db = arguments.number(top_db, "top_db")
        self.mag_exp = arguments.number(mag_exp, "mag_exp")
        self.min_power = arguments.number(min_power, "min_power")
        if not self.min_power > 0:
            raise ValueError(f"`min_power` must be greater than 0. Received: {min_power}")
        self.ref_power = arguments.number(ref_power, "ref_power")
        self.input_spec = InputSpec(ndim=2)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        samples = input_shape[1]
        if samples is None:
            return (input_shape[0], self.num_mel_bins, None)
        if not 0 < samples <= LARGEST_AXIS - self.fft_length:
            raise ValueError(
                f"Layer '{self.name}': sound may have 1 to {LARGEST_AXIS - self.fft_length} "
                f"samples. Received: input shape={input_shape}"
            )
        frames = (samples - self.fft_length % 2) // self.sequence_stride + 1
        return (input_shape[0], self.num_mel_bins, frames)

    def lower(self, graph: Graph, x: Value) -> Value:
        bins, frames = self._output_shape(x)
        power = self._power(graph, x, frames)
        y = append.product(graph, power, self._mel_matrix(), None, (frames, bins), float32=True)
        if self.power_to_db:
            y = self._decibels(graph, y)
        return append.transpose(graph, y, (1, 0))

    def _power(self, graph: Graph, x: Value, frames: int) -> Value:
        """Append the magnitudes to the power of `mag_exp`: (1, frames, frequencies)."""
        # What the window leaves of a frame, which it is the middle of.
        length = len(self._window)
        before = (self.fft_length - length) // 2
        after = self.fft_length - length - before
        reflected = np.pad(np.arange(x.shape[0]), self.fft_length // 2, mode="reflect")
        sound = append.remap(graph, x, {0: reflected[before : len(reflected) - after]})
        sound = append.reshape(graph, sound, (1, *sound.shape, 1))
        window = windows.window_2d(sound.shape, (length,), (self.sequence_stride,), (1,), "valid")
        out = (1, frames, self.fft_length // 2 + 1)
        real, imaginary = (
            graph.add(ops.Conv2D(sound, Value(out), kernel[None], None, window, activation=_SQUARE))
            for kernel in fourier.transform(self._window, self.fft_length, before)
        )
        power = append.binary(graph, real, imaginary, BinaryKind.ADD)
        if self.mag_exp == 2.0:
            return power
        step = Activation(ActivationKind.POWER, self.mag_exp / 2)
        return append.activate(graph, power, [step])

    def _mel_matrix(self) -> Float32Array:
        """Return how much of each frequency each bin has: (frequencies, bins)."""
        hertz = np.linspace(0.0, self.sampling_rate / 2, self.fft_length // 2 + 1)
        edges = np.linspace(_mel(self.min_freq), _mel(self.max_freq), self.num_mel_bins + 2)
        mel = _mel(hertz)[:, None]
        rising = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
        return np.ascontiguousarray(np.maximum(0.0, np.minimum(rising, falling)), np.float32)

    def _decibels(self, graph: Graph, y: Value) -> Value:
        reference = -10.0 * math.log10(max(abs(self.ref_power), self.min_power))
        steps = [
            Activation(ActivationKind.CLIP, self.min_power, math.inf),
            Activation(ActivationKind.LOG),
            Activation(ActivationKind.SCALE, 10.0 / math.log(10.0), reference),
        ]
        y = append.activate(graph, y, steps)
        loudest = append.reduce(graph, y, ReductionKind.MAX, (0, 1))
        # A plan has no operation that looks at other images.
        loudest = graph.add(ops.Call((loudest,), Value((1, 1)), _maximum_of_batch, self.name))
        floor = append.activate(
            graph, loudest, [Activation(ActivationKind.SCALE, 1.0, -self.top_db)]
        )
        return append.binary(graph, y, floor, BinaryKind.MAXIMUM)

    def _config(self) -> dict[str, Any]:
        return {
            "fft_length": self.fft_length,
            "sequence_stride": self.sequence_stride,
            "sequence_length": self.sequence_length,
            "window": array_arguments.encode(self.window),
            "sampling_rate": self.sampling_rate,
            "num_mel_bins": self.num_mel_bins,
            "min_freq": self.min_freq,
            "max_freq": self.max_freq,
            "power_to_db": self.power_to_db,
            "top_db": self.top_db,
            "mag_exp": self.mag_exp,
            "min_power": self.min_power,
            "ref_power": self.ref_power,
        }


def _mel(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return _MEL_HIGH_FREQUENCY_Q * np.log(1.0 + np.asarray(hertz) / _MEL_BREAK_FREQUENCY_HERTZ)


def _maximum_of_batch(numbers: Float32Array) -> Float32Array:
    return np.full_like(numbers, numbers.max())
