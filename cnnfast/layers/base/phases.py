"""Whether layers compute as in training: what a call says, and what the call around it says.

As in Keras, a call says whether it is in training, or the default of its `call` does. Later calls
that say nothing take it over, those of layers inside and those of layers after it, until the
outermost call ends. A functional model passes on what it was called with to each layer of its
graph, whatever was said when the graph was drawn; `predict` says False. (Step 5 of
`Layer.__call__` in keras/src/layers/layer.py.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from cnnfast.engine.graph import Graph
    from cnnfast.engine.ops import Float32Array, Value

# What was said last in the outermost call, alone in a list; None where no call is under way.
_phase: ContextVar[list[bool | None] | None] = ContextVar("cnnfast_training", default=None)


def current() -> bool | None:
    """Return what was said last; None if nothing: then defaults hold."""
    said = _phase.get()
    return None if said is None else said[0]


@contextmanager
def phase(training: bool | None) -> Iterator[None]:
    """Say what a call around says, for what is lowered in a ``with`` block."""
    token = _phase.set([training])
    try:
        yield
    finally:
        _phase.reset(token)


def resolved(kwargs: Mapping[str, Any], default: bool | None) -> bool | None:
    """Return what holds for a call with `kwargs` of a layer whose `call` has a `default`."""
    if "training" in kwargs:
        said = kwargs["training"]
        return None if said is None else bool(said)
    said = current()
    return default if said is None else said


@contextmanager
def of_call(kwargs: Mapping[str, Any], default: bool | None) -> Iterator[bool]:
    """Yield whether a call with `kwargs` is one in training, which holds for what comes next."""
    training, around = resolved(kwargs, default), _phase.get()
    if around is None:
        with phase(training):
            yield bool(training)
        return
    around[0] = training
    yield bool(training)


def of_graph(
    kwargs: Mapping[str, Any], said: bool | None, default: bool | None
) -> Mapping[str, Any]:
    """Return the arguments of a call in a functional graph whose model was called with `said`.

    Where it was called with nothing, what was said as the graph was drawn holds; Keras keeps the
    `default` of a layer's `call` there, too.
    """
    drawn = kwargs.get("training", default)
    if said is None and drawn is None:
        return kwargs
    return {**kwargs, "training": drawn if said is None else said}


class Random:
    """Random numbers of a layer, for any number of threads.

    Parameters
    ----------
    seed
        Two of one seed give the same numbers in the same order; None takes a new one.
    """

    def __init__(self, seed: int | None) -> None:
        import numpy as np

        from cnnfast.utils.locks import Guard

        self._guard = Guard()
        self._generator = np.random.default_rng(seed)

    def draw(self, make: Callable[[np.random.Generator], Any]) -> Any:
        """Return what `make` draws, with no other thread drawing meanwhile."""
        with self._guard.lock:
            return make(self._generator)


def append(
    graph: Graph, x: Value, name: str, function: Callable[[Float32Array], Float32Array]
) -> Value:
    """Append a function of a whole batch, which is run in NumPy; it keeps the shape."""
    from cnnfast.engine import ops

    out = type(x)(x.shape)
    graph.add(ops.Call((x,), out, function, name))
    return out
