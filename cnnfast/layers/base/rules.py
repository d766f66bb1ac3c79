"""The rules of a layer: shape and dtype of its output, operations it lowers to, penalties."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base import phases
from cnnfast.layers.base.calling import batch_shapes
from cnnfast.layers.base.weights import WeightHolder
from cnnfast.symbolic import dtypes
from cnnfast.utils import tree

if TYPE_CHECKING:
    from cnnfast.layers.base.layer import Layer


class Rules(WeightHolder):
    """What a layer computes, in training too."""

    integers: dtypes.Integers = dtypes.Integers.CAST
    """What becomes of integers in Keras."""

    parts_of_call: ClassVar[tuple[str, ...]] = ()
    """Methods that Keras' `call` is made of, and that a class of the user's may have in its way."""

    _apart: bool = False
    """Whether a call on an array is more than its plan: in training, or one that makes a mask."""

    _graph_trains: bool = False
    """Whether it is a graph in which a call was drawn with ``training=True``, or has one inside."""

    training_default: ClassVar[bool | None] = None
    """What Keras' `call` has as the default of `training`; None where it takes none, too."""

    @property
    def trains_unless_told(self) -> bool:
        """Whether a call that says nothing of `training` is one in training, here or inside."""
        return self._graph_trains or bool(self.training_default)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the shape of the output, batch included, for inputs of `input_shape`.

        Raises
        ------
        ValueError
            If there is none.
        """
        raise NotImplementedError(f"Layer '{self.name}' does not state its output shape.")

    def result_dtype(self, received: Sequence[str]) -> str:
        """Return the dtype of the output in Keras, given those of the tensors of a call.

        Raises
        ------
        UnsupportedError
            If the core, which computes in float32, would give other numbers.
        """
        try:
            return dtypes.result(self.integers, received, self.compute_dtype)
        except UnsupportedError as error:
            raise error.about(self.name, type(self).__name__) from error

    def lower(self, graph: Graph, x: Value) -> Value:
        """Append the operations of this layer on `x`; return their result."""
        raise NotImplementedError(f"Layer '{self.name}' cannot run.")

    def lower_in_training(self, graph: Graph, x: Value) -> Value:
        """Append the operations of this layer in training.

        Raises
        ------
        UnsupportedError
            If they are others than at inference, and are not here.
        """
        if self.differs_in_training:
            raise self.unsupported(
                "computes something else in training, which this package does not. Received: "
                "training=True, which is the default of Keras' layers of images, and holds for "
                "the layers called behind them, too",
                advice="Say `training=False`, or use `predict`, which says it to Keras' models and "
                "to a `call` of yours that takes `training`.",
            )
        return self.lower(graph, x)

    @property
    def differs_in_training(self) -> bool:
        """Whether the layer computes something else in training."""
        return any(layer.differs_in_training for layer in self._sublayers())

    def call_by_parts(self, *args: Any, **kwargs: Any) -> Any:
        """Return what a call returns, by the methods in `parts_of_call`."""
        raise NotImplementedError

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        """Check the shapes of `inputs`, then `lower`."""
        self._check_shapes(batch_shapes(inputs[0] if len(inputs) == 1 else list(inputs)))
        lower = self.lower_in_training if phases.current() else self.lower
        return tree.flatten(lower(graph, inputs[0]))

    def _output_shape(self, x: Any) -> tuple[int, ...]:
        # No None comes out of shapes without None.
        shape = self._shape_by_rule(batch_shapes(x))
        return cast("tuple[int, ...]", shape[1:])

    def _shape_by_rule(self, input_shape: Any) -> Any:
        """Return what Keras' layer gives, also where a user's class says something else."""
        return self.compute_output_shape(input_shape)

    def _check_shapes(self, shapes: Any) -> None:
        """Raise ValueError, naming the layer, if it cannot take inputs of `shapes`."""
        raise NotImplementedError

    def _sublayers(self) -> Sequence[Rules]:
        return ()

    def unsupported(self, rule: str, advice: str = "") -> UnsupportedError:
        """Return the error that this layer does not do something; see `UnsupportedError`."""
        return UnsupportedError(
            rule, layer=self.name, class_name=type(self).__name__, advice=advice
        )


# --- what is added to a loss ----------------------------------------------------------------


def forget_penalties(layer: Layer) -> None:
    """Forget what calls gave; let all of them pass by `note_penalties` where there is a penalty."""
    vars(layer).pop("_penalties", None)
    if not isinstance(type(layer)._apart, property):
        vars(layer)["_apart"] = type(layer)._apart or layer.activity_regularizer is not None


def note_penalties(layer: Layer, outputs: Any) -> Any:
    """Keep the penalties on the outputs of a call on arrays, as Keras does; return the outputs."""
    regularizer = layer.activity_regularizer
    if regularizer is not None:
        arrays = [np.asarray(out) for out in tree.flatten(outputs)]
        vars(layer)["_penalties"] = [
            np.float32(regularizer(array) / max(len(array), 1)) for array in arrays
        ]
    return outputs


def penalties_of(layer: Layer) -> list[np.float32]:
    """Return the penalties of the last call, and those on weights, of all layers inside too.

    Raises
    ------
    UnsupportedError
        If a layer inside adds what depends on its output, or `add_loss` was called.
    """
    check_penalties(layer, alone=True)
    return [*vars(layer).get("_penalties", ()), *penalties_on_weights(layer)]


def penalties_on_weights(layer: Layer) -> list[np.float32]:
    """Return the penalties on weights that training would change, of all layers inside too."""
    weights = layer.trainable_weights
    return [np.float32(w.regularizer(w.numpy())) for w in weights if w.regularizer]


def check_penalties(layer: Layer, *, alone: bool = False) -> None:
    """Raise UnsupportedError if a layer adds what depends on the data.

    Where `layer` is `alone`, its own penalty is known.
    """
    for part in layer._flatten_layers():
        if getattr(part, "_has_loss", False):
            raise UnsupportedError(
                "What `add_loss` adds, which is part of Keras' loss, is not computed here. "
                f"Received: layer '{part.name}', whose `call` adds a loss"
            )
        regularizer = part.activity_regularizer
        if regularizer is None or (alone and part is layer) or _is_nothing(regularizer):
            continue
        raise UnsupportedError(
            "A penalty on the output of a layer, which is part of Keras' loss, is not computed "
            f"here where others call it. Received: layer '{part.name}' with activity_regularizer="
            f"{regularizer!r}",
            advice="Call that layer alone, and read its `losses`.",
        )


def _is_nothing(regularizer: Any) -> bool:
    ours = type(regularizer).__module__.partition(".")[0] == __name__.partition(".")[0]
    return ours and not any(regularizer.get_config().values())


def check_quantized(layer: Layer) -> None:
    """Refuse a quantized dtype policy where Keras has no such layer.

    Raises
    ------
    UnsupportedError
        If it quantizes no layers of the class, or in other modes.
    """
    mode = layer._policy.quantization_mode
    fits = layer.has_policies_inside if mode is None else mode in layer.quantization_modes
    if not fits or layer.is_users:
        raise layer.unsupported(
            f"is quantized by Keras in the modes {list(layer.quantization_modes)} alone, and "
            "so is no class of your own, whose `call` Keras passes over then. Received: "
            f"{layer._policy.name} {dict(layer._policy.inside) or ''}",
            advice="Give the layer the dtype float32.",
        )
