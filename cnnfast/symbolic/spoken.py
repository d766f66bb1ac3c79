"""What a user's function is written in: NumPy, or layers and operations of this package.

Its code is looked at and not run. What names something of this package is traced, as a layer's
`call` is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

_PACKAGE = __name__.partition(".")[0]
_NUMPY = "numpy"


def is_of_tensors(function: Callable[..., Any]) -> bool:
    """Whether `function` is written in terms of this package, and not of NumPy as well.

    The functions that it calls are looked at, too.
    """
    packages: set[str] = set()
    waiting: list[Any] = [function]
    seen: set[int] = set()
    while waiting:
        item = _python(waiting.pop())
        if item is None or id(item) in seen:
            continue
        seen.add(id(item))
        if _root(item.__module__) == _PACKAGE:
            packages.add(_PACKAGE)
            continue
        for value in _named(item):
            packages.add(_package(value))
            waiting.append(value)
    return _PACKAGE in packages and _NUMPY not in packages


def _python(item: Any) -> FunctionType | None:
    """Return the Python function behind something that can be called."""
    while isinstance(item, partial | MethodType):
        item = item.func if isinstance(item, partial) else item.__func__
    if isinstance(item, FunctionType):
        return item
    if isinstance(item, type) or not callable(item):
        return None
    called = type(item).__call__
    return called if isinstance(called, FunctionType) else None


def _named(function: FunctionType) -> Iterator[Any]:
    """Yield what the names in the code of `function` stand for."""
    for code in _codes(function.__code__):
        for name in code.co_names:
            if name in function.__globals__:
                yield function.__globals__[name]
            elif _root(name) in (_PACKAGE, _NUMPY):  # imported inside
                yield _Imported(name)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # not filled yet
            continue


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


class _Imported(str):
    """The name of a module that a function imports."""


def _package(value: Any) -> str:
    if isinstance(value, ModuleType):
        return _root(value.__name__)
    if isinstance(value, _Imported):
        return _root(value)
    own = value if isinstance(value, type | FunctionType) else type(value)
    return _root(getattr(own, "__module__", None) or "")


def _root(name: object) -> str:
    return str(name).partition(".")[0]
