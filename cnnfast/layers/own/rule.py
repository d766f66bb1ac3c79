"""What a layer of Keras does, inside of a user's layer that was made from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.graph import Graph
from cnnfast.layers.base import calling, masks, phases
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

    def lower_like(
        self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: tuple[Any, Any]
    ) -> Any:
        layer, base = self.layer, self.layer.keras_base
        assert base is not None
        args, kwargs = calling.by_name(layer, args, kwargs)
        mask = kwargs.get("mask") if layer.takes_mask else None
        given = masks.is_given(mask)
        # Recurrent layers have states for an option, of which `lower` knows.
        states = "initial_state" in base.call_options
        by_options = base.lower_beside_masks is not Layer.lower_beside_masks and not states
        if not (given or by_options):
            return self.lower_call(graph, args, kwargs)
        known = calling.by_name(layer, *drawn)
        truths = masks.truths(layer, graph, mask, known[1].get("mask")) if given else None
        with phases.phase(bool(kwargs.get("training"))):
            if by_options:
                # `super().call` is given all masks; those of its tensors are for `__call__`.
                return layer.lower_options_by_rule(graph, args, kwargs, truths or False, known)
            x = layer._input_of_call(args, kwargs)
            layer._check_shapes(batch_shapes(x))
            return layer.lower_masked_by_rule(graph, x, truths)

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        x = self.layer._input_of_call(args, kwargs)
        self.layer._check_shapes(batch_shapes(x))
        # As `call` is no call of the layer, what the call around says does not count; it counts
        # for the layers of a model, which are called.
        base = self.layer.keras_base
        training = kwargs.get("training", base and base.training_default)
        if training is None and self.layer.is_model:
            return self.layer.lower_by_rule(graph, x)
        with phases.phase(bool(training)):
            return self.layer.lower_by_rule(graph, x, training=bool(training))
