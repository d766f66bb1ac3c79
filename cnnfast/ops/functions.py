"""Functions made of operation classes: ``softmax(x, axis)`` is ``Softmax(axis)(x)``."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from cnnfast.ops.operation import Operation
from cnnfast.utils.naming import to_snake_case

_UNNAMED = ("self", "name")


def function(cls: type[Operation]) -> Callable[..., Any]:
    """Return the function that makes an operation and calls it at once.

    Its arguments are the tensors that a call takes, then those of the constructor, then what
    else a call takes.
    """
    call = _parameters(cls.compute_output_spec)
    made = _parameters(cls.__init__)
    tensors = [p for p in call if p.default is p.empty]
    options = [p for p in call if p.default is not p.empty]
    signature = inspect.Signature([*tensors, *made, *options])

    def apply(*args: Any, **kwargs: Any) -> Any:
        given = signature.bind(*args, **kwargs).arguments
        operation = cls(**{p.name: given[p.name] for p in made if p.name in given})
        extra = {p.name: given[p.name] for p in options if p.name in given}
        return operation(*(given[p.name] for p in tensors), **extra)

    apply.__name__ = apply.__qualname__ = to_snake_case(cls.__name__)
    apply.__module__ = "cnnfast.ops"
    apply.__doc__ = cls.__doc__
    apply.__signature__ = signature  # type: ignore[attr-defined]
    return apply


def _parameters(method: Callable[..., Any]) -> list[inspect.Parameter]:
    plain = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = inspect.signature(method).parameters.values()
    return [p.replace(kind=plain) for p in parameters if p.name not in _UNNAMED]
