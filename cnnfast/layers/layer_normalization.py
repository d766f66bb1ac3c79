"""Layers that normalize the numbers of one image among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnfast import constraints, initializers, lowering, regularizers
from cnnfast._core import NormalizationKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers import arguments, weight_options
from cnnfast.layers.arguments import BatchShape
from cnnfast.layers.dtypes import Integers
from cnnfast.layers.layer import Layer
from cnnfast.variables import Variable


class _OverAxes(Layer):
    """A layer that normalizes over one axis or several together and keeps the shape."""

    integers = Integers.REFUSED
    axis: int | list[int]

    def _set_axis(self, axis: object) -> None:
        axes = arguments.axes(axis, "axis")
        self.axis = axes[0] if isinstance(axis, int) else list(axes)

    @property
    def _axes(self) -> list[int]:
        return [self.axis] if isinstance(self.axis, int) else self.axis

    def _settle_axes(self, input_shape: BatchShape) -> list[int | None]:
        """Sort the axes, as Keras does when it builds; return their sizes in that order."""
        self.compute_output_shape(input_shape)
        self.axis = sorted(self._axes)
        return [input_shape[axis] for axis in self.axis]

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        rank = len(input_shape)
        for axis in self._axes:
            if not -rank < axis < rank or axis == 0:
                raise ValueError(
                    f"Layer '{self.name}': axis {axis} is out of bounds for input shape "
                    f"{input_shape}, or is the batch. Received: axis={self.axis}"
                )
        return input_shape

    def _normalize(
        self,
        graph: Graph,
        x: Value,
        kind: NormalizationKind,
        epsilon: float,
        scale: ops.Float32Array | None = None,
        shift: ops.Float32Array | None = None,
    ) -> Value:
        """Normalize; `scale` and `shift` have one number for each that is normalized together."""
        self._output_shape(x)
        rank = len(x.shape) + 1
        axes = sorted({axis % rank - 1 for axis in self._axes})

        def rows(y: Value) -> Value:
            y = graph.add(ops.Normalize(y, Value(y.shape), kind, epsilon))
            return affine(graph, y, scale, shift)

        return lowering.over_rows(graph, x, axes, rows)


class LayerNormalization(_OverAxes):
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` over `axis`.

    Weights, of the sizes of `axis`: `gamma` with `scale`, `beta` with `center`.

    Parameters
    ----------
    axis
        The axes that are normalized together, batch included.
    epsilon
        Added to the variance.
    center, scale
        Whether there is a beta, a gamma.
    beta_initializer, gamma_initializer
        See `cnnfast.initializers.get`.
    beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint
        Of training; kept for the config.
    rms_scaling
        ``gamma * x / sqrt(variance + epsilon)`` in place of the above.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._set_axis(axis)
        self.epsilon = arguments.number(epsilon, "epsilon")
        self.center = arguments.boolean(center, "center")
        self.scale = arguments.boolean(scale, "scale")
        self.rms_scaling = arguments.boolean(rms_scaling, "rms_scaling")
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        self.gamma: Variable | None = None
        self.beta: Variable | None = None

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        shape = self._settle_axes(input_shape)
        if self.scale or self.rms_scaling:
            self.gamma = self.add_weight(
                name="gamma",
                shape=shape,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                path=path,
            )
        if self.center and not self.rms_scaling:
            self.beta = self.add_weight(
                name="beta",
                shape=shape,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                path=path,
            )

    def lower(self, graph: Graph, x: Value) -> Value:
        kind = NormalizationKind.VARIANCE if self.rms_scaling else NormalizationKind.STANDARD
        return self._normalize(graph, x, kind, self.epsilon, flat(self.gamma), flat(self.beta))

    def _config(self) -> dict[str, Any]:
        return {
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "rms_scaling": self.rms_scaling,
            **weight_options.config(self, "beta"),
            **weight_options.config(self, "gamma"),
        }


class RMSNormalization(_OverAxes):
    """``scale * x / sqrt(mean(x^2) + epsilon)`` over `axis`.

    Weights: `scale`, of the sizes of `axis`; as in Keras it multiplies the last axes of the
    input, whichever `axis` is.

    Parameters
    ----------
    axis
        The axes that are normalized together, batch included.
    epsilon
        Added to the mean square.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    def __init__(
        self, axis: int | Sequence[int] = -1, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._set_axis(axis)
        self.epsilon = arguments.number(epsilon, "epsilon")

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        shape = self._settle_axes(input_shape)
        last = input_shape[len(input_shape) - len(shape) :]
        if any(size not in (1, other) for size, other in zip(shape, last, strict=True)):
            raise ValueError(
                f"Layer '{self.name}': the scale has the sizes of `axis` and multiplies the last "
                f"axes, so these must match. Received: axis={self.axis}, input "
                f"shape={input_shape}"
            )
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones", path=path)

    def lower(self, graph: Graph, x: Value) -> Value:
        y = self._normalize(graph, x, NormalizationKind.RMS, self.epsilon)
        return affine(graph, y, self.scale.numpy(), None)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis, "epsilon": self.epsilon}


class UnitNormalization(_OverAxes):
    """``x / max(norm(x), 1e-12)``, the Euclidean norm over `axis`.

    Parameters
    ----------
    axis
        The axes that are normalized together, batch included.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    built_without_weights = True

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._set_axis(axis)

    def lower(self, graph: Graph, x: Value) -> Value:
        # The limit of `Normalize` is that of the squared norm.
        return self._normalize(graph, x, NormalizationKind.L2, 1e-12**2)

    def _config(self) -> dict[str, Any]:
        return {"axis": self.axis}


def flat(weight: Variable | None) -> ops.Float32Array | None:
    """Return the numbers of a weight in a row."""
    return None if weight is None else weight.numpy().reshape(-1)


def affine(
    graph: Graph, x: Value, scale: ops.Float32Array | None, shift: ops.Float32Array | None
) -> Value:
    """Append ``x * scale + shift`` along the last axes; None is the identity."""
    if scale is None and shift is None:
        return x
    factor = 1.0 if scale is None else scale
    return lowering.scale_and_shift(graph, x, factor, 0.0 if shift is None else shift)
