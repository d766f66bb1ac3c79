"""Normalization over groups of channels."""

from __future__ import annotations

from typing import Any

from cnnfast import constraints, initializers, lowering, regularizers
from cnnfast._core import NormalizationKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers import arguments, weight_options
from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.dtypes import Integers
from cnnfast.layers.input_spec import InputSpec
from cnnfast.layers.layer import Layer
from cnnfast.layers.layer_normalization import affine, flat
from cnnfast.variables import Variable


class GroupNormalization(Layer):
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` over groups of channels.

    Mean and variance are those of all numbers of one image in one group. Weights, each
    (size of `axis`,): `gamma` with `scale`, `beta` with `center`.

    Parameters
    ----------
    groups
        Into how many groups the channels are split; -1 gives each its own.
    axis
        The axis of the channels, batch included.
    epsilon
        Added to the variance.
    center, scale
        Whether there is a beta, a gamma.
    beta_initializer, gamma_initializer
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

    integers = Integers.REFUSED

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if groups != -1:
            groups = arguments.positive_integer(
                groups,
                "Received an invalid value for argument `groups`, expected a positive integer "
                "(or `-1` for instance normalization).",
            )
        axes = arguments.axes(axis, "axis")
        if len(axes) > 1:
            raise UnsupportedError(
                f"Layer '{self.name}' (GroupNormalization) takes a single `axis`. Received: {axis}"
            )
        self.groups = groups
        self.axis = axes[0]
        self.epsilon = arguments.number(epsilon, "epsilon")
        self.center = arguments.boolean(center, "center")
        self.scale = arguments.boolean(scale, "scale")
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self.compute_output_shape(input_shape)
        channels = input_shape[self.axis]
        if channels is None:
            raise ValueError(
                f"Layer '{self.name}': axis {self.axis} of the input must have a defined size. "
                f"Received: input shape={input_shape}"
            )
        groups = channels if self.groups == -1 else self.groups
        if channels % groups:
            raise ValueError(
                f"Layer '{self.name}': the number of channels ({channels}) must be a multiple of "
                f"the number of groups. Received: groups={groups}"
            )
        self.groups = groups
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=(channels,),
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                path=path,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=(channels,),
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                path=path,
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        rank = len(input_shape)
        if not -rank < self.axis < rank or self.axis == 0:
            raise ValueError(
                f"Layer '{self.name}': axis {self.axis} is out of bounds for input shape "
                f"{input_shape}, or is the batch. Received: axis={self.axis}"
            )
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        axis = self.axis % (len(x.shape) + 1) - 1
        before, channels, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
        y = lowering.reshape(graph, x, (*before, self.groups, channels // self.groups, *after))

        def rows(z: Value) -> Value:
            kind = NormalizationKind.STANDARD
            return graph.add(ops.Normalize(z, Value(z.shape), kind, self.epsilon))

        y = lowering.over_rows(graph, y, [a for a in range(len(y.shape)) if a != axis], rows)
        y = lowering.axis_to_end(graph, lowering.reshape(graph, y, x.shape), axis)
        y = affine(graph, y, flat(self.gamma), flat(self.beta))
        return lowering.axis_from_end(graph, y, axis)

    def _config(self) -> dict[str, Any]:
        return {
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **weight_options.config(self, "beta"),
            **weight_options.config(self, "gamma"),
        }
