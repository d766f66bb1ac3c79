"""Choices between algorithms, for the process or for a block of code; memory and threads."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from types import EllipsisType
from typing import Literal

from cnnfast import _core
from cnnfast.utils.system.usable_memory import usable_memory

_OFF = ("0", "false", "off", "no")
_ON = ("", "1", "true", "on", "yes")

_LARGEST_LIMIT = 2**63 - 1
# What a process keeps unless it is told otherwise: a part of the memory that it may use, because
# there may be many like it in a container.
_DEFAULT_LIMIT = 2 << 30
_DEFAULT_PART = 8


@dataclass(frozen=True, repr=False)  # and no `record`: each run looks its plan up by it
class Config:
    """What a plan is built with, and what the process keeps.

    Attributes
    ----------
    winograd
        Whether convolutions of 3x3, 5x5 and one row or column of them may use Winograd's
        algorithm, which takes fewer products and rounds a little more: see docs/performance.md
        for the bound.
    """

    winograd: bool = True

    @property
    def workspace_limit(self) -> int:
        """The most bytes of workspaces that the process keeps between runs; see `set`."""
        return _core.workspace_limit()

    @property
    def threading(self) -> str:
        """Whose threads share a prediction in this process, ``"crew"`` or ``"openmp"``; see `set`.

        That is ``"crew"`` in a forked child, whatever was set.
        """
        return _core.threading()

    def __repr__(self) -> str:
        return (
            f"Config(winograd={self.winograd}, workspace_limit={self.workspace_limit}, "
            f"threading={self.threading!r})"
        )


def get() -> Config:
    """Return the configuration in force here."""
    return _override.get() or _process


def set(
    *,
    winograd: bool | EllipsisType = ...,
    workspace_limit: int | EllipsisType | None = ...,
    threading: Literal["crew", "openmp"] | EllipsisType | None = ...,
) -> None:
    """Change the configuration of the process; what is absent stays as it is.

    Parameters
    ----------
    winograd
        See `Config`; plans are built anew where it matters.
    workspace_limit
        The most bytes of workspaces (memory for activations) that stay between runs, for the next
        run of any model, at least 0. What is over is given back to the system at once, and all but
        8 MiB when no run has taken it for five seconds. None is the default: what
        ``CNNFAST_WORKSPACE_LIMIT`` says, else 2 GiB or an eighth of the memory that the process
        may use, if that is less. Runs that are under way take what they need in any case.
    threading
        Whose threads share a prediction, from the next one on: ``"crew"``, the package's own, or
        ``"openmp"``, one parallel region of the compiler's OpenMP for each prediction, which obeys
        all of its variables; ``OMP_WAIT_POLICY=passive`` keeps its threads from spinning between
        two. The bits of the outputs are the same. None is the default: what ``CNNFAST_THREADING``
        says, else ``"crew"``; docs/performance.md compares them. A forked child has the crew in any
        case, because OpenMP may hang there.

    Raises
    ------
    ValueError
        If `workspace_limit` is not a number of bytes, or the package was built without the
        `threading`.

    Examples
    --------
    >>> cnnfast.config.set(workspace_limit=256 << 20)
    >>> cnnfast.config.set(workspace_limit=None)  # the default again
    """
    global _process  # noqa: PLW0603 - process-wide, like the number of threads
    # All is checked before anything changes.
    kind = _default_threading() if threading is None else threading
    if kind is not ...:
        kind = _built_in(kind, "threading")
    limit = _default_limit() if workspace_limit is None else workspace_limit
    if limit is not ...:
        _core.set_workspace_limit(_bytes(limit, "workspace_limit"))
    if kind is not ...:
        _core.set_threading(kind)
    if winograd is not ...:
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


def _default_limit() -> int:
    name = "CNNFAST_WORKSPACE_LIMIT"
    text = os.environ.get(name, "").strip()
    if text:
        return _bytes(int(text) if text.isdecimal() else text, name)
    memory = usable_memory()
    return _DEFAULT_LIMIT if memory is None else min(_DEFAULT_LIMIT, memory // _DEFAULT_PART)


def _default_threading() -> str:
    name = "CNNFAST_THREADING"
    text = os.environ.get(name, "").strip()
    return _built_in(text, name) if text else _core.threadings()[0]


def _built_in(value: str, name: str) -> str:
    built_in = _core.threadings()
    if value not in built_in:
        why = "" if "openmp" in built_in else ", because this build has no OpenMP"
        raise ValueError(f"{name} must be one of {', '.join(built_in)}{why}. Received: {value!r}")
    return value


def _bytes(value: object, name: str) -> int:
    try:
        number = -1 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0:
        raise ValueError(
            f"{name} must be a number of bytes, an integer of at least 0. Received: {value!r}"
        )
    return min(number, _LARGEST_LIMIT)


_process = Config(winograd=_flag("CNNFAST_WINOGRAD"))
_core.set_workspace_limit(_default_limit())
_core.set_threading(_default_threading())
_override: ContextVar[Config | None] = ContextVar("cnnfast_config", default=None)
