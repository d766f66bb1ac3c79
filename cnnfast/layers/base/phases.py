"""Whether layers compute as in training: what a call says, and what the call around it says.

As in Keras, what a call of a layer says holds for the layers inside that say nothing. A functional
model passes on what it was called with to the layers of its graph, whatever was said when the graph
was drawn; `predict` says False.
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

# None where nothing was said: then what was said when a graph was drawn holds, or a default.
_phase: ContextVar[bool | None] = ContextVar("cnnfast_training", default=None)


def current() -> bool | None:
    """Return what the call around says; None if it says nothing."""
    return _phase.get()


@contextmanager
def phase(training: bool | None) -> Iterator[None]:
    """Say what a call around says, for what is lowered in a ``with`` block."""
    token = _phase.set(training)
    try:
        yield
    finally:
        _phase.reset(token)


@contextmanager
def of_call(kwargs: Mapping[str, Any]) -> Iterator[bool]:
    """Yield whether a layer that is called with `kwargs` computes as in training."""
    said = kwargs.get("training")
    if said is None:
        yield bool(_phase.get())
        return
    with phase(bool(said)):
        yield bool(said)


def of_graph(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a call in a functional graph, as the call of the model has them."""
    if "training" in kwargs and _phase.get() is not None:
        return {**kwargs, "training": _phase.get()}
    return kwargs


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
