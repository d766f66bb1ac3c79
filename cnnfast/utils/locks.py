"""Locks that a forked child finds free."""

from __future__ import annotations

import os
import threading
import weakref


class Guard:
    """A reentrant lock, to be held by ``with guard.lock``, that a forked child finds free.

    A child has only the thread that forked: a lock that another thread held would stay locked
    for ever. So what a lock guards must be usable wherever its holder may be interrupted.
    """

    def __init__(self) -> None:
        # Held as it is: Ctrl-C could come inside an `__enter__` written in Python.
        self.lock = threading.RLock()
        _all.add(self)


_all: weakref.WeakSet[Guard] = weakref.WeakSet()


def _free_all() -> None:
    for guard in list(_all):
        if not guard.lock._is_owned():  # type: ignore[attr-defined]
            guard.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_free_all)
