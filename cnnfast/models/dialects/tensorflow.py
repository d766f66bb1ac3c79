"""TensorFlow functions in graphs of Keras 2: ``TFOpLambda``, ``SlicingOpLambda`` and older.

A file names the function; only those of a closed table are known, and each becomes an operation
of `cnnfast.ops` or a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnfast.errors import UnsupportedError
from cnnfast.models.wiring import CallSpec
from cnnfast.symbolic.tensor import Connectable

_FUNCTIONS = ("TFOpLambda", "SlicingOpLambda")
_NODES = "TensorFlowOpLayer"


def is_operation(config: Mapping[str, Any]) -> bool:
    """Whether `config` is that of a TensorFlow function."""
    return config.get("class_name") in (*_FUNCTIONS, _NODES)


def keeps_lists(config: Mapping[str, Any]) -> bool:
    """Whether a list of one tensor in a call is a list: layers are called on the tensor in it."""
    return config.get("class_name") in _FUNCTIONS


def make(
    name: str, config: Mapping[str, Any], calls: Sequence[CallSpec]
) -> tuple[Connectable, list[CallSpec]]:
    """Return the operation for a TensorFlow function, and its calls with that one's arguments.

    Parameters
    ----------
    name
        Of the layer.
    config
        The whole object.
    calls
        As the file has them, with TensorFlow's arguments.

    Raises
    ------
    UnsupportedError
        If the function is not in the table, or an argument asks for something else.
    """
    from cnnfast.models.dialects import tensorflow_functions, tensorflow_nodes

    inner = config.get("config")
    if not isinstance(inner, Mapping):
        raise ValueError(f"The `config` of layer {name!r} must be a dict. Received: {inner!r:.200}")
    dialect = tensorflow_nodes if config["class_name"] == _NODES else tensorflow_functions
    made = [_translated(dialect, name, inner, call) for call in calls]
    if not made:
        raise ValueError(f"Layer {name!r} must be called. Received: no calls")
    operation, first = made[0]
    if any(other.get_config() != operation.get_config() for other, _ in made[1:]):
        raise UnsupportedError(
            f"a function must be called with the same arguments each time. Received: {calls}",
            layer=name,
            class_name=config["class_name"],
        )
    return operation, [first, *(call for _, call in made[1:])]


def _translated(dialect: Any, name: str, inner: Any, call: CallSpec) -> tuple[Any, CallSpec]:
    try:
        operation, args = dialect.translate(name, inner, call)
    except UnsupportedError as error:
        raise error.about(name, dialect.symbol(inner)) from error
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise ValueError(f"Layer {name!r}: {error}. Received: {dict(inner)!r:.500}") from error
    return operation, CallSpec(tuple(args))
