"""Layers that move or regroup numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers
from cnnfast.symbolic.input_spec import InputSpec

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import DataFormat, LayerOptions, OpenShape


class Flatten(Layer):
    """One axis of all numbers of an image, channels changing fastest.

    Takes (batch, ...) and returns (batch, all numbers of an image).

    Parameters
    ----------
    data_format
        ``"channels_first"`` inputs are put in channels-last order first.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> layer = cnnfast.layers.Flatten()
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 192)
    """

    keeps_tensor = True

    integers = Integers.KEPT

    def __init__(
        self, data_format: DataFormat | None = None, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = arguments.data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        sizes = [size for size in input_shape[1:] if size is not None]
        known = len(sizes) == len(input_shape) - 1
        return (input_shape[0], math.prod(sizes) if known else None)

    def lower(self, graph: Graph, x: Value) -> Value:
        shape = self._output_shape(x)
        if self.data_format == "channels_first" and x.shape:
            x = append.axis_to_end(graph, x, 0)
        return append.reshape(graph, x, shape)

    def _config(self) -> dict[str, Any]:
        return {"data_format": self.data_format}


class Reshape(Layer):
    """The same numbers in the same order under another shape.

    Takes (batch, ...) and returns (batch, *target_shape).

    Parameters
    ----------
    target_shape
        Without the batch; one size may be -1 and follows from the others.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If a size is below -1, or several are -1.

    Examples
    --------
    >>> layer = cnnfast.layers.Reshape((4, -1))
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 4, 48)
    """

    keeps_tensor = True

    integers = Integers.KEPT
    built_without_weights = True

    def __init__(self, target_shape: OpenShape, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        sizes = [-1 if size is None else arguments.integer(size) for size in target_shape]
        if min(sizes, default=0) < -1:
            raise ValueError(
                "Each dimension in `target_shape` must be a non-negative integer, or `-1` for a "
                f"single unknown dimension. Received: target_shape={target_shape}."
            )
        if sizes.count(-1) > 1:
            raise ValueError(
                "There must be at most one unknown dimension (-1) in `target_shape`. "
                f"Received: target_shape={target_shape}."
            )
        self.target_shape = tuple(target_shape)
        self._sizes = sizes

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        known = [size for size in input_shape[1:] if size is not None]
        if len(known) < len(input_shape) - 1:
            return (input_shape[0], *(None if size == -1 else size for size in self._sizes))
        count, stated = math.prod(known), math.prod(size for size in self._sizes if size != -1)
        missing = count // stated if stated else 0
        sizes = tuple(missing if size == -1 else size for size in self._sizes)
        if math.prod(sizes) != count:
            raise ValueError(
                f"Layer '{self.name}': the total size of the tensor must be unchanged. Received: "
                f"input_shape={input_shape[1:]}, target_shape={self.target_shape}"
            )
        return (input_shape[0], *sizes)

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.reshape(graph, x, self._output_shape(x))

    def _config(self) -> dict[str, Any]:
        return {"target_shape": self.target_shape}


class Permute(Layer):
    """Axes in another order.

    Takes (batch, ...) and returns (batch, ...), with the axes behind the batch in the order `dims`.

    Parameters
    ----------
    dims
        Axis i + 1 of the output is axis ``dims[i]`` of the input; the batch is axis 0 and stays.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `dims` is not a permutation of 1, 2, and so on.

    Examples
    --------
    >>> layer = cnnfast.layers.Permute((2, 1))
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 4, 10)
    """

    keeps_tensor = True

    integers = Integers.KEPT

    def __init__(self, dims: Sequence[int], **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.dims = arguments.axes(dims, "dims")
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices in "
                f"`dims` must be consecutive and start from 1. Received: dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (input_shape[0], *(input_shape[dim] for dim in self.dims))

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.transpose(graph, x, [dim - 1 for dim in self.dims])

    def _config(self) -> dict[str, Any]:
        return {"dims": self.dims}


class RepeatVector(Layer):
    """Copies of a vector, one behind the other.

    Takes (batch, features) and returns (batch, n, features).

    Parameters
    ----------
    n
        At least 1.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is below 1.

    Examples
    --------
    >>> layer = cnnfast.layers.RepeatVector(3)
    >>> layer(np.ones((2, 5))).shape
    (2, 3, 5)
    """

    integers = Integers.KEPT

    def __init__(self, n: int, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        rule = "Argument `n` should be a positive integer."
        self.n = arguments.positive_integer(arguments.whole(n, "n"), rule)
        self.input_spec = InputSpec(ndim=2)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (input_shape[0], self.n, input_shape[1])

    def lower(self, graph: Graph, x: Value) -> Value:
        row = append.reshape(graph, x, (1, *x.shape))
        return append.repeat(graph, row, {0: self.n})

    def _config(self) -> dict[str, Any]:
        return {"n": self.n}
