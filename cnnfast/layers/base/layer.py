"""The base of all layers and models."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, cast, overload

import numpy as np

from cnnfast import activations, regularizers
from cnnfast.engine.executor import Executor
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Shape
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base import array_masks, calling, phases, rules
from cnnfast.layers.base.array_masks import MaskExecutor
from cnnfast.layers.base.calling import InPhase, batch_shapes, by_name, state_guard
from cnnfast.layers.base.changing import assign
from cnnfast.layers.base.masking import Masked
from cnnfast.layers.base.mixing import Mixing
from cnnfast.symbolic import arguments, bound, dtypes
from cnnfast.symbolic.arrays import as_batch, is_ready
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.symbolic.tensor import remember, symbolic
from cnnfast.utils import moved, tree
from cnnfast.utils.naming import auto_name, name_scope, names_of_files
from cnnfast.utils.sealed import opened
from cnnfast.variables import advance

if TYPE_CHECKING:
    from typing import Self, Unpack

    import numpy.typing as npt

    from cnnfast.symbolic.tensor import KerasTensor
    from cnnfast.symbolic.typing import Array, DTypeLike, FirstLayer, RegularizerLike


class Layer(Masked, metaclass=Mixing):
    """One step of a network: arguments, weights, the shape rule, and what it lowers to.

    A subclass gives `compute_output_shape` and `lower`, `_create_weights` if it has any, and
    `_config` with its own arguments. Where it takes several tensors, these methods get a list
    or dict of shapes or values, in the structure that the layer was called with.

    Parameters
    ----------
    name
        Unique in a model; made from the class where None.
    trainable
        Whether training would change the weights.
    dtype
        Name or config of a dtype policy; the core computes in float32 under each.
    activity_regularizer
        Kept for the config.
    autocast
        Without effect.
    input_shape, batch_input_shape, input_dim, batch_size
        Shape of the input, for the first layer of a `Sequential`.

    Raises
    ------
    ValueError
        If an argument is unknown or illegal.
    """

    takes_structure: ClassVar[bool] = False
    """Whether the input may be several tensors."""

    casts_inputs: ClassVar[bool] = False
    """Whether inputs become those of a declared dtype first, as those of a model do."""

    built_without_weights: ClassVar[bool] = False
    """Whether there is nothing to build, so that the layer counts as built from the start."""

    is_users: ClassVar[bool] = False
    """Whether the class is the user's, and says itself what it computes."""

    is_model: ClassVar[bool] = False
    """Whether it is made of layers that are called in turn, and can be compiled."""

    keras_module: ClassVar[str] = "keras.layers"
    """Where Keras has the class."""

    quantization_modes: ClassVar[tuple[str, ...]] = ()
    """How Keras quantizes layers of the class."""

    has_policies_inside: ClassVar[bool] = False
    """Whether a `DTypePolicyMap` says how layers inside are quantized."""

    stored_by_attribute: ClassVar[bool] = False
    """Whether files have the layers inside under the names of attributes, and not in one list."""

    _WITHOUT: ClassVar[dict[str, Any]] = {
        **dict.fromkeys(("_engine", "_training_engines")),
        **dict.fromkeys(("_calls", "_holders"), ()),
    }
    """What neither pickles nor copies have."""

    _training_engines: dict[bool | None, MaskExecutor] | None = None
    _path: str | None = None
    _user_attributes: tuple[str, ...] = ()
    _adapter_scale: float | None = None
    """What a low-rank adapter in the layer's file is multiplied by before it is added."""

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: DTypeLike = None,
        activity_regularizer: RegularizerLike = None,
        autocast: bool = True,
        **kwargs: Unpack[FirstLayer],
    ) -> None:
        del autocast
        if name is None:
            name = auto_name(type(self).__name__)
        super().__init__(
            arguments.layer_name(name),
            arguments.boolean(trainable, "trainable"),
            self.built_without_weights,
        )
        self._policy = dtypes.policy(dtype)
        if self._policy.quantization_mode or self._policy.inside:
            rules.check_quantized(self)
        self._activity_regularizer = regularizers.get(activity_regularizer)
        if self._activity_regularizer is not None:
            rules.forget_penalties(self)
        self._first_shape = arguments.pop_first_shape(cast("dict[str, Any]", kwargs))
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )
        self.input_spec = InputSpec()
        self._build_shape: BatchShape | None = None
        self._fitting: tuple[int, ...] | None = None
        self._engine: Executor | None = None
        self._version = 0

    def __setattr__(self, name: str, value: Any) -> None:
        if "_open" in self.__dict__ or name[0] == "_":  # in few words: layers have many
            object.__setattr__(self, name, value)
        else:
            assign(self, name, value)

    def __delattr__(self, name: str) -> None:
        if not (name.startswith("_") or name in self._user_attributes):
            raise AttributeError(
                f"What {self._described()} is made of cannot be deleted. Received: del {name}"
            )
        object.__delattr__(self, name)

    # --- building -------------------------------------------------------------------------

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights for inputs of `input_shape`, batch included (None).

        A layer that is built already keeps its weights.

        Raises
        ------
        ValueError
            If the layer cannot take such inputs.
        """
        with state_guard.lock, self._scope_of_building() as path:
            shape = tree.map_shapes(arguments.shape, input_shape)
            self._check_shapes(shape)
            if self.built:
                return
            with opened(self):
                self._create_weights(shape, path)
            self._build_shape, self._path = shape, path
            self._built = True

    def _scope_of_building(self) -> AbstractContextManager[str]:
        return name_scope(self.name)

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        """Make the weights; also the place to narrow `input_spec`."""

    # --- layers inside --------------------------------------------------------------------

    def _sublayers(self) -> Sequence[Layer]:
        return ()

    def _flatten_layers(self) -> Iterator[Layer]:
        """Walk through this layer and all layers inside."""
        yield self
        for layer in self._sublayers():
            yield from layer._flatten_layers()

    def _file_children(self) -> Mapping[str, Layer]:
        """Return the layers inside that Keras stores by an attribute's name, under that name."""
        return {}

    @property
    def versions(self) -> tuple[int, ...]:
        """Those of the weights and of all layers inside; plans are made anew where one changed."""
        weights = (variable.version for variable in self.weights)
        layers = (v for layer in self._flatten_layers() for v in layer._own_versions())
        return (*weights, *layers)

    def _own_versions(self) -> Iterator[int]:
        """Yield the versions of what is neither a weight nor a layer inside."""
        yield self._version
        for name in ("activation", "recurrent_activation"):
            yield from (layer._version for layer in getattr(vars(self).get(name), "layers", ()))

    def _changed(self) -> None:
        """Say, once it is so, that the layer would be lowered in another way than before."""
        self._fitting = None
        self._version = advance()

    # --- calls ----------------------------------------------------------------------------

    @overload
    def __call__(
        self, inputs: KerasTensor | Sequence[KerasTensor], /, *args: Any, **kwargs: Any
    ) -> KerasTensor: ...

    @overload
    def __call__(
        self, inputs: npt.ArrayLike | Sequence[Array], /, *args: Any, **kwargs: Any
    ) -> Float32Array: ...

    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output for a batch, or for symbolic tensors; builds the layer if need be.

        Parameters
        ----------
        *args, **kwargs
            An array with the images along its first axis, a list or dict of them where the
            layer takes several, or symbolic tensors in their place. ``training`` says
            whether to compute as in training.

        Returns
        -------
        numpy.ndarray or KerasTensor
            Float32; a list or dict where the layer has several outputs.
        """
        alone = len(args) == 1 and not kwargs and type(args[0]) is np.ndarray
        if alone and not (self._apart or self._graph_trains or phases.current()):
            return self._pack(self._executor.run(self._prepare(args[0])))
        if symbolic((args, kwargs)):
            return self.connect(args, kwargs)
        return rules.note_penalties(self, self._on_arrays(args, kwargs))

    def _on_arrays(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the output of a call that is more than one of an array, or has options."""
        given, named = by_name(self, args, kwargs)
        if array_masks.there_are(given, named):
            return array_masks.run(self, given, named)
        x = self._input_of_call(args, kwargs)
        if self._is_structure(x):
            return bound.run(self, args, kwargs)
        said = phases.resolved(kwargs, self.training_default)
        trains = said or (said is None and self.trains_unless_told)
        if trains or self.makes_masks:
            return self._pack(self._executor_in(said if trains else False).run(self._prepare(x)))
        return self._pack(self._executor.run(self._prepare(x)))

    def _executor_in(self, training: bool | None) -> MaskExecutor:
        """Return what runs the layer as a call that says `training`, with masks."""
        engines = self._training_engines
        if engines is None:
            engines = self._training_engines = {}
        if training not in engines:
            engines[training] = MaskExecutor(InPhase(weakref.proxy(self), training))
        return engines[training]

    def _pack(self, outputs: Sequence[Float32Array]) -> Any:
        """Return the outputs in the structure that the layer has; one is an array."""
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def _is_structure(self, x: Any) -> bool:
        return isinstance(x, list | tuple | Mapping) and (
            self.takes_structure or len(self.call_arguments) > 1
        )

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Return what a call returns; a class of the user's says here what it does.

        See `Traced` for what such a class may do.
        """
        return self(*args, **kwargs)

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return calling.infer(self, self._input_of_call(args, kwargs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors like those that a call returns; builds the layer if need be.

        Raises
        ------
        ValueError
            If a call cannot take such tensors.
        """
        return self.infer(args, kwargs)

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        x = self._input_of_call(args, kwargs)
        self._check_shapes(batch_shapes(x))
        with graph.layer(self.name), phases.of_call(kwargs, self.training_default) as training:
            return (self.lower_in_training if training else self.lower)(graph, x)

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the tensors among the arguments of a call, as `lower` takes them."""
        return calling.input_of_call(self, args, kwargs)

    def _check_shapes(self, shapes: Any) -> None:
        calling.check_shapes(self, shapes)

    # --- running --------------------------------------------------------------------------

    @property
    def _executor(self) -> Executor:
        engine = self._engine
        if engine is None:
            with state_guard.lock:
                # The executor goes with the layer, and not the other way round.
                engine = self._engine = self._engine or Executor(
                    InPhase(weakref.proxy(self), False)
                )
        return engine

    def _executor_of(self, arrays: Sequence[Any]) -> Executor:
        """Return what runs on `arrays`, which `_prepare` returned."""
        return self._executor

    def _prepare(self, x: Any) -> list[Float32Array]:
        """Return `x` as the arrays the core takes: float32, C-contiguous, of a legal shape."""
        if is_ready(x, self._fitting):
            return [x]
        if isinstance(x, np.ndarray) and x.dtype.kind in "iu" and not self.casts_inputs:
            self.result_dtype([x.dtype.name])
        array = self._adjust_rank(as_batch(x, self._described()))
        shape: BatchShape = (None, *array.shape[1:])
        with state_guard.lock:
            if not self.built:
                self.build(shape)
        self.input_spec.check(shape, self.name)
        self._fitting = array.shape[1:]
        return [array]

    def check(self, shapes: Sequence[Shape]) -> None:
        """Raise ValueError if the layer has no output for images of `shapes`, one per input."""
        self._shape_by_rule((None, *shapes[0]))

    def open_sizes(self, shapes: Sequence[Shape]) -> Sequence[Sequence[bool]]:
        """Which sizes of `shapes` are likely to be others in other calls: all but the channels."""
        return [[True] * (len(shape) - 1) + [False] * (len(shape) > 0) for shape in shapes]

    def _adjust_rank(self, x: Float32Array) -> Float32Array:
        return x

    def _described(self) -> str:
        return f"layer '{self.name}'"

    # --- what is asked of it ---------------------------------------------------------------

    @property
    def activity_regularizer(self) -> regularizers.Regularizer | None:
        """The penalty on the output, of training; can be set."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, value: object) -> None:
        self._activity_regularizer = regularizers.get(value)
        rules.forget_penalties(self)

    @property
    def losses(self) -> list[np.float32]:
        """The penalties on weights that training would change, of all layers inside too.

        And on the output of the last call on arrays, in front of them.
        """
        return rules.penalties_of(self)

    @property
    def path(self) -> str | None:
        """Name under the models that it was built in, ``"sequential/conv2d"``; None before."""
        return self._path

    # --- configs --------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments in the form of Keras 3.

        Raises
        ------
        UnsupportedError
            If a name cannot stand for a function in it, as Keras or another function has it.
        """
        with activations.one_config():
            own = self._config()
        penalty = self._activity_regularizer
        written = (
            {} if penalty is None else {"activity_regularizer": regularizers.serialize(penalty)}
        )
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self._policy.get_config(),
            **written,
            **own,
        }

    def _config(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a layer from a config of Keras 1 to 3 or of `get_config`.

        Raises
        ------
        ValueError
            If the config has unknown or illegal fields.
        UnsupportedError
            If it asks for something this package does not do.
        """
        try:
            with names_of_files():
                layer = cls(**cls._current(dict(config)))
            layer._adapter_scale = arguments.adapter_scale(config)
            return layer
        except UnsupportedError as error:
            raise error.about(config.get("name"), cls.__name__) from error
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"{_in_config(cls, config)}: {error}") from error

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        """Return `config` in today's spelling; called with a copy."""
        return config

    def _arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments as they are now; setting others is refused."""
        own = vars(self)
        with activations.unwritten():
            config = self.get_config() | {"activity_regularizer": self.activity_regularizer}
        return {name: own.get(name, value) for name, value in config.items()}

    def _get_compile_config(self) -> dict[str, Any] | None:
        return None

    def _get_build_config(self) -> dict[str, Any] | None:
        return None if self._build_shape is None else {"input_shape": self._build_shape}

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Do nothing: calls build the layers of Keras' own."""

    def __getstate__(self) -> dict[str, Any]:
        # Calls lead to other layers, which a layer does not own.
        return vars(self) | self._WITHOUT

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(moved.attributes(state))
        self._hold_layers()

    def __copy__(self) -> Self:
        """Return a layer that shares weights and layers inside, but not what it is made of."""
        twin = object.__new__(type(self))
        state = vars(self) | self._WITHOUT
        for name, value in state.items():
            vars(twin)[name] = value.copy() if isinstance(value, list | dict) else value
        twin._hold_layers()
        return twin

    def _shown_inside(self) -> Sequence[tuple[Layer, Any]]:
        """Return the layers that a summary shows inside of this one, with output shapes."""
        return ()

    def _hold_layers(self) -> None:
        """Let the layers inside know of this one, whose output depends on theirs."""
        for layer in self._sublayers():
            remember(layer, "_holders", self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _in_config(cls: type[Layer], config: Mapping[str, Any]) -> str:
    return f"Layer {config.get('name')!r} of class {cls.__name__}"
