"""States: numbers of a layer that go on from one call of a network to the next.

A plan takes them in and gives them out beside the network's own inputs and outputs, so that a call
changes neither weights nor plans.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import Plan, StepInfo
from cnnfast.engine.ops import Call, Float32Array, Shape
from cnnfast.utils.locks import Guard

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.engine.graph import Graph
    from cnnfast.engine.program import Program

_numbers = itertools.count()


class State:
    """What one layer keeps of each sequence of a batch: (batch, ...), zeros at first.

    Parameters
    ----------
    name
        Such as ``"lstm/rnn_state"``.
    shape
        Without the batch.
    batch
        Sequences; that of the first call where None.
    is_read_wrongly
        Whether somebody who asks for the numbers now would take them for constants.
    """

    def __init__(
        self,
        name: str,
        shape: Shape,
        batch: int | None,
        is_read_wrongly: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name, self._inner, self._batch = name, shape, batch
        self.guard = Guard()
        self.number = next(_numbers)
        self._value: Float32Array | None = None
        self._is_read_wrongly = is_read_wrongly

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The shape, batch included."""
        return (self._batch, *self._inner)

    @property
    def of_one(self) -> Shape:
        """The shape of one sequence's state."""
        return self._inner

    @property
    def dtype(self) -> str:
        """Always ``"float32"``."""
        return "float32"

    @property
    def value(self) -> Float32Array:
        """The same as `numpy()`."""
        return self.numpy()

    def numpy(self) -> Float32Array:
        """Return a copy of the numbers.

        Raises
        ------
        ValueError
            If a `call` that is being drawn asks for them, which would keep them for ever.
        """
        if self._is_read_wrongly():
            raise ValueError(
                "The state of a layer has no numbers while a `call` is drawn: let the layer return "
                f"it (`return_state=True`). Received: {self!r}"
            )
        with self.guard.lock:
            return self.now(self._batch or 1).copy()

    def now(self, batch: int) -> Float32Array:
        """Return the numbers for so many sequences; nobody may write to them."""
        if self._value is None or len(self._value) != batch:
            return np.zeros((batch, *self._inner), np.float32)
        return self._value

    def assign(self, value: npt.ArrayLike) -> State:
        """Replace the numbers by a copy of `value`.

        Raises
        ------
        ValueError
            If the shape of `value` is not that of the state.
        """
        array = np.array(value, np.float32, order="C")
        self.check_shape(array.shape)
        with self.guard.lock:
            self.keep(array)
        return self

    def check_shape(self, shape: Shape) -> None:
        """Raise ValueError if a state of `shape` is none that this can be."""
        known = self._batch if self._batch is not None else (shape or (0,))[0]
        if shape != (known, *self._inner):
            raise ValueError(
                f"The state {self.name!r} must keep its shape {self.shape}. Received: "
                f"value.shape={shape}"
            )

    def keep(self, array: Float32Array) -> None:
        """Take `array` itself, which nobody writes to any more."""
        self._value, self._batch = array, len(array)

    def reset(self) -> None:
        """Let all numbers be zero."""
        with self.guard.lock:
            self._value = None

    def check(self, batch: int) -> None:
        """Raise ValueError, in Keras' words, if the state is of another number of sequences."""
        if self._batch not in (None, batch):
            raise ValueError(
                "If an RNN is stateful, the batch size of the input sequences must be the same as "
                f"the batch size of the initial state. State: {self.name!r}. Expected batch size: "
                f"{self._batch}. Received batch size: {batch}"
            )

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        del copy  # it is one
        return np.asarray(self.numpy(), dtype)

    def __repr__(self) -> str:
        return f"<State name={self.name}, shape={self.shape}>"


class Streaming:
    """Runs like a plan, and takes the states of layers along.

    A call holds the states that it needs: another thread's call waits for it. One that fails leaves
    them as they were.

    Parameters
    ----------
    plan
        Whose last inputs and outputs are the states.
    read, kept
        The states that come in, and those that go out, in their order.
    """

    def __init__(
        self, plan: Plan | Program, read: Sequence[State], kept: Sequence[State], keeps: bool = True
    ) -> None:
        self._plan, self._read, self._kept, self._keeps = plan, read, kept, keeps
        self.output_shapes: tuple[Shape, ...] = tuple(plan.output_shapes)[: -len(kept)]

    def run(
        self,
        inputs: Sequence[Float32Array],
        outputs: Sequence[Float32Array],
        threads: int,
        useful_only: bool = False,
    ) -> None:
        """Run on a batch; see `Program.run`.

        Raises
        ------
        ValueError
            If the states are those of another number of sequences.
        """
        self._walk(self._plan.run, inputs, outputs, threads, useful_only)

    def run_profiled(
        self,
        inputs: Sequence[Float32Array],
        outputs: Sequence[Float32Array],
        threads: int,
        useful_only: bool = False,
    ) -> list[float]:
        """Run on a batch; return the seconds of each step and function, in their order."""
        seconds: list[float] = self._walk(
            self._plan.run_profiled, inputs, outputs, threads, useful_only
        )
        return seconds

    def _walk(
        self,
        run: Callable[..., Any],
        inputs: Sequence[Float32Array],
        outputs: Sequence[Float32Array],
        threads: int,
        useful_only: bool,
    ) -> Any:
        batch = len(inputs[0])
        states = {*self._read, *self._kept}
        with _held(states):
            for state in states:
                state.check(batch)
            before = [state.now(batch) for state in self._read]
            after = [np.empty((batch, *state.of_one), np.float32) for state in self._kept]
            result = run([*inputs, *before], [*outputs, *after], threads, useful_only)
            if self._keeps:
                for state, array in zip(self._kept, after, strict=True):
                    state.keep(array)
        return result

    def on_trial(self) -> Streaming:
        """Return what runs in the same way, and leaves the states as they are."""
        return Streaming(self._plan, self._read, self._kept, keeps=False)

    @property
    def steps(self) -> list[StepInfo]:
        """The steps of all plans, in the order they run."""
        return list(self._plan.steps)

    @property
    def stages(self) -> list[tuple[Plan | Call, int]]:
        """The plans and functions, in the order they run."""
        return [(self._plan, 1)] if isinstance(self._plan, Plan) else self._plan.stages


def on_trial(plan: Plan | Program | Streaming) -> Any:
    """Return `plan`, or what leaves the states of layers as they are."""
    return plan.on_trial() if isinstance(plan, Streaming) else plan


@contextmanager
def _held(states: set[State]) -> Iterator[None]:
    """Hold states in a ``with`` block; all who hold several do so in one order."""
    with ExitStack() as stack:
        for state in sorted(states, key=lambda state: state.number):
            stack.enter_context(state.guard.lock)
        yield


def with_states(plan: Plan | Program, graph: Graph) -> Plan | Program | Streaming:
    """Return what runs a graph: `plan`, which was made of it, with the states of its layers."""
    if not graph.states:
        return plan
    return Streaming(plan, list(graph.states_read), list(graph.states))
