"""Products along axes that letters or numbers name: einsum and its kin."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.late import LateArray
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.lowering.contraction import contract, summed
from cnnfast.ops.base import eager
from cnnfast.ops.base.operation import Operation, batch_shape, is_tensor, refuse_batch, weights_of
from cnnfast.ops.pointwise.arithmetic import binary
from cnnfast.symbolic import dtypes
from cnnfast.symbolic.arguments import axes, integer
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils.records import record

if TYPE_CHECKING:
    from cnnfast.engine.ops import Float32Array
    from cnnfast.symbolic.typing import Array, IntOrSequence, Operand

_FORM = r"[a-zA-Z]*(\.\.\.)?[a-zA-Z]*"


@record(frozen=True)
class _Equation:
    """The letters of each operand and of the output, those of an ellipsis spelt out."""

    operands: tuple[str, ...]
    out: str


def _equation(subscripts: Any, ranks: Sequence[int]) -> _Equation:
    """Return the letters of an einsum over operands with so many axes.

    Raises
    ------
    ValueError
        If it is none, or does not fit.
    """
    text = subscripts.replace(" ", "") if isinstance(subscripts, str) else ""
    left, arrow, out = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks) or not all(re.fullmatch(_FORM, term) for term in (*terms, out)):
        raise ValueError(
            f"`subscripts` must name the axes of {len(ranks)} operands, such as 'bij,jk->bik'. "
            f"Received: subscripts={subscripts!r}"
        )
    free = [c for c in string.ascii_letters if c not in text]
    longest = max(
        (rank - len(term.replace("...", "")) for term, rank in zip(terms, ranks, strict=True)),
        default=0,
    )
    elided = "".join(free[: max(longest, 0)])
    spelt = []
    for term, rank in zip(terms, ranks, strict=True):
        count = rank - len(term.replace("...", ""))
        if count < 0 or (count and "..." not in term):
            raise ValueError(
                f"the letters {term!r} must name {rank} axes. Received: subscripts={subscripts!r}"
            )
        spelt.append(term.replace("...", elided[len(elided) - count :]))
    if not arrow:
        every = "".join(terms).replace("...", "")
        out = "..." + "".join(sorted(c for c in set(every) if every.count(c) == 1))
    out = out.replace("...", elided)
    unknown = set(out) - set("".join(spelt))
    if unknown or len(set(out)) < len(out):
        raise ValueError(
            "the output must have letters of the operands, each once. Received: "
            f"subscripts={subscripts!r}"
        )
    return _Equation(tuple(spelt), out)


class Einsum(Operation):
    """A sum of products over axes that letters name, of tensors and constants."""

    def __init__(self, subscripts: str, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.subscripts = subscripts

    def compute(self, *operands: Any, **kwargs: Any) -> Any:
        return np.einsum(self.subscripts, *eager.together(*operands), optimize=True)

    def compute_output_spec(self, *operands: Any, **kwargs: Any) -> KerasTensor:
        shapes = [batch_shape(x) if is_tensor(x) else np.shape(eager.given(x)) for x in operands]
        equation = _equation(self.subscripts, [len(shape) for shape in shapes])
        tensors = [is_tensor(x) for x in operands]
        self._batch(equation, tensors, shapes)
        sizes: dict[str, int | None] = {}
        for letters, shape in zip(equation.operands, shapes, strict=True):
            if len(set(letters)) < len(letters):
                raise UnsupportedError(
                    f"a letter must stand once in an operand. Received: {self.subscripts!r}",
                    advice="Take a diagonal by `ops.diagonal`.",
                )
            for letter, size in zip(letters, shape, strict=True):
                before = sizes.get(letter, 1)
                if None not in (before, size) and before != size and 1 not in (before, size):
                    raise ValueError(
                        f"axis {letter!r} must have one size. Received: shapes "
                        f"{', '.join(map(str, shapes))} for {self.subscripts!r}"
                    )
                sizes[letter] = size if before == 1 else before
        dtype = dtypes.arithmetic(eager.promoted(*operands))
        return KerasTensor([sizes[letter] for letter in equation.out], dtype)

    def _batch(self, equation: _Equation, tensors: Sequence[bool], shapes: Sequence[Any]) -> str:
        """Return the letter of the batch."""
        terms = equation.operands
        first = {term[:1] for term, tensor in zip(terms, tensors, strict=True) if tensor}
        batch = first.pop()
        inside = [
            term
            for term, tensor, shape in zip(terms, tensors, shapes, strict=True)
            if not tensor and batch in term and shape[term.index(batch)] != 1
        ]
        if first or inside or not batch or equation.out[:1] != batch:
            refuse_batch(f"subscripts={self.subscripts!r}")
        if any(batch in term[1:] for term, tensor in zip(terms, tensors, strict=True) if tensor):
            refuse_batch(f"subscripts={self.subscripts!r}")
        return batch

    def lower(self, graph: Graph, *operands: Any, **kwargs: Any) -> Value:
        values = [x if isinstance(x, Value) else weights_of(x) for x in operands]
        tensors = [isinstance(x, Value) for x in operands]
        shapes = [(None, *x.shape) if isinstance(x, Value) else x.shape for x in values]
        equation = _equation(self.subscripts, [len(shape) for shape in shapes])
        batch = self._batch(equation, tensors, shapes)
        terms = list(equation.operands)
        for place, (value, term) in enumerate(zip(values, terms, strict=True)):
            if isinstance(value, LateArray) and batch in term:
                values[place] = _dropped(value, term.index(batch))
            terms[place] = term.replace(batch, "")
        return _product(graph, list(zip(values, terms, strict=True)), equation.out[1:])

    def _config(self) -> dict[str, Any]:
        return {"subscripts": self.subscripts}


def _dropped(weights: LateArray, axis: int) -> LateArray:
    """Return weights without an axis of size 1."""
    return weights.reshape(*weights.shape[:axis], *weights.shape[axis + 1 :])


def _product(graph: Graph, operands: list[tuple[Any, str]], out: str) -> Value:
    """Multiply the operands one after the other, tensors before constants."""
    operands.sort(key=lambda operand: not isinstance(operand[0], Value))
    x, a = operands[0]
    for place, (y, b) in enumerate(operands[1:], 2):
        later = out + "".join(letters for _, letters in operands[place:])
        made = "".join(dict.fromkeys(c for c in a + b if c in later))
        made = out if place == len(operands) else made
        x, a = contract(graph, x, a, y, b, made), made
    return summed(graph, x, a, out)


def _refuse(function: str, *operands: Any) -> NoReturn:
    raise UnsupportedError(
        f"`{function}` of two symbolic tensors would mix images. Received: {operands}",
        advice="Name the axes, the batch the first of each: `ops.einsum('bij,bjk->bik', x, y)`.",
    )


def _summed_axes(given: Any, ranks: Sequence[int]) -> tuple[list[int], list[int]]:
    if isinstance(given, list | tuple):
        pairs = [axes(one, "axes") for one in given]
        if len(pairs) != 2 or len(pairs[0]) != len(pairs[1]):
            raise ValueError(f"`axes` must name as many axes of each. Received: axes={given}")
        named = [[axis % rank for axis in one] for one, rank in zip(pairs, ranks, strict=True)]
        return named[0], named[1]
    count = integer(given)
    return list(range(ranks[0] - count, ranks[0])), list(range(count))


class Tensordot(Operation):
    """A sum of products over so many last and first axes, or over those that are named."""

    def __init__(self, axes: Any = 2, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.axes = axes

    def compute(self, x1: Any, x2: Any) -> Any:
        first, second = eager.together(x1, x2)
        return np.tensordot(first, second, axes=self.axes)

    def compute_output_spec(self, x1: Any, x2: Any) -> KerasTensor:
        tensor: KerasTensor = self._einsum(x1, x2).compute_output_spec(x1, x2)
        return tensor

    def lower(self, graph: Graph, x1: Any, x2: Any) -> Value:
        return self._einsum(x1, x2).lower(graph, x1, x2)

    def _einsum(self, x1: Any, x2: Any) -> Einsum:
        if is_tensor(x1) and is_tensor(x2):
            _refuse("tensordot", x1, x2)
        ranks = [
            len(batch_shape(x)) if is_tensor(x) else np.ndim(eager.given(getattr(x, "array", x)))
            for x in (x1, x2)
        ]
        first, second = _summed_axes(self.axes, ranks)
        letters = string.ascii_letters
        a, b = list(letters[: ranks[0]]), list(letters[ranks[0] : sum(ranks)])
        for one, other in zip(first, second, strict=True):
            b[other] = a[one]
        out = [c for axis, c in enumerate(a) if axis not in first]
        out += [c for axis, c in enumerate(b) if axis not in second]
        return Einsum(f"{''.join(a)},{''.join(b)}->{''.join(out)}", name=self.name)

    def _config(self) -> dict[str, Any]:
        return {"axes": self.axes}


class Inner(Tensordot):
    """The sum of products over the last axis of both."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__([[-1], [-1]], name=name)

    def compute(self, x1: Any, x2: Any) -> Any:
        return np.inner(*eager.together(x1, x2))

    def _config(self) -> dict[str, Any]:
        return {}


def einsum(subscripts: str, *operands: Operand, **kwargs: str) -> KerasTensor | Array:
    """Return a sum of products over axes that letters name.

    Parameters
    ----------
    subscripts
        The axes of each operand and of the result, such as ``"bij,jk->bik"``. The first axis of a
        symbolic tensor is the batch, and is the first of the result.
    *operands
        Tensors and constants.
    **kwargs
        Ignored: how NumPy or JAX are to order the products.

    Examples
    --------
    >>> cnnfast.ops.einsum("bij,jk->bik", np.ones((1, 2, 3)), np.ones((3, 4))).shape
    (1, 2, 4)
    """
    result: KerasTensor | Array = Einsum(subscripts)(*operands)
    return result


@binary
def inner(x1: Operand, x2: Operand) -> KerasTensor | Float32Array:
    """Return the sum of products over the last axis of both, one of which is a constant."""
    result: KerasTensor | Float32Array = Inner()(x1, x2)
    return result


def tensordot(
    x1: Operand, x2: Operand, axes: int | Sequence[IntOrSequence] = 2
) -> KerasTensor | Array:
    """Return a sum of products over axes of a tensor and a constant.

    Parameters
    ----------
    axes
        How many of the last of `x1` and the first of `x2`, or two lists that name them. The batch
        is not among them.

    Examples
    --------
    >>> cnnfast.ops.tensordot(np.ones((1, 2, 3)), np.ones((3, 4)), axes=1).shape
    (1, 2, 4)
    """
    result: KerasTensor | Array = Tensordot(axes)(x1, x2)
    return result
