"""Layers that lay tensors side by side or multiply them as matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnfast._core import NormalizationKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.calling import batch_shapes
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.merging.base_merge import check_masks, common_batch, listed_shapes, two_shapes
from cnnfast.lowering import append
from cnnfast.symbolic import arguments, array_arguments
from cnnfast.symbolic.dtypes import Integers
from cnnfast.symbolic.registry import OPERATIONS
from cnnfast.utils import defaults

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import IntOrSequence, LayerOptions, Tensor


class Concatenate(Layer):
    """A list of tensors one behind the other.

    Takes a list of tensors (batch, ...) and returns (batch, ...), with the sizes along `axis` added
    up.

    Parameters
    ----------
    axis
        Along which axis, batch included; the tensors agree in the others.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.

    Examples
    --------
    >>> layer = cnnfast.layers.Concatenate()
    >>> layer([np.ones((2, 3)), np.ones((2, 4))]).shape
    (2, 7)
    """

    integers = Integers.KEPT
    built_without_weights = True
    takes_structure = True

    def __init__(self, axis: int = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        (self.axis,) = arguments.axes(axis, "axis")[:1]

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes = listed_shapes(self, input_shape)
        arguments.check_axes(self.axis, shapes[0], self.name)
        rank = len(shapes[0])
        axis = self.axis % rank
        rest = [shape[:axis] + shape[axis + 1 :] for shape in shapes]
        known = [[size for size in sizes if size is not None] for sizes in zip(*rest, strict=False)]
        if any(len(shape) != rank for shape in shapes) or any(
            size != sizes[0] for sizes in known for size in sizes
        ):
            raise ValueError(
                f"Layer '{self.name}': a `Concatenate` layer requires inputs with matching shapes "
                f"except for the concatenation axis. Received: input_shape={shapes}"
            )
        output = list(shapes[0])
        parts = [shape[axis] for shape in shapes]
        output[axis] = None if None in parts else sum(part or 0 for part in parts)
        return tuple(output)

    def lower(self, graph: Graph, x: Any) -> Value:
        shape = self._output_shape(x)
        return append.concat(graph, x, self.axis % (len(shape) + 1) - 1)

    def as_in_keras_2(self, mask: Any) -> bool:
        return all(part is mask[0] for part in mask)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        check_masks(inputs, previous_mask)
        if previous_mask is None or all(mask is None for mask in previous_mask):
            return None
        pairs = zip(inputs, previous_mask, strict=True)
        masks = [_of_each_number(x, mask) for x, mask in pairs]
        return OPERATIONS["Any"](axis=-1)(OPERATIONS["Concatenate"](axis=self.axis)(masks))

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


def _of_each_number(x: Any, mask: Any) -> Any:
    """Return which numbers of `x` count: a mask of the steps says it of all their features."""
    if mask is None:
        return OPERATIONS["OnesLike"](dtype="bool")(x)
    if mask.ndim >= x.ndim:
        return mask
    nothing = OPERATIONS["ZerosLike"](dtype="bool")(x)
    return OPERATIONS["LogicalOr"]()(OPERATIONS["ExpandDims"](axis=-1)(mask), nothing)


class Dot(Layer):
    """Sums of products of two tensors along one axis of each, image by image.

    The output has the axes of the first without that axis, then those of the second; (batch, 1)
    where nothing is left.

    Takes a list of two tensors (batch, ...) and returns (batch, ...).

    Parameters
    ----------
    axes
        The axis, batch included, or one for each tensor.
    normalize
        Whether both are divided by their Euclidean norm along the axis first, which makes the
        products cosines.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the sizes of the axes differ, or one is the batch.

    Examples
    --------
    >>> layer = cnnfast.layers.Dot(axes=1)
    >>> layer([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[11.]], dtype=float32)
    """

    integers = Integers.COMPUTED
    built_without_weights = True
    takes_structure = True

    def __init__(
        self,
        axes: IntOrSequence,
        normalize: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        pair = arguments.axes(axes, "axes")
        if not isinstance(axes, int) and len(pair) != 2:
            raise ValueError(
                "Invalid format for argument `axes`: it should contain two elements. "
                f"Received: axes={axes}"
            )
        self.axes = pair[0] if isinstance(axes, int) else pair
        self.normalize = arguments.boolean(normalize, "normalize")

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes = two_shapes(self, input_shape)
        x, y = shapes
        a, b = self._axes_of(x, y)
        if None not in (x[a], y[b]) and x[a] != y[b]:
            raise ValueError(
                f"Layer '{self.name}': incompatible input shapes: axis values {x[a]} (at axis {a}) "
                f"!= {y[b]} (at axis {b}). Received: {x} and {y}"
            )
        left = (*x[1:a], *x[a + 1 :], *y[1:b], *y[b + 1 :])
        return (common_batch(self, shapes), *(left or (1,)))

    def _axes_of(self, x: BatchShape, y: BatchShape) -> tuple[int, int]:
        """Return the axes of tensors of these shapes, counted from the batch."""
        a, b = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        for axis, shape in ((a, x), (b, y)):
            if not -len(shape) < axis < len(shape) or axis == 0:
                raise ValueError(
                    f"Layer '{self.name}': the axes of a `Dot` must lie behind the batch and in "
                    f"the input. Received: axes={self.axes} for input shapes {x} and {y}"
                )
        return a % len(x), b % len(y)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        return None

    def lower(self, graph: Graph, x: Any) -> Value:
        left, right = x
        sizes = self._output_shape(x)
        a, b = (axis - 1 for axis in self._axes_of(*batch_shapes(x)))
        if self.normalize:
            left, right = _unit(graph, left, a), _unit(graph, right, b)
        depth = left.shape[a]
        rows = math.prod(left.shape) // depth
        columns = math.prod(right.shape) // depth
        left = append.reshape(graph, append.axis_to_end(graph, left, a), (rows, depth))
        order = [b, *(axis for axis in range(len(right.shape)) if axis != b)]
        right = append.reshape(graph, append.transpose(graph, right, order), (depth, columns))
        product = graph.add(ops.MatMul(left, right, Value((rows, columns))))
        return append.reshape(graph, product, sizes)

    def _config(self) -> dict[str, Any]:
        return {"axes": array_arguments.encode(self.axes), "normalize": self.normalize}


def _unit(graph: Graph, x: Value, axis: int) -> Value:
    """Divide `x` by its norm along `axis`, but by no less than `cnnfast.config.epsilon`."""

    def rows(y: Value) -> Value:
        # The limit of `Normalize` is that of the squared norm.
        least = defaults.epsilon() ** 2
        return graph.add(ops.Normalize(y, Value(y.shape), NormalizationKind.L2, least))

    return append.over_rows(graph, x, [axis], rows)


def concatenate(inputs: Sequence[Tensor], axis: int = -1, **kwargs: Unpack[LayerOptions]) -> Tensor:
    """Call a new `Concatenate` layer on `inputs`.

    They are (batch, ...); the result is (batch, ...), symbolic if they are.

    Parameters
    ----------
    inputs
        Tensors to merge: symbolic ones, or arrays.
    axis
        Along which axis, batch included; the tensors agree in the others.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> cnnfast.layers.concatenate([np.ones((2, 3)), np.ones((2, 4))]).shape
    (2, 7)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(
    inputs: Sequence[Tensor], axes: IntOrSequence = -1, **kwargs: Unpack[LayerOptions]
) -> Tensor:
    """Call a new `Dot` layer on `inputs`.

    They are two, (batch, ...); the result is (batch, ...), symbolic if they are.

    Parameters
    ----------
    inputs
        Tensors to merge: symbolic ones, or arrays.
    axes
        The axis, batch included, or one for each tensor.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> cnnfast.layers.dot([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])], axes=1)
    array([[11.]], dtype=float32)
    """
    return Dot(axes=axes, **kwargs)(inputs)
