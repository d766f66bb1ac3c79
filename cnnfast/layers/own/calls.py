"""What the arguments of a call of a user's layer mean, as Keras binds them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.ops import Value
from cnnfast.layers.base import phases
from cnnfast.symbolic import tensor as tensors
from cnnfast.symbolic.input_spec import InputSpec, check_inputs
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.symbolic.tracing import is_tracing
from cnnfast.utils import tree
from cnnfast.utils.masked import mask_of

if TYPE_CHECKING:
    from cnnfast.layers.own.traced import Traced

# What Keras hands on from the call around, and drops where `call` does not take it.
_CONTEXT = ("training", "mask")
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def arguments_of_call(layer: Traced, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return `args` and `kwargs` as `call` takes them.

    Raises
    ------
    TypeError
        If `call` does not take such arguments.
    """
    parameters = inspect.signature(layer.call).parameters
    given = dict(kwargs)
    anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values())
    context = {"training": given.pop("training")} if "training" in given else {}
    if given.get("mask", "") is None and "mask" not in parameters and not anything:
        del given["mask"]
    try:
        inspect.signature(layer.call).bind(*args, **given)
    except TypeError as error:
        raise TypeError(
            f"{layer._described().capitalize()} of class {type(layer).__name__} was called in a "
            f"way that its `call` does not take: {error}"
        ) from error
    bound = inspect.signature(layer.call).bind(*args, **given).arguments
    takes = "training" in parameters or ("training" in context and anything)
    if takes and "training" not in bound:
        training = phases.resolved(context, None)
        if context or training is not None:
            given["training"] = training  # where nothing says it, the default of `call` holds
    return tuple(args), given


def without_none(layer: Traced, outputs: Any) -> Any:
    """Return what a call gave; a graph of layers takes no None among it, as in Keras.

    Raises
    ------
    ValueError
        If there is one, and no `call` around, which may pass over it.
    """
    if not is_tracing() and len(tree.present(outputs)) < len(tree.flatten(outputs)):
        raise ValueError(
            f"All operation outputs must be tensors. {layer._described().capitalize()} of class "
            f"{type(layer).__name__} returned a non-tensor. Received: None"
        )
    return outputs


def takes_mask(layer: Traced) -> bool:
    """Whether `call` has a `mask`."""
    return "mask" in _names(layer)


def _names(layer: Traced) -> Sequence[str]:
    """Return the names of what `call` takes; those of Keras' class where it is that one's."""
    base = layer.keras_base
    if base is not None and not layer.has_own_call:
        own = ("mask",) if base.takes_mask else ()
        return (*base.call_arguments, *base.call_options, *own)
    return list(inspect.signature(layer.call).parameters)


def with_masks(layer: Traced, args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return the arguments of a call with the masks of its tensors, where `call` takes them.

    (Step 6 of `Layer.__call__` in keras/src/layers/layer.py.)
    """
    named = _named(layer, args, kwargs)
    tensors = {name: value for name, value in named.items() if _is_of_tensors(value)}
    pairs = [("mask", *tensors.values())] if len(tensors) == 1 else []
    if len(tensors) > 1:
        pairs = [(f"{name}_mask", value) for name, value in tensors.items()]
    names = _names(layer)
    found = {
        name: tree.map_structure(mask_of, value)
        for name, value in pairs
        if name in names and named.get(name) is None
    }
    found = {name: mask for name, mask in found.items() if mask is not None}
    places = {name: place for place, name in enumerate(names[: len(args)])}
    args = list(args)
    for name in [*found]:
        if name in places:
            args[places[name]] = found.pop(name)
    return tuple(args), {**kwargs, **found}


def _is_of_tensors(value: Any) -> bool:
    leaves = tree.flatten(value)
    is_tensor = [isinstance(leaf, KerasTensor) for leaf in leaves]
    return any(is_tensor) and all(
        tensor or leaf is None for tensor, leaf in zip(is_tensor, leaves, strict=True)
    )


def shapes_for(layer: Traced, build: Callable[..., Any], args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the arguments of `build` for a call: the shapes of its tensors.

    Where `build` takes one shape, it is that of the first argument; where it takes several, each
    is called after an argument of `call`, ``x_shape`` after ``x``. (The rule of
    keras/src/layers/layer.py.)

    Raises
    ------
    ValueError
        If `build` asks for the shape of something else.
    """
    shapes = call_shapes(layer, args, kwargs)
    names = [n for n, p in inspect.signature(build).parameters.items() if p.kind in _NAMED]
    if len(names) <= 1:
        return {name: next(iter(shapes.values()), None) for name in names}
    for name in names:
        if name not in shapes:
            raise ValueError(
                f"For a `{build.__name__}()` method with more than one argument, all arguments "
                "should have a `_shape` suffix and match an argument from `call()`. E.g. "
                f"`{build.__name__}(self, foo_shape, bar_shape)`. {_why(layer, name)} Received: "
                f"`{build.__name__}()` argument {name!r} of {layer._described()} of class "
                f"{type(layer).__name__}, and tensors that give {list(shapes)}"
            )
    return {name: shapes[name] for name in names}


def _why(layer: Traced, name: str) -> str:
    """Return, in Keras' words, what is wrong with an argument that should be a shape."""
    said = name.removesuffix("_shape")
    if said == name:
        return f"There is the argument `{name}`, which does not end in `_shape`."
    if said not in inspect.signature(layer.call).parameters:
        return f"There is `{name}`, but `call()` does not have argument `{said}`."
    return f"There is `{name}`, but the call gives no tensor for `{said}`."


def call_shapes(layer: Traced, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the shapes of the tensors in a call, by the names of arguments and ``_shape``."""
    shapes = {}
    for name, value in _named(layer, args, kwargs).items():
        leaves = tree.flatten(value)
        if leaves and all(hasattr(leaf, "shape") for leaf in leaves) and name not in _CONTEXT:
            shapes[f"{name}_shape"] = tree.map_structure(lambda leaf: tuple(leaf.shape), value)
    return shapes


def spec_by_shape(layer: Traced, default: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Return symbolic tensors of the shapes that the class says, which runs nothing of `call`.

    None where its `compute_output_shape` is the `default`, or that of a class of Keras.
    """
    rule = layer.compute_output_shape
    if (
        layer.keras_base is not None
        or layer.is_model
        or type(layer).compute_output_shape is default
    ):
        return None
    shapes = rule(**shapes_for(layer, rule, args, kwargs))
    return tree.map_shapes(lambda shape: KerasTensor(tuple(shape), layer.compute_dtype), shapes)


def _named(layer: Traced, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the arguments of a call by name; those that Keras has where `call` takes any."""
    signature = inspect.signature(layer.call)
    if all(p.kind is not inspect.Parameter.VAR_POSITIONAL for p in signature.parameters.values()):
        return signature.bind(*args, **kwargs).arguments
    return dict(zip(layer.call_arguments, args, strict=False)) | dict(kwargs)


def alike(
    values: Any, drawn: Any, masks: Mapping[Value, Value]
) -> tuple[Any, dict[KerasTensor, Value]]:
    """Return symbolic tensors with the shapes of `values` and the dtypes of those in `drawn`.

    They have masks where the values do. Also returned is the value of each, and of each mask.
    """
    known: dict[KerasTensor, Value] = {}
    leaves = []
    for value, tensor in zip(tree.flatten(values), tree.flatten(drawn), strict=True):
        if not isinstance(tensor, KerasTensor):
            leaves.append(value)
            continue
        twin = autocast(tensors.alike(tensor, (None, *value.shape)))
        mask = masks.get(value)
        if mask is not None:
            twin._keras_mask = KerasTensor((None, *mask.shape), "bool")
            known[twin._keras_mask] = mask
        known[twin] = value
        leaves.append(twin)
    return tree.pack(values, leaves), known


def autocast(leaf: Any) -> Any:
    """Return a tensor as `call` gets it: floats of any width are those of the layer."""
    if not isinstance(leaf, KerasTensor) or "float" not in leaf.dtype or leaf.dtype == "float32":
        return leaf
    twin = tensors.alike(leaf, dtype="float32")
    twin._keras_mask = leaf._keras_mask
    return twin


def check_shapes(layer: Traced, args: Any, kwargs: Any) -> None:
    """Raise ValueError if `input_spec` does not allow the first argument of a call."""
    if layer.input_spec is None or layer.input_spec == InputSpec():
        return
    named = _named(layer, *arguments_of_call(layer, args, kwargs))
    check_inputs(layer.input_spec, next(iter(named.values()), None), layer.name)


def takes_training(call: Callable[..., Any]) -> bool:
    """Whether `call` has an argument `training`."""
    return "training" in inspect.signature(call).parameters


def training_default(call: Callable[..., Any]) -> bool | None:
    """Return whether `call` computes as in training where nothing says whether to."""
    parameter = inspect.signature(call).parameters.get("training")
    if parameter is None or parameter.default in (parameter.empty, None):
        return None
    return bool(parameter.default)
