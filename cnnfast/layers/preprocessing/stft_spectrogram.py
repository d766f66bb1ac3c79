"""The short-time Fourier transform, a convolution with kernels that may be trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import LINEAR, Activation, BatchShape, Value
from cnnfast.layers.base.spatial import SpatialLayer
from cnnfast.layers.preprocessing import fourier
from cnnfast.lowering import append, images, windows
from cnnfast.symbolic import arguments, array_arguments
from cnnfast.symbolic.dtypes import Integers
from cnnfast.utils import defaults
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import DataFormat, LayerOptions, Padding, WindowLike

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")
_SQUARE = Activation(ActivationKind.SQUARE)


class STFTSpectrogram(SpatialLayer):
    """The short-time Fourier transform of sound (batch, samples, channels).

    Output: (batch, frames, channels * frequencies) or, with `expand_dims`, (batch, frames,
    frequencies, channels); with ``data_format="channels_first"`` (batch, channels * frequencies,
    frames) or (batch, channels, frames, frequencies). There are ``fft_length // 2 + 1``
    frequencies, twice as many with ``mode="stft"``.

    Weights: `real_kernel`, but with ``mode="imag"``, and `imag_kernel`, but with ``mode="real"``,
    (frame_length, 1, frequencies).

    Parameters
    ----------
    mode
        ``"magnitude"``, its logarithm ``"log"``, the power ``"psd"``, ``"real"``, ``"imag"``, or
        both of them, ``"stft"``.
    frame_length
        Samples of a frame.
    frame_step
        Samples from frame to frame, at most `frame_length`; half of it where None.
    fft_length
        At least `frame_length`; the next power of two where None.
    window
        What a frame is multiplied by: ``"hann"``, ``"hamming"``, ``"blackman"``, ``"boxcar"``, an
        array or None; any other name where the kernels come from a file.
    periodic
        Whether the window lacks its last point.
    scaling
        ``"density"``, ``"spectrum"`` or None: what the kernels start divided by.
    padding
        ``"valid"`` or ``"same"``.
    expand_dims
        Whether frequencies and channels have an axis each.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        For ``mode="angle"``, or when a fresh kernel is asked for a window of another name.

    Examples
    --------
    >>> layer = cnnfast.layers.STFTSpectrogram(frame_length=64, frame_step=32)
    >>> layer(np.ones((1, 320, 1))).shape
    (1, 9, 33)
    """

    rank = 1
    geometry = ("frame_length", "frame_step", "padding")
    integers = Integers.REFUSED

    def __init__(
        self,
        mode: Literal["log", "magnitude", "psd", "real", "imag", "angle", "stft"] = "log",
        frame_length: int = 256,
        frame_step: int | None = None,
        fft_length: int | None = None,
        window: WindowLike = "hann",
        periodic: bool = False,
        scaling: Literal["density", "spectrum"] | None = "density",
        padding: Padding = "valid",
        expand_dims: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.mode = arguments.choice(mode, "mode", _MODES)
        if self.mode == "angle":
            raise self.unsupported(
                f"has every mode of Keras but the angle. Received: mode={mode!r}"
            )
        self.frame_length = arguments.positive_integer(
            frame_length, "`frame_length` must be a positive integer."
        )
        self.frame_step = frame_step
        self._step = self._checked_step(frame_step)
        self.fft_length = fft_length
        self._frequencies = self._checked_fft(fft_length) // 2 + 1
        self.window = fourier.decode_window(window)
        self.periodic = arguments.boolean(periodic, "periodic")
        self.scaling: str | None = scaling
        if scaling is not None:
            self.scaling = arguments.choice(scaling, "scaling", ("density", "spectrum"))
        self.padding = arguments.choice(padding, "padding", ("valid", "same"))
        self.expand_dims = arguments.boolean(expand_dims, "expand_dims")
        self._kernels: dict[str, Variable] = {}

    def _checked_step(self, frame_step: int | None) -> int:
        step = self.frame_length // 2 if frame_step is None else frame_step
        rule = "`frame_step` must be a positive integer not greater than `frame_length`."
        if arguments.positive_integer(step, rule) > self.frame_length:
            raise ValueError(
                f"{rule} Received: frame_step={frame_step}, frame_length={self.frame_length}"
            )
        return step

    def _checked_fft(self, fft_length: int | None) -> int:
        length = 1 << (self.frame_length - 1).bit_length() if fft_length is None else fft_length
        rule = "`fft_length` must be an integer not less than `frame_length`, and at least 2."
        if arguments.positive_integer(length, rule) < max(self.frame_length, 2):
            raise ValueError(
                f"{rule} Received: fft_length={fft_length}, frame_length={self.frame_length}"
            )
        return length

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self._shape_by_rule(input_shape)
        for side, without in (("real", "imag"), ("imag", "real")):
            if self.mode != without:
                self._kernels[side] = self.add_weight(
                    name=f"{side}_kernel",
                    shape=(self.frame_length, 1, self._frequencies),
                    initializer=fourier.FourierKernel(
                        side, self.window, self.scaling, self.periodic
                    ),
                    path=path,
                )

    def _output_sizes(self, spatial: BatchShape) -> BatchShape:
        return (windows.output_size(spatial[0], self.frame_length, self._step, 1, self.padding),)

    def _output_channels(self, channels: int | None) -> int | None:
        return None if channels is None else channels * self._rows

    @property
    def _rows(self) -> int:
        """Numbers for one frame of one channel."""
        return self._frequencies * (2 if self.mode == "stft" else 1)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        flat = super().compute_output_shape(input_shape)
        if not self.expand_dims:
            return flat
        batch = input_shape[0]
        (frames,), _ = windows.split_channels(flat, self.data_format)
        _, channels = windows.split_channels(input_shape, self.data_format)
        if self.data_format == "channels_last":
            return (batch, frames, self._rows, channels)
        return (batch, channels, frames, self._rows)

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        if self.data_format == "channels_last":
            x = append.transpose(graph, x, (1, 0))
        y = self._spectra(graph, append.reshape(graph, x, (*x.shape, 1)))
        # From (channels, frames, frequencies).
        if self.expand_dims:
            order = (1, 2, 0) if self.data_format == "channels_last" else (0, 1, 2)
        else:
            order = (1, 0, 2) if self.data_format == "channels_last" else (0, 2, 1)
        return append.reshape(graph, append.transpose(graph, y, order), shape)

    def _spectra(self, graph: Graph, sound: Value) -> Value:
        """Append what `mode` says on (channels, samples, 1)."""
        if self.mode in ("real", "imag"):
            return self._side(graph, sound, self.mode, LINEAR)
        sides = [
            self._side(graph, sound, side, LINEAR if self.mode == "stft" else _SQUARE)
            for side in self._kernels
        ]
        if self.mode == "stft":
            return append.concat(graph, sides, 2)
        power = append.binary(graph, sides[0], sides[1], BinaryKind.ADD)
        if self.mode == "psd":
            # Each frequency between the first and the last stands for its negative too.
            twice = np.ones(self._frequencies)
            twice[1:-1] = 2.0
            return append.scale_and_shift(graph, power, twice, 0.0)
        steps = [
            # No power lies below it before its root and logarithm are taken.
            Activation(ActivationKind.CLIP, defaults.epsilon(), math.inf),
            Activation(ActivationKind.SQRT),
            Activation(ActivationKind.LOG),
        ]
        return append.activate(graph, power, steps if self.mode == "log" else steps[:2])

    def _side(self, graph: Graph, sound: Value, side: str, activation: Activation) -> Value:
        window = windows.window_2d(
            sound.shape, (self.frame_length,), (self._step,), (1,), self.padding
        )
        (frames,) = self._output_sizes((sound.shape[1],))
        out = Value((sound.shape[0], arguments.integer(frames), self._frequencies))
        kernel = images.image_kernel(self._kernels[side])
        return graph.add(ops.Conv2D(sound, out, kernel, None, window, activation=activation))

    def _config(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "frame_length": self.frame_length,
            "frame_step": self.frame_step,
            "fft_length": self.fft_length,
            "window": array_arguments.encode(self.window),
            "periodic": self.periodic,
            "scaling": self.scaling,
            "padding": self.padding,
            "data_format": self.data_format,
            "expand_dims": self.expand_dims,
        }
