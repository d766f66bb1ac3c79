"""Layers that make one tensor out of several, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.merging.base_merge import BaseMerge, MaskedMerge, two_shapes
from cnnfast.lowering import append
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions, Tensor


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


class Multiply(MaskedMerge):
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

    def _merge_masked(self, graph: Graph, pairs: list[tuple[Value, Value | None]]) -> Value:
        """Take 1 for what is hidden, and return 0 where all is."""
        known = [mask for _, mask in pairs if mask is not None]
        shown = [x if m is None else append.where(graph, m, x, 1.0) for x, m in pairs]
        y = reduce(lambda a, b: append.binary(graph, a, b, self.kind), shown)
        if len(known) < len(pairs):
            return y
        seen = reduce(lambda a, b: append.binary(graph, a, b, BinaryKind.LOGICAL_OR), known)
        return append.where(graph, seen, y, 0.0)


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


class Maximum(MaskedMerge):
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


class Minimum(MaskedMerge):
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
