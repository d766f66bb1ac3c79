"""What normalizations share that end in a trained scale and shift."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnfast import constraints, initializers, regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Float32Array, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        LayerOptions,
        RegularizerLike,
    )


class AffineNormalization(Layer):
    """A normalization that multiplies by `gamma` and adds `beta`.

    A subclass makes them with `_add_affine`, for it knows their shape.

    Parameters
    ----------
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
    """

    passes_masks = True

    def __init__(
        self,
        *,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: InitializerLike,
        gamma_initializer: InitializerLike,
        beta_regularizer: RegularizerLike,
        gamma_regularizer: RegularizerLike,
        beta_constraint: ConstraintLike,
        gamma_constraint: ConstraintLike,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
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

    def _add_affine(
        self, shape: Sequence[int | None], path: str, *, gamma: bool, beta: bool
    ) -> None:
        """Make those of the weights that are wanted."""
        if gamma:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                path=path,
            )
        if beta:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                path=path,
            )

    def _config(self) -> dict[str, Any]:
        return {
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            **weight_options.config(self, "beta"),
            **weight_options.config(self, "gamma"),
        }


def flat(weight: Variable | None) -> Float32Array | None:
    """Return the numbers of a weight in a row."""
    return None if weight is None else weight.numpy().reshape(-1)


def affine(graph: Graph, x: Value, scale: Float32Array | None, shift: Float32Array | None) -> Value:
    """Append ``x * scale + shift`` along the last axes; None is the identity."""
    if scale is None and shift is None:
        return x
    factor = 1.0 if scale is None else scale
    return append.scale_and_shift(graph, x, factor, 0.0 if shift is None else shift)
