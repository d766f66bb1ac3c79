"""Layers that bring numbers to another scale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import initializers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.array_arguments import decode, encode, numeric, read_only
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.utils import defaults
from cnnfast.variables import Variable, replace_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.typing import IntOrSequence, LayerOptions

# Up to here, in standard deviations, the mean goes into the shift of one multiply-add; a larger
# one is subtracted first, or rounding would drown what is left.
_LARGEST_FOLDED_MEAN = 16.0


class Rescaling(Layer):
    """``x * scale + offset``.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    scale, offset
        Numbers, or arrays that broadcast to the input: a list has one number per channel.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If one of them is neither a number nor an array of numbers.

    Examples
    --------
    >>> layer = cnnfast.layers.Rescaling(1 / 255)
    >>> layer(np.array([[0.0, 255.0]]))
    array([[0., 1.]], dtype=float32)
    """

    passes_masks = True

    def __init__(
        self, scale: npt.ArrayLike, offset: npt.ArrayLike = 0.0, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.scale = decode(scale, "scale")
        self.offset = decode(offset, "offset")
        self._scale = numeric(self.scale, "scale")
        self._offset = numeric(self.offset, "offset")

    @property
    def _broad(self) -> npt.NDArray[np.float64]:
        """`scale` as Keras broadcasts it: to rows of channels where these come first."""
        first = self._scale.ndim > 0 and defaults.image_data_format() == "channels_first"
        ones = (1,) * (3 - self._scale.ndim) if first else ()
        return self._scale.reshape(self._scale.shape + ones)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        for name, array in (("scale", self._broad), ("offset", self._offset)):
            axes = zip(reversed(array.shape), reversed((1, *input_shape[1:])), strict=False)
            if array.ndim > len(input_shape) or any(n not in (1, size or n) for n, size in axes):
                raise ValueError(
                    f"Layer '{self.name}': `{name}` must broadcast to the shape of the input. "
                    f"Received: {name} of shape {array.shape} for input shape {input_shape}"
                )
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        self._output_shape(x)
        return append.scale_and_shift(graph, x, self._broad, self._offset)

    def _config(self) -> dict[str, Any]:
        return {
            "scale": encode(self.scale),
            "offset": encode(self.offset),
        }


class Normalization(Layer):
    """``(x - mean) / max(sqrt(variance), epsilon)``.

    Takes and returns any shape (batch, ...). ``epsilon`` is `cnnfast.config.epsilon`.

    Weights, unless `mean` and `variance` are given: `mean` and `variance`, of the sizes of `axis`,
    and `count`, which only files hold. None of them is trainable.

    Parameters
    ----------
    axis
        The axes, batch included, that have a mean and a variance for each position. None for the
        same ones everywhere.
    mean, variance
        Both or none; arrays that broadcast to the sizes of `axis`.
    invert
        Whether to compute ``mean + x * max(sqrt(variance), epsilon)`` instead.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.Normalization(mean=3.0, variance=4.0)
    >>> layer(np.array([[3.0, 5.0]]))
    array([[0., 1.]], dtype=float32)
    """

    passes_masks = True

    def __init__(
        self,
        axis: IntOrSequence | None = -1,
        mean: npt.ArrayLike | None = None,
        variance: npt.ArrayLike | None = None,
        invert: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        none = axis is None or axis in ((), [])
        self.axis = () if none else arguments.axes(axis, "axis")
        self.invert = arguments.boolean(invert, "invert")
        if (mean is None) != (variance is None):
            raise ValueError(
                "When setting values directly, both `mean` and `variance` must be set. "
                f"Received: mean={mean!r} and variance={variance!r}"
            )
        self.input_mean = self.input_variance = None
        if mean is not None:
            self.input_mean = _given(mean, "mean")
            self.input_variance = _given(variance, "variance")
            self._check_statistics(self.input_mean.shape, self.input_variance.shape)
        self._axes: tuple[int, ...] = ()
        self._variables: list[Variable] = []

    def _check_statistics(self, mean: tuple[int, ...], variance: tuple[int, ...]) -> None:
        if mean != variance:
            raise ValueError(
                "When setting values directly, `mean` and `variance` must have the same shape. "
                f"Received: mean shape {mean} and variance shape {variance}"
            )
        if len(mean) > len(self.axis):
            raise ValueError(
                "The rank of `mean` must be less than or equal to the number of axes "
                f"({len(self.axis)}). Received: mean shape {mean} for axis {self.axis}"
            )

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        rank = len(input_shape)
        if any(not -rank <= axis < rank for axis in self.axis):
            raise ValueError(
                "All `axis` values must be in the range [-ndim, ndim). Received: layer "
                f"'{self.name}' with "
                f"axis={self.axis} for inputs with ndim={rank}"
            )
        self._axes = tuple(sorted({axis % rank for axis in self.axis}))
        sizes = tuple(input_shape[axis] for axis in self._axes)
        if 0 in self._axes or None in sizes:
            raise ValueError(
                "All `axis` values to be kept must have a known shape and lie behind the batch. "
                f"Received: layer '{self.name}' with axis={self.axis} for input shape {input_shape}"
            )
        if self.input_mean is None:
            self._variables = [
                self.add_weight(
                    name=name, shape=shape, initializer=initializer, trainable=False, path=path
                )
                for name, shape, initializer in (
                    ("mean", sizes, initializers.Zeros()),
                    ("variance", sizes, initializers.Ones()),
                    ("count", (), initializers.Zeros()),
                )
            ]
        self.input_spec = InputSpec(ndim=rank, axes={a: input_shape[a] for a in self._axes})

    def adapt(self, data: Any) -> None:
        """Set `mean` and `variance` to those of `data`; builds the layer if need be.

        Parameters
        ----------
        data
            An array of inputs, a dataset, or batches: a list, a generator or a `PyDataset` of
            arrays, or of tuples whose first item is one.

        Raises
        ------
        TypeError
            If `data`, or a batch of it, is no array.
        ValueError
            If there is no batch, the layer was made with a mean, or cannot take such inputs.
        """
        count, mean, squares = 0, np.zeros(()), np.zeros(())
        for batch in _batches(data):
            self._fit_to(batch.shape)
            others = tuple(axis for axis in range(batch.ndim) if axis not in self._axes)
            # Of several groups; see https://en.wikipedia.org/wiki/Lack-of-fit_sum_of_squares.
            number = int(np.prod([batch.shape[axis] for axis in others]))
            apart = batch.mean(axis=others, dtype=np.float64) - mean
            count, share = count + number, number / (count + number)
            squares = squares + number * batch.var(axis=others, dtype=np.float64)
            squares, mean = squares + number * (1 - share) * apart**2, mean + share * apart
        replace_all(zip(self._variables, (mean, squares / count), strict=False))

    def _fit_to(self, shape: tuple[int, ...]) -> None:
        """Build for data of `shape`, or check that they are like those before."""
        wide = len(shape) == self.input_spec.ndim
        if self.built and not (wide and all(shape[a] == self._sizes[a] for a in self._axes)):
            raise ValueError(
                f"The layer was built with input_shape={self._build_shape}, but adapt() is being "
                "called with data with an incompatible shape. Received: "
                f"data.shape={shape} for layer '{self.name}'"
            )
        self.build((None, *shape[1:]))
        if not self._variables:
            raise ValueError(
                f"Layer '{self.name}' was given its `mean` and `variance` and cannot be adapted. "
                f"Received: mean={self.input_mean}"
            )

    @property
    def _sizes(self) -> BatchShape:
        return self._build_shape or ()

    @property
    def mean(self) -> Float32Array | None:
        """The mean, shaped to broadcast to inputs; None before the layer is built."""
        return self._statistic(0)

    @property
    def variance(self) -> Float32Array | None:
        """The variance, shaped to broadcast to inputs; None before the layer is built."""
        return self._statistic(1)

    def _statistic(self, which: int) -> Float32Array | None:
        if not self.built:
            return None
        known = [self._sizes[a] or 1 if a in self._axes else 1 for a in range(len(self._sizes))]
        array = self._statistics(tuple(known[1:]))[which]
        return array.astype(np.float32).reshape(known)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        if not self.built:
            self.build((None, *x.shape))
        mean, variance = self._statistics(x.shape)
        deviation = np.maximum(np.sqrt(variance), defaults.epsilon())
        if self.invert:
            return append.scale_and_shift(graph, x, deviation, mean)
        scale = 1.0 / deviation
        if np.max(np.abs(mean * scale)) <= _LARGEST_FOLDED_MEAN:
            return append.scale_and_shift(graph, x, scale, -mean * scale)
        centred = append.scale_and_shift(graph, x, np.ones_like(mean), -mean)
        return append.scale_and_shift(graph, centred, scale, np.zeros_like(scale))

    def _statistics(
        self, sizes: tuple[int, ...]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return mean and variance, shaped to broadcast to images of `sizes`."""
        shape = tuple(size if a in self._axes else 1 for a, size in enumerate(sizes, 1))
        if self.input_mean is None or self.input_variance is None:
            mean, variance = (v.numpy().astype(np.float64) for v in self._variables[:2])
        else:
            kept = [sizes[axis - 1] for axis in self._axes]
            mean = np.broadcast_to(self.input_mean, kept)
            variance = np.broadcast_to(self.input_variance, kept)
        return mean.reshape(shape), variance.reshape(shape)

    def _config(self) -> dict[str, Any]:
        given = {"mean": self.input_mean, "variance": self.input_variance}
        return {
            "axis": self.axis,
            "invert": self.invert,
            **{name: None if array is None else array.tolist() for name, array in given.items()},
        }


def _batches(data: Any) -> Iterator[Float32Array]:
    """Yield arrays, of inputs that are given in any of the ways that `adapt` takes."""
    if hasattr(data, "__array__"):
        yield np.asarray(data, np.float32)
        return
    by_number = hasattr(data, "num_batches")
    if not (by_number or hasattr(data, "__iter__")):
        raise TypeError(
            "`adapt` takes an array, a dataset, or an iterable of batches. "
            f"Received: {type(data).__name__}"
        )
    none = True
    for batch in (data[n] for n in range(data.num_batches)) if by_number else data:
        none, inputs = False, batch[0] if isinstance(batch, tuple) else batch
        if not hasattr(inputs, "shape"):
            raise TypeError(
                "`adapt` expects batches that are arrays or tensors with a `.shape`. Received: an "
                f"element of type {type(inputs).__name__}"
            )
        array = np.asarray(inputs, np.float32)
        # A dataset of TensorFlow's may not be batched yet.
        yield array[np.newaxis] if array.ndim == 1 and hasattr(data, "element_spec") else array
    if none:
        raise ValueError("`adapt` received an empty iterable, of no batches. Received: nothing")


def _given(statistic: npt.ArrayLike | None, name: str) -> npt.NDArray[np.float64]:
    return read_only(numeric(decode(statistic, name), name))
