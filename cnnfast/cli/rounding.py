"""What products of operands in bfloat16 cost in accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnnfast.cli.comparison import relative_error
from cnnfast.engine.ops import Float32Array
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.models import Model


@dataclass(frozen=True)
class Rounding:
    """A model with rounded products beside the same one in float32.

    Attributes
    ----------
    precision
        ``"bfloat16"``.
    operation_count
        How many convolutions and dense layers round operands.
    largest_relative_error
        Of the outputs, relative to the largest.
    """

    precision: str
    operation_count: int
    largest_relative_error: float


def compare_rounding(model: Model, inputs: Any, precision: str) -> Rounding:
    """Run `model` in float32 and in `precision`; it is left with the latter."""
    model.precision = "float32"
    expected = _outputs(model, inputs)
    model.precision = precision
    actual = _outputs(model, inputs)
    error = max(relative_error(y, z) for y, z in zip(expected, actual, strict=True))
    shapes = tuple(array.shape[1:] for array in model._prepare(inputs))
    steps = model._executor.plan(shapes).steps
    # Operations that run by bands are one step.
    rounded = sum(step.name.count(f"_{precision}") for step in steps)
    return Rounding(precision, rounded, error)


def _outputs(model: Model, inputs: Any) -> Sequence[Float32Array]:
    return tree.flatten(model.predict_on_batch(inputs))
