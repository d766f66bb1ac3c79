"""Layers one after the other, as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.serialization import configs


class Pipeline(Layer):
    """What several layers make one after the other, such as preprocessing.

    Takes what the first takes and returns what the last returns, (batch, ...). As in Keras, a call
    that says nothing of ``training`` is one in training, `predict` is not. Random changes to
    images, which training would make, are refused.

    Parameters
    ----------
    layers
        The layers, in order.
    name
        Made from the class where None.

    Raises
    ------
    ValueError
        If there is none, or something else among them.

    Examples
    --------
    >>> layer = cnnfast.layers.Pipeline(
    ...     [cnnfast.layers.CenterCrop(2, 2), cnnfast.layers.Rescaling(0.5)]
    ... )
    >>> layer(np.ones((1, 4, 4, 3))).shape
    (1, 2, 2, 3)
    """

    training_default = True

    def __init__(self, layers: Sequence[Layer], name: str | None = None) -> None:
        super().__init__(name=name)
        self._layers = list(layers)
        if not self._layers or not all(isinstance(layer, Layer) for layer in self._layers):
            raise ValueError(
                f"`Pipeline` must be made of layers, one at least. Received: layers={layers!r:.200}"
            )
        self._apart = any(x.trains_unless_told or x.differs_in_training for x in self._layers)
        self._hold_layers()

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return list(self._layers)

    def _sublayers(self) -> Sequence[Layer]:
        return self._layers

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        shape = input_shape
        for layer in self._layers:
            if not layer.built:
                layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        for layer in self._layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def result_dtype(self, received: Sequence[str]) -> str:
        for layer in self._layers:
            received = [layer.result_dtype(received)]
        return received[0]

    def lower(self, graph: Graph, x: Value) -> Value:
        self._output_shape(x)
        for layer in self._layers:
            x = layer.lower_call(graph, (x,), {})
        return x

    def lower_in_training(self, graph: Graph, x: Value) -> Value:
        return self.lower(graph, x)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Pipeline:
        """Make a layer from what `get_config`, or that of Keras, returned.

        Raises
        ------
        ValueError
            If the config has no list of layers.
        """
        listed = config.get("layers")
        if not isinstance(listed, list | tuple):
            raise ValueError(
                "`Pipeline` config must contain a `layers` key mapping to a list of serialized "
                f"layers. Received: layers={listed!r:.200}"
            )
        places = {str(place): item for place, item in enumerate(listed)}
        made = configs.with_layers(places, *places)
        return cls(list(made.values()), name=config.get("name"))

    def _get_build_config(self) -> dict[str, Any] | None:
        return None  # Keras builds it by its first call, and warns where a file says a shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments in the form of Keras 3."""
        return {
            "layers": [configs.serialize(layer) for layer in self._layers],
            "name": self.name,
        }
