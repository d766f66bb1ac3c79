"""The progress bar prints, character by character, what Keras' prints."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from cnnfast.callbacks.callback_list import for_run
from cnnfast.models.inference import Inference
from cnnfast.utils.display.progbar import Progbar

Event = tuple[float, int, dict[str, float]]


class Clock:
    """A `time` module whose time is set by hand."""

    now = 1000.0

    def time(self) -> float:
        """Return the time set."""
        return self.now


def run_ours(target: int | None, verbose: int, events: Sequence[Event], clock: Clock) -> None:
    """Play `events` (seconds passed, batch, logs) on this package's bar."""
    hooks = for_run(None, None, verbose, target)
    hooks.call("on_test_begin")
    for seconds, batch, logs in events:
        clock.now += seconds
        hooks.call("on_test_batch_end", batch, logs)
    hooks.call("on_test_end", events[-1][2])


def run_keras(target: int | None, verbose: int, events: Sequence[Event], clock: Clock) -> None:
    """Play `events` on Keras' bar; not through its list, which calls from another thread."""
    if verbose == 0:
        return
    import keras

    bar = keras.callbacks.ProgbarLogger()
    bar.set_params({"verbose": verbose, "epochs": 1, "steps": target})
    bar.on_test_begin()
    for seconds, batch, logs in events:
        clock.now += seconds
        bar.on_test_batch_end(batch, logs)
    bar.on_test_end(events[-1][2])


def logs(loss: float) -> dict[str, float]:
    """Return metrics in Keras' order."""
    return {"accuracy": 0.5, "loss": loss}


SLOW = [(0.0, 0, logs(2.5)), (1.5, 1, logs(1e-5)), (0.001, 2, logs(0.1)), (100.0, 3, logs(33.0))]
CASES = [
    (4, SLOW),
    (None, SLOW),
    (1, [(0.0, 0, {})]),
    (1000, [(40.0, 0, {}), (9.0, 1, {}), (0.2, 700, {}), (2.0, 999, {})]),
    (250, [(0.0002, 0, logs(float("nan"))), (0.06, 249, logs(float("nan")))]),
    (12, [(0.0004, step, logs(step / 3)) for step in range(12)]),
    (5, [(0.07, 0, logs(1.0)), (0.07, 1, logs(1.0))]),
    (2, [(0.1, 0, logs(1e5)), (0.1, 1, {"accuracy": 1e-9, "loss": 0.0})]),
]


@pytest.mark.parametrize("verbose", [0, 1, 2])
@pytest.mark.parametrize(("target", "events"), CASES)
def test_bar_prints_what_keras_prints(
    target: int | None,
    events: list[Event],
    verbose: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    keras: Any,
) -> None:
    from keras.src.utils import progbar as keras_progbar

    printed = []
    for run, module in (
        (run_ours, "cnnfast.utils.display.progbar"),
        (run_keras, keras_progbar.__name__),
    ):
        clock = Clock()
        monkeypatch.setattr(sys.modules[module], "time", clock)
        run(target, verbose, events, clock)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert bool(printed[0]) == (verbose > 0)


def test_predict_shows_a_bar_unless_it_is_silent(
    echo: Inference, capsys: pytest.CaptureFixture[str]
) -> None:
    echo.predict(np.zeros((70, 1)))
    shown = capsys.readouterr().out
    assert "3/3" in shown
    assert "/step" in shown
    assert shown.endswith("\n")
    echo.predict(np.zeros((70, 1)), verbose=0)
    assert capsys.readouterr().out == ""
    echo.predict(np.zeros((70, 1)), verbose=2)
    assert capsys.readouterr().out.startswith("3/3 - 0s - ")


def test_evaluate_shows_its_metrics(echo: Inference, capsys: pytest.CaptureFixture[str]) -> None:
    echo.compile(loss="mse", metrics=["mae"])
    echo.evaluate(np.zeros((40, 1)), np.full((40, 1), 2.0), verbose=2)
    assert capsys.readouterr().out.endswith("/step - loss: 4.0000 - mae: 2.0000\n")


def test_unknown_number_of_steps_is_shown_as_unknown(
    echo: Inference, capsys: pytest.CaptureFixture[str]
) -> None:
    echo.predict(np.zeros((2, 1)) for _ in range(3))
    shown = capsys.readouterr().out
    assert "      1/Unknown" in shown
    assert "3/3" in shown


def test_a_terminal_that_cannot_spell_the_bar_gets_equals_signs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    Progbar(1).update(1, finalize=True)
    assert "=" * 20 in raw.getvalue().decode("ascii")


@pytest.mark.parametrize("bad", ["loud", None, 1.5])
def test_unknown_verbosity_is_refused(echo: Inference, bad: object) -> None:
    with pytest.raises(ValueError, match=r"`verbose` must be 'auto', 0, 1 or 2. Received"):
        echo.predict(np.zeros((2, 1)), verbose=bad)  # type: ignore[arg-type]
