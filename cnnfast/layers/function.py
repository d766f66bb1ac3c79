"""Layers that run a user's function of NumPy arrays."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers import arguments
from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.layer import Layer
from cnnfast.utils import tree

ArrayFunction: TypeAlias = Callable[..., npt.ArrayLike]

# Stand in for an unknown size, to see whether the output's depends on it.
_TRIED_SIZES = (32, 40)


class Lambda(Layer):
    """Runs a function of NumPy arrays.

    It leaves the core for that, so it is slower than layers; a model pickles only if the
    function does.

    Parameters
    ----------
    function
        Takes a float32 array with the batch as first axis, or a list of them where the layer is
        called on a list, and returns one array with the same batch.
    output_shape
        Without the batch. Where None, the function is called once on zeros to find out.
    mask
        Must be None.
    arguments
        Further keyword arguments of `function`.

    Raises
    ------
    ValueError
        If `function` is not callable.
    """

    built_without_weights = True
    takes_structure = True

    def __init__(
        self,
        function: ArrayFunction,
        output_shape: Any = None,
        mask: None = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(
                f"`function` must be a function of NumPy arrays. Received: {function!r}"
            )
        if mask is not None:
            raise UnsupportedError(f"`mask` must be None. Received: mask={mask!r}")
        self.function = function
        self.arguments = dict(arguments or {})
        self.output_shape_given = _given_shape(output_shape)

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        shapes: list[BatchShape] = []
        tree.map_shapes(shapes.append, input_shape)
        batch = shapes[0][0]
        if callable(self.output_shape_given):
            return arguments.shape(self.output_shape_given(input_shape))
        if self.output_shape_given is not None:
            return (batch, *self.output_shape_given)
        open_sizes = any(size is None for shape in shapes for size in shape[1:])
        tried = [self._try(input_shape, size) for size in _TRIED_SIZES[: 1 + open_sizes]]
        if len({len(shape) for shape in tried}) > 1:
            self._fail(f"the axes of the output depend on the size of the input: {tried}")
        return (batch, *(n if len({n, *m}) == 1 else None for n, *m in zip(*tried, strict=True)))

    def _try(self, input_shape: Any, size: int) -> tuple[int, ...]:
        """Return the shape, without the batch, that the function gives where None is `size`."""

        def zeros(shape: BatchShape) -> npt.NDArray[np.float32]:
            return np.zeros([1, *(size if n is None else n for n in shape[1:])], np.float32)

        try:
            result = np.asarray(self._call(tree.map_shapes(zeros, input_shape)))
        except Exception as error:  # whatever a user's function may raise
            self._fail(f"{type(error).__name__}: {error}", error)
        if not result.ndim or len(result) != 1:
            self._fail(f"a result of shape {result.shape} for a batch of 1")
        return result.shape[1:]

    def _fail(self, received: str, cause: Exception | None = None) -> NoReturn:
        raise ValueError(
            f"Layer '{self.name}': the shape of the output is found by calling the function on a "
            "batch of one image of zeros, unless `output_shape` is given; it must return an array "
            f"with the same batch. Received: {received}"
        ) from cause

    def _call(self, x: Any) -> npt.ArrayLike:
        return self.function(x, **self.arguments)

    def lower(self, graph: Graph, x: Any) -> Value:
        out = Value(self._output_shape(x))
        layer = weakref.proxy(self)  # which may have the plan that this becomes a part of

        def call(*arrays: npt.NDArray[np.float32]) -> npt.ArrayLike:
            result: npt.ArrayLike = layer._call(tree.pack(x, arrays))
            return result

        return graph.add(ops.Call(tuple(tree.flatten(x)), out, call, self.name))

    def _arguments(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_policy,
            "activity_regularizer": self.activity_regularizer,
            "function": self.function,
            "output_shape": self.output_shape_given,
            "arguments": self.arguments,
        }

    def get_config(self) -> NoReturn:
        """Raise `UnsupportedError`: a Python function cannot be written to a config."""
        raise self.unsupported(
            f"runs a Python function, which a config cannot hold. Received: {self.function!r}"
        )


def _given_shape(shape: Any) -> Any:
    if shape is None or callable(shape):
        return shape
    return arguments.shape(shape if isinstance(shape, list | tuple) else (shape,))


def from_foreign_config(function: ArrayFunction, config: Mapping[str, Any]) -> Lambda:
    """Make a layer that runs `function` in place of the one that `config` describes."""
    shape, extra = config.get("output_shape"), config.get("arguments")
    plain = isinstance(shape, list | tuple) and all(isinstance(n, int | None) for n in shape)
    return Lambda(
        function,
        output_shape=shape if plain else None,
        arguments=extra if isinstance(extra, Mapping) else None,
        name=config.get("name"),
        trainable=config.get("trainable", True),
    )
