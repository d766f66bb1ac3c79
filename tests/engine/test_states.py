"""States beside a plan: who holds them, and when they change."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from cnnfast.engine.states import State, Streaming


class _Sum:
    """Adds what comes in to the state, like a plan."""

    output_shapes = ((2,), (2,))

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    def run(self, inputs: Any, outputs: Any, threads: int, useful_only: bool) -> None:
        x, state = inputs
        for out in outputs:
            out[...] = x + state
        if self.fails:
            raise RuntimeError("no")


def _run(plan: Streaming, x: Any) -> Any:
    out = np.empty_like(x)
    plan.run([x], [out], 1)
    return out


ONES = np.ones((3, 2), np.float32)


def test_a_run_goes_on_from_the_one_before() -> None:
    state = State("s", (2,), 3)
    plan: Any = Streaming(_Sum(), [state], [state])  # type: ignore[arg-type]
    assert plan.output_shapes == ((2,),)
    assert [_run(plan, ONES)[0, 0] for _ in range(3)] == [1, 2, 3]
    assert _run(plan.on_trial(), ONES)[0, 0] == 4
    assert state.numpy()[0, 0] == 3
    state.reset()
    assert _run(plan, ONES)[0, 0] == 1


def test_a_run_that_fails_changes_nothing() -> None:
    state = State("s", (2,), 3)
    state.assign(ONES)
    with pytest.raises(RuntimeError):
        _run(Streaming(_Sum(fails=True), [state], [state]), ONES)  # type: ignore[arg-type]
    np.testing.assert_array_equal(state.numpy(), ONES)


def test_the_first_run_says_the_batch_where_nothing_did() -> None:
    state = State("s", (2,), None)
    plan: Any = Streaming(_Sum(), [state], [state])  # type: ignore[arg-type]
    _run(plan, ONES)
    assert state.shape == (3, 2)
    with pytest.raises(ValueError, match=r"Expected batch size: 3\. Received batch size: 1"):
        _run(plan, ONES[:1])


def test_numbers_that_are_read_are_a_copy() -> None:
    state = State("s", (2,), 3)
    state.assign(ONES)
    state.numpy()[...] = 5
    np.testing.assert_array_equal(np.asarray(state), ONES)
    assert state.value.dtype == state.dtype
    with pytest.raises(ValueError, match="must keep its shape"):
        state.assign(ONES[:, :1])


def test_a_run_waits_for_who_holds_the_state() -> None:
    state = State("s", (2,), 3)
    plan: Any = Streaming(_Sum(), [state], [state])  # type: ignore[arg-type]
    done = threading.Event()
    thread = threading.Thread(target=lambda: (_run(plan, ONES), done.set()))
    with state.guard.lock:
        thread.start()
        assert not done.wait(0.05)
    thread.join()
    assert done.is_set()
