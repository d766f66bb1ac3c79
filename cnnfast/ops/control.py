"""Loops and conditions of numbers that are known: they run when a graph is drawn.

What they make of symbolic tensors becomes part of the graph, each turn of a loop by itself.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cnnfast.errors import UnsupportedError
from cnnfast.ops.base import eager
from cnnfast.symbolic.arguments import integer
from cnnfast.symbolic.tensor import symbolic
from cnnfast.utils import tree

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.symbolic.tensor import KerasTensor
    from cnnfast.symbolic.typing import Array

    Structure = KerasTensor | npt.ArrayLike | Sequence[Any] | dict[str, Any]

R = TypeVar("R")


def _known(value: Any, what: str) -> Any:
    """Return a number that no image decides."""
    if symbolic(value):
        raise UnsupportedError(
            f"{what} must be known when a graph is drawn, and not follow from images. Received: "
            f"{value!r:.200}",
            advice="Choose number by number: `ops.where(condition, x1, x2)`.",
        )
    return eager.given(value)


def cond(pred: npt.ArrayLike, true_fn: Callable[[], R], false_fn: Callable[[], R]) -> R:
    """Return what one of two functions returns.

    Parameters
    ----------
    pred
        Whether it is the first; known when a graph is drawn.
    true_fn, false_fn
        Take nothing.
    """
    return true_fn() if bool(_known(pred, "a condition")) else false_fn()


def switch(index: npt.ArrayLike, branches: Sequence[Callable[..., R]], *operands: Structure) -> R:
    """Return what one of several functions returns.

    Parameters
    ----------
    index
        Which it is, the first or last where it is further out; known when a graph is drawn.
    branches
        The functions.
    *operands
        What they take.
    """
    place = int(_known(index, "an index"))
    return branches[builtins.max(0, builtins.min(place, len(branches) - 1))](*operands)


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Structure,
    maximum_iterations: int | None = None,
) -> Structure:
    """Apply a function again and again while a condition holds.

    Parameters
    ----------
    cond
        Of the variables; what it returns is known when a graph is drawn.
    body
        Returns the variables' next values.
    loop_vars
        How they begin.
    maximum_iterations
        How often at most; any number where None.

    Examples
    --------
    >>> cnnfast.ops.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, x * 2), (0, 1.0))
    (3, 8.0)
    """
    several = isinstance(loop_vars, list | tuple)
    now: Any = tuple(loop_vars) if several else (loop_vars,)  # type: ignore[arg-type]
    turns = 0
    while maximum_iterations is None or turns < maximum_iterations:
        if not bool(_known(cond(*now), "the condition of a loop")):
            break
        made = body(*now)
        now = tuple(made) if isinstance(made, list | tuple) else (made,)
        turns += 1
    result: Structure = now if several else now[0]
    return result


def fori_loop(
    lower: int, upper: int, body_fun: Callable[[int, Any], Any], init_val: Structure
) -> Structure:
    """Apply a function of a counter and a value again and again.

    Parameters
    ----------
    lower, upper
        The counter's first value, and what it does not reach.
    body_fun
        Returns the next value.
    init_val
        How it begins.
    """
    value: Any = init_val
    first, last = (integer(eager.numbers(_known(end, "a limit")).item()) for end in (lower, upper))
    for count in range(first, last):
        value = body_fun(count, value)
    result: Structure = value
    return result


def _rows(xs: Any, function: str) -> tuple[Any, int]:
    """Return arrays along whose first axis a loop goes, and how long it is."""
    if symbolic(xs):
        raise UnsupportedError(
            f"`{function}` goes along the first axis, which is the batch of a symbolic tensor. "
            f"Received: {xs!r:.200}",
            advice="Loop over positions: `ops.unstack(x, axis=1)`.",
        )
    arrays = tree.map_structure(eager.numbers, xs)
    lengths = {len(array) for array in tree.flatten(arrays)}
    if len(lengths) != 1:
        raise ValueError(f"all must have the same length. Received: lengths {sorted(lengths)}")
    return arrays, lengths.pop()


def _row(arrays: Any, index: int) -> Any:
    return tree.map_structure(lambda array: array[index], arrays)


def _stacked(rows: Sequence[Any]) -> Any:
    """Return the results of all turns along a first axis."""
    if symbolic(rows):
        raise UnsupportedError(
            "results of turns cannot stand before the batch of a symbolic tensor. Received: "
            f"{rows[0]!r:.200}",
            advice="Loop in Python, and join by `ops.stack(results, axis=1)`.",
        )
    columns = zip(*(tree.flatten(row) for row in rows), strict=True)
    return tree.pack(rows[0], [np.stack([eager.numbers(x) for x in column]) for column in columns])


def map(f: Callable[[Any], Any], xs: Structure) -> Structure:
    """Return what a function makes of each row of arrays.

    Parameters
    ----------
    f
        Takes a row of each.
    xs
        One array or several.
    """
    arrays, length = _rows(xs, "map")
    rows = [f(_row(arrays, index)) for index in range(length)]
    result: Structure = _stacked(rows)
    return result


def vectorized_map(function: Callable[[Any], Any], elements: Structure) -> Structure:
    """Return what a function makes of each row of arrays.

    Parameters
    ----------
    function
        Takes a row of each.
    elements
        One array or several.
    """
    return map(function, elements)


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Structure,
    xs: Structure | None = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Structure, Structure]:
    """Carry a value through a loop over the rows of arrays.

    Parameters
    ----------
    f
        Takes the value and a row, and returns the next value and a result.
    init
        How it begins.
    xs
        Arrays, or None.
    length
        How many turns, where `xs` is None.
    reverse
        Whether the last row is the first.
    unroll
        Kept for Keras' sake.

    Returns
    -------
    tuple
        The last value, and the results along a first axis.
    """
    arrays, count = (None, length) if xs is None else _rows(xs, "scan")
    if count is None:
        raise ValueError(f"`xs` or `length` must be given. Received: xs={xs!r}, length={length}")
    carry: Any = init
    results = []
    for index in reversed(range(count)) if reverse else range(count):
        row = None if arrays is None else _row(arrays, index)
        carry, result = f(carry, row)
        results.append(result)
    results = results[::-1] if reverse else results
    nothing = not results or all(leaf is None for leaf in tree.flatten(results))
    made: tuple[Structure, Structure] = (carry, None if nothing else _stacked(results))  # type: ignore[assignment]
    return made


def custom_gradient(f: Callable[..., tuple[Any, Any]]) -> Callable[..., Structure]:
    """Return a function without its gradient: nothing is trained here.

    Parameters
    ----------
    f
        Returns the result, and the function for the gradient.
    """

    def forward(*args: Any, **kwargs: Any) -> Any:
        return f(*args, **kwargs)[0]

    return forward


def vectorize(
    pyfunc: Callable[..., Any],
    *,
    excluded: set[int | str] | None = None,
    signature: str | None = None,
) -> Callable[..., Array]:
    """Return a function of arrays made of one of numbers.

    Parameters
    ----------
    pyfunc
        Of numbers.
    excluded
        Arguments that stay as they are.
    signature
        Of what it takes and returns, where those are arrays.
    """
    return np.vectorize(pyfunc, excluded=excluded, signature=signature)
