"""The progress bar of `predict` and `evaluate`, which prints what Keras prints."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cnnfast.utils.display import interactive

WIDTH = 20
SECONDS_BETWEEN_UPDATES = 0.05

_BOLD, _GREEN, _GREY, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


class Progbar:
    """A line with steps done, time and metrics.

    Parameters
    ----------
    target
        Number of steps, None if unknown.
    width
        Of the bar, in characters.
    verbose
        0 prints nothing, 1 a line that is written over, 2 one line at the end.
    interval
        The least seconds between two updates.
    stateful_metrics
        Names of values that are shown as they are; the mean of others over the steps is.
    unit_name
        What one step is called.

    Examples
    --------
    >>> bar = cnnfast.utils.Progbar(10, verbose=0)
    >>> bar.update(3, values=[("loss", 0.5)])
    """

    def __init__(
        self,
        target: int | None,
        width: int = WIDTH,
        verbose: int = 1,
        interval: float = SECONDS_BETWEEN_UPDATES,
        stateful_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        self.target = target
        self.verbose = verbose
        self.unit_name = unit_name
        self._width = width
        self._interval = interval
        self._shown_as_given = frozenset(stateful_metrics or ())
        self._values: dict[str, float] = {}
        self._sums: dict[str, tuple[float, int]] = {}
        self._seen = 0
        self._start = time.time()
        self._after_first_step: float | None = None
        self._last_update = 0.0
        self._shown_width = 0

    def update(
        self,
        current: int,
        values: Mapping[str, float] | Sequence[tuple[str, float]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Show that `current` steps are done, and the metrics.

        Parameters
        ----------
        current
            Steps done.
        values
            The latest of each metric by name, or pairs of which the mean is shown.
        finalize
            Whether it ends; where None, if all steps are done.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        if isinstance(values, Mapping):
            self._values |= values
        else:
            self._average(values or (), current - self._seen)
        self._seen = current
        now = time.time()
        seconds_per_step = self._seconds_per_step(current, now)
        if self.verbose == 1:
            if not finalize and now - self._last_update < self._interval:
                return
            self._show_bar(current, now, seconds_per_step, finalize)
        elif self.verbose == 2 and finalize and self.target:
            _write(
                f"{_count(current, self.target)} - {now - self._start:.0f}s - "
                f"{_format_time(seconds_per_step)}/{self.unit_name}{self._metrics()}\n"
            )
        self._last_update = now

    def add(self, n: int, values: Sequence[tuple[str, float]] | None = None) -> None:
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _average(self, values: Iterable[tuple[str, float]], steps: int) -> None:
        for name, value in values:
            if name in self._shown_as_given:
                self._values[name] = value
                continue
            total, count = self._sums.get(name, (0.0, 0))
            steps = max(steps, 1)
            self._sums[name] = total, count = total + value * steps, count + steps
            self._values[name] = total / count

    def _show_bar(self, current: int, now: float, seconds_per_step: float, finalize: bool) -> None:
        plain, coloured = self._bar(current)
        if self.target and not finalize:
            clock = _format_eta(seconds_per_step * (self.target - current))
        else:
            clock = f"{now - self._start:.0f}s"
        rest = f" {_format_time(seconds_per_step)}/{self.unit_name}{self._metrics()}"
        width = len(plain) + 1 + len(clock) + len(rest)
        padding = " " * (self._shown_width - width)
        _write(
            "\b" * self._shown_width
            + f"\r{coloured} {_BOLD}{clock}{_PLAIN}{rest}{padding}"
            + ("\n" if finalize else "")
        )
        self._shown_width = width

    def _bar(self, current: int) -> tuple[str, str]:
        """Return the count and the bar, without and with colours."""
        if not self.target:
            text = f"{current:7d}/Unknown"
            return text, text
        count = _count(current, self.target)
        done = int(self._width * current / self.target)
        left = "━" * (self._width - done)
        green = f"{_GREEN}{'━' * done}{_PLAIN}" if done > 0 else ""
        coloured = f"{_BOLD}{count}{_PLAIN} {green}{_GREY}{left}{_PLAIN}"
        return f"{count} {'━' * max(self._width, done)}", coloured

    def _metrics(self) -> str:
        return "".join(f" - {name}: {_format(value)}" for name, value in self._values.items())

    def _seconds_per_step(self, current: int, now: float) -> float:
        """Estimate the time of a step; the first one, which may be slow, counts only alone."""
        if not current:
            return 0.0
        if self._after_first_step is not None and current > 1:
            return (now - self._after_first_step) / (current - 1)
        if current == 1:
            self._after_first_step = now
        return (now - self._start) / current


def _count(current: int, target: int) -> str:
    return f"{current:{len(str(target))}d}/{target}"


def _format(value: Any) -> str:
    mean = float(np.mean(value))  # of a metric that gives one number per class
    return f"{mean:.4f}" if abs(mean) > 1e-3 else f"{mean:.4e}"


def _format_time(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms"
    return f"{seconds * 1e6:.0f}us"


def _format_eta(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    if seconds > 3600:
        return f"{int(minutes // 60)}:{int(minutes % 60):02d}:{int(rest):02d}"
    if seconds > 60:
        return f"{int(minutes)}:{int(rest):02d}"
    return f"{int(seconds)}s"


def _write(text: str) -> None:
    """Write to the standard output, if any; one that cannot spell the bar gets ``=`` instead."""
    if not interactive.is_interactive_logging_enabled():
        interactive.log(text.strip("\b\r\n"))
        return
    if sys.stdout is None:  # of a program without a console
        return
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "utf-8"
        plain = text.replace("━", "=").encode(encoding, errors="ignore")
        sys.stdout.write(plain.decode(encoding))
    sys.stdout.flush()
