"""Normalization layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnnfast import constraints, initializers, lowering, regularizers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers import arguments
from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.input_spec import InputSpec
from cnnfast.layers.layer import Layer
from cnnfast.variables import Variable


class BatchNormalization(Layer):
    """``gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta``.

    Weights, each (size of `axis`,): `gamma` with `scale`, `beta` with `center`, `moving_mean`,
    `moving_variance`; with `renorm` three more, which only training reads.

    Parameters
    ----------
    axis
        The axis that has its own statistics, batch included; usually the channels.
    momentum, synchronized, renorm_clipping, renorm_momentum
        Of training; kept for the config.
    epsilon
        Added to the variance.
    center, scale
        Whether there is a beta, a gamma.
    renorm
        Whether training renormalized.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer
        See `cnnfast.initializers.get`.
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint
        Of training; kept for the config.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If `axis` names several axes.
    """

    def __init__(
        self,
        axis: int | list[int] = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        moving_mean_initializer: object = "zeros",
        moving_variance_initializer: object = "ones",
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        axes = arguments.axes(axis, "axis")
        if len(axes) > 1:
            raise UnsupportedError(
                f"Layer '{self.name}' (BatchNormalization) takes a single `axis`. Received: {axis}"
            )
        self.axis = axes[0]
        self.momentum = arguments.number(momentum, "momentum")
        self.epsilon = arguments.number(epsilon, "epsilon")
        self.center = arguments.boolean(center, "center")
        self.scale = arguments.boolean(scale, "scale")
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.renorm = arguments.boolean(renorm, "renorm")
        self.renorm_clipping = (renorm_clipping or {}) if self.renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self.compute_output_shape(input_shape)
        size = input_shape[self.axis]

        def weight(name: str, initializer: object, **kwargs: Any) -> Variable:
            return self.add_weight(
                name=name,
                shape=(size,),
                initializer=initializer,
                path=path,
                **{"trainable": False, **kwargs},
            )

        if self.scale:
            self.gamma = weight(
                "gamma", self.gamma_initializer, regularizer=self.gamma_regularizer, trainable=True
            )
        if self.center:
            self.beta = weight(
                "beta", self.beta_initializer, regularizer=self.beta_regularizer, trainable=True
            )
        self.moving_mean = weight("moving_mean", self.moving_mean_initializer)
        self.moving_variance = weight("moving_variance", self.moving_variance_initializer)
        if self.renorm:
            weight("moving_stddev", self.moving_variance_initializer)
            weight("renorm_mean", self.moving_mean_initializer)
            weight("renorm_stddev", self.moving_variance_initializer)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: size})

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        rank = len(input_shape)
        if not -rank <= self.axis < rank:
            raise ValueError(
                f"Layer '{self.name}': axis {self.axis} is out of bounds for input shape "
                f"{input_shape}. Received: axis={self.axis}"
            )
        if self.axis % rank == 0:
            raise ValueError(
                f"Layer '{self.name}': the batch cannot be the axis to normalize. "
                f"Received: axis={self.axis} for input shape {input_shape}"
            )
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        axis = self.axis % (len(x.shape) + 1) - 1
        y = lowering.axis_to_end(graph, x, axis)
        scale, shift = self._folded()
        y = graph.add(ops.Affine(y, Value(y.shape), scale, shift))
        return lowering.axis_from_end(graph, y, axis)

    def _folded(self) -> tuple[ops.Float32Array, ops.Float32Array]:
        """Return `scale` and `shift` of ``x * scale + shift``, folded in double precision."""
        mean = self.moving_mean.numpy().astype(np.float64)
        variance = self.moving_variance.numpy().astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            scale = 1.0 / np.sqrt(variance + self.epsilon)
            if self.gamma is not None:
                scale = scale * self.gamma.numpy()
            shift = -mean * scale
            if self.beta is not None:
                shift = shift + self.beta.numpy()
            return scale.astype(np.float32), shift.astype(np.float32)

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        # How TensorFlow computed it, which changes no result.
        for key in ("fused", "virtual_batch_size", "adjustment"):
            config.pop(key, None)
        if config.pop("mode", 0) != 0:
            raise UnsupportedError(
                "BatchNormalization of Keras 1 must be of mode 0, which uses the moving "
                "statistics. Received: another mode"
            )
        return config

    def _config(self) -> dict[str, Any]:
        return {
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": initializers.serialize(self.beta_initializer),
            "gamma_initializer": initializers.serialize(self.gamma_initializer),
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "beta_regularizer": regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": constraints.serialize(self.beta_constraint),
            "gamma_constraint": constraints.serialize(self.gamma_constraint),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }
