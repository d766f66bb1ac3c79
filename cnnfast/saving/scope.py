"""`custom_object_scope`: what stands for names in files in a block of code."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from cnnfast.utils import handed_over

if TYPE_CHECKING:
    from typing import Self


class CustomObjectScope:
    """Let files and configs that are read in a ``with`` block name the user's objects.

    Parameters
    ----------
    custom_objects
        As `load_model` takes them.

    Examples
    --------
    >>> class Doubled(cnnfast.layers.Layer):
    ...     def call(self, x):
    ...         return 2 * x
    >>> with cnnfast.saving.custom_object_scope({"Doubled": Doubled}):
    ...     layer = cnnfast.layers.deserialize({"class_name": "Doubled", "config": {}})
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})
        self._open: list[ExitStack] = []

    def __enter__(self) -> Self:
        stack = ExitStack()
        stack.enter_context(handed_over.scope(self.custom_objects))
        self._open.append(stack)
        return self

    def __exit__(self, *error: object) -> None:
        self._open.pop().close()


custom_object_scope = CustomObjectScope
