"""Fills the table of operations that a config may name; operations as config objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnfast.errors import BY_LAMBDA, Refusal, UnsupportedError
from cnnfast.ops.base.operation import Operation
from cnnfast.ops.image import blocks, color, geometry, patches, resizing
from cnnfast.ops.networks import (
    attention,
    contractions,
    convolution,
    fourier,
    linear,
    normalization,
    pooling,
    row_functions,
)
from cnnfast.ops.pointwise import (
    activation,
    arithmetic,
    comparison,
    conversion,
    elementwise,
    functions,
    trigonometry,
)
from cnnfast.ops.reducing import quantiles, reductions, statistics, truths
from cnnfast.ops.shaping import (
    arrangement,
    joining,
    ordering,
    pieces,
    planes,
    rearrangement,
    selection,
    shapes,
)
from cnnfast.symbolic.registry import OPERATIONS
from cnnfast.symbolic.tensor import Connectable
from cnnfast.utils.naming import spelt_like

_MODULES = (
    *(activation, arithmetic, arrangement, attention, blocks, color),
    *(comparison, contractions, conversion, convolution, elementwise, fourier, functions),
    *(geometry, joining, linear, normalization, ordering, patches, pieces),
    *(planes, pooling, quantiles, rearrangement, reductions, resizing),
    *(row_functions, selection, shapes, statistics, trigonometry, truths),
)
_BASES = (
    *(arithmetic.Binary, comparison.Comparison, arrangement.Arrangement, arrangement.Permutation),
    *(elementwise.ActivationOperation, elementwise.Elementwise, elementwise.Parametric),
    *(reductions.Reduction, selection.Selection, statistics.OverAxes),
)


OPERATIONS.register(
    item
    for module in _MODULES
    for name, item in vars(module).items()
    if isinstance(item, type)
    and issubclass(item, Operation)
    and item.__module__ == module.__name__
    and not name.startswith("_")
    and item not in _BASES
)
OPERATIONS.seal()


def serialize_operation(operation: Connectable) -> dict[str, Any]:
    """Return `operation` as a config object of Keras 3."""
    assert isinstance(operation, Operation)
    return {
        "module": operation.module,
        "class_name": type(operation).__name__,
        "config": operation.get_config(),
        "registered_name": type(operation).__name__,
    }


def deserialize_operation(config: Mapping[str, Any]) -> Operation:
    """Make the operation of a config object of Keras 3.

    Raises
    ------
    UnsupportedError
        If its class is not in the table; the message says what works instead.
    ValueError
        If an argument in it is illegal.
    """
    class_name, inner = config.get("class_name"), config.get("config")
    cls = OPERATIONS.get(class_name) if isinstance(class_name, str) else None
    if not isinstance(inner, Mapping):
        raise ValueError(f"The `config` of an operation must be a dict. Received: {inner!r:.200}")
    if cls is None:
        raise UnsupportedError(_refusal(class_name, config.get("module"), inner.get("name")))
    made: Operation = cls.from_config(inner)
    return made


def _refusal(class_name: object, module: object, name: object) -> Refusal:
    return Refusal(
        "operation",
        "not supported: this package has no such operation.",
        class_name=str(class_name),
        module=module if isinstance(module, str) else None,
        layers=(name,) if isinstance(name, str) else (),
        received=(f"class_name={class_name!r:.80}, module={module!r:.80}",),
        nearest=spelt_like(str(class_name), OPERATIONS),
        advice=BY_LAMBDA,
        holder="operation",
    )
