"""Layers that the networks of ``keras.applications`` define for themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import initializers
from cnnfast._core import ActivationKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.layers.base import phases
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.merging.arithmetic import Add
from cnnfast.layers.merging.base_merge import two_shapes
from cnnfast.layers.regularization.unchanged import Unchanged
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions


class LayerScale(Layer):
    """``x * gamma`` along the last axis, of ConvNeXt.

    Takes and returns any shape (batch, ...).

    Weights: `gamma` (projection_dim,).

    Parameters
    ----------
    init_values
        The number that all of gamma starts with.
    projection_dim
        Size of the last axis.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.LayerScale(0.5, 5)
    >>> layer(np.ones((2, 5))).shape
    (2, 5)
    """

    keras_module = "keras.src.applications.convnext"

    def __init__(
        self, init_values: float, projection_dim: int, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(**kwargs)
        self.init_values = arguments.number(init_values, "init_values")
        self.projection_dim = arguments.positive_integer(
            projection_dim, "Argument `projection_dim` must be a positive integer."
        )

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        if input_shape[-1] not in (self.projection_dim, None):
            raise ValueError(
                f"Layer '{self.name}': the last axis of the input must have `projection_dim` "
                f"numbers. Received: projection_dim={self.projection_dim}, input "
                f"shape={input_shape}"
            )
        # Keras does not name it.
        self.gamma = self.add_weight(
            name="variable",
            shape=(self.projection_dim,),
            initializer=initializers.Constant(self.init_values),
            path=path,
        )

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.scale_and_shift(graph, x, self.gamma.numpy(), 0.0)

    def _config(self) -> dict[str, Any]:
        return {"init_values": self.init_values, "projection_dim": self.projection_dim}


class StochasticDepth(Unchanged):
    """Drops whole branches at random in training; does nothing at inference. Of ConvNeXt.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    drop_path_rate
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> layer = cnnfast.layers.StochasticDepth(0.1)
    >>> layer(np.ones((2, 5))).shape
    (2, 5)
    """

    keras_module = "keras.src.applications.convnext"

    def __init__(self, drop_path_rate: float, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.drop_path_rate = arguments.number(drop_path_rate, "drop_path_rate")

    @property
    def differs_in_training(self) -> bool:
        return self.drop_path_rate > 0

    def lower_in_training(self, graph: Graph, x: Value) -> Value:
        kept, random = 1 - self.drop_path_rate, phases.Random(None)

        def dropped(batch: Float32Array) -> Float32Array:
            shape = (len(batch), *(1,) * (batch.ndim - 1))
            drawn = random.draw(lambda rng: rng.random(shape, np.float32)) < kept
            return np.where(drawn, batch / np.float32(kept or 1), np.float32(0)).astype(np.float32)

        return phases.append(graph, x, self.name, dropped)

    def _config(self) -> dict[str, Any]:
        return {"drop_path_rate": self.drop_path_rate}


class CustomScaleLayer(Add):
    """The first of two tensors plus the second times `scale`, of Inception-ResNet v2.

    Takes a list of two tensors (batch, ...) and returns (batch, ...).

    Parameters
    ----------
    scale
        Factor of the second.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If the shapes do not fit to each other.

    Examples
    --------
    >>> layer = cnnfast.layers.CustomScaleLayer(0.5)
    >>> layer([np.ones((1, 2)), np.ones((1, 2))])
    array([[1.5, 1.5]], dtype=float32)
    """

    keras_module = "keras.src.applications.inception_resnet_v2"

    integers = Integers.PROMOTED

    def __init__(self, scale: float, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.scale = arguments.number(scale, "scale")

    @property
    def has_own_mask_rule(self) -> bool:
        return False  # as Keras' class is made from `Layer`

    def compute_output_shape(self, input_shape: Any) -> BatchShape:
        two_shapes(self, input_shape)
        return super().compute_output_shape(input_shape)

    def lower(self, graph: Graph, x: Any) -> Value:
        first, second = x
        step = ops.Activation(ActivationKind.SCALE, self.scale, 0.0)
        return super().lower(graph, [first, append.activate(graph, second, (step,))])

    def _config(self) -> dict[str, Any]:
        return {"scale": self.scale}
