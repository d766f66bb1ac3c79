"""Activation layers without weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast import activations
from cnnfast._core import ActivationKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.layers.base.layer import Layer
from cnnfast.lowering import append
from cnnfast.symbolic import arguments, array_arguments
from cnnfast.symbolic.activation_functions import relu_steps
from cnnfast.symbolic.dtypes import Integers

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import ActivationLike, IntOrSequence, LayerOptions, LeakyOptions


# What a softmax sees in place of what is masked.
_MASKED = -1e9


class _ActivationLayer(Layer):
    """A layer without weights that keeps its input's shape."""

    integers = Integers.PROMOTED
    built_without_weights = True
    passes_masks = True

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return input_shape


class Activation(_ActivationLayer):
    """An activation function as a layer; all but `glu` keep the shape.

    Takes and returns any shape (batch, ...); `glu` halves the last axis.

    Parameters
    ----------
    activation
        Of the output: a name, function or layer, see `cnnfast.activations.get`; None for none.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> layer = cnnfast.layers.Activation("relu")
    >>> layer(np.array([[-2.0, 0.5, 3.0]]))
    array([[0. , 0.5, 3. ]], dtype=float32)
    """

    def __init__(self, activation: ActivationLike, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        if self.activation in (activations.linear, activations.relu, activations.hard_tanh):
            self.integers = Integers.KEPT

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        return self.activation.compute_output_shape(input_shape)

    def lower(self, graph: Graph, x: Value) -> Value:
        return self.activation.lower(graph, x)

    def _config(self) -> dict[str, Any]:
        return {"activation": activations.serialize(self.activation)}


class ReLU(_ActivationLayer):
    """Rectified linear unit in Keras' general form.

    ``max_value`` from there on, x from `threshold` on, ``negative_slope * (x - threshold)`` below.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    max_value
        The largest output; None for no limit.
    negative_slope
        Slope below `threshold`.
    threshold
        Where the line through 0 begins.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If one of them is negative.

    Examples
    --------
    >>> layer = cnnfast.layers.ReLU(max_value=1.0)
    >>> layer(np.array([[-2.0, 0.5, 3.0]]))
    array([[0. , 0.5, 1. ]], dtype=float32)
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        if max_value is not None and not arguments.number(max_value, "max_value") >= 0.0:
            raise ValueError(
                "max_value of a ReLU layer cannot be a negative value. "
                f"Received: max_value={max_value}"
            )
        self.max_value = None if max_value is None else arguments.number(max_value, "max_value")
        self.negative_slope = _not_negative(negative_slope, "negative_slope")
        self.threshold = _not_negative(threshold, "threshold")
        if self.negative_slope or self.threshold:
            # Keras makes integers of these numbers as well.
            self.integers = Integers.REFUSED
        elif self.max_value is None:
            self.integers = Integers.KEPT

    def lower(self, graph: Graph, x: Value) -> Value:
        steps = relu_steps(self.negative_slope, self.max_value, self.threshold)
        return append.activate(graph, x, steps)

    def _config(self) -> dict[str, Any]:
        return {
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }


class LeakyReLU(_ActivationLayer):
    """``x`` where it is positive, ``negative_slope * x`` elsewhere.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    negative_slope
        Slope below 0; `alpha` in Keras 1 and 2.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If it is negative.

    Examples
    --------
    >>> layer = cnnfast.layers.LeakyReLU(0.5)
    >>> layer(np.array([[-2.0, 0.5, 3.0]]))
    array([[-1. ,  0.5,  3. ]], dtype=float32)
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Unpack[LeakyOptions]) -> None:
        slope = kwargs.pop("alpha", negative_slope)
        super().__init__(**kwargs)  # type: ignore[misc]  # without alpha
        self.negative_slope = _not_negative(slope, "The negative_slope value", "Leaky ReLU")

    def lower(self, graph: Graph, x: Value) -> Value:
        steps = relu_steps(negative_slope=self.negative_slope)
        return append.activate(graph, x, steps)

    def _config(self) -> dict[str, Any]:
        return {"negative_slope": self.negative_slope}


class ELU(_ActivationLayer):
    """``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    alpha
        The limit far below 0 is ``-alpha``.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> layer = cnnfast.layers.ELU()
    >>> layer(np.ones((2, 5))).shape
    (2, 5)
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.alpha = arguments.number(alpha, "alpha")

    def lower(self, graph: Graph, x: Value) -> Value:
        return append.activate(graph, x, (ops.Activation(ActivationKind.ELU, self.alpha),))

    def _config(self) -> dict[str, Any]:
        return {"alpha": self.alpha}


class ThresholdedReLU(_ActivationLayer):
    """``x`` where it is above `theta`, 0 elsewhere; a layer of Keras 1 and 2.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    theta
        What is not above it becomes 0.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If it is negative.

    Examples
    --------
    >>> layer = cnnfast.layers.ThresholdedReLU(theta=1.0)
    >>> layer(np.array([[-2.0, 0.5, 3.0]]))
    array([[0., 0., 3.]], dtype=float32)
    """

    integers = Integers.REFUSED

    def __init__(self, theta: float = 1.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self.theta = _not_negative(theta, "theta", "Thresholded ReLU")

    def lower(self, graph: Graph, x: Value) -> Value:
        step = ops.Activation(ActivationKind.THRESHOLD, self.theta, 0.0)
        return append.activate(graph, x, (step,))

    def _config(self) -> dict[str, Any]:
        return {"theta": self.theta}


class Softmax(_ActivationLayer):
    """Softmax over one axis, or over several together.

    Takes and returns any shape (batch, ...).

    Parameters
    ----------
    axis
        Batch included; not the batch itself.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Examples
    --------
    >>> layer = cnnfast.layers.Softmax()
    >>> layer(np.zeros((1, 4)))
    array([[0.25, 0.25, 0.25, 0.25]], dtype=float32)
    """

    takes_mask = True
    call_options = ("mask",)
    masked_above = 0.5

    def __init__(self, axis: IntOrSequence = -1, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(**kwargs)
        self._axes = arguments.axes(axis, "axis")
        self.axis = self._axes[0] if isinstance(axis, int) else self._axes

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        rank = len(input_shape)
        # A negative axis cannot be told from the batch before the rank is known.
        if any(not -rank < axis < rank or axis == 0 for axis in self._axes):
            raise ValueError(
                f"Layer '{self.name}': the axes of a softmax must lie behind the batch and in "
                f"the input. Received: axis={self.axis} for input shape {input_shape}"
            )
        return input_shape

    def lower(self, graph: Graph, x: Value) -> Value:
        self._output_shape(x)
        axes = dict.fromkeys(axis % (len(x.shape) + 1) - 1 for axis in self._axes)
        return append.softmax(graph, x, list(axes))

    def as_in_keras_2(self, mask: Any) -> bool:
        return False  # where rows that are masked as a whole were not 0

    def lower_masked(self, graph: Graph, x: Value, mask: Value) -> Value:
        # Where it has fewer axes, its batch would meet another axis of the input.
        same_rank = len(mask.shape) == len(x.shape)
        if not same_rank or any(m not in (1, n) for m, n in zip(mask.shape, x.shape, strict=True)):
            raise ValueError(
                f"Layer '{self.name}': the `mask` must be broadcastable to `inputs`, and begin "
                "with the batch. Each mask dimension must be 1 or match the corresponding input "
                f"dimension. Received: inputs.shape={(None, *x.shape)}, "
                f"mask.shape={(None, *mask.shape)}"
            )
        y = Softmax.lower(self, graph, append.where(graph, mask, x, _MASKED))
        return append.where(graph, mask, y, 0.0)

    def _config(self) -> dict[str, Any]:
        return {"axis": array_arguments.encode(self.axis)}


def _not_negative(value: object, name: str, kind: str = "ReLU") -> float:
    number = -1.0 if value is None else arguments.number(value, name)
    if not number >= 0.0:
        raise ValueError(
            f"{name} of a {kind} layer cannot be None or a negative value. Received: {value}"
        )
    return number
