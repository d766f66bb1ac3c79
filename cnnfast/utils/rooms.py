"""What lower rooms of the package use of upper ones, without naming them.

An upper room fills a `Registry` or a `Slot` when it is imported. One that is imported late is
declared by the package itself, which stands above all, and entered when it is first looked into.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

_modules: dict[str, str] = {}


def declare(**modules: str) -> None:
    """Say which module, once imported, fills what is looked up under a name."""
    _modules.update(modules)


def enter(name: str) -> None:
    """Import the module that was declared for `name`, if one was."""
    if name in _modules:
        importlib.import_module(_modules[name])


class Slot:
    """Functions of a room above, for rooms below to call.

    Parameters
    ----------
    name
        Under which the room is declared.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._functions: dict[str, Callable[..., Any]] = {}

    def fill(self, **functions: Callable[..., Any]) -> None:
        """Give the functions; called by the room above, once.

        Raises
        ------
        RuntimeError
            If they are there.
        """
        if self._functions:
            raise RuntimeError(f"The slot {self._name!r} is filled. Received: {sorted(functions)}")
        self._functions.update(functions)

    def __getattr__(self, function: str) -> Callable[..., Any]:
        if function.startswith("__"):
            raise AttributeError(function)
        if not self._functions:
            enter(self._name)
        return self._functions[function]
