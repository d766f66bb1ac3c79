"""Choices between algorithms: for the process, or for a block of code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

_OFF = ("0", "false", "off", "no")
_ON = ("", "1", "true", "on", "yes")


@dataclass(frozen=True)
class Config:
    """What a plan is built with.

    Attributes
    ----------
    winograd
        Whether convolutions of 3x3, 5x5 and one row or column of them may use Winograd's
        algorithm, which takes fewer products and rounds a little more: see docs/performance.md
        for the bound.
    """

    winograd: bool = True


def get() -> Config:
    """Return the configuration in force here."""
    return _override.get() or _process


def set(*, winograd: bool) -> None:
    """Change the configuration of the process; plans are built anew where it matters."""
    global _process  # noqa: PLW0603 - process-wide, like the number of threads
    _process = replace(_process, winograd=bool(winograd))


@contextmanager
def override(*, winograd: bool) -> Iterator[None]:
    """Change the configuration for the calls in a ``with`` block, in this thread alone."""
    token = _override.set(replace(get(), winograd=bool(winograd)))
    try:
        yield
    finally:
        _override.reset(token)


def _flag(name: str) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if text not in _ON + _OFF:
        raise ValueError(f"{name} must be one of {_ON[1:] + _OFF}. Received: {text!r}")
    return text in _ON


_process = Config(winograd=_flag("CNNFAST_WINOGRAD"))
_override: ContextVar[Config | None] = ContextVar("cnnfast_config", default=None)
