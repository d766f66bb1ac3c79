"""Modules under Keras' names: what they have is imported late, what they lack has a reason.

A script asks for names in many ways, and is told the same in each: ``module.name``,
``from module import name``, ``hasattr``, ``dir``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any


def facade(
    module: str,
    homes: Mapping[str, str],
    absent: Mapping[str, str] | None = None,
    here: Iterable[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a module.

    Parameters
    ----------
    module
        Its name.
    homes
        The module in which each name is, relative to the package, such as
        ``{"Adam": "optimizers.adaptive"}``; ``"optimizers.adaptive:adam"`` where it has another
        name there, ``"random:"`` for the module itself.
    absent
        What there is not, and what to use in its place.
    here
        What `dir` shows, such as the module's ``__all__``; those of `homes` where nothing.

    Returns
    -------
    tuple of functions
        What to assign to ``__getattr__`` and ``__dir__``.
    """
    reasons = absent or {}
    shown = sorted(here or homes)

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            # The frame is that of the code that asks.
            raise missing(module, name, reasons.get(name), sys._getframe(1))
        place, _, other = home.partition(":")
        found = importlib.import_module(f"cnnfast.{place}")
        if ":" not in home or other:
            found = getattr(found, other or name)
        setattr(sys.modules[module], name, found)
        return found

    def names() -> list[str]:
        return shown

    return find, names


def missing(module: str, name: str, reason: str | None, asking: Any = None) -> Exception:
    """Return the error for a name that `module` has not.

    ``from module import name`` drops the text of an AttributeError, so that an ImportError is
    returned where the frame `asking` is at such an import.
    """
    text = f"module {module!r} has no attribute {name!r}"
    if reason:
        text = f"{text}: {reason}"
    if reason and asking is not None and _is_import(asking):
        return ImportError(f"cannot import name {name!r} from {module!r}: {reason}", name=name)
    return AttributeError(text, name=name)


def _is_import(frame: Any) -> bool:
    import opcode

    return bool(frame.f_code.co_code[frame.f_lasti] == opcode.opmap["IMPORT_FROM"])
