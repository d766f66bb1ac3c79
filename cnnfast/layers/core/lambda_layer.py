"""Layers that run a user's function: of tensors, or of NumPy arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from cnnfast.activations import function_config, is_unwritten
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.layer import Layer
from cnnfast.symbolic import arguments
from cnnfast.symbolic.activation_functions import UserFunction
from cnnfast.symbolic.spoken import is_of_tensors
from cnnfast.symbolic.tensor import KerasTensor, symbolic
from cnnfast.symbolic.traced_function import confirmed
from cnnfast.symbolic.tracing import Trace
from cnnfast.utils import tree
from cnnfast.utils.masked import mask_of

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.typing import LayerOptions, OpenShape

ArrayFunction: TypeAlias = Callable[..., Any]

# Stand in for an unknown size, to see whether the output's depends on it.
_TRIED_SIZES = (32, 40)


class Lambda(Layer):
    """Runs a function of the user's.

    One that is written in terms of `cnnfast.ops` or of layers becomes part of the graph. Another
    one is run on NumPy arrays. That leaves the core, so it is slower, and the function must not
    write to the arrays it is given. A model pickles only if the function does.

    Takes (batch, ...) and returns (batch, *output_shape).

    Parameters
    ----------
    function
        Takes a tensor or a float32 array with the batch as first axis, or a list of them where the
        layer is called on a list, and returns one with the same batch, or a list, tuple or dict of
        them where the layer has several outputs.
    output_shape
        Without the batch. Where None, a function of arrays is called once on zeros to find out.
    mask
        That of the output: a function of the input and its mask, or an array that holds for
        every image; None lets no mask through.
    arguments
        Further keyword arguments of `function`.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `function` is not callable.

    Examples
    --------
    >>> layer = cnnfast.layers.Lambda(lambda x: np.maximum(x, 1.0))
    >>> layer(np.array([[0.0, 2.0]]))
    array([[1., 2.]], dtype=float32)
    """

    built_without_weights = True
    takes_structure = True
    takes_mask = True

    def __init__(
        self,
        function: ArrayFunction,
        output_shape: int | OpenShape | Callable[..., OpenShape] | None = None,
        mask: ArrayFunction | npt.ArrayLike | None = None,
        arguments: Mapping[str, Any] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(
                f"`function` must be a function of tensors or arrays. Received: {function!r}"
            )
        self.function = function
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.output_shape_given = _given_shape(output_shape)
        self._of_tensors = is_of_tensors(function)
        self._returned: Any = None

    if TYPE_CHECKING:  # a function may return several arrays

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    @property
    def has_own_mask_rule(self) -> bool:
        return self.mask is not None

    @property
    def makes_mask(self) -> bool:
        return self.mask is not None

    @property
    def _apart(self) -> bool:  # type: ignore[override]
        return self.makes_mask or self._activity_regularizer is not None

    @property
    def _wants_mask(self) -> bool:
        """Whether the function has a `mask` among its parameters."""
        try:
            return "mask" in inspect.signature(self.function).parameters
        except ValueError:  # of some that are written in C
            return False

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self._shapes((tree.map_shapes(KerasTensor, input_shape),), self._with(None))

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if not self._wants_mask:
            return super().infer(args, kwargs)
        x = self._input_of_call(args, kwargs)
        said = kwargs.get("mask")
        mask = tree.map_structure(mask_of, x) if said is None else said
        dtype = self.result_dtype([tensor.dtype for tensor in tree.flatten(x)])
        shapes = self._shapes((x,), self._with(mask))
        return tree.map_shapes(lambda shape: KerasTensor(shape, dtype), shapes)

    def lower(self, graph: Graph, x: Any) -> Any:
        return self._lower(graph, (x,), self._with(None))

    def lower_masked(self, graph: Graph, x: Any, mask: Any) -> Any:
        return self._lower(graph, (x,), self._with(mask))

    def _with(self, mask: Any) -> dict[str, Any]:
        return {"mask": mask} if self._wants_mask else {}

    def _shapes(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the shapes, batch included, that a call on symbolic tensors gives."""
        return tree.pack(*self._outputs(args, kwargs))

    def _outputs(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[Any, list[BatchShape]]:
        """Return what a call gives: its structure, with None for each array, and their shapes."""
        if self._of_tensors:
            outputs = self._trace(args, kwargs, blank=True).outputs
            structure = tree.map_structure(lambda _: None, outputs)
            return structure, [tensor.shape for tensor in tree.flatten(outputs)]
        shapes = [tensor.shape for tensor in symbolic((args, kwargs))]
        batch = shapes[0][0]
        if callable(self.output_shape_given):
            given = tree.map_structure(lambda tensor: tensor.shape, args[0])
            return None, [arguments.shape(self.output_shape_given(given))]
        if self.output_shape_given is not None:
            return None, [(batch, *self.output_shape_given)]
        open_sizes = any(size is None for shape in shapes for size in shape[1:])
        tried = [self._try(args, kwargs, size) for size in _TRIED_SIZES[: 1 + open_sizes]]
        structure, flat = tried[0][0], [shapes for _, shapes in tried]
        if len({tuple(map(len, shapes)) for shapes in flat}) > 1:
            self._fail(f"the axes of the output depend on the size of the input: {flat}")
        # A size that differs between the trials is open.
        merged = [
            (batch, *(n if len({n, *m}) == 1 else None for n, *m in zip(*same, strict=True)))
            for same in zip(*flat, strict=True)
        ]
        return structure, merged

    def _trace(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, blank: bool) -> Trace:
        more, options = self._extra(args, kwargs, blank=blank)
        of = f"the function of layer '{self.name}'"
        return confirmed(self.function, (*args, *more), {**kwargs, **options}, of)

    def _try(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], size: int
    ) -> tuple[Any, list[tuple[int, ...]]]:
        """Call the function on zeros, where None is `size`.

        Returns
        -------
        structure
            What it returned, with None for each array.
        shapes
            Those of the arrays, without the batch.
        """

        def zeros(leaf: Any) -> Any:
            if not isinstance(leaf, KerasTensor):
                return leaf
            if leaf.dtype == "bool":
                return np.ones([1, *(size if n is None else n for n in leaf.shape[1:])], np.bool_)
            return np.zeros([1, *(size if n is None else n for n in leaf.shape[1:])], np.float32)

        filled = tree.map_structure(zeros, (tuple(args), dict(kwargs)))
        try:
            with np.errstate(all="ignore"):
                result = _result(self.function, filled, self._extra(*filled, blank=True))
            arrays = [np.asarray(part) for part in _parts(result)]
        except UnsupportedError:
            raise
        except Exception as error:  # whatever a user's function may raise
            self._fail(f"{type(error).__name__}: {error}", error)
        for array in arrays:
            if not array.ndim or len(array) != 1:
                self._fail(f"a result of shape {array.shape} for a batch of 1")
        return _structure(result), [array.shape[1:] for array in arrays]

    def _fail(self, received: str, cause: Exception | None = None) -> NoReturn:
        raise ValueError(
            f"Layer '{self.name}': the shape of the output is found by calling the function on a "
            "batch of one image of zeros, unless `output_shape` is given; it must return an array "
            f"with the same batch, or several of them. Received: {received}"
        ) from cause

    def _extra(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], *, blank: bool
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        """Return what else the function is called with: zeros for a trial, if `blank`."""
        return (), self.arguments

    def _lower(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        arguments_ = (tuple(args), dict(kwargs))
        masks = {leaf for leaf in tree.flatten(kwargs.get("mask")) if isinstance(leaf, Value)}

        def tensor(leaf: Any) -> Any:
            kind = "bool" if leaf in masks else "float32"
            return KerasTensor((None, *leaf.shape), kind) if isinstance(leaf, Value) else leaf

        drawn = tree.map_structure(tensor, arguments_)
        if self._of_tensors:
            values = [leaf for leaf in tree.flatten(arguments_) if isinstance(leaf, Value)]
            lowered = self._trace(*drawn, blank=False).lower(graph, values)
            self._returned = tree.map_structure(lambda _: None, lowered)
            return lowered
        structure, shapes = self._outputs(*drawn)
        # No None comes out of shapes without None.
        outs = [Value(tuple(arguments.integer(n) for n in shape[1:])) for shape in shapes]
        self._returned = structure
        leaves, extra = tree.flatten(arguments_), self._extra(*arguments_, blank=False)
        are_masks = [isinstance(leaf, Value) and leaf in masks for leaf in leaves]
        function = self.function  # and not the layer, which may have the plan that this is for

        def call(*arrays: Float32Array) -> Any:
            left = iter(arrays)
            filled = [next(left) if isinstance(leaf, Value) else leaf for leaf in leaves]
            filled = [
                array != 0 if known else array
                for array, known in zip(filled, are_masks, strict=True)
            ]
            parts = _parts(_result(function, tree.pack(arguments_, filled), extra))
            return parts[0] if len(outs) == len(parts) == 1 else parts

        xs = tuple(leaf for leaf in leaves if isinstance(leaf, Value))
        graph.add(ops.Call(xs, outs[0], call, self.name, tuple(outs[1:])))
        return tree.pack(structure, outs)

    def _pack(self, outputs: Sequence[Float32Array]) -> Any:
        return tree.pack(self._returned, outputs)

    def _arguments(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_policy,
            "activity_regularizer": self.activity_regularizer,
            "function": self.function,
            "output_shape": self.output_shape_given,
            "mask": self.mask,
            "arguments": self.arguments,
        }

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, with the name of a function of tensors.

        Raises
        ------
        UnsupportedError
            If the function has no name, takes arrays, or there is one for masks or shapes.
        """
        if is_unwritten():
            return self._arguments()
        name = getattr(self.function, "__name__", "<lambda>")
        plain = self.mask is None and not callable(self.output_shape_given)
        if self._of_tensors and plain and name != "<lambda>":
            own = {"output_shape": self.output_shape_given, "arguments": self.arguments}
            function = function_config(UserFunction(name, self.function))
            return {**super().get_config(), "function": function, **own}
        raise self.unsupported(
            f"runs a Python function, which a config cannot hold. Received: {self.function!r}"
        )


def _result(function: ArrayFunction, call: Any, extra: Any) -> Any:
    (args, kwargs), (more, options) = call, extra
    return function(*args, *more, **kwargs, **options)


def _several(result: Any) -> bool:
    """Whether a function returned several arrays; a list of numbers is one."""
    items = list(result.values()) if isinstance(result, Mapping) else result
    return isinstance(items, list | tuple) and any(
        _several(item) or getattr(item, "ndim", 0) > 0 for item in items
    )


def _structure(result: Any) -> Any:
    if not _several(result):
        return None
    if isinstance(result, Mapping):
        return {key: _structure(item) for key, item in result.items()}
    items = [_structure(item) for item in result]
    return items if isinstance(result, list) else tuple(items)


def _parts(result: Any) -> list[npt.ArrayLike]:
    """Return the arrays that a function returned, in the order of `tree.flatten`."""
    if not _several(result):
        return [result]
    items = [result[key] for key in sorted(result)] if isinstance(result, Mapping) else result
    return [part for item in items for part in _parts(item)]


def _given_shape(shape: Any) -> Any:
    if shape is None or callable(shape):
        return shape
    return arguments.shape(shape if isinstance(shape, list | tuple) else (shape,))
