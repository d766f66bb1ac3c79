"""Normalization over groups of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast._core import NormalizationKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.normalization.affine_normalization import AffineNormalization, affine, flat
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.dtypes import Integers
from cnnfast.symbolic.input_spec import InputSpec

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        LayerOptions,
        RegularizerLike,
    )


class GroupNormalization(AffineNormalization):
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` over groups of channels.

    Mean and variance are those of all numbers of one image in one group. Weights, each (size of
    `axis`,): `gamma` with `scale`, `beta` with `center`.

    Takes and returns any shape (batch, ...).

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
        How the weights begin, see `cnnfast.initializers.get`.
    beta_regularizer, gamma_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    beta_constraint, gamma_constraint
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If `axis` names several axes.

    Examples
    --------
    >>> layer = cnnfast.layers.GroupNormalization(groups=2)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 4)
    """

    integers = Integers.REFUSED

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            **kwargs,
        )
        if groups != -1:
            groups = arguments.positive_integer(
                groups,
                "Received an invalid value for argument `groups`, expected a positive integer "
                "(or `-1` for instance normalization).",
            )
        axes = arguments.axes(axis, "axis")
        if len(axes) > 1:
            raise self.unsupported(f"takes a single `axis`. Received: {axis}")
        self.groups = groups
        self.axis = axes[0]

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self._shape_by_rule(input_shape)
        channels = input_shape[self.axis]
        if channels is None:
            raise ValueError(
                f"Layer '{self.name}': axis {self.axis} of input tensor should have a "
                f"defined dimension but the layer received an input with shape {input_shape}. "
                f"Received: input shape={input_shape}"
            )
        groups = channels if self.groups == -1 else self.groups
        if channels % groups:
            raise ValueError(
                f"Layer '{self.name}': the number of channels ({channels}) must be a multiple of "
                "the number of groups, which cannot be more than the number of channels. "
                f"Received: groups={groups}"
            )
        self.groups = groups
        self._add_affine((channels,), path, gamma=self.scale, beta=self.center)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        arguments.check_axes(self.axis, input_shape, self.name)
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        axis = self.axis % (len(x.shape) + 1) - 1
        before, channels, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
        y = append.reshape(graph, x, (*before, self.groups, channels // self.groups, *after))

        def rows(z: Value) -> Value:
            kind = NormalizationKind.STANDARD
            return graph.add(ops.Normalize(z, Value(z.shape), kind, self.epsilon))

        y = append.over_rows(graph, y, [a for a in range(len(y.shape)) if a != axis], rows)
        y = append.axis_to_end(graph, append.reshape(graph, y, x.shape), axis)
        y = affine(graph, y, flat(self.gamma), flat(self.beta))
        return append.axis_from_end(graph, y, axis)

    def _config(self) -> dict[str, Any]:
        return {"groups": self.groups, "axis": self.axis, **super()._config()}
