"""Activation functions under Keras' names, as elementwise steps of the core or a softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from cnnfast._core import ActivationKind as Kind
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, Call, Value
from cnnfast.errors import AROUND, Refusal, UnsupportedError
from cnnfast.lowering import append, row_functions
from cnnfast.symbolic.registry import LAYERS, configs
from cnnfast.utils import handed_over
from cnnfast.utils.naming import spelt_like
from cnnfast.utils.registry import Registry
from cnnfast.utils.sealed import Sealing, is_open

if TYPE_CHECKING:
    import numpy.typing as npt

    from cnnfast.engine.ops import BatchShape, Float32Array
    from cnnfast.layers.base.layer import Layer


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

    def __call__(self, x: npt.ArrayLike) -> Float32Array:
        """Return the function of an array of at least two axes, the first being the batch."""
        result: Float32Array = LAYERS["Activation"](self)(x)
        return result

    def __reduce__(self) -> tuple[Any, ...]:
        return get, (serialize(self),)

    def __repr__(self) -> str:
        return f"<activation {self.name}>"


class WholeFunction(ActivationFunction):
    """A function that is no chain of elementwise steps.

    Parameters
    ----------
    name
        Keras' name.
    lower
        Appends the function; it works on the last axis.
    """

    def __init__(self, name: str, lower: Callable[[Graph, Value], Value]) -> None:
        super().__init__(name, ())
        self._lower = lower

    def lower(self, graph: Graph, x: Value) -> Value:
        return self._lower(graph, x)

    def split(self) -> tuple[Activation, ActivationFunction]:
        return Activation(), self


class GatedFunction(WholeFunction):
    """`glu`, which halves the last axis."""

    def __init__(self) -> None:
        super().__init__("glu", row_functions.glu)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        size = input_shape[-1]
        return (*input_shape[:-1], None if size is None else size // 2)


class LayerFunction(ActivationFunction):
    """A layer without weights used as an activation, as in ``activation=ReLU(6.0)``."""

    def __init__(self, layer: Layer) -> None:
        super().__init__(layer.name, ())
        self.layer = layer

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (self.layer,)

    def lower(self, graph: Graph, x: Value) -> Value:
        return self.layer.lower(graph, x)

    def split(self) -> tuple[Activation, ActivationFunction]:
        return Activation(), self


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

    def lower(self, graph: Graph, x: Value) -> Value:
        return graph.add(Call((x,), Value(x.shape), self.function, self.name))

    def split(self) -> tuple[Activation, ActivationFunction]:
        return Activation(), self

    def __reduce__(self) -> tuple[Any, ...]:
        return UserFunction, (self.name, self.function)


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


def _of(name: str, kind: Kind, alpha: float = 0.0, beta: float = 0.0) -> ActivationFunction:
    return ActivationFunction(name, (Activation(kind, alpha, beta),))


linear = ActivationFunction("linear", ())
softmax = WholeFunction("softmax", row_functions.softmax)
log_softmax = WholeFunction("log_softmax", row_functions.log_softmax)
sparsemax = WholeFunction("sparsemax", row_functions.sparsemax)
glu = GatedFunction()
relu = ActivationFunction("relu", relu_steps())
relu6 = ActivationFunction("relu6", relu_steps(max_value=6.0))
leaky_relu = ActivationFunction("leaky_relu", relu_steps(negative_slope=0.2))
elu = _of("elu", Kind.ELU, 1.0)
selu = _of("selu", Kind.SELU)
celu = _of("celu", Kind.CELU, 1.0)
gelu = _of("gelu", Kind.GELU)
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
squareplus = _of("squareplus", Kind.SQUAREPLUS, 4.0)
soft_shrink = _of("soft_shrink", Kind.SOFT_SHRINK, 0.5)
hard_shrink = _of("hard_shrink", Kind.HARD_SHRINK, 0.5)
hard_tanh = _of("hard_tanh", Kind.HARD_TANH)
tanh_shrink = _of("tanh_shrink", Kind.TANH_SHRINK)
log_sigmoid = _of("log_sigmoid", Kind.LOG_SIGMOID)
sparse_plus = _of("sparse_plus", Kind.SPARSE_PLUS)
sparse_sigmoid = _of("sparse_sigmoid", Kind.SPARSE_SIGMOID)


def threshold(x: npt.ArrayLike, threshold: float, default_value: float) -> Float32Array:
    """Return `x` where it is above `threshold`, `default_value` elsewhere.

    A config cannot name this function, because it could not give the two numbers.
    """
    return _of("threshold", Kind.THRESHOLD, threshold, default_value)(x)


swish = silu
hard_swish = hard_silu

FUNCTIONS: Registry[ActivationFunction] = Registry("activation", "an activation")
"""What a name or a file may stand for."""

FUNCTIONS.register(
    **{
        function.name: function
        for function in (
            *(linear, softmax, relu, relu6, leaky_relu, elu, selu, celu, gelu),
            *(sigmoid, hard_sigmoid, silu, hard_silu, tanh, exponential, softplus, softsign, mish),
            *(squareplus, soft_shrink, hard_shrink, hard_tanh, tanh_shrink, log_sigmoid),
            *(sparse_plus, sparse_sigmoid, hard_sigmoid_keras2, log_softmax, sparsemax, glu),
        )
    }
)
FUNCTIONS.register(swish=silu, hard_swish=hard_silu, softmax_v2=softmax)
FUNCTIONS.seal()
_LAYERS = ("Activation", "ELU", "LeakyReLU", "ReLU", "Softmax", "ThresholdedReLU")


def get(identifier: object) -> ActivationFunction:
    """Return the function that a name, config, function or layer stands for.

    Parameters
    ----------
    identifier
        A function of this module, its name or config, or a function of a NumPy array, which runs
        outside the core. None is `linear`.

    Raises
    ------
    UnsupportedError
        If the name is unknown, or it is a layer that cannot be an activation.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, ActivationFunction):
        return identifier
    if isinstance(identifier, str):
        return _named(identifier)
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if type(identifier).__name__ in _LAYERS and hasattr(identifier, "lower"):
        return LayerFunction(identifier)  # type: ignore[arg-type]
    name = getattr(identifier, "__name__", None) or type(identifier).__name__
    if callable(identifier) and not hasattr(identifier, "lower"):
        return _of_user(identifier, name)
    raise _unknown(name, identifier)


def serialize(activation: ActivationFunction) -> Any:
    """Return what a config holds: a name, or the config of a function or layer."""
    if isinstance(activation, LayerFunction):
        config: dict[str, Any] = configs.serialize(activation.layer)
        return config
    if isinstance(activation, UserFunction):
        return activation if is_unwritten() else _function_config(activation)
    return activation.name


# Whether configs are being made that are not written.
_unwritten: ContextVar[bool] = ContextVar("cnnfast_unwritten", default=False)


def is_unwritten() -> bool:
    """Whether the config that is being made may hold functions themselves."""
    return _unwritten.get()


@contextmanager
def unwritten() -> Iterator[None]:
    """Let configs hold the user's functions themselves inside a ``with`` block."""
    token = _unwritten.set(True)
    try:
        yield
    finally:
        _unwritten.reset(token)


# The user's functions in the config that is being made, by name.
_named_functions: ContextVar[dict[str, Callable[..., Any]] | None] = ContextVar(
    "cnnfast_named_functions", default=None
)


@contextmanager
def one_config() -> Iterator[dict[str, Callable[..., Any]]]:
    """Let what is serialized inside a ``with`` block be one config, where names tell all apart.

    Yields
    ------
    dict
        The user's functions in it by name, as they come; that of the block around it, if any.
    """
    outer = _named_functions.get()
    functions = {} if outer is None else outer
    token = _named_functions.set(functions)
    try:
        yield functions
    finally:
        _named_functions.reset(token)


def _function_config(activation: UserFunction) -> dict[str, Any]:
    """Return what Keras writes of a user's function: its name."""
    if not activation.name.isprintable() or activation.name == "<lambda>":
        raise UnsupportedError(
            "A config knows a function by its name, which this one does not have: define it with "
            f"`def`. Received: {activation.function!r}"
        )
    if activation.name in FUNCTIONS:
        raise UnsupportedError(
            "A config knows a function by its name, which would be taken for that of Keras' own: "
            "give the layer a function of another name, `layer.activation = own`. Received: "
            f"{activation.name!r} for {activation.function!r}"
        )
    with one_config() as functions:
        known = functions.setdefault(activation.name, activation.function)
    if known != activation.function:
        raise UnsupportedError(
            "A config knows a function by its name, which two functions must not share: give one "
            "a name of its own, `own.__name__ = 'another'`, and then to its layers again, "
            f"`layer.activation = own`. Received: {activation.name!r} for {known!r} and "
            f"{activation.function!r}"
        )
    return {
        "module": "builtins",
        "class_name": "function",
        "config": activation.name,
        "registered_name": "function",
    }


def deserialize(config: str | Mapping[str, Any]) -> ActivationFunction:
    """Return the function that a name, a function object or a layer object of a file names."""
    if isinstance(config, str):
        return _named(config)
    name, inner = config.get("class_name"), config.get("config")
    registered = config.get("registered_name")
    if name == "function" and isinstance(inner, str):
        return _named(inner, registered if registered != name else None)
    if name in _LAYERS:
        return LayerFunction(configs.deserialize(config))
    if isinstance(name, str) and not inner:
        given = FUNCTIONS.given(registered, name)
        if given is not None:
            return _of_user(given, name)
        if name in FUNCTIONS:
            return _named(name)
    raise _unknown(inner if name == "function" else name, dict(config))


def _named(name: str, registered: object = None) -> ActivationFunction:
    own = "hard_sigmoid" if name == hard_sigmoid_keras2.name else name
    given = FUNCTIONS.given(registered, own, handed_over.bare(own))
    if given is not None:
        handed_over.meant(own, "an activation")
        return _of_user(given, own)
    function = FUNCTIONS.get(name)
    if function is None:
        raise _unknown(name, name)
    return function


def _of_user(given: Any, name: str) -> ActivationFunction:
    """Return what the user gave for `name`."""
    if isinstance(given, ActivationFunction):
        return given
    if isinstance(given, type) or not callable(given):
        raise UnsupportedError(
            f"an activation must be a function of a NumPy array. Received: {given!r} for {name!r}"
        )
    module = str(getattr(given, "__module__", ""))
    if module.startswith("keras.src.activations") and name in FUNCTIONS:
        return FUNCTIONS[name]
    return UserFunction(name, given)


def _unknown(name: object, identifier: object) -> UnsupportedError:
    advice = (
        f"Give a NumPy function for it: `load_model(…, custom_objects={{{name!r:.80}: function}})`."
        if isinstance(name, str)
        else "It is code without a name, which is never run. Give the layer a function made by "
        "`def` in Keras, or a NumPy function for the layer as a whole: "
        f"`load_model(…, custom_objects={{{AROUND}: function}})`."
    )
    refusal = Refusal(
        "function",
        "could not interpret activation function identifier: it must be one of Keras' functions, "
        f"of its layers {', '.join(_LAYERS)}, or a function of a NumPy array.",
        class_name=name if isinstance(name, str) else "<lambda>",
        received=(f"{identifier!r:.200}",),
        nearest=spelt_like(str(name), FUNCTIONS),
        advice=handed_over.hint(name) + advice,
    )
    return UnsupportedError(refusal)
