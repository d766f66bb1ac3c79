"""What lower rooms of the package use of upper ones, without naming them.

An upper room fills a `Registry` or a `Slot` when it is imported. One that is imported late is
declared by the package itself, which stands above all, and entered when it is first looked into.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cnnfast.utils.facade import missing

_modules: dict[str, str] = {}


def declare(**modules: str) -> None:
    """Say which module, once imported, fills what is looked up under a name."""
    _modules.update(modules)


def enter(name: str) -> None:
    """Import the module that was declared for `name`, if one was."""
    if name in _modules:
        importlib.import_module(_modules[name])


def postponed(
    package: str,
    modules: Mapping[str, Iterable[str]],
    absent: Mapping[str, str] | None = None,
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__all__`, `__getattr__` and `__dir__` of a package that imports what it is asked for.

    Parameters
    ----------
    package
        Its ``__name__``.
    modules
        The public names of each of its modules, which are attributes too, and of modules elsewhere,
        by their whole name.
    absent
        What there is not, and what to use in its place.
    """
    reasons = absent or {}
    own = {module: f"{package}.{module}" for module in modules if "." not in module}
    homes = {name: own.get(module, module) for module, names in modules.items() for name in names}

    def find(name: str) -> Any:
        if name in homes:
            found = getattr(importlib.import_module(homes[name]), name)
        elif name in own:
            found = importlib.import_module(own[name])
        else:
            # The frame is that of the code that asks.
            raise missing(package, name, reasons.get(name), sys._getframe(1))
        setattr(sys.modules[package], name, found)  # and is not asked again
        return found

    return sorted(homes), find, lambda: sorted({*sys.modules[package].__all__, *own})


class Slot:
    """Functions of a room above, for rooms below to call.

    Parameters
    ----------
    name
        Under which the room is declared.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._find: Callable[[str], Callable[..., Any]] | None = None

    def fill(self, find: Callable[[str], Callable[..., Any]]) -> None:
        """Say what gives a function, by its name; called by the room above, once.

        Raises
        ------
        RuntimeError
            If it has been said.
        """
        if self._find is not None:
            raise RuntimeError(f"The slot {self._name!r} is filled. Received: {find}")
        self._find = find

    def __getattr__(self, function: str) -> Callable[..., Any]:
        if function.startswith("__"):
            raise AttributeError(function)
        if self._find is None:
            enter(self._name)
        if self._find is None:
            raise RuntimeError(f"Nothing fills the slot {self._name!r}. Received: {function}")
        return self._find(function)
