"""Activation functions under Keras' names, as elementwise steps of the core or a softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from cnnfast.errors import AROUND, Refusal, UnsupportedError
from cnnfast.symbolic.activation_functions import (
    FUNCTIONS,
    ActivationFunction,
    LayerFunction,
    UserFunction,
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_sigmoid_keras2,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    of_operation,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from cnnfast.symbolic.registry import configs
from cnnfast.symbolic.spoken import is_of_tensors
from cnnfast.symbolic.traced_function import TracedFunction
from cnnfast.utils import handed_over
from cnnfast.utils.naming import spelt_like
from cnnfast.utils.registered import get_registered_name

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike

__all__ = [
    "ActivationFunction",
    "UserFunction",
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

swish = silu
hard_swish = hard_silu
_LAYERS = ("Activation", "ELU", "LeakyReLU", "ReLU", "Softmax", "ThresholdedReLU")


def get(identifier: ActivationLike) -> ActivationFunction:
    """Return the function that a name, config, function or layer stands for.

    Parameters
    ----------
    identifier
        A function of this module, its name or config, or a function of the user's: of tensors, in
        terms of `cnnfast.ops`, or of a NumPy array, which runs outside the core. None is `linear`.

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
        return activation if is_unwritten() else function_config(activation)
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


def function_config(activation: UserFunction) -> dict[str, Any]:
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
    registered = get_registered_name(activation.function)
    return {
        "module": "builtins",
        "class_name": "function",
        "config": activation.name,
        "registered_name": registered if ">" in registered else "function",
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
    if module.startswith("cnnfast.ops."):
        own = given.__name__
        # Keras' function of the name gelu is the exact one, and that of `ops` is not.
        function = FUNCTIONS.get(own) if own != gelu.name else None
        return function or of_operation(own, given) or UserFunction(name, given)
    return (TracedFunction if is_of_tensors(given) else UserFunction)(name, given)


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
