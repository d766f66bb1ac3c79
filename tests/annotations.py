"""What the annotations of functions and classes leave open."""

from __future__ import annotations

import ast
import inspect
from typing import Any


def vague(made: Any) -> set[str]:
    """Return the parameters, and "return" of a function, that are anything or not annotated."""
    signature = inspect.signature(made)
    annotations = {p.name: p.annotation for p in signature.parameters.values()}
    if inspect.isfunction(made):
        annotations["return"] = signature.return_annotation
    return {name for name, annotation in annotations.items() if _is_anything(annotation)}


def _is_anything(annotation: Any) -> bool:
    if annotation is inspect.Parameter.empty:
        return True
    union, members = ast.parse(annotation, mode="eval").body, []
    while isinstance(union, ast.BinOp):
        members.append(union.right)
        union = union.left
    return any(isinstance(m, ast.Name) and m.id in ("Any", "object") for m in (union, *members))
