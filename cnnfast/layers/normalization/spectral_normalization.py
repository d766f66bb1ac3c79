"""The wrapper that keeps the largest singular value of a kernel at 1 in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast import initializers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.core.wrapper import Wrapper
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions


class SpectralNormalization(Wrapper):
    """A layer whose kernel training normalized; at inference just that layer.

    Takes and returns what the layer does, (batch, ...).

    Weights: the layer's kernel, `vector_u` (1, last size of the kernel), which only training reads,
    then what else the layer has.

    Parameters
    ----------
    layer
        A layer that has a `kernel`.
    power_iterations
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.SpectralNormalization(cnnfast.layers.Conv2D(8, 3))
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 6, 6, 8)
    """

    training_default = False

    def __init__(
        self, layer: Layer, power_iterations: int = 1, **kwargs: Unpack[LayerOptions]
    ) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = arguments.positive_integer(
            power_iterations, "`power_iterations` should be greater than zero."
        )

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self.layer.build(input_shape)
        if hasattr(self.layer, "embeddings"):
            raise self.unsupported(
                "takes a layer with a `kernel`: Keras makes the whole numbers of indices of the "
                f"rows of a table. Received: {self.layer!r}"
            )
        if self.layer.quantization_mode is not None:
            raise self.unsupported(
                f"takes a kernel of floats. Received: {self.layer!r} with "
                f"{self.layer.dtype_policy.name}",
                advice="Leave the layer inside out of `model.quantize(…)` by `filters`.",
            )
        kernel = getattr(self.layer, "kernel", None)
        if kernel is None:
            raise ValueError(
                f"Layer '{self.name}': a {type(self.layer).__name__} object has no attribute "
                f"'kernel' nor 'embeddings'. Received: {self.layer!r}"
            )
        # The kernel belongs to both, in Keras and in its files.
        self._trainable_variables.append(kernel)
        self.vector_u = self.add_weight(
            name="vector_u",
            shape=(1, kernel.shape[-1]),
            initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False,
            path=path,
        )

    @property
    def differs_in_training(self) -> bool:
        return True

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return self.layer.compute_output_shape(input_shape)

    def lower(self, graph: Graph, x: Value) -> Value:
        drawn = KerasTensor((None, *x.shape))
        y: Value = self.layer.lower_like(graph, (x,), {}, ((drawn,), {}))
        return y  # with the mask that the layer inside lets through

    def _config(self) -> dict[str, Any]:
        return {**super()._config(), "power_iterations": self.power_iterations}
