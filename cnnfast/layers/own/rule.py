"""What a layer of Keras does, inside of a user's layer that was made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.graph import Graph
from cnnfast.layers.base import phases
from cnnfast.layers.base.calling import batch_shapes
from cnnfast.layers.base.layer import Layer
from cnnfast.symbolic.tensor import Connectable, symbolic

if TYPE_CHECKING:
    from cnnfast.layers.own.traced import Traced


class Rule(Connectable):
    """``super().call``: the rule of the class of Keras, with the weights of the user's layer."""

    def __init__(self, layer: Traced) -> None:
        self.name, self.layer = layer.name, layer

    @property
    def identity(self) -> object:
        return Rule, id(self.layer)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors.

        Raises
        ------
        NotImplementedError
            If the layer was made from none of Keras'.
        """
        layer = self.layer
        if layer.keras_base is None or layer.keras_base.lower is Layer.lower:
            raise NotImplementedError(
                f"Layer {type(layer).__name__} does not have a `call` method implemented."
            )
        if not symbolic((args, kwargs)):
            return layer(*args, **kwargs)
        count = len(layer.call_arguments)
        if len(args) > count and isinstance(args[count], bool | None) and layer.differs_in_training:
            kwargs = {"training": args[count], **kwargs}  # the next argument of such layers
            args = (*args[:count], *args[count + 1 :])
        return self.connect(args, kwargs)

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return self.layer.infer_by_rule(args, kwargs)

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        x = self.layer._input_of_call(args, kwargs)
        self.layer._check_shapes(batch_shapes(x))
        # As `call` is no call of the layer, what the call around says does not count; it counts
        # for the layers of a model, which are called.
        training = kwargs.get("training")
        if training is None and self.layer.is_model:
            return self.layer.lower_by_rule(graph, x)
        with phases.phase(bool(training)):
            return self.layer.lower_by_rule(graph, x, training=bool(training))
