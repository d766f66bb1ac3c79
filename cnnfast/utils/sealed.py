"""Objects that are open while they are made, and watch over their attributes from then on."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any


class Sealing(type):
    """The class of classes whose `__setattr__` asks `is_open`."""

    if not TYPE_CHECKING:  # editors would take its arguments for those of every class

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            made = cls.__new__(cls, *args, **kwargs)
            if isinstance(made, cls):
                state = vars(made)
                state["_open"] = True
                made.__init__(*args, **kwargs)
                del state["_open"]
            return made

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of ``__init__``, which `__call__` would hide from `help` and editors."""
        made: Any = cls
        return inspect.Signature(list(inspect.signature(made.__init__).parameters.values())[1:])


def is_open(made: object) -> bool:
    """Whether `made` is still being made, or `opened`."""
    return "_open" in vars(made)


@contextmanager
def opened(made: object) -> Iterator[None]:
    """Let a ``with`` block go on making `made`."""
    state = vars(made)
    before = "_open" in state
    state["_open"] = True
    try:
        yield
    finally:
        if not before:
            del state["_open"]
