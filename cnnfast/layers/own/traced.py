"""The user's own layers: `call` runs once on symbolic tensors, and the graph it draws is run."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast import regularizers
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Value
from cnnfast.layers.base import array_masks, masks, phases, rules
from cnnfast.layers.base.calling import state_guard
from cnnfast.layers.base.changing import fallen_apart
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.base.mixing import Mixing
from cnnfast.layers.own import building, calls, containers, open_sizes
from cnnfast.layers.own.array_calls import ArrayCall, KeptCall, Prepared
from cnnfast.layers.own.made_from import MadeFrom
from cnnfast.layers.own.rule import Rule
from cnnfast.layers.own.tracking import class_changed, freeze, track, untrack
from cnnfast.symbolic.blame import located
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.symbolic.retracing import retrace
from cnnfast.symbolic.tensor import KerasTensor, symbolic
from cnnfast.symbolic.tracing import Trace, differences, is_tracing, logged, trace
from cnnfast.utils import tree
from cnnfast.utils.naming import auto_name, current_scope, name_scope
from cnnfast.utils.sealed import is_open
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Self

# Attributes by which the package itself keeps what it knows of a layer.
INTERNAL = frozenset(
    {
        *("_trainable", "_trainable_variables", "_non_trainable_variables", "_built", "name"),
        *("_build_shape", "_build_shapes", "_path", "_first_shape", "_fitting", "_engine"),
        *("_version", "_calls", "_holders", "_user_attributes", "_adapter_scale", "_open"),
        *("_tracked", "_kept", "_dtypes", "_captured", "_returned", "_building", "_auto"),
        *("_policy", "_activity_regularizer", "_weight_dtype", "_scoring", "_fitting_shapes"),
        "_precision",
        *("_compile_arguments", "input_spec", "_graph_trains", "_has_loss", "_drawn_call"),
        *("_supports_masking", "_of_keras_2", "_apart", "_projections", "_penalties"),
    }
)
_MOST_KEPT = 8
_MOST_TRIES = 100


class Traced(MadeFrom):
    """What a layer is whose class the user wrote, with `call` in terms of layers and operations.

    `build`, `call`, `get_config` and `compute_output_shape` are as in Keras. `call` runs once for
    each structure of its arguments, on tensors without numbers, and what it does to them becomes
    part of the graph; nothing of it runs when the model predicts.
    """

    is_users = True
    keeps_parts = False
    takes_structure = True
    stored_by_attribute = True
    freezing_counts = True
    takes_training: ClassVar[bool] = True
    """Whether `call` has an argument `training`; those of Keras' models have."""

    _tracked: list[Layer]
    _kept: list[tuple[Any, KeptCall]]
    _dtypes: list[list[str]]
    _captured: list[Variable]
    _auto: tuple[tuple[Any, ...], dict[str, Any]]
    _returned: Any
    _has_loss = False
    _build_shapes: dict[str, Any] | None
    _own_masks = False
    _class_version = 0
    _class_changed = classmethod(class_changed)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.call is not Traced.call:
            cls.training_default = calls.training_default(cls.call)
            cls.takes_training = calls.takes_training(cls.call)
        cls._own_masks = cls._own_masks or "compute_mask" in vars(cls)
        if "build" in vars(cls) or building.comes_from_mixin(cls):
            cls.build = building.whole(cls.build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = super().__new__(cls)
        vars(made).update(
            _tracked=[],
            _kept=[],
            _dtypes=[],
            _captured=[],
            _auto=(args, kwargs),
            _returned=None,
            _build_shapes=None,
        )
        return made

    # --- masks ----------------------------------------------------------------------------

    @property
    def has_own_call(self) -> bool:
        """Whether the class, and not that of Keras which it was made from, has the `call`."""
        return type(self).call is not Traced.call

    @property
    def gets_mask(self) -> bool:
        return calls.takes_mask(self)

    @property
    def makes_mask(self) -> bool:
        return self._own_masks or super().makes_mask

    # --- attributes -----------------------------------------------------------------------

    @property
    def trains_unless_told(self) -> bool:
        inside = (layer.trains_unless_told for layer in self._sublayers())
        return super().trains_unless_told or any(inside)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in INTERNAL:
            object.__setattr__(self, name, value)
            return
        kind = getattr(type(self), name, None)
        if isinstance(kind, property):
            object.__setattr__(self, name, value)
            if not is_open(self) and not is_tracing():
                self._changed()
            return
        value = track(self, value)
        if is_open(self) or is_tracing():
            object.__setattr__(self, name, value)
        elif name == "call" or building.is_argument_of_keras(self, name):
            super().__setattr__(name, value)
        else:
            self._set_later(name, value)

    def _set_later(self, name: str, value: Any) -> None:
        """Set an attribute on which `call` may depend; graphs with the layer are drawn anew."""
        with state_guard.lock:
            before = dict(vars(self))
            vars(self)[name] = value
            self._changed()
            try:
                retrace(self)
            except ValueError as error:
                vars(self).pop(name)
                vars(self).update({name: before[name]} if name in before else {})
                raise fallen_apart(self, error, f"Received: {name}={value!r:.200}") from error
            finally:
                self._changed()

    def __delattr__(self, name: str) -> None:
        untrack(self, vars(self).get(name))
        object.__delattr__(self, name)
        if not is_open(self):
            self._changed()

    @property
    def built(self) -> bool:
        """Whether the layer has its weights, which it then keeps; can be set."""
        return self._built

    @built.setter
    def built(self, value: bool) -> None:
        self._built = bool(value)

    # --- what belongs to it ---------------------------------------------------------------

    def _sublayers(self) -> Sequence[Layer]:
        parts = {id(layer): layer for layer in (*super()._sublayers(), *self._tracked)}
        return list(parts.values())

    def _file_children(self) -> Mapping[str, Layer]:
        found = containers.file_children(self, Traced, INTERNAL)
        known = {id(part) for part in found.values()}
        of_rule = super()._file_children().items()
        return found | {place: part for place, part in of_rule if id(part) not in known}

    def _own_versions(self) -> Iterator[int]:
        yield from super()._own_versions()
        yield self._class_version
        for variable in self._captured:
            yield variable.version

    def add_weight(  # type: ignore[override]
        self,
        *args: Any,
        shape: Sequence[int] | int | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: Any = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
        path: str | None = None,
    ) -> Variable:
        """Make a weight that belongs to this layer; see `WeightHolder.add_weight`."""
        del autocast, constraint, aggregation, overwrite_with_gradient
        shape, initializer, dtype = building.by_place(args, shape, initializer, dtype)
        kind = building.dtype_of_weight(self, name, dtype)
        return super().add_weight(
            dtype=kind,
            name=name or auto_name("Variable"),
            shape=() if shape is None else (shape,) if isinstance(shape, int) else shape,
            initializer=initializer or ("zeros" if kind else "glorot_uniform"),
            regularizer=regularizers.get(regularizer),
            trainable=trainable,
            path=path or current_scope() or None,
        )

    def add_loss(self, loss: Any) -> None:
        """Note that there is a loss of the layer's own, which nothing computes here."""
        vars(self)["_has_loss"] = True

    # --- building and calls ---------------------------------------------------------------

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of `input_shape`, batch included (None).

        Where the class does not say how, this makes those of Keras' class that it was made from,
        and builds the layers inside by calling them.
        """
        building.build_by_default(self, input_shape, super().build)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Do what the layer of Keras does that the class was made from.

        Raises
        ------
        NotImplementedError
            If it was made from `Layer` itself.
        """
        base = self.keras_base
        parts = () if base is None else base.parts_of_call
        if any(getattr(type(self), name) is not getattr(base, name) for name in parts):
            return self.call_by_parts(*args, **kwargs)
        return Rule(self)(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output for a batch, or for symbolic tensors; builds the layer if need be."""
        building.check_initialized(self)
        if symbolic((args, kwargs)):
            return calls.without_none(self, self.connect(args, kwargs))
        if array_masks.there_are(args, kwargs):
            return rules.note_penalties(self, array_masks.run(self, args, kwargs))
        prepared = self._prepared(args, kwargs, phases.current())
        runs = prepared.kept.with_masks if self.makes_masks else prepared.executor
        return rules.note_penalties(self, tree.pack_present(prepared.returned, runs.run(prepared)))

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        building.check_initialized(self)
        said = kwargs
        args, kwargs = calls.arguments_of_call(self, args, kwargs)
        args, kwargs = tree.map_structure(calls.autocast, (args, kwargs))
        calls.check_shapes(self, args, kwargs)
        with state_guard.lock:
            building.ensure_built(self, args, kwargs)
            with phases.of_call(said, self.training_default):
                given = calls.with_masks(self, args, kwargs)
                outputs, drawn = open_sizes.drawn(self, *given)
            self._remember(args, kwargs, drawn)
        vars(self)["_returned"] = tree.map_present(lambda _: True, outputs)
        return outputs

    def _confirmed(self, args: Any, kwargs: Any) -> Trace:
        """Trace `call`; outermost, twice, so that what differs each time is found."""
        if is_tracing():
            return self._trace(args, kwargs)
        with logged() as first:
            self._trace(args, kwargs)
        with logged() as second:
            drawn = self._trace(args, kwargs)
        if len(first) != len(second):  # layers inside were built on the way
            first = second
            with logged() as second:
                drawn = self._trace(args, kwargs)
        if (found := differences(first, second)) is not None:
            raise self.unsupported(
                "must compute the same whenever its `call` runs, as it runs once for all "
                "predictions: a random number, a counter or the time would be kept for ever. "
                f"Received: two runs of `call` that differ in {found}",
                advice="For random numbers, use `cnnfast.random` or `cnnfast.layers.Dropout`.",
            )
        return drawn

    def _trace_of_one_state(self, args: Any, kwargs: Any) -> Trace:
        """Trace `call` while nothing that it depends on is changed by another thread."""
        for _ in range(_MOST_TRIES):
            versions, drawn = self.versions, self._trace(args, kwargs)
            if self.versions == versions:
                break
        return drawn

    def _trace(self, args: Any, kwargs: Any) -> Trace:
        of = f"`call` of {self._described()} of class {type(self).__name__}"
        freeze(self)
        try:
            with name_scope(self.name), phases.phase(phases.current()):
                drawn = trace(self.call, args, kwargs, of=of)
        except Exception as error:
            where = f"In `call` of layer {self.name!r} of class {type(self).__name__}"
            raise located(error, where) from error
        building.check_layers(self, drawn)
        return drawn

    def _remember(self, args: Any, kwargs: Any, drawn: Trace) -> None:
        """Keep what a plan made of this trace depends on, and on which dtypes it was drawn."""
        own = set(self.weights)
        captured = dict.fromkeys([*self._captured, *(v for v in drawn.read if v not in own)])
        seen = [tensor.dtype for tensor in symbolic((args, kwargs))]
        dtypes = [known for known in self._dtypes if known != seen]
        vars(self).update(_captured=list(captured), _dtypes=[*dtypes, seen])

    # --- lowering -------------------------------------------------------------------------

    def lower_like(
        self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any], drawn: tuple[Any, Any]
    ) -> Any:
        if graph.masks or self.makes_mask or kwargs.get("mask") is not None:
            return masks.lower(self, graph, args, kwargs, drawn)
        return self.lower_beside_masks(graph, args, kwargs, None, drawn)

    def lower_beside_masks(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        mask: Any,
        drawn: tuple[Any, Any],
    ) -> Any:
        with graph.layer(self.name), phases.of_call(kwargs, self.training_default):
            alike, known = calls.alike((args, kwargs), drawn, graph.masks)
            given = calls.with_masks(self, *calls.arguments_of_call(self, *alike))
            own = self._trace_of_one_state(*given)
            made = own.lower(graph, [known[tensor] for tensor in own.given])
        there = tree.present(made)
        return there if len(there) < len(tree.flatten(made)) else made

    def drawn_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Trace:
        """Return the graph of a call on symbolic tensors."""
        return self._trace_of_one_state(*calls.arguments_of_call(self, args, kwargs))

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        leaves = tree.flatten((args, kwargs))
        count = sum(isinstance(leaf, Value) for leaf in leaves)
        seen = [known for known in self._dtypes if len(known) == count]
        if len(seen) > 1:
            raise self.unsupported(
                "is called by a layer around it that does not say of which dtype its inputs are, "
                f"and was called with several before. Received: {seen}"
            )
        kinds = iter(seen[0] if seen else ["float32"] * count)
        drawn = tree.pack(
            (args, kwargs),
            [
                KerasTensor((None, *leaf.shape), next(kinds)) if isinstance(leaf, Value) else leaf
                for leaf in leaves
            ],
        )
        return self.lower_like(graph, args, kwargs, drawn)

    def lower(self, graph: Graph, x: Any) -> Any:
        return self.lower_call(graph, (x,), {})

    def lower_masked(self, graph: Graph, x: Any, mask: Any) -> Any:
        return self.lower_call(graph, (x,), {"mask": mask})

    def _first_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return args[0] if args else next(iter(kwargs.values()), None)

    def _check_shapes(self, shapes: Any) -> None:
        if isinstance(self.input_spec, InputSpec):
            super()._check_shapes(shapes)

    def _scope_of_building(self) -> AbstractContextManager[str]:
        return building.scope(self)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        said = calls.spec_by_shape(self, Traced.compute_output_shape, args, kwargs)
        return super().compute_output_spec(*args, **kwargs) if said is None else said

    def compute_output_shape(self, input_shape: Any) -> Any:
        tensors = tree.map_shapes(KerasTensor, input_shape)
        return tree.map_structure(lambda tensor: tensor.shape, self.infer((tensors,), {}))

    # --- calls on arrays ------------------------------------------------------------------

    def _prepared(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], training: bool | None
    ) -> Prepared:
        """Return the arrays of a call as the core takes them, and what runs on them.

        `training` is what the call around says.
        """
        given = ArrayCall(self._described(), args, kwargs)
        key = given.key(training)
        kept = next((call for known, call in self._kept if known == key), None)
        if kept is None or key is None:
            with phases.phase(training):
                kept = self._keep(given.drawn, self.infer(*given.drawn), training, key)
        elif not kept.is_current():
            with phases.phase(training):
                kept.renew(self.infer(*given.drawn))
        else:
            calls.check_shapes(self, *given.drawn)
        return Prepared(given.batches, kept)

    def _keep(
        self, drawn: tuple[Any, Any], outputs: Any, training: bool | None, key: Any = None
    ) -> KeptCall:
        kept = KeptCall(weakref.proxy(self), drawn, outputs, training)
        vars(self)["_kept"] = [(key, kept), *self._kept][:_MOST_KEPT]
        return kept

    def _pack(self, outputs: Sequence[Any]) -> Any:
        return tree.pack_present(self._returned, outputs)

    # --- configs and copies ---------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that the layer was made with, as Keras has them.

        Raises
        ------
        NotImplementedError
            If the class has no `get_config` and an argument is no plain value.
        """
        config = super().get_config()
        if type(self).get_config is Traced.get_config and self.keras_base is None:
            config = building.automatic_config(self, config)
        return config

    def _get_build_config(self) -> dict[str, Any] | None:
        shapes = vars(self).get("_build_shapes")
        if not (self.is_model or building.says_how(self)):
            return None  # Keras builds it by its first call, and warns where a file says a shape
        if not shapes:
            return super()._get_build_config()
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": shapes}

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Build the layer as the config of a file says, if it says so."""
        shapes = config.get("shapes_dict")
        given = shapes if isinstance(shapes, Mapping) else {"input_shape": config["input_shape"]}
        known = tree.map_shapes(building.as_shape, dict(given))
        if not self.built:
            building.build_for_shapes(self, known)

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_kept": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        containers.watch_again(self, INTERNAL)

    def __copy__(self) -> Self:
        twin = super().__copy__()
        vars(twin)["_kept"] = []
        containers.watch_again(twin, INTERNAL)
        return twin


Mixing.mix(Layer, Traced)
