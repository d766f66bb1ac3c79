"""Activation functions, as elementwise steps of the core or a softmax, and the table of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import ActivationKind as Kind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Call, Value
from cnnfast.lowering import append, row_functions
from cnnfast.symbolic.registry import LAYERS, OPERATIONS
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils.registry import Registry
from cnnfast.utils.sealed import Sealing, is_open

if TYPE_CHECKING:
    from cnnfast.engine.ops import BatchShape
    from cnnfast.layers.base.layer import Layer
    from cnnfast.symbolic.typing import Tensor


class ActivationFunction(metaclass=Sealing):
    """A function of one tensor, which keeps the shape but for `glu`.

    All layers share it, so it stays as it is made.

    Parameters
    ----------
    name
        Keras' name, which a config holds.
    steps
        Elementwise functions to apply in turn; none is the identity.
    """

    def __init__(self, name: str, steps: tuple[Activation, ...]) -> None:
        self.name = name
        self.steps = steps

    def __setattr__(self, name: str, value: object) -> None:
        if not is_open(self):
            raise AttributeError(
                f"An activation function cannot change, as layers share it: give its layer another "
                f"one. Received: {name}={value!r}"
            )
        object.__setattr__(self, name, value)

    @property
    def __name__(self) -> str:
        """Keras' name."""
        return self.name

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layer that the function is, if it is one."""
        return ()

    def lower(self, graph: Graph, x: Value) -> Value:
        """Append the whole function."""
        return append.activate(graph, x, self.steps)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        """Return the shape of the function of a tensor of `input_shape`, batch included."""
        return input_shape

    def split(self) -> tuple[Activation, ActivationFunction]:
        """Split off the first step, which the operation before can take, from what is left."""
        if not self.steps:
            return Activation(), self
        return self.steps[0], ActivationFunction(self.name, self.steps[1:])

    @property
    def is_elementwise(self) -> bool:
        """Whether it is a function of each number alone that the core knows."""
        return True

    def __call__(self, x: Tensor) -> Tensor:
        """Return the function of a symbolic tensor, or of a batch: an array of two axes or more."""
        made: Any = LAYERS["Activation"]
        if isinstance(x, KerasTensor):  # an operation, as in Keras, where there is one
            made = OPERATIONS.get(_OPERATIONS.get(self.name, _camel_case(self.name)), made)
        return _applied(made(self) if made is LAYERS["Activation"] else made(), x)

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.name,)

    def __repr__(self) -> str:
        return f"<activation {self.name}>"


_OPERATIONS = {"exponential": "Exp"}
"""Operations that do not have the names of their functions."""


def named(name: str) -> ActivationFunction:
    """Return one of Keras' functions; a pickle holds its name."""
    return FUNCTIONS[name]


def _applied(made: Any, x: Tensor) -> Tensor:
    """Call an operation or layer on a symbolic tensor, or on what NumPy takes as a batch."""
    result: Tensor = made(x if isinstance(x, KerasTensor) else np.asarray(x))
    return result


def _camel_case(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


class WholeFunction(ActivationFunction):
    """A function that is no chain of elementwise steps; it works on the last axis.

    Parameters
    ----------
    name
        Keras' name.
    lower
        Appends the function.
    """

    def __init__(self, name: str, lower: Callable[[Graph, Value], Value]) -> None:
        super().__init__(name, ())
        self._lower = lower

    @property
    def is_elementwise(self) -> bool:
        return False

    def lower(self, graph: Graph, x: Value) -> Value:
        return self._lower(graph, x)

    def split(self) -> tuple[Activation, ActivationFunction]:
        return Activation(), self


class LayerFunction(ActivationFunction):
    """A layer without weights used as an activation, as in ``activation=ReLU(6.0)``."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer.name, ())
        self.layer = layer

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (self.layer,)

    @property
    def is_elementwise(self) -> bool:
        return False

    def lower(self, graph: Graph, x: Value) -> Value:
        return self.layer.lower(graph, x)

    def split(self) -> tuple[Activation, ActivationFunction]:
        return Activation(), self

    def __call__(self, x: Tensor) -> Tensor:
        return _applied(LAYERS["Activation"](self), x)

    def __reduce__(self) -> tuple[Any, ...]:
        return LayerFunction, (self.layer,)


class UserFunction(ActivationFunction):
    """A user's function of a NumPy array, which keeps its shape.

    Parameters
    ----------
    name
        By which a config knows it.
    function
        Takes a float32 array with the batch as first axis.
    """

    def __init__(self, name: str, function: Callable[..., Any]) -> None:
        super().__init__(name, ())
        self.function = function

    @property
    def is_elementwise(self) -> bool:
        return False

    def lower(self, graph: Graph, x: Value) -> Value:
        return graph.add(Call((x,), Value(x.shape), self.function, self.name))

    def split(self) -> tuple[Activation, ActivationFunction]:
        return Activation(), self

    def __call__(self, x: Tensor) -> Tensor:
        return _applied(LAYERS["Activation"](self), x)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.function)


class OperationFunction(UserFunction):
    """A function of `cnnfast.ops` that keeps shapes, given as it is; it runs in the core."""

    def lower(self, graph: Graph, x: Value) -> Value:
        lowered: Value = _operation_named(self.name).lower(graph, x)
        return lowered


def of_operation(name: str, function: Callable[..., Any]) -> UserFunction | None:
    """Return what runs `function`, of `cnnfast.ops`, in the core; None where it needs arguments."""
    if _camel_case(name) not in OPERATIONS:
        return None
    try:
        tried = _operation_named(name).infer((KerasTensor(_TRIED),), {})
    except (TypeError, ValueError):
        return None
    kept = isinstance(tried, KerasTensor) and tried.shape == _TRIED
    return OperationFunction(name, function) if kept else None


_TRIED = (None, 2, 3)


def _operation_named(name: str) -> Any:
    return OPERATIONS[_camel_case(name)]()


def relu_steps(
    negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> tuple[Activation, ...]:
    """Return Keras' general ReLU as steps.

    It is `max_value` from there on, x from `threshold` on, ``negative_slope * (x - threshold)``
    below.
    """
    if threshold:
        first = Activation(Kind.THRESHOLDED_RELU, negative_slope, threshold)
    elif negative_slope:
        first = Activation(Kind.LEAKY_RELU, negative_slope)
    elif max_value is None:
        return (Activation(Kind.RELU),)
    else:
        return (Activation(Kind.CLIPPED_RELU, max_value),)
    return (first,) if max_value is None else (first, Activation(Kind.MINIMUM, max_value))


class Relu(ActivationFunction):
    """Rectified linear unit in Keras' general form.

    Examples
    --------
    >>> cnnfast.activations.relu(np.array([[-2.0, 0.5, 3.0]]), max_value=1.0)
    array([[0. , 0.5, 1. ]], dtype=float32)
    """

    def __init__(self) -> None:
        super().__init__("relu", relu_steps())

    def __call__(
        self,
        x: Tensor,
        negative_slope: float = 0.0,
        max_value: float | None = None,
        threshold: float = 0.0,
    ) -> Tensor:
        """Return `max_value` from there on, x from `threshold` on, and a line below.

        Parameters
        ----------
        x
            A symbolic tensor, or a batch.
        negative_slope
            Of the line below, ``negative_slope * (x - threshold)``.
        max_value
            None for no limit.
        threshold
            As above.
        """
        if not (negative_slope or threshold) and max_value is None:
            return super().__call__(x)
        return _applied(LAYERS["ReLU"](max_value, negative_slope, threshold), x)


class LeakyRelu(ActivationFunction):
    """x above 0, ``negative_slope * x`` below."""

    def __init__(self) -> None:
        super().__init__("leaky_relu", relu_steps(negative_slope=0.2))

    def __call__(self, x: Tensor, negative_slope: float = 0.2) -> Tensor:
        """Return x above 0, ``negative_slope * x`` below."""
        return _applied(OPERATIONS["LeakyRelu"](negative_slope), x)


class Exponential(ActivationFunction):
    """`elu` and `celu`: x above 0, a power of e below, down to ``-alpha``."""

    def __init__(self, name: str, kind: Kind) -> None:
        super().__init__(name, (Activation(kind, 1.0),))

    def __call__(self, x: Tensor, alpha: float = 1.0) -> Tensor:
        """Return x above 0; below, ``alpha * (exp(x) - 1)``, or in celu of ``x / alpha``."""
        return _applied(OPERATIONS[_camel_case(self.name)](alpha), x)


class Gelu(ActivationFunction):
    """``x * P(X <= x)`` for a normal X."""

    def __init__(self) -> None:
        super().__init__("gelu", (Activation(Kind.GELU),))

    def __call__(self, x: Tensor, approximate: bool = False) -> Tensor:
        """Return ``x * P(X <= x)``, by the error function or, if `approximate`, by tanh."""
        return _applied(OPERATIONS["Gelu"](approximate), x)


class Shrink(ActivationFunction):
    """`hard_shrink` and `soft_shrink`: 0 near 0."""

    def __init__(self, name: str, kind: Kind) -> None:
        super().__init__(name, (Activation(kind, 0.5),))

    def __call__(self, x: Tensor, threshold: float = 0.5) -> Tensor:
        """Return 0 within `threshold` of 0; else x, or in soft_shrink x moved towards 0 by it."""
        return _applied(OPERATIONS[_camel_case(self.name)](threshold), x)


class Squareplus(ActivationFunction):
    """``(x + sqrt(x * x + b)) / 2``."""

    def __init__(self) -> None:
        super().__init__("squareplus", (Activation(Kind.SQUAREPLUS, 4.0),))

    def __call__(self, x: Tensor, b: float = 4) -> Tensor:
        """Return ``(x + sqrt(x * x + b)) / 2``."""
        return _applied(OPERATIONS["Squareplus"](b), x)


class AlongAxis(WholeFunction):
    """`softmax` and its like: a function of all numbers along an axis; by name, the last one.

    Examples
    --------
    >>> cnnfast.activations.softmax(np.zeros((1, 4, 2)), axis=1)[0, :, 0]
    array([0.25, 0.25, 0.25, 0.25], dtype=float32)
    """

    def __call__(self, x: Tensor, axis: int = -1) -> Tensor:
        """Return the function along `axis`, batch included, which it must not be."""
        if _camel_case(self.name) in OPERATIONS:
            return _applied(OPERATIONS[_camel_case(self.name)](axis), x)
        if axis == -1:
            return super().__call__(x)
        swapped = _applied(OPERATIONS["Swapaxes"](axis, -1), x)
        return _applied(OPERATIONS["Swapaxes"](axis, -1), super().__call__(swapped))


class Glu(AlongAxis):
    """`glu`, which halves the axis."""

    def __init__(self) -> None:
        super().__init__("glu", row_functions.glu)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        size = input_shape[-1]
        return (*input_shape[:-1], None if size is None else size // 2)


def threshold(x: Tensor, threshold: float, default_value: float) -> Tensor:
    """Return `x` where it is above `threshold`, `default_value` elsewhere.

    A config cannot name this function, because it could not give the two numbers.

    Parameters
    ----------
    x
        A symbolic tensor, or a batch.
    threshold
        Numbers above it stay.
    default_value
        What stands at other places.
    """
    return _applied(OPERATIONS["Threshold"](threshold, default_value), x)


def _of(name: str, kind: Kind, alpha: float = 0.0, beta: float = 0.0) -> ActivationFunction:
    return ActivationFunction(name, (Activation(kind, alpha, beta),))


linear = ActivationFunction("linear", ())
softmax = AlongAxis("softmax", row_functions.softmax)
log_softmax = AlongAxis("log_softmax", row_functions.log_softmax)
sparsemax = AlongAxis("sparsemax", row_functions.sparsemax)
glu = Glu()
relu = Relu()
relu6 = ActivationFunction("relu6", relu_steps(max_value=6.0))
leaky_relu = LeakyRelu()
elu = Exponential("elu", Kind.ELU)
selu = _of("selu", Kind.SELU)
celu = Exponential("celu", Kind.CELU)
gelu = Gelu()
sigmoid = _of("sigmoid", Kind.SIGMOID)
hard_sigmoid = _of("hard_sigmoid", Kind.HARD_SIGMOID, 1.0 / 6.0, 0.5)
# What Keras up to 2 computes under the name hard_sigmoid.
hard_sigmoid_keras2 = _of("hard_sigmoid_keras2", Kind.HARD_SIGMOID, 0.2, 0.5)
silu = _of("silu", Kind.SILU)
hard_silu = _of("hard_silu", Kind.HARD_SILU)
tanh = _of("tanh", Kind.TANH)
exponential = _of("exponential", Kind.EXP)
softplus = _of("softplus", Kind.SOFTPLUS)
softsign = _of("softsign", Kind.SOFTSIGN)
mish = _of("mish", Kind.MISH)
squareplus = Squareplus()
soft_shrink = Shrink("soft_shrink", Kind.SOFT_SHRINK)
hard_shrink = Shrink("hard_shrink", Kind.HARD_SHRINK)
hard_tanh = _of("hard_tanh", Kind.HARD_TANH)
tanh_shrink = _of("tanh_shrink", Kind.TANH_SHRINK)
log_sigmoid = _of("log_sigmoid", Kind.LOG_SIGMOID)
sparse_plus = _of("sparse_plus", Kind.SPARSE_PLUS)
sparse_sigmoid = _of("sparse_sigmoid", Kind.SPARSE_SIGMOID)

FUNCTIONS: Registry[ActivationFunction] = Registry("activation", "an activation")
"""What a name or a file may stand for."""

FUNCTIONS.register(
    (
        *(linear, softmax, relu, relu6, leaky_relu, elu, selu, celu, gelu),
        *(sigmoid, hard_sigmoid, silu, hard_silu, tanh, exponential, softplus, softsign, mish),
        *(squareplus, soft_shrink, hard_shrink, hard_tanh, tanh_shrink, log_sigmoid),
        *(sparse_plus, sparse_sigmoid, hard_sigmoid_keras2, log_softmax, sparsemax, glu),
    )
)
FUNCTIONS.register(swish=silu, hard_swish=hard_silu, softmax_v2=softmax)
FUNCTIONS.seal()
