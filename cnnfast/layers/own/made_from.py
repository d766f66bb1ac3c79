"""A layer of the user's, and the class of Keras that it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnfast.engine.graph import Graph
from cnnfast.layers.base.layer import Layer


class MadeFrom(Layer):
    """Stands in front of a class of Keras, and does what that class does under other names."""

    @property
    def keras_base(self) -> type[Layer] | None:
        """The class of Keras that the layer was made from, if it says what to do."""
        order = type(self).__mro__
        base: type[Layer] = order[order.index(MadeFrom) + 1]
        silent = base.lower is Layer.lower and base._create_weights is Layer._create_weights
        return None if silent else base

    def infer_by_rule(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Do what `infer` of that class does."""
        return super().infer(args, kwargs)

    def lower_by_rule(self, graph: Graph, x: Any, *, training: bool = False) -> Any:
        """Do what `lower` of that class does, or `lower_in_training`."""
        if not training or not self.differs_in_training:
            return super().lower(graph, x)
        return super().lower_in_training(graph, x)

    def lower_masked_by_rule(self, graph: Graph, x: Any, mask: Any) -> Any:
        """Do what `lower_masked` of that class does."""
        return super().lower_masked(graph, x, mask)

    def lower_options_by_rule(
        self, graph: Graph, args: Any, kwargs: Any, mask: Any, drawn: Any
    ) -> Any:
        """Do what `lower_beside_masks` of that class does."""
        return super().lower_beside_masks(graph, args, kwargs, mask, drawn)

    def _shape_by_rule(self, input_shape: Any) -> Any:
        return super().compute_output_shape(input_shape)
