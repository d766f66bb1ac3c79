"""Modules that others import and hardly anyone uses, imported when they are used."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Result:
    """What `find()` returns, found when an attribute of it is asked for."""

    def __init__(self, find: Callable[[], Any]) -> None:
        self._find = cache(find)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._find(), name)


class _StandIn(ModuleType):
    """Stands for a module until something of it is used, but for calls of `constructors`."""

    def __init__(self, spec: ModuleSpec, constructors: tuple[str, ...], group: list[_StandIn]):
        super().__init__(spec.name)
        self._group = group
        if spec.submodule_search_locations is not None:
            self.__path__ = spec.submodule_search_locations  # importing from a package asks for it
        for constructor in constructors:
            setattr(self, constructor, self._later(constructor))

    def _later(self, name: str) -> Callable[..., _Result]:
        return lambda *args, **kwargs: _Result(lambda: self.__getattr__(name)(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        _withdraw(self._group)
        return getattr(importlib.import_module(self.__name__), name)


def _withdraw(group: list[_StandIn]) -> None:
    """Take all of them away: a package and its submodules are real ones or none is."""
    for module in group:
        if sys.modules.get(module.__name__) is module:
            del sys.modules[module.__name__]


@contextmanager
def postponed(modules: Mapping[str, tuple[str, ...]]) -> Iterator[None]:
    """Have imports of `modules` meanwhile get stand-ins, which load the modules when used.

    What is loaded already, or not installed, has no stand-in. Other threads may import the
    modules, too: they get the real ones as soon as they use them.

    Parameters
    ----------
    modules
        By its name, parents first, what of a module may be called before it is loaded: the
        result is made when an attribute of it is asked for.
    """
    group: list[_StandIn] = []
    for name, constructors in modules.items():
        spec = None if name in sys.modules else importlib.util.find_spec(name)
        if spec is None:
            continue
        module = _StandIn(spec, constructors, group)
        parent, _, last = name.rpartition(".")
        if isinstance(sys.modules.get(parent), _StandIn):
            setattr(sys.modules[parent], last, module)
        sys.modules[name] = module
        group.append(module)
    try:
        yield
    finally:
        _withdraw(group)
