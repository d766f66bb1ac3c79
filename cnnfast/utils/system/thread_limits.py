"""What ``threadpoolctl`` limits where the core is built without OpenMP, whose limit it would be."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from cnnfast import _core
from cnnfast.utils.system.threads import get_num_threads

_NAME = "threadpoolctl"
_NO_LIMIT = 2**31 - 1


def offer() -> None:
    """Give ``threadpoolctl`` a controller of the core's limit, as soon as somebody imports it."""
    if "openmp" in _core.threadings():
        return
    if _NAME in sys.modules:
        _register(sys.modules[_NAME])
    else:
        sys.meta_path.insert(0, _Finder())


class _Finder:
    """Waits for the first import of the module, and has it told of the controller."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != _NAME:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader.exec_module = partial(self._execute, spec.loader.exec_module)  # type: ignore[method-assign]
        return spec

    def _execute(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        execute(module)
        _register(module)


def _register(threadpoolctl: Any) -> None:
    if not hasattr(threadpoolctl, "register"):  # before 3.2
        return

    class Controller(threadpoolctl.LibController):  # type: ignore[misc]
        """The limit of the calling thread, as OpenMP's is."""

        user_api = "openmp"
        internal_api = "cnnfast"
        filename_prefixes = ("_core",)
        check_symbols = ("cnnfast_get_thread_limit", "cnnfast_set_thread_limit")

        def get_num_threads(self) -> int:
            return min(int(self.dynlib.cnnfast_get_thread_limit()), get_num_threads())

        def set_num_threads(self, num_threads: int) -> None:
            # As many as without a limit are none: a number set later must count.
            limit = num_threads if num_threads < get_num_threads() else _NO_LIMIT
            self.dynlib.cnnfast_set_thread_limit(limit)

        def get_version(self) -> str:
            return _core.__version__

    threadpoolctl.register(Controller)
