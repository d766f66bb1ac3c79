"""A user's function in place of a layer that a file describes, with the weights stored for it."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.calling import is_absent
from cnnfast.layers.base.masks import is_given
from cnnfast.layers.core.lambda_layer import ArrayFunction, Lambda
from cnnfast.symbolic.tensor import KerasTensor, symbolic
from cnnfast.utils import handed_over, tree
from cnnfast.utils.masked import mask_of
from cnnfast.utils.records import record

STOOD_FOR = "cnnfast_function"
"""Marks in a config object that a function stood in for the layer, which could be Keras' own."""

# An argument of TensorFlow's functions that changes no number.
_TENSORFLOW_NAME = "name"
# What Keras passes to `call` beside the inputs, and what it is at inference.
_OF_KERAS = {"training": False, "mask": None}
_FIRST_SHAPE = ("batch_input_shape", "batch_shape", "input_shape", "input_dim")
# Say where the layer stands, which the model does.
_OF_THE_GRAPH = ("name", "inbound_nodes", "shared_object_id")
# Weights that a message lists.
_LISTED = 6
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@record(frozen=True)
class StoredWeight:
    """A weight that is stored for a layer.

    Attributes
    ----------
    place
        Where it is, below the layer's own place.
    name
        Such as ``"gamma"``; None where weights are told apart by their order alone.
    trainable
        Whether training would change it, where that is known.
    """

    place: str
    shape: tuple[int, ...]
    name: str | None = None
    trainable: bool = True

    @property
    def label(self) -> str:
        """How a message calls it."""
        return self.name or self.place.replace("vars/", "")


class StandIn(Lambda):
    """Runs `function` where a file has a layer of a class that is not known here.

    Parameters
    ----------
    function
        Is called as the layer is, on arrays. ``f(x, *weights)`` gets the weights in the order in
        which they are stored, ``f(x, gamma, beta)`` those of these names.
    original
        The layer's config object, ``{"class_name", "config", …}``.
    stored
        Its weights, all of which the function must take; None where nothing says which it has.
    """

    def __init__(
        self,
        function: ArrayFunction,
        original: Mapping[str, Any],
        stored: Sequence[StoredWeight] | None,
    ) -> None:
        inner = original["config"] if isinstance(original.get("config"), Mapping) else {}
        of_lambda = inner if original["class_name"] == "Lambda" else {}
        shape, options = of_lambda.get("output_shape"), of_lambda.get("arguments")
        plain = isinstance(shape, list | tuple) and all(isinstance(n, int | None) for n in shape)
        super().__init__(
            function,
            output_shape=shape if plain else None,
            arguments=options if isinstance(options, Mapping) else None,
            name=name_in(original),
            trainable=inner.get("trainable", True),
            **{key: inner[key] for key in _FIRST_SHAPE if inner.get(key) is not None},
        )
        self.original = {key: v for key, v in original.items() if key not in _OF_THE_GRAPH}
        self.stored = None if stored is None else tuple(stored)
        for number, weight in enumerate(self.stored or ()):
            # All in one list, which keeps their order.
            variable = self.add_weight(
                name=weight.name or str(number), shape=weight.shape, initializer="zeros"
            )
            variable.trainable = variable.trainable and weight.trainable

    @property
    def _class_name(self) -> str:
        """The class that the file names."""
        return str(handed_over.bare(self.original["class_name"]))

    # --- calls ----------------------------------------------------------------------------

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        said = kwargs.get("mask")
        mask = tree.map_structure(mask_of, args[0] if args else None) if said is None else said
        args, kwargs = self._in_mask(args, kwargs, mask)
        dtype = self.result_dtype([tensor.dtype for tensor in symbolic((args, kwargs))])
        return tree.map_shapes(lambda shape: KerasTensor(shape, dtype), self._shapes(args, kwargs))

    def lower_beside_masks(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        mask: Any,
        drawn: tuple[Any, Any],
    ) -> Any:
        with graph.layer(self.name):
            return self._lower(graph, *self._in_mask(args, kwargs, mask))

    def _in_mask(self, args: Sequence[Any], kwargs: Mapping[str, Any], mask: Any) -> Any:
        """Return the arguments of a call as the function gets them, where the input has `mask`.

        Raises
        ------
        UnsupportedError
            If the layer is no `Lambda`, of which it is known what becomes of a mask.
        """
        if self._class_name != "Lambda" and is_given(mask):
            raise UnsupportedError(
                "gets an input with a mask, and a function that stands in for it cannot know what "
                f"the layer does with it. Received: {_described(self.function)}",
                layer=self.name,
                class_name=self._class_name,
                advice="Hand over the class itself, with `cnnfast` in place of `keras` in its "
                "imports.",
            )
        options = {key: value for key, value in kwargs.items() if key != "mask"}
        args, options = self._call_of(args, options)
        return args, {**options, **(self._with(mask) if is_given(mask) else {})}

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        with graph.layer(self.name):
            return self._lower(graph, *self._call_of(args, kwargs))

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        args, kwargs = self._call_of(args, kwargs)
        return args[0] if len(args) == 1 and not kwargs else [*args, *kwargs.values()]

    def _call_of(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments of a call without those that are as they are at inference."""
        options = {k: v for k, v in kwargs.items() if not is_absent(v) and k != _TENSORFLOW_NAME}
        unknown = {key: options[key] for key in _OF_KERAS if key in options}
        if unknown:
            raise UnsupportedError(
                "a function that stands in for a layer can be called as at inference only, and "
                f"without masks. Received: {unknown}",
                layer=self.name,
                class_name=self._class_name,
            )
        inputs = list(args)
        while inputs and is_absent(inputs[-1]):
            inputs.pop()
        return inputs, options

    # --- weights --------------------------------------------------------------------------

    def _extra(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], *, blank: bool
    ) -> tuple[Sequence[Any], Mapping[str, Any]]:
        named, options = self._asked_for(args, {*kwargs, *self.arguments})
        stored = self.stored or ()
        arrays = (
            [np.zeros(weight.shape, np.float32) for weight in stored]
            if blank
            else [variable.numpy() for variable in self.weights]
        )
        options |= self.arguments
        if named is None:
            return arrays, options
        by_name = {w.name: array for w, array in zip(stored, arrays, strict=True)}
        return (), options | {name: by_name[name] for name in named}

    def _asked_for(
        self, args: Sequence[Any], given: Collection[str]
    ) -> tuple[list[str] | None, dict[str, Any]]:
        """Return which weights the function takes, and what it wants to know of Keras.

        The weights are those of some names, or, where None, all in their order.

        Raises
        ------
        UnsupportedError
            If it does not take all, or some that there are not.
        """
        parameters = _parameters(self.function)
        kinds = {parameter.kind for parameter in parameters}
        places = [p.name for p in parameters if p.kind in _POSITIONAL and p.name not in given]
        if inspect.Parameter.VAR_POSITIONAL in kinds:
            # What takes anything takes the inputs; behind named inputs, weights are meant.
            if places and (self.stored is None or (self.stored and len(places) != len(args))):
                self._refuse()
            behind = {p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
            return None, {name: _OF_KERAS[name] for name in _OF_KERAS if name in behind}
        others = [
            p
            for p in parameters
            if p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
            and p.name not in (*given, *places[: len(args)])
        ]
        options = {p.name: _OF_KERAS[p.name] for p in others if p.name in _OF_KERAS}
        known = [weight.name for weight in self.stored or () if weight.name is not None]
        asked = [
            p.name
            for p in others
            if p.name not in options and (p.default is p.empty or p.name in known)
        ]
        if inspect.Parameter.VAR_KEYWORD in kinds:
            asked += [name for name in known if name not in asked]
        if sorted(asked) != sorted(known) or len(known) != len(self.stored or ()):
            self._refuse()
        if len(set(known)) != len(known):
            self._refuse()
        return asked, options

    def _refuse(self) -> NoReturn:
        """Say how a function can take the weights."""
        named = [weight.name for weight in self.stored or ()]
        advice = how_to_take(self.stored or ())
        if self.stored is None:
            rule = (
                "can take no weights, as a configuration alone does not say which there are: "
                "`load_model` and `from_keras` know them."
            )
            advice = "Load the whole model by one of these, with the same `custom_objects`."
        elif not self.stored:
            rule = "takes weights, and there are none by the name of the layer."
            advice = (
                "Give a function of the inputs alone. If the layer has weights in Keras, its "
                "`get_config` must tell its name, as `super().get_config()` does; or save the "
                "model as `.keras`."
            )
        elif None in named:
            rule = "must take all weights of the layer, in their order: the file has no names."
        elif len(set(named)) != len(named):
            rule = "must take all weights of the layer, in their order: some have the same name."
        else:
            rule = "must take all weights of the layer."
        raise UnsupportedError(
            f"the function that stands in for it {rule} Received: {_described(self.function)}",
            layer=self.name,
            class_name=self._class_name,
            advice=advice,
        )

    # --- configs --------------------------------------------------------------------------

    def _arguments(self) -> dict[str, Any]:
        original = {**self.original, "config": self.get_config()}
        return {"function": self.function, "original": original, "stored": self.stored}

    def get_config(self) -> dict[str, Any]:
        """Return the config that the file has; a function is never a part of it."""
        inner = self.original.get("config")
        config = dict(inner) if isinstance(inner, Mapping) else {}
        return config | {"name": self.name}


def name_in(config: Mapping[str, Any]) -> str | None:
    """Return the name in a layer's config object, which may stand beside its arguments alone."""
    inner = config.get("config")
    name = inner.get("name") if isinstance(inner, Mapping) else None
    name = config.get("name") if name is None else name
    return name if isinstance(name, str) else None


def how_to_take(stored: Sequence[StoredWeight]) -> str:
    """Return a sentence on how a function takes the weights, or nothing if there are none."""
    if not stored:
        return ""
    listed = ", ".join(f"{weight.label} {weight.shape}" for weight in stored[:_LISTED])
    listed += ", …" if len(stored) > _LISTED else ""
    names = [weight.name for weight in stored]
    by_name = ""
    if None not in names and len(set(names)) == len(names) <= _LISTED:
        by_name = f", or by name, `def f(x, {', '.join(map(str, names))})`"
    return f"It takes the weights {listed} in this order, `def f(x, *weights)`{by_name}."


def _parameters(function: ArrayFunction) -> list[inspect.Parameter]:
    """Return the parameters of `function`; a built-in one that does not tell takes its inputs."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []


def _described(function: ArrayFunction) -> str:
    name = getattr(function, "__name__", None) or repr(function)
    try:
        return f"{name}{inspect.signature(function)}"
    except (TypeError, ValueError):
        return str(name)
