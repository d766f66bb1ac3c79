"""Calls of the user's layers on arrays: what stands for them when drawn, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnnfast.engine.executor import Executor
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Shape, Value
from cnnfast.layers.base import phases
from cnnfast.layers.base.array_masks import MaskExecutor
from cnnfast.symbolic.arrays import as_batches
from cnnfast.symbolic.bound import BoundCall, dtype_of
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import tree
from cnnfast.variables import Variable, epoch


class ArrayCall:
    """The arguments of a call, in which arrays stand for batches.

    Attributes
    ----------
    batches
        The arrays, as the core takes them.
    drawn
        The positional and the other arguments, with a symbolic tensor for each array.

    Raises
    ------
    ValueError
        If there is no array.
    """

    def __init__(self, described: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._given = (tuple(args), dict(kwargs))
        self._leaves = tree.flatten(self._given)
        arrays = [leaf for leaf in self._leaves if _is_batch(leaf)]
        if not arrays:
            raise ValueError(
                f"{described.capitalize()} must be called on a tensor or an array. "
                f"Received: {args!r:.200}"
            )
        self.batches = as_batches(arrays, described)
        self._dtypes = [dtype_of(array) for array in arrays]
        pairs = zip(self.batches, self._dtypes, strict=True)
        places = iter([KerasTensor((None, *x.shape[1:]), dtype) for x, dtype in pairs])
        filled = [next(places) if _is_batch(leaf) else leaf for leaf in self._leaves]
        self.drawn: tuple[Any, Any] = tree.pack(self._given, filled)

    def key(self, training: bool | None) -> Any:
        """Return what is the same in calls that one plan runs.

        None where an argument is an object, which may be another inside the next time.
        """
        marked: list[Any] = []
        for leaf in self._leaves:
            is_batch = _is_batch(leaf)
            if not is_batch and not isinstance(
                leaf, bool | int | float | complex | str | bytes | None
            ):
                return None
            # 1, 1.0 and True are equal, and not the same.
            marked.append("array" if is_batch else (type(leaf).__name__, repr(leaf)))
        ranks = [x.ndim for x in self.batches]
        return training, self._dtypes, ranks, tree.pack(self._given, marked)


def _is_batch(leaf: Any) -> bool:
    """Whether an argument is an array of images; one number is a constant."""
    is_array = hasattr(leaf, "__array__") and not isinstance(leaf, Variable | np.generic)
    return is_array and getattr(leaf, "ndim", 1) > 0


class KeptCall(BoundCall):
    """A call on arrays of one structure, with the executor that keeps its plans."""

    def __init__(
        self,
        operation: Any,
        drawn: tuple[Any, Any],
        outputs: Any,
        training: bool | None,
    ) -> None:
        super().__init__(operation, *drawn)
        self._training = training
        self.executor = Executor(self)
        self.with_masks = MaskExecutor(self)
        self.renew(outputs)

    def renew(self, outputs: Any) -> None:
        """Take what the call returns now."""
        self._epoch = epoch()
        self._versions, self.returned = self.versions, outputs

    def is_current(self) -> bool:
        """Whether the call returns what it did: nothing that it depends on was changed."""
        now = epoch()
        if now != self._epoch and self.versions == self._versions:
            self._epoch = now
        return now == self._epoch

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        """Append the operations of the call, in what the call around said."""
        with phases.phase(self._training):
            return super().lower_all(graph, inputs)

    def open_sizes(self, shapes: Sequence[Shape]) -> Sequence[Sequence[bool]]:
        """All but the channels."""
        return [[True] * (len(shape) - 1) + [False] * (len(shape) > 0) for shape in shapes]


class Prepared(list[Any]):
    """Arrays that are fit for the core, with what runs on them."""

    def __init__(self, arrays: Sequence[Any], kept: KeptCall) -> None:
        super().__init__(arrays)
        self.kept = kept

    @property
    def executor(self) -> Executor:
        """What runs on them."""
        return self.kept.executor

    @property
    def returned(self) -> Any:
        """The structure of what comes out."""
        return self.kept.returned
