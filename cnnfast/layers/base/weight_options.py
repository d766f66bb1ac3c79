"""What a config says of one weight: its initializer, regularizer and constraint."""

from __future__ import annotations

from typing import Any

from cnnfast import constraints, initializers, regularizers


def config(layer: object, weight: str) -> dict[str, Any]:
    """Return the three arguments of `weight`, which are attributes of `layer`."""
    kinds = {
        f"{weight}_initializer": initializers,
        f"{weight}_regularizer": regularizers,
        f"{weight}_constraint": constraints,
    }
    return {name: kind.serialize(getattr(layer, name)) for name, kind in kinds.items()}
