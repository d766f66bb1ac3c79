"""The activation layer whose slopes are weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cnnfast import constraints, initializers, regularizers
from cnnfast._core import BinaryKind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base import weight_options
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments, array_arguments
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


class PReLU(Layer):
    """``x`` where it is positive, ``alpha * x`` elsewhere.

    Takes and returns any shape (batch, ...).

    Weights: `alpha`, of the input's shape without the batch, 1 along `shared_axes`.

    Parameters
    ----------
    alpha_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    alpha_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    alpha_constraint
        Of training; kept for the config.
    shared_axes
        Axes, counted from 1 behind the batch, along which all numbers share their slope.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> layer = cnnfast.layers.PReLU(shared_axes=[1, 2])
    >>> layer(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    integers = Integers.PROMOTED
    passes_masks = True

    def __init__(
        self,
        alpha_initializer: InitializerLike = "Zeros",
        alpha_regularizer: RegularizerLike = None,
        alpha_constraint: ConstraintLike = None,
        shared_axes: int | Iterable[int] | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.shared_axes = (
            None if shared_axes is None else arguments.axes(shared_axes, "shared_axes")
        )

    @property
    def _shared(self) -> tuple[int, ...]:
        return self.shared_axes or ()

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        sizes = list(input_shape[1:])
        for axis in self._shared:
            if not 0 < axis <= len(sizes):
                raise ValueError(
                    f"Layer '{self.name}': `shared_axes` must lie between 1 and {len(sizes)}. "
                    f"Received: shared_axes={self.shared_axes}, input shape={input_shape}"
                )
            sizes[axis - 1] = 1
        self.alpha = self.add_weight(
            name="alpha",
            shape=sizes,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            path=path,
        )
        fixed = {
            axis: size for axis, size in enumerate(input_shape) if axis and axis not in self._shared
        }
        self.input_spec = InputSpec(ndim=len(input_shape), axes=fixed)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        alpha = append.constant(graph, self.alpha.numpy())
        return append.binary(graph, x, alpha, BinaryKind.PRELU)

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        if "kernel_initializer" in config:
            # Keras 1 named it like that of all other layers.
            config["alpha_initializer"] = config.pop("kernel_initializer")
        return config

    def _config(self) -> dict[str, Any]:
        return {
            **weight_options.config(self, "alpha"),
            "shared_axes": array_arguments.encode(self.shared_axes),
        }
