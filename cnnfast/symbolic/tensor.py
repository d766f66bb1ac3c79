"""Symbolic tensors and the calls on them, which make the graph of a functional model.

A layer or operation that is called leaves a `Node`: what was called, with what, and what came
out. Tensors know the node that made them, so a model finds its graph by walking back from its
outputs.

References lead backwards only: a tensor holds its node, and that what was called and the tensors
that it took. The other way they are weak, so that no cycle keeps a model that nobody has alive.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast.engine.ops import BatchShape
from cnnfast.errors import AcrossBatchError
from cnnfast.symbolic import arguments
from cnnfast.symbolic.array_arguments import settled
from cnnfast.symbolic.operators import Operators
from cnnfast.utils import tree
from cnnfast.utils.locks import Guard
from cnnfast.utils.naming import auto_name
from cnnfast.utils.sealed import Sealing

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.engine.graph import Graph
    from cnnfast.engine.quantized.quantization import Quantization
    from cnnfast.variables import Variable


class KerasTensor(Operators):
    """A tensor without numbers: what a model's layers and operations will give each other.

    Arithmetic and indexing on it make operations of `cnnfast.ops`.

    Parameters
    ----------
    shape
        Batch included; None stands for any size.
    dtype
        As Keras has it; the core computes in float32.
    name
        Made up where None.

    Attributes
    ----------
    node
        The call that made the tensor; None for one that stands alone.
    index
        Which output of that call it is.
    parts
        How many places along the batch each image has: more than 1 where `ops.reshape` has moved
        windows, or whatever an image is made of, into the batch.
    """

    parts: int = 1

    users: tuple[weakref.ref[Node | Connectable], ...] = ()
    """The calls that took it, and the models of which it is an output."""

    _keras_mask: KerasTensor | None = None
    """Which steps count, as Keras names it; set by `mask_tensor`."""

    # NumPy leaves `array * tensor` to the tensor.
    __array_priority__ = 1000
    __array_ufunc__ = None

    def __init__(
        self, shape: Sequence[int | None], dtype: str = "float32", name: str | None = None
    ) -> None:
        self.shape: BatchShape = arguments.shape(shape)
        self.dtype = dtype
        self._name = name
        self.node: Node | None = None
        self.index = 0

    @property
    def name(self) -> str:
        """The tensor's name."""
        if self._name is None:
            self._name = auto_name("KerasTensor")
        return self._name

    @property
    def ndim(self) -> int:
        """Number of axes, the batch included."""
        return len(self.shape)

    @property
    def refusal(self) -> Exception | None:
        """Why no layer or output can take it; None where these can."""
        return None

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __bool__(self) -> bool:
        raise TypeError(
            "A symbolic tensor is neither true nor false, as it has no numbers yet: choose between "
            f"two results by `ops.where(condition, a, b)`. Received: {self}"
        )

    if not TYPE_CHECKING:  # type checkers then find it out before it is run

        def __len__(self) -> int:
            raise TypeError(f"The batch of a symbolic tensor has no size. Received: {self}")

        def __iter__(self) -> Iterator[KerasTensor]:
            raise TypeError(
                f"Iterating over a symbolic tensor is not supported: use indexing, or "
                f"`ops.unstack`. Received: {self}"
            )

        def __array__(self, *args: Any, **kwargs: Any) -> npt.NDArray[Any]:
            raise ValueError(
                "A symbolic tensor cannot be converted to an array, as it has no numbers yet: use "
                f"the function of the same name in `cnnfast.ops`. Received: {self}"
            )


_guard = Guard()
_numbers = count()


class Connectable(metaclass=Sealing):
    """What can be called on symbolic tensors: a layer or an operation."""

    takes_masks_away: ClassVar[bool] = False
    """Whether a call leaves the tensors that it takes without their masks."""

    outside_calls_from: ClassVar[int] = 0
    """From which number on the outputs of a model count the calls of this, in files of Keras 3."""

    keeps_parts: ClassVar[bool] = True
    """Whether outputs have as many places along the batch as the inputs; `infer` says it if not."""

    name: str
    _calls: tuple[weakref.ref[Node], ...] = ()
    _holders: tuple[weakref.ref[Connectable], ...] = ()

    @property
    def identity(self) -> object:
        """What is the same in two graphs that compute the same: a layer itself."""
        return self

    @property
    def _class_name(self) -> str:
        """The class, as a file names it."""
        return type(self).__name__

    @property
    def _inbound_nodes(self) -> list[Node]:
        """The calls whose result somebody has, in order."""
        return [node for call in self._calls if (node := call()) is not None]

    @property
    def arithmetic(self) -> tuple[str, str]:
        """The `weight_dtype` and `precision` of a call on arrays; see `Model`."""
        return "float32", "float32"

    def quantized_by(self) -> Quantization | None:
        """How a call on arrays is computed in 8 bits; see `Model.quantization`."""
        return None

    @property
    def weights(self) -> list[Variable]:
        """All variables that a call reads."""
        return []

    @property
    def versions(self) -> tuple[int, ...]:
        """What changes whenever a call would give other numbers than before."""
        return ()

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return symbolic tensors, not yet connected, in the structure that a call returns.

        Raises
        ------
        ValueError
            If a call cannot take these arguments.
        """
        raise NotImplementedError

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Append the operations of a call whose tensors are values of `graph`."""
        raise NotImplementedError

    def lower_like(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        drawn: tuple[Any, Any],
    ) -> Any:
        """Do as `lower_call`, knowing the call as it was drawn: its `args` and `kwargs`.

        Symbolic tensors stand there in place of values, and know their dtypes.
        """
        return self.lower_call(graph, args, kwargs)

    def connect(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Record a call; return its outputs."""
        refuse_those_elsewhere((args, kwargs))
        outputs = inferred(self, args, kwargs)
        Node(self, args, kwargs, tree.present(outputs))
        return outputs

    @property
    def input(self) -> Any:
        """The symbolic tensor, or the list of them, of the first call.

        Raises
        ------
        AttributeError
            If it was never called.
        """
        return _unpacked(self._first_node("input").inputs)

    @property
    def output(self) -> Any:
        """The symbolic tensor, or the list of them, that the first call returned.

        Raises
        ------
        AttributeError
            If it was never called.
        """
        return _unpacked(self._first_node("output").outputs)

    def _first_node(self, which: str) -> Node:
        nodes = self._inbound_nodes
        if not nodes:
            raise AttributeError(
                f"The layer {self.name} has never been called, or nobody has a model or tensor "
                f"that came of it any more, and thus has no defined {which}."
            )
        return nodes[0]


class Node:
    """One call of a layer or operation on symbolic tensors.

    Parameters
    ----------
    operation
        What was called.
    args, kwargs
        With tensors anywhere in them.
    outputs
        What came out, flat.

    Attributes
    ----------
    number
        Larger than those of all calls before.
    """

    def __init__(
        self,
        operation: Connectable,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        outputs: Sequence[KerasTensor],
    ) -> None:
        self.operation = operation
        self.number = next(_numbers)
        self.args = tree.map_structure(_settled, tuple(args))
        self.kwargs = tree.map_structure(_settled, dict(kwargs))
        self.inputs = symbolic((self.args, self.kwargs))
        self._outputs = [_Output(tensor) for tensor in outputs]
        for index, tensor in enumerate(outputs):
            tensor.node, tensor.index = self, index
        remember(operation, "_calls", self)
        for tensor in self.inputs:
            remember(tensor, "users", self)

    @property
    def outputs(self) -> list[KerasTensor]:
        """What came out, flat."""
        return [output.tensor(self, index) for index, output in enumerate(self._outputs)]

    @property
    def is_input(self) -> bool:
        """Whether this is where a model's input comes in."""
        return not self.inputs

    def restate(self, tensor: KerasTensor, shape: BatchShape, dtype: str) -> None:
        """Let `tensor`, which came out, be of another shape or dtype."""
        self._outputs[tensor.index].restate(tensor, shape, dtype)

    def mask(self, tensor: KerasTensor, mask: KerasTensor | None) -> None:
        """Let `tensor`, which came out, have `mask`."""
        self._outputs[tensor.index].mask = tensor._keras_mask = mask

    def filled(self, function: Callable[[KerasTensor], Any]) -> tuple[Any, Any]:
        """Return `args` and `kwargs` with the result of `function` for each tensor."""

        def replace(leaf: Any) -> Any:
            return function(leaf) if isinstance(leaf, KerasTensor) else leaf

        return tree.map_structure(replace, self.args), tree.map_structure(replace, self.kwargs)

    def __repr__(self) -> str:
        return f"<Node of '{self.operation.name}'>"


class _Output:
    """A tensor that came out, made anew where nobody has it any more."""

    def __init__(self, tensor: KerasTensor) -> None:
        self._facts = (tensor.shape, tensor.dtype, tensor._name)
        self.mask, self._parts = tensor._keras_mask, tensor.parts
        self._tensor = weakref.ref(tensor)

    def restate(self, tensor: KerasTensor, shape: BatchShape, dtype: str) -> None:
        """Say so of the tensor, and of those that are made anew."""
        tensor.shape, tensor.dtype = shape, dtype
        self._facts = (shape, dtype, tensor._name)

    def tensor(self, node: Node, index: int) -> KerasTensor:
        """Return output `index` of `node`."""
        tensor = self._tensor()
        if tensor is None:
            tensor = KerasTensor(*self._facts)
            tensor.parts = self._parts
            tensor.node, tensor.index, tensor._keras_mask = node, index, self.mask
            self._tensor = weakref.ref(tensor)
        return tensor


def remember(owner: Connectable | KerasTensor, field: str, new: Connectable | Node) -> None:
    """Add a weak reference to those in `field` of `owner`, of which it keeps the living ones."""
    with _guard.lock:  # others may draw with the same layers
        living = (reference for reference in getattr(owner, field) if reference() is not None)
        vars(owner)[field] = (*living, weakref.ref(new))


def refuse_those_elsewhere(structure: Any) -> None:
    """Raise the refusal of the first tensor in `structure` that has one."""
    for tensor in symbolic(structure):
        if tensor.refusal is not None:
            raise tensor.refusal


def inferred(operation: Connectable, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what `operation.infer` gives, with as many places along the batch as there are.

    Raises
    ------
    AcrossBatchError
        If the tensors have different numbers of them.
    """
    outputs = operation.infer(args, kwargs)
    if operation.keeps_parts:
        found = {tensor.parts for tensor in symbolic((args, kwargs))}
        if len(found) > 1:
            raise AcrossBatchError(
                "tensors that meet must have the same batch. Received: tensors of which each image "
                f"has {' and '.join(map(str, sorted(found)))} places along the batch"
            )
        if found - {1}:
            for tensor in symbolic(outputs):
                tensor.parts = next(iter(found))
    return outputs


def alike(
    tensor: KerasTensor, shape: BatchShape | None = None, dtype: str | None = None
) -> KerasTensor:
    """Return a tensor like `tensor` that nothing made, but for a shape or dtype that is given."""
    made = KerasTensor(
        tensor.shape if shape is None else shape, tensor.dtype if dtype is None else dtype
    )
    if tensor.parts != 1:
        made.parts = tensor.parts
    return made


def symbolic(structure: Any) -> list[KerasTensor]:
    """Return the symbolic tensors in `structure`."""
    return [leaf for leaf in tree.flatten(structure) if isinstance(leaf, KerasTensor)]


def _settled(leaf: Any) -> Any:
    return leaf if isinstance(leaf, KerasTensor) else settled(leaf)


def _unpacked(tensors: list[KerasTensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else list(tensors)
