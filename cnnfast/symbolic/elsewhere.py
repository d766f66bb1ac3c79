"""Tensors whose batch is not their first axis, or is gone: seen by a user's code on its way.

Code that was written for arrays moves the batch behind another axis to take that apart, or
computes a mean over all images for the sake of a loss. Neither stands in a graph. A turned tensor
is another one, seen with its axes in another order: what is done to it is done to that one. A
refused tensor is the error itself, raised where anything that is needed depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from cnnfast.errors import AcrossBatchError
from cnnfast.symbolic.blame import line_here
from cnnfast.symbolic.tensor import Connectable, KerasTensor, symbolic
from cnnfast.symbolic.tracing import is_tracing

if TYPE_CHECKING:
    from cnnfast.engine.ops import BatchShape

Rule: TypeAlias = Callable[..., Any]
"""Given an operation and the arguments of a call, what that gives; None where it has no say."""

_rules: dict[type, Rule] = {}


class Turned(KerasTensor):
    """`base` with its axes in the order `order`, in which the batch is not the first."""

    def __init__(self, base: KerasTensor, order: Sequence[int]) -> None:
        super().__init__([base.shape[axis] for axis in order], base.dtype)
        self.base, self.order = base, tuple(order)
        self.parts = base.parts

    @property
    def refusal(self) -> AcrossBatchError:
        return AcrossBatchError(
            "the batch must be the first axis again before a layer or an output takes a tensor. "
            f"Received: a tensor of shape {self.shape} with the batch as axis "
            f"{self.order.index(0)}"
        )


class Refused(KerasTensor):
    """What cannot be computed: everything that depends on it is as little."""

    def __init__(self, error: AcrossBatchError) -> None:
        self.error = error
        self.dtype = "float32"
        self._name = "refused"
        self.node, self.index = None, 0

    @property
    def refusal(self) -> AcrossBatchError:
        return self.error

    @property
    def shape(self) -> BatchShape:  # type: ignore[override]
        """Raise the error."""
        raise self.error

    def __repr__(self) -> str:
        return f"<KerasTensor that cannot be computed: {self.error}>"

    if not TYPE_CHECKING:

        def __iter__(self) -> NoReturn:
            raise self.error


def add_rule(kind: type, rule: Rule) -> None:
    """Let `rule` say what operations of the class `kind` give, where a batch is elsewhere."""
    _rules[kind] = rule


def connected(operation: Connectable, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return what a call of `operation` gives, which is recorded as far as it stands in a graph.

    Raises
    ------
    AcrossBatchError
        If it would be across the batch, and no function is being traced.
    """
    tensors = symbolic((args, kwargs))
    refused = next((tensor for tensor in tensors if isinstance(tensor, Refused)), None)
    if refused is not None:
        return refused
    try:
        rule = next((_rules[kind] for kind in type(operation).__mro__ if kind in _rules), None)
        found = None if rule is None else rule(operation, *args, **kwargs)
        return operation.connect(args, kwargs) if found is None else found
    except AcrossBatchError as error:
        if not is_tracing():
            raise
        vars(error).setdefault("line", line_here())
        return Refused(error)
