"""What storing weights in 16 bits costs in accuracy and saves in memory."""

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
class Storage:
    """A model with weights in 16 bits beside the same one with float32.

    Attributes
    ----------
    weight_dtype
        ``"float16"`` or ``"bfloat16"``.
    operation_count
        How many have their weights in 16 bits.
    weight_bytes, float32_bytes
        Of the weights of all operations, as stored and in float32.
    largest_relative_error
        Of the outputs, relative to the largest.
    """

    weight_dtype: str
    operation_count: int
    weight_bytes: int
    float32_bytes: int
    largest_relative_error: float


def compare_storage(model: Model, inputs: Any, weight_dtype: str) -> Storage:
    """Run `model` with float32 weights and with `weight_dtype`; it is left with the latter."""
    model.weight_dtype = "float32"
    expected, bytes_before, _ = _run(model, inputs)
    model.weight_dtype = weight_dtype
    actual, bytes_after, operations = _run(model, inputs)
    error = max(relative_error(y, z) for y, z in zip(expected, actual, strict=True))
    return Storage(weight_dtype, operations, bytes_after, bytes_before, error)


def _run(model: Model, inputs: Any) -> tuple[Sequence[Float32Array], int, int]:
    """Return the outputs, the bytes of the weights, and how many operations store 16 bits."""
    outputs = tree.flatten(model.predict_on_batch(inputs))
    shapes = tuple(array.shape[1:] for array in model._prepare(inputs))
    steps = model._executor.plan(shapes).steps
    short = sum(step.name.endswith(("_float16", "_bfloat16")) for step in steps)
    return outputs, round(sum(step.weight_bytes for step in steps)), short
