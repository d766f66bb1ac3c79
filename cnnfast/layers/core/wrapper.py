"""Layers around one other layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.layers.base.layer import Layer
from cnnfast.layers.serialization import configs

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions


class BaseWrapper(Layer):
    """What layers share that are made around one other, `layer`.

    Raises
    ------
    ValueError
        If `layer` is no layer.
    """

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Please initialize `{type(self).__name__}` layer with a `Layer` instance. "
                f"Received: {layer!r}"
            )
        self.layer = layer
        self._hold_layers()

    def _sublayers(self) -> Sequence[Layer]:
        return (self.layer,)

    def _file_children(self) -> Mapping[str, Layer]:
        return {"layer": self.layer}

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return configs.with_layers(config, "layer")

    def _config(self) -> dict[str, Any]:
        return {"layer": configs.serialize(self.layer)}
