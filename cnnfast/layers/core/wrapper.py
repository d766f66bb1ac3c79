"""Layers around one other layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.ops import BatchShape
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.serialization import configs

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions


class Wrapper(Layer):
    """The base of layers that are made around one other, `layer`.

    A class of the user's says in its `call` what becomes of it. Takes and returns what that says,
    (batch, ...).

    Parameters
    ----------
    layer
        The layer inside.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `layer` is no layer.

    Examples
    --------
    >>> class Residual(cnnfast.layers.Wrapper):
    ...     def call(self, x):
    ...         return x + self.layer(x)
    >>> Residual(cnnfast.layers.ReLU())(np.array([[-1.0, 2.0]]))
    array([[-1.,  4.]], dtype=float32)
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Layer {layer!r} supplied to Wrapper isn't a supported layer type. Please ensure "
                "wrapped layer is a valid Keras layer. Please initialize "
                f"`{type(self).__name__}` layer with a `Layer` instance. Received: {layer!r}"
            )
        self.layer = layer
        self._hold_layers()

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)

    def _sublayers(self) -> Sequence[Layer]:
        return (self.layer,)

    def _file_children(self) -> Mapping[str, Layer]:
        return {"layer": self.layer}

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return configs.with_layers(config, "layer")

    def _config(self) -> dict[str, Any]:
        return {"layer": configs.serialize(self.layer)}
