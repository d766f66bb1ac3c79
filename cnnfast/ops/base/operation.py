"""The base of operations: steps of a graph that have no weights and that no one sees as layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray, late
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.errors import AcrossBatchError, UnsupportedError
from cnnfast.lowering import append
from cnnfast.ops.base import eager
from cnnfast.symbolic import array_arguments, bound, elsewhere
from cnnfast.symbolic.tensor import Connectable, KerasTensor, symbolic
from cnnfast.utils import tree
from cnnfast.utils.naming import auto_name
from cnnfast.utils.narrow import widened
from cnnfast.utils.sealed import is_open
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Self

    from cnnfast.symbolic.typing import Tensor

Lowered: TypeAlias = Value | list[Value]


class Operation(Connectable):
    """A function of tensors, as `cnnfast.ops` has them under Keras' names.

    The first axis of every symbolic tensor is the batch, which no operation mixes, moves or counts.
    What is none, such as an array or a variable, is a constant. A subclass gives
    `compute_output_spec` and `lower`, which take the arguments of a call, `compute` for calls
    without a symbolic tensor, and `_config` with the constructor's arguments.

    Parameters
    ----------
    name
        Made from the class where None.
    """

    module: ClassVar[str] = "keras.src.ops.numpy"
    """Where Keras has the class, which its files say."""

    makes_new: ClassVar[bool] = False
    """Whether Keras returns a tensor without the mask of the input even where nothing changes."""

    def __init__(self, *, name: str | None = None) -> None:
        self.name = auto_name(type(self).__name__) if name is None else name
        if not isinstance(self.name, str):
            raise ValueError(f"Argument `name` must be a string. Received: name={name!r:.200}")

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name.startswith("_") or is_open(self)):
            raise AttributeError(
                f"{self._described()} cannot change, as graphs are drawn with it: make another. "
                f"Received: {name}={value!r:.200}"
            )
        object.__setattr__(self, name, array_arguments.settled(value))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors like those that a call returns.

        Raises
        ------
        ValueError
            If a call cannot take such tensors.
        """
        raise NotImplementedError

    def lower(self, graph: Graph, *args: Any, **kwargs: Any) -> Lowered:
        """Append the operations of a call; tensors are values."""
        raise NotImplementedError

    def compute(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result for arrays and numbers, all of whose axes are alike, the first too.

        What is by nature an operation on images takes them along the first axis, through the core.
        """
        return bound.run(self, *_constants_apart(self, args, kwargs))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result: symbolic where a tensor is, or numbers, computed at once."""
        if symbolic((args, kwargs)):
            return elsewhere.connected(self, args, kwargs)
        return eager.at_once(partial(self._called, self.compute), (args, kwargs), {})

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return self._called(self.compute_output_spec, args, kwargs)

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        with graph.layer(self.name):
            return self._called(self.lower, (graph, *args), kwargs)

    def lower_like(
        self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: tuple[Any, Any]
    ) -> Any:
        made = self.lower_call(graph, args, kwargs)
        if self.makes_new and graph.masks and isinstance(made, Value) and made in graph.masks:
            return append.renewed(graph, made)
        return made

    def _called(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        try:
            return function(*args, **kwargs)
        except UnsupportedError as error:
            raise error.about(self.name, type(self).__name__, "operation") from error
        except (ValueError, TypeError, IndexError) as error:
            raise ValueError(f"{self._described()}: {error}") from error

    def _described(self) -> str:
        return f"Operation '{self.name}' of class {type(self).__name__}"

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments in the form of Keras 3."""
        return {"name": self.name, **self._config()}

    def _config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make an operation from what `get_config`, or that of Keras, returned.

        Raises
        ------
        ValueError
            If the config has unknown or illegal fields.
        UnsupportedError
            If it asks for something this package does not do.
        """
        described = f"Operation {config.get('name')!r} of class {cls.__name__}"
        try:
            return cls(**config)
        except UnsupportedError as error:
            raise error.about(config.get("name"), cls.__name__, "operation") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{described}: {error}") from error

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_calls": ()}

    def __repr__(self) -> str:
        return f"<Operation {type(self).__name__} name={self.name}>"


def call(
    operation: Operation, x: Tensor | Sequence[Tensor], *others: Any, **options: Any
) -> Tensor:
    """Return the result of `operation`, of the kind that `x` is: symbolic, or an array."""
    result: Tensor = operation(x, *others, **options)
    return result


def _constants_apart(
    operation: Operation, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Turn what is a constant among arrays into one: what has fewer axes, or another batch."""
    arguments = (tuple(args), dict(kwargs))
    leaves = tree.flatten(arguments)
    arrays = [np.asarray(leaf) for leaf in leaves if hasattr(leaf, "__array__")]
    rank = max((array.ndim for array in arrays), default=0)
    if not rank:
        raise ValueError(
            f"{operation._described()} must be given a batch of numbers, an array with the images "
            f"along its first axis. Received: {args}"
        )
    batch = max(len(array) for array in arrays if array.ndim == rank)

    def convert(leaf: Any) -> Any:
        if not hasattr(leaf, "__array__"):
            return leaf
        array = np.asarray(leaf)
        whole = array.ndim == rank and len(array) == batch
        return array if whole else constant(array)

    packed: tuple[Any, Any] = tree.pack(arguments, [convert(leaf) for leaf in leaves])
    return packed


class Constant:
    """Numbers that are the same for every image; their axes end where those of the tensors do."""

    def __init__(self, array: npt.NDArray[Any]) -> None:
        self.array = array
        self.shape: BatchShape = array.shape
        self.dtype = array.dtype.name


def constant(value: Any) -> Constant:
    """Return a number, nested lists of numbers or an array as a constant.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if isinstance(value, Constant):
        return value
    array = widened(np.asarray(eager.given(value)))
    if array.dtype.kind not in "fiub":
        raise ValueError(f"expected a tensor or numbers. Received: {value!r:.200}")
    return Constant(array)


def is_tensor(value: Any) -> bool:
    """Whether `value` is symbolic or a value of a graph."""
    return isinstance(value, KerasTensor | Value)


def batch_shape(x: KerasTensor | Value) -> BatchShape:
    """Return the shape of `x`, batch included."""
    return x.shape if isinstance(x, KerasTensor) else (None, *x.shape)


def stripped(operand: Constant, rank: int) -> npt.NDArray[Any]:
    """Return a constant beside a tensor of `rank` axes, with as many axes as one of its images.

    Raises
    ------
    UnsupportedError
        If it has more axes, or differs from image to image.
    """
    array = operand.array
    if array.ndim > rank or (array.ndim == rank and len(array) != 1):
        raise UnsupportedError(
            "a constant beside a tensor must have fewer axes than it, or 1 as its first size: "
            f"the first axis is the batch. Received: a constant of shape {array.shape} and a "
            f"tensor with {rank} axes"
        )
    if array.ndim == rank:
        array = array[0]
    return array.reshape((1,) * (rank - 1 - array.ndim) + array.shape)


def rank_of(operands: Sequence[Any]) -> int:
    """Return the number of axes that the tensors among `operands` have, batch included."""
    return max(len(batch_shape(x)) for x in operands if is_tensor(x))


def value_of(graph: Graph, operand: Any, rank: int) -> Value:
    """Return an operand of a call beside tensors of `rank` axes; a constant without the batch."""
    if isinstance(operand, Value):
        return operand
    return append.constant(graph, stripped(constant(operand), rank))


def weights_of(operand: Any) -> LateArray:
    """Return a constant that is multiplied with a tensor, to be packed as weights are."""
    known = operand.array if isinstance(operand, Constant) else operand
    if isinstance(known, Variable):
        return late(known)
    return late(np.ascontiguousarray(constant(known).array, np.float32))


def spec_of(operand: Any, rank: int) -> BatchShape:
    """Return the shape of an operand beside tensors of `rank` axes; a constant has a batch of 1."""
    if is_tensor(operand):
        return batch_shape(operand)
    return (1, *stripped(constant(operand), rank).shape)


def broadcast(*shapes: BatchShape) -> BatchShape:
    """Return the shape in which tensors of `shapes` meet, axes of size 1 being repeated.

    Raises
    ------
    ValueError
        If they do not fit.
    """
    if len({len(shape) for shape in shapes}) > 1:
        raise UnsupportedError(
            "tensors must have the same number of axes, as each begins with the batch. "
            f"Received: shapes {', '.join(map(str, shapes))}"
        )
    sizes: list[int | None] = []
    for column in zip(*shapes, strict=True):
        known = {size for size in column if size not in (None, 1)}
        if len(known) > 1:
            raise ValueError(
                f"shapes must match or be 1. Received: shapes {', '.join(map(str, shapes))}"
            )
        sizes.append(known.pop() if known else (None if None in column else 1))
    return tuple(sizes)


def axis_of(axis: Any, rank: int) -> int:
    """Return `axis` counted from the batch, which it must not be.

    Raises
    ------
    ValueError
        If there is no such axis or it is the batch.
    """
    if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
        raise ValueError(f"an axis must be an integer. Received: {axis!r}")
    if not -rank <= axis < rank:
        raise ValueError(f"the tensor has {rank} axes. Received: axis={axis}")
    if axis % rank == 0:
        refuse_batch(f"axis={axis} of a tensor with {rank} axes")
    return int(axis) % rank


def refuse_batch(received: str) -> NoReturn:
    """Raise UnsupportedError: the batch axis must stay as it is."""
    raise AcrossBatchError(
        "the first axis is the batch, of which each image runs alone, so that no operation may "
        f"reduce, move or join along it. Received: {received}"
    )


def product(shape: Sequence[int | None]) -> int | None:
    """Return how many numbers `shape` holds; None where a size is not known."""
    total = 1
    for size in shape:
        if size is None:
            return None
        total *= size
    return total
