"""Layers that make one tensor out of several, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic.dtypes import Integers
from cnnfast.symbolic.registry import OPERATIONS

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions, Tensor


class BaseMerge(Layer):
    """What the layers share that combine tensors number by number, from left to right.

    They take a list of tensors. Axes of size 1 are repeated; a tensor with fewer axes than
    another gets axes of size 1 behind the batch.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.
    """

    integers = Integers.COMPUTED
    built_without_weights = True
    takes_structure = True
    kind: ClassVar[BinaryKind]

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes = listed_shapes(self, input_shape)
        sizes = reduce(self._broadcast, (shape[1:] for shape in shapes))
        return (common_batch(self, shapes), *sizes)

    def _broadcast(self, a: BatchShape, b: BatchShape) -> BatchShape:
        rank = max(len(a), len(b))
        a, b = ((1,) * (rank - len(shape)) + shape for shape in (a, b))
        return tuple(self._broadcast_axis(pair, (a, b)) for pair in zip(a, b, strict=True))

    def _broadcast_axis(
        self, pair: tuple[int | None, int | None], shapes: tuple[BatchShape, BatchShape]
    ) -> int | None:
        m, n = pair
        if m is None or n is None:
            return None
        if m != n and 1 not in pair:
            raise ValueError(
                f"Layer '{self.name}': inputs have incompatible shapes. Received: {shapes[0]} "
                f"and {shapes[1]} (without the batch)"
            )
        return n if m == 1 else m

    def as_in_keras_2(self, mask: Any) -> bool:
        return all(part is mask[0] for part in mask)  # it joined unlike ones by "and"

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        check_masks(inputs, previous_mask)
        if previous_mask is None or any(mask is None for mask in previous_mask):
            return None
        return reduce(OPERATIONS["LogicalOr"](), previous_mask)

    def lower(self, graph: Graph, x: Any) -> Value:
        self._output_shape(x)
        rank = max(len(value.shape) for value in x)
        values = [
            append.reshape(graph, value, (1,) * (rank - len(value.shape)) + value.shape)
            for value in x
        ]
        y = reduce(lambda a, b: append.binary(graph, a, b, self.kind), values)
        return self._finish(graph, y, len(x))

    def _finish(self, graph: Graph, y: Value, count: int) -> Value:
        return y


def check_masks(inputs: Any, mask: Any) -> None:
    """Raise ValueError, in Keras' words, unless there is a list of as many masks as tensors."""
    if mask is None:
        return
    for name, value in (("mask", mask), ("inputs", inputs)):
        if not isinstance(value, list | tuple):
            raise ValueError(f"`{name}` should be a list. Received: {name}={value}")
    if len(mask) != len(inputs):
        raise ValueError(
            "The lists `inputs` and `mask` should have the same length. Received: "
            f"inputs={inputs} of length {len(inputs)}, and mask={mask} of length {len(mask)}"
        )


class Add(BaseMerge):
    """The sum of a list of tensors, number by number.

    Axes of size 1 are repeated; a tensor with fewer axes than another gets axes of size 1 behind
    the batch.

    Takes a list of tensors (batch, ...) and returns (batch, ...).

    Parameters
    ----------
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.

    Examples
    --------
    >>> layer = cnnfast.layers.Add()
    >>> layer([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[4., 6.]], dtype=float32)
    """

    kind = BinaryKind.ADD


class Subtract(BaseMerge):
    """The first of two tensors minus the second, number by number.

    Axes of size 1 are repeated; a tensor with fewer axes than another gets axes of size 1 behind
    the batch.

    Takes a list of tensors (batch, ...) and returns (batch, ...).

    Parameters
    ----------
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.

    Examples
    --------
    >>> layer = cnnfast.layers.Subtract()
    >>> layer([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[-2., -2.]], dtype=float32)
    """

    kind = BinaryKind.SUBTRACT

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        two_shapes(self, input_shape)
        return super().compute_output_shape(input_shape)


class Multiply(BaseMerge):
    """The product of a list of tensors, number by number.

    Axes of size 1 are repeated; a tensor with fewer axes than another gets axes of size 1 behind
    the batch.

    Takes a list of tensors (batch, ...) and returns (batch, ...).

    Parameters
    ----------
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.

    Examples
    --------
    >>> layer = cnnfast.layers.Multiply()
    >>> layer([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[3., 8.]], dtype=float32)
    """

    kind = BinaryKind.MULTIPLY


class Average(BaseMerge):
    """The mean of a list of tensors, number by number.

    Axes of size 1 are repeated; a tensor with fewer axes than another gets axes of size 1 behind
    the batch.

    Takes a list of tensors (batch, ...) and returns (batch, ...).

    Parameters
    ----------
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.

    Examples
    --------
    >>> layer = cnnfast.layers.Average()
    >>> layer([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[2., 3.]], dtype=float32)
    """

    integers = Integers.PROMOTED
    kind = BinaryKind.ADD

    def _finish(self, graph: Graph, y: Value, count: int) -> Value:
        step = ops.Activation(ActivationKind.SCALE, 1.0 / count, 0.0)
        return append.activate(graph, y, (step,))


class Maximum(BaseMerge):
    """The largest of a list of tensors, number by number.

    Axes of size 1 are repeated; a tensor with fewer axes than another gets axes of size 1 behind
    the batch.

    Takes a list of tensors (batch, ...) and returns (batch, ...).

    Parameters
    ----------
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.

    Examples
    --------
    >>> layer = cnnfast.layers.Maximum()
    >>> layer([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[3., 4.]], dtype=float32)
    """

    integers = Integers.KEPT
    kind = BinaryKind.MAXIMUM


class Minimum(BaseMerge):
    """The smallest of a list of tensors, number by number.

    Axes of size 1 are repeated; a tensor with fewer axes than another gets axes of size 1 behind
    the batch.

    Takes a list of tensors (batch, ...) and returns (batch, ...).

    Parameters
    ----------
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.

    Examples
    --------
    >>> layer = cnnfast.layers.Minimum()
    >>> layer([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[1., 2.]], dtype=float32)
    """

    integers = Integers.KEPT
    kind = BinaryKind.MINIMUM


def listed_shapes(layer: Layer, input_shape: Any) -> list[BatchShape]:
    """Return `input_shape` if it is a list of at least one shape.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(input_shape, list | tuple) or not all(
        isinstance(shape, tuple | list) and shape for shape in input_shape
    ):
        raise ValueError(
            f"Layer '{layer.name}': a merge layer should be called on a list of inputs. "
            f"Received: input_shape={input_shape} (not a list of shapes)"
        )
    if not input_shape:
        raise ValueError(
            f"Layer '{layer.name}': a merge layer should be called on a list of at least 1 input. "
            "Received: 0 inputs"
        )
    return [tuple(shape) for shape in input_shape]


def two_shapes(layer: Layer, input_shape: Any) -> tuple[BatchShape, BatchShape]:
    """Return `input_shape` if it is a list of two shapes; ValueError if it is not."""
    shapes = listed_shapes(layer, input_shape)
    if len(shapes) != 2:
        raise ValueError(
            f"Layer '{layer.name}': a `{type(layer).__name__}` layer should be called on exactly "
            f"2 inputs. Received: input_shape={input_shape}"
        )
    return shapes[0], shapes[1]


def common_batch(layer: Layer, shapes: Sequence[BatchShape]) -> int | None:
    """Return the batch size that is known of some; ValueError if there are several."""
    known = {shape[0] for shape in shapes} - {None}
    if len(known) > 1:
        raise ValueError(
            f"Layer '{layer.name}': cannot merge tensors with different batch sizes. "
            f"Received: shapes {list(shapes)}"
        )
    return known.pop() if known else None


def add(inputs: Sequence[Tensor], **kwargs: Unpack[LayerOptions]) -> Tensor:
    """Call a new `Add` layer on `inputs`.

    They are (batch, ...), of shapes that fit; the result is (batch, ...), symbolic if they are.

    Parameters
    ----------
    inputs
        Tensors to merge: symbolic ones, or arrays.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> cnnfast.layers.add([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[4., 6.]], dtype=float32)
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Sequence[Tensor], **kwargs: Unpack[LayerOptions]) -> Tensor:
    """Call a new `Subtract` layer on `inputs`.

    They are (batch, ...), of shapes that fit; the result is (batch, ...), symbolic if they are.

    Parameters
    ----------
    inputs
        Tensors to merge: symbolic ones, or arrays.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> cnnfast.layers.subtract([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[-2., -2.]], dtype=float32)
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Sequence[Tensor], **kwargs: Unpack[LayerOptions]) -> Tensor:
    """Call a new `Multiply` layer on `inputs`.

    They are (batch, ...), of shapes that fit; the result is (batch, ...), symbolic if they are.

    Parameters
    ----------
    inputs
        Tensors to merge: symbolic ones, or arrays.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> cnnfast.layers.multiply([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[3., 8.]], dtype=float32)
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Sequence[Tensor], **kwargs: Unpack[LayerOptions]) -> Tensor:
    """Call a new `Average` layer on `inputs`.

    They are (batch, ...), of shapes that fit; the result is (batch, ...), symbolic if they are.

    Parameters
    ----------
    inputs
        Tensors to merge: symbolic ones, or arrays.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> cnnfast.layers.average([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[2., 3.]], dtype=float32)
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Sequence[Tensor], **kwargs: Unpack[LayerOptions]) -> Tensor:
    """Call a new `Maximum` layer on `inputs`.

    They are (batch, ...), of shapes that fit; the result is (batch, ...), symbolic if they are.

    Parameters
    ----------
    inputs
        Tensors to merge: symbolic ones, or arrays.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> cnnfast.layers.maximum([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[3., 4.]], dtype=float32)
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Sequence[Tensor], **kwargs: Unpack[LayerOptions]) -> Tensor:
    """Call a new `Minimum` layer on `inputs`.

    They are (batch, ...), of shapes that fit; the result is (batch, ...), symbolic if they are.

    Parameters
    ----------
    inputs
        Tensors to merge: symbolic ones, or arrays.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> cnnfast.layers.minimum([np.array([[1.0, 2.0]]), np.array([[3.0, 4.0]])])
    array([[1., 2.]], dtype=float32)
    """
    return Minimum(**kwargs)(inputs)
