"""Normalization layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast import initializers
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base import phases
from cnnfast.layers.normalization.affine_normalization import AffineNormalization
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.utils import defaults
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.typing import (
        ConstraintLike,
        InitializerLike,
        IntOrSequence,
        LayerOptions,
        RegularizerLike,
    )


class BatchNormalization(AffineNormalization):
    """Each channel with the mean and variance of training taken out.

    ``gamma * (x - moving_mean) / sqrt(moving_variance + epsilon) + beta``, which a convolution
    before it takes in where it can.

    Takes and returns any shape (batch, ...).

    Weights, each (size of `axis`,): `gamma` with `scale`, `beta` with `center`, `moving_mean`,
    `moving_variance`; with `renorm` three more, which only training reads.

    Parameters
    ----------
    axis
        The axis that has its own statistics, batch included; usually the channels.
    momentum
        Of training; kept for the config.
    epsilon
        Added to the variance.
    center, scale
        Whether there is a beta, a gamma.
    beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    beta_regularizer, gamma_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    beta_constraint, gamma_constraint
        Of training; kept for the config.
    renorm
        Whether training renormalized.
    renorm_clipping, renorm_momentum, synchronized
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
    >>> layer = cnnfast.layers.BatchNormalization()
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    takes_mask = True
    call_options = ("training", "mask")
    freezing_counts = True

    def __init__(
        self,
        axis: IntOrSequence = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: InitializerLike = "zeros",
        gamma_initializer: InitializerLike = "ones",
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        beta_regularizer: RegularizerLike = None,
        gamma_regularizer: RegularizerLike = None,
        beta_constraint: ConstraintLike = None,
        gamma_constraint: ConstraintLike = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
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
        axes = arguments.axes(axis, "axis")
        if len(axes) > 1:
            raise self.unsupported(f"takes a single `axis`. Received: {axis}")
        self.axis = axes[0]
        self.momentum = arguments.number(momentum, "momentum")
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = arguments.boolean(renorm, "renorm")
        self.renorm_clipping = _clipping(renorm_clipping) if self.renorm else renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self._shape_by_rule(input_shape)
        size = input_shape[self.axis]

        def weight(name: str, initializer: object) -> Variable:
            return self.add_weight(
                name=name, shape=(size,), initializer=initializer, trainable=False, path=path
            )

        self._add_affine((size,), path, gamma=self.scale, beta=self.center)
        self.moving_mean = weight("moving_mean", self.moving_mean_initializer)
        self.moving_variance = weight("moving_variance", self.moving_variance_initializer)
        if self.renorm:
            deviation = _Root(self.moving_variance_initializer)
            self.moving_stddev = weight("moving_stddev", deviation)
            self.renorm_mean = weight("renorm_mean", self.moving_mean_initializer)
            self.renorm_stddev = weight("renorm_stddev", deviation)
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

    def lower_masked(self, graph: Graph, x: Value, mask: Value) -> Value:
        if len(mask.shape) != len(x.shape) - 1:
            raise ValueError(
                "The mask provided should be one dimension less than the inputs. Received: "
                f"mask.shape={(None, *mask.shape)}, inputs.shape={(None, *x.shape)}"
            )
        if phases.current():
            return self._over_batch(graph, x, mask)
        return BatchNormalization.lower(self, graph, x)

    def lower(self, graph: Graph, x: Value) -> Value:
        axis = self.axis % (len(x.shape) + 1) - 1
        y = append.axis_to_end(graph, x, axis)
        scale, shift = self._folded()
        y = graph.add(ops.Affine(y, Value(y.shape), scale, shift))
        return append.axis_from_end(graph, y, axis)

    @property
    def differs_in_training(self) -> bool:
        return self.trainable  # a frozen layer takes the moving statistics, as in Keras

    def lower_in_training(self, graph: Graph, x: Value) -> Value:
        return self._over_batch(graph, x, None)

    def _over_batch(self, graph: Graph, x: Value, mask: Value | None) -> Value:
        if not self.trainable:  # frozen, it has the statistics that it keeps, in Keras, too
            return BatchNormalization.lower(self, graph, x)
        if self.renorm:
            return super().lower_in_training(graph, x)
        axis, epsilon = self.axis % (len(x.shape) + 1), self.epsilon
        gamma, beta = (None if w is None else w.numpy() for w in (self.gamma, self.beta))

        def normalized(
            batch: ops.Float32Array, counts: ops.Float32Array | None = None
        ) -> ops.Float32Array:
            others = tuple(i for i in range(batch.ndim) if i != axis)
            wide = batch.astype(np.float64)
            if counts is None:
                mean, variance = (f(wide, axis=others, keepdims=True) for f in (np.mean, np.var))
            else:
                mean, variance = _moments_of_some(wide, counts[..., None] != 0, others)
            y = (wide - mean) / np.sqrt(variance + epsilon)
            shape = [-1 if i == axis else 1 for i in range(batch.ndim)]
            y = y if gamma is None else y * gamma.reshape(shape)
            y = y if beta is None else y + beta.reshape(shape)
            result: ops.Float32Array = y.astype(np.float32)
            return result

        if mask is None:
            return phases.append(graph, x, self.name, normalized)
        return graph.add(ops.Call((x, mask), Value(x.shape), normalized, self.name))

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
                "of Keras 1 must be of mode 0, which uses the moving statistics. Received: "
                "another mode"
            )
        return config

    def _config(self) -> dict[str, Any]:
        return {
            **super()._config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "moving_mean_initializer": initializers.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": initializers.serialize(self.moving_variance_initializer),
            "synchronized": self.synchronized,
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping,
            "renorm_momentum": self.renorm_momentum,
        }


class _Root(initializers.Initializer):
    """The square root of what another gives."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, shape: tuple[int, ...], dtype: object = None) -> ops.Float32Array:
        root: ops.Float32Array = np.sqrt(self.inner(shape, dtype))
        return root


def _clipping(limits: dict[str, float] | None) -> dict[str, float]:
    """Return the limits of a renormalization.

    Raises
    ------
    ValueError
        If there are others, or they hold no number between them.
    """
    limits = limits or {}
    if set(limits) - {"rmax", "rmin", "dmax"}:
        raise ValueError(
            "Received invalid keys for `renorm_clipping` argument, which takes rmax, rmin and "
            f"dmax. Received: renorm_clipping={limits}"
        )
    rmax, rmin, dmax = (limits.get(key) for key in ("rmax", "rmin", "dmax"))
    if rmax is not None and rmin is not None and rmax < rmin:
        raise ValueError(
            "rmax should be greater than rmin in the `renorm_clipping` argument. Received: "
            f"rmax={rmax}, rmin={rmin}"
        )
    if dmax is not None and dmax < 0:
        raise ValueError(
            f"dmax should be non-negative in the `renorm_clipping` argument. Received: dmax={dmax}"
        )
    return limits


def _moments_of_some(
    x: npt.NDArray[np.float64], counts: npt.NDArray[np.bool_], axes: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and variance of the numbers that count, as Keras divides them."""
    number = np.broadcast_to(counts, x.shape).sum(axes, keepdims=True) + defaults.epsilon()
    mean = np.where(counts, x, 0.0).sum(axes, keepdims=True) / number
    variance = np.square(np.where(counts, x - mean, 0.0)).sum(axes, keepdims=True) / number
    return mean, variance
