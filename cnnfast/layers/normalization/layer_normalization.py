"""Layers that normalize the numbers of one image among themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast._core import NormalizationKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.normalization.affine_normalization import AffineNormalization, affine, flat
from cnnfast.lowering import append
from cnnfast.symbolic import arguments, array_arguments
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        IntOrSequence,
        LayerOptions,
        RegularizerLike,
    )


class _OverAxes(Layer):
    """A layer that normalizes over one axis or several together and keeps the shape."""

    integers = Integers.REFUSED
    axis: int | tuple[int, ...]

    def _set_axis(self, axis: object) -> None:
        try:
            axes = arguments.axes(axis, "axis")
        except ValueError as error:
            raise TypeError(str(error)) from error
        self.axis = axes[0] if isinstance(axis, int) else axes

    @property
    def _axes(self) -> tuple[int, ...]:
        return (self.axis,) if isinstance(self.axis, int) else self.axis

    def _settle_axes(self, input_shape: BatchShape) -> list[int | None]:
        """Sort the axes, as Keras does when it builds; return their sizes in that order."""
        self._shape_by_rule(input_shape)
        self.axis = tuple(sorted(self._axes))
        return [input_shape[axis] for axis in self.axis]

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        arguments.check_axes(self.axis, input_shape, self.name)
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

        return append.over_rows(graph, x, axes, rows)


class LayerNormalization(AffineNormalization, _OverAxes):
    """``gamma * (x - mean) / sqrt(variance + epsilon) + beta`` over `axis`.

    Takes and returns any shape (batch, ...).

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
        How the weights begin, see `cnnfast.initializers.get`.
    beta_regularizer, gamma_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    beta_constraint, gamma_constraint
        Of training; kept for the config.
    rms_scaling
        ``gamma * x / sqrt(variance + epsilon)`` in place of the above.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.LayerNormalization()
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 4)
    """

    def __init__(
        self,
        axis: IntOrSequence = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        rms_scaling: bool = False,
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
        self._set_axis(axis)
        self.rms_scaling = arguments.boolean(rms_scaling, "rms_scaling")

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        shape = self._settle_axes(input_shape)
        self._add_affine(
            shape,
            path,
            gamma=self.scale or self.rms_scaling,
            beta=self.center and not self.rms_scaling,
        )

    def lower(self, graph: Graph, x: Value) -> Value:
        kind = NormalizationKind.VARIANCE if self.rms_scaling else NormalizationKind.STANDARD
        return self._normalize(graph, x, kind, self.epsilon, flat(self.gamma), flat(self.beta))

    def _config(self) -> dict[str, Any]:
        return {
            "axis": array_arguments.encode(self.axis),
            "rms_scaling": self.rms_scaling,
            **super()._config(),
        }


class RMSNormalization(_OverAxes):
    """``scale * x / sqrt(mean(x^2) + epsilon)`` over `axis`.

    Takes and returns any shape (batch, ...).

    Weights: `scale`, of the sizes of `axis`; as in Keras it multiplies the last axes of the input,
    whichever `axis` is.

    Parameters
    ----------
    axis
        The axes that are normalized together, batch included.
    epsilon
        Added to the mean square.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.RMSNormalization()
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 4)
    """

    def __init__(
        self, axis: IntOrSequence = -1, epsilon: float = 1e-6, **kwargs: Unpack[LayerOptions]
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
        return {"axis": array_arguments.encode(self.axis), "epsilon": self.epsilon}


class UnitNormalization(_OverAxes):
    """``x / max(norm(x), 1e-12)``, the Euclidean norm over `axis`.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    axis
        The axes that are normalized together, batch included.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.UnitNormalization()
    >>> layer(np.array([[3.0, 4.0]]))
    array([[0.6, 0.8]], dtype=float32)
    """

    built_without_weights = True
    passes_masks = True

    def __init__(self, axis: IntOrSequence = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self._set_axis(axis)

    def lower(self, graph: Graph, x: Value) -> Value:
        # The limit of `Normalize` is that of the squared norm.
        return self._normalize(graph, x, NormalizationKind.L2, 1e-12**2)

    def _config(self) -> dict[str, Any]:
        return {"axis": array_arguments.encode(self.axis)}
