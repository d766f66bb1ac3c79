"""What all models share: they are layers made of layers, and they predict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cnnfast._core import release_idle_workspaces
from cnnfast.engine.ops import BatchShape, Float32Array, Shape
from cnnfast.engine.states import on_trial
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.layer import Layer
from cnnfast.models import rank
from cnnfast.models.eight_bits import InEightBits
from cnnfast.models.penalty import penalty_of
from cnnfast.models.storage import storage
from cnnfast.symbolic import arguments
from cnnfast.symbolic.registry import LAYERS, configs
from cnnfast.symbolic.tensor import Connectable, KerasTensor, Node, remember
from cnnfast.utils import tree
from cnnfast.utils.system.threads import get_num_threads, positive

if TYPE_CHECKING:
    from typing import Self

    from cnnfast.files.source import Readable
    from cnnfast.profiling import MemoryReport, Profile
    from cnnfast.saving.writing import Writable


class Model(InEightBits):
    """A network of layers, itself a layer.

    ``Model(inputs, outputs, name=None)`` makes a `Functional` model of symbolic tensors.

    Raises
    ------
    UnsupportedError
        If made without `inputs` and `outputs`.
    """

    casts_inputs = True
    keras_module = "keras"
    is_model = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is Model and (args or "inputs" in kwargs):
            functional: type[Self] = LAYERS["Functional"]
            return object.__new__(functional)
        return object.__new__(cls)

    def __init__(self, *args: Any, name: str | None = None, **kwargs: Any) -> None:
        functional: type[Model] = LAYERS["Functional"]
        if (args or "inputs" in kwargs) and not isinstance(self, functional):
            # As in Keras, a class of the user's that calls this with tensors is functional.
            if self.is_users:
                raise UnsupportedError(
                    "A class with a `call` of its own is not made of symbolic tensors, too. Make "
                    "a model of these, keep it as an attribute, and call it in `call`. Received: "
                    f"inputs and outputs for class {type(self).__name__}"
                )
            _make_functional(type(self), functional)
            functional.__init__(self, *args, name=name, **kwargs)
            return
        if type(self) is Model:
            raise UnsupportedError(
                "Models are made with `Sequential`, with `Model(inputs, outputs)` or loaded from "
                f"a file; a model has no other way to say what it does. Received: {kwargs}"
            )
        super().__init__(*args, name=name, **kwargs)

    if TYPE_CHECKING:  # a model may have several outputs

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def __copy__(self) -> Self:
        twin = super().__copy__()
        if self._compile_arguments is not None:
            twin.compile(**self._compile_arguments)  # scores of its own
        return twin

    def _arguments(self) -> dict[str, Any]:
        return {}  # `add` and `pop` are how a model changes

    def result_dtype(self, received: Sequence[str]) -> str:
        for tensor, dtype in zip(self.inputs, received, strict=True):
            if rank.is_integer(tensor) and dtype != tensor.dtype:
                raise UnsupportedError(
                    f"Input '{tensor.name}' of model '{self.name}' takes {tensor.dtype}, and "
                    "another dtype within a graph is not cast to integers: cast it before. "
                    f"Received: {dtype}"
                )
        return self.outputs[0].dtype

    @property
    def layers(self) -> list[Layer]:
        """The layers, without an input layer that `Sequential` made."""
        return list(self._sublayers())

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs."""
        raise NotImplementedError

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs."""
        raise NotImplementedError

    def _penalty(self) -> np.float32:
        return penalty_of(self)

    @property
    def input_shape(self) -> BatchShape:
        """Shape of the input, batch included."""
        raise NotImplementedError

    @property
    def output_shape(self) -> BatchShape:
        """Shape of the output, batch included."""
        raise NotImplementedError

    def _shown_inside(self) -> list[tuple[Layer, Any]]:
        return list(zip(self.layers, self.layer_output_shapes(), strict=True))

    def _drawn(self) -> tuple[Sequence[tuple[Connectable, Any]], Sequence[Node] | None]:
        """Return what a summary shows, with output shapes; and the calls, None in a stack."""
        return self._shown_inside(), None

    def layer_output_shapes(self) -> list[BatchShape | None]:
        """Return the output shape of each of `layers`; None where it is not known yet."""
        raise NotImplementedError

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return one of `layers`, by name or by position.

        Raises
        ------
        ValueError
            If there is none, or not exactly one of `name` and `index` is given.
        """
        if (name is None) == (index is None):
            raise ValueError(
                f"Provide either a layer name or a layer index. Received: index={index}, "
                f"name={name}."
            )
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(
                    f"Was asked to retrieve layer at index {index} but model '{self.name}' only "
                    f"has {len(self.layers)} layers."
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"No such layer: {name}. Existing layers are: {[x.name for x in self.layers]}."
        )

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes and how many parameters they have.

        Parameters
        ----------
        line_length
            Width in characters.
        positions
            Where each column ends, as parts of the width.
        print_fn
            Called once with the whole text, in place of printing.
        expand_nested
            Whether to show the layers of models inside.
        show_trainable
            Whether to add a column with Y or N.
        layer_range
            Patterns that the names of the first and the last layer to show begin with.

        Raises
        ------
        ValueError
            If the width leaves no room for a column, or `layer_range` matches no layer.
        """
        from cnnfast.models.summary import print_summary

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def profile(self, x: Any, *, repeats: int = 10, threads: int | None = None) -> Profile:
        """Return where the time of a prediction of `x` goes, operation by operation.

        Parameters
        ----------
        x
            One batch, as for `predict_on_batch`.
        repeats
            How many runs to take the median of.
        threads
            At most so many; `cnnfast.get_num_threads()` where None.

        Returns
        -------
        cnnfast.profiling.Profile
            Time, rate, algorithm and distance from the roofline of each operation; rich prints
            it as a table.

        Raises
        ------
        ValueError
            If `x` does not fit the model, or `repeats` or `threads` is not a positive integer.
        """
        from cnnfast.profiling import profile

        inputs = self._prepare(x)
        if not len(inputs[0]):
            raise ValueError(
                "To be timed, `x` must hold at least one image. Received: arrays of shapes "
                f"{[array.shape for array in inputs]}"
            )
        return profile(
            self.name,
            on_trial(self._executor_of(inputs).plan(tuple(array.shape[1:] for array in inputs))),
            inputs,
            positive(repeats, "repeats"),
            get_num_threads() if threads is None else positive(threads, "threads"),
        )

    def memory_report(self, batch: int = 1, *, threads: int | None = None) -> MemoryReport:
        """Return what the model keeps in memory, and what running it takes.

        Where nothing has run yet, the plan of the first prediction is built, if the model says
        the shape of its inputs.

        Parameters
        ----------
        batch
            Images in the run whose workspace is reported.
        threads
            Of that run; `cnnfast.get_num_threads()` where None.

        Returns
        -------
        cnnfast.profiling.MemoryReport
            Bytes of variables, packed weights, constants and workspaces; rich prints it as a
            table. Idle workspaces belong to the process.

        Raises
        ------
        ValueError
            If `batch` or `threads` is not a positive integer.
        """
        from cnnfast.profiling import memory_report

        batch = positive(batch, "batch")
        threads = get_num_threads() if threads is None else positive(threads, "threads")
        shapes = self._fixed_input_shapes()
        if not self._executor.plans and shapes is not None:
            self._executor.plan(shapes)
        executor = self._executor
        return memory_report(
            self.name, self.weights, executor.plans, executor.kernels, batch, threads
        )

    def warm_up(self, shapes: Iterable[Any] | None = None) -> None:
        """Read and pack the weights, and make the plans of predictions, before the first of them.

        A server does so before it says that it is ready, and a process before it forks: children
        then share the packed weights.

        Parameters
        ----------
        shapes
            Of one image each, without the batch, such as ``[(224, 224, 3), (320, 240, 3)]``; for
            several inputs a list of shapes each, in the order of `inputs`. One shape alone may
            stand without a list. Where None, the one that the model says.

        Raises
        ------
        ValueError
            If the model cannot take such images, or `shapes` is None and the model leaves a size
            open.

        Examples
        --------
        >>> from cnnfast import Sequential, layers
        >>> model = Sequential([layers.Input((None, None, 3)), layers.Conv2D(8, 3)])
        >>> model.warm_up([(32, 32, 3), (48, 64, 3)])
        """
        if isinstance(shapes, list | tuple) and shapes and all(map(_is_size, shapes)):
            shapes = [shapes]
        if shapes is not None and not isinstance(shapes, Iterable):
            raise ValueError(
                "`shapes` must be a list of shapes of images, such as [(224, 224, 3)]. Received: "
                f"shapes={shapes!r}"
            )
        if shapes is not None:
            wanted = [self._shapes_of_inputs(shape) for shape in shapes]
        else:
            fixed = self._fixed_input_shapes()
            if fixed is None:
                raise ValueError(
                    f"Model '{self.name}' takes images of any size: `shapes` must say for which "
                    "it is made ready, such as [(224, 224, 3)]. Received: shapes=None"
                )
            wanted = [fixed]
        for one in wanted:
            self._executor.plan(one)

    def _shapes_of_inputs(self, given: Any) -> tuple[Shape, ...]:
        """Return the shape of one image of each input, built for it where the model is not yet."""
        several = isinstance(given, list | tuple) and any(
            isinstance(shape, list | tuple) for shape in given
        )
        shapes = [arguments.shape(shape) for shape in (given if several else [given])]
        batches = [np.empty((1, *shape), np.float32) for shape in map(_known, shapes)]
        return tuple(x.shape[1:] for x in self._prepare(batches[0] if not several else batches))

    def _fixed_input_shapes(self) -> tuple[Shape, ...] | None:
        """Return the shape of one image of each input; None unless every size is known."""
        if not self.built:
            return None
        shapes: list[BatchShape] = []
        tree.map_shapes(shapes.append, self.input_shape)
        fixed = tuple(tuple(n for n in shape[1:] if n is not None) for shape in shapes)
        known = all(len(f) == len(s) - 1 for f, s in zip(fixed, shapes, strict=True))
        return fixed if known else None

    def to_json(self, **kwargs: Any) -> str:
        """Return the config as JSON, objects in it too; `kwargs` go to `json.dumps`."""
        import json

        kwargs.setdefault("default", storage.serialize_keras_object)
        return json.dumps(configs.serialize(self), **kwargs)

    def load_weights(
        self,
        filepath: Readable,
        skip_mismatch: bool = False,
        by_name: bool = False,
        *,
        in_memory: bool = False,
    ) -> None:
        """Load the weights of a ``.weights.h5``, ``.h5`` or ``.keras`` file.

        Parameters
        ----------
        filepath
            The file, bytes, or a file that is open for reading in binary mode.
        skip_mismatch
            Whether layers that do not fit keep their weights, with a warning.
        by_name
            Whether layers take the weights stored under their names, and others keep theirs;
            for ``.h5`` files in the form of Keras 1 and 2 only.
        in_memory
            Whether all weights are read now and the file is closed; see `load_model`.

        Raises
        ------
        ModelFileError
            If the file is damaged or does not match the model.
        """
        storage.load_weights(
            self, filepath, skip_mismatch=skip_mismatch, by_name=by_name, in_memory=in_memory
        )

    def save_weights(self, filepath: Writable, overwrite: bool = True) -> None:
        """Save the weights to a ``.weights.h5`` file; see `cnnfast.saving.save_weights`.

        Raises
        ------
        FileExistsError
            If the file exists and `overwrite` is not set.
        """
        storage.save_weights(self, filepath, overwrite)

    def save(
        self,
        filepath: Writable,
        overwrite: bool = True,
        zipped: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Save the model to a ``.keras`` or ``.h5`` file; see `cnnfast.saving.save_model`.

        Raises
        ------
        FileExistsError
            If the file exists and `overwrite` is not set.
        """
        storage.save_model(self, filepath, overwrite, zipped, **kwargs)

    def release_memory(self) -> None:
        """Drop what running needs besides the weights: plans, packed weights and workspaces.

        The next call makes them anew. A call that is under way in another thread keeps what it
        needs until it ends. Idle workspaces are those of all models in the process.
        """
        waiting: list[Layer] = [self]
        while waiting:
            layer = waiting.pop()
            if layer._engine is not None:
                layer._engine.clear()
            for engine in (layer._training_engines or {}).values():
                engine.clear()
            waiting.extend(layer._sublayers())
        release_idle_workspaces()

    def open_sizes(self, shapes: Sequence[Shape]) -> Sequence[Sequence[bool]]:
        """Which sizes of `shapes` the model does not say."""
        own: list[BatchShape] = []
        tree.map_shapes(own.append, self.input_shape)
        return [[size is None for size in shape[1:]] for shape in own]

    def _hold_layers(self) -> None:
        """Let the outputs know of this model, whose own output they are."""
        for tensor in self._ends():
            remember(tensor, "users", self)

    def _ends(self) -> Sequence[KerasTensor]:
        """Return the tensors inside that come out where the model is called."""
        raise NotImplementedError

    def _described(self) -> str:
        return f"model '{self.name}'"

    def _adjust_rank(self, x: Float32Array) -> Float32Array:
        if not self.built:
            return x
        expected = self.input_shape
        x = rank.fit(x, expected)
        if x.ndim != len(expected):
            raise ValueError(
                f"Invalid input shape for the input of model '{self.name}'. Expected shape "
                f"{expected}. Received: input with shape {x.shape}"
            )
        return x


def _make_functional(cls: type, functional: type[Model]) -> None:
    """Let a class of the user's that is made from `Model` be made from `functional`."""
    for base in cls.__bases__:
        if base is not Model and issubclass(base, Model):
            _make_functional(base, functional)
    if Model in cls.__bases__:
        cls.__bases__ = tuple(functional if base is Model else base for base in cls.__bases__)


def _is_size(item: Any) -> bool:
    return item is None or hasattr(item, "__index__")


def _known(shape: BatchShape) -> Shape:
    """Return the shape of an image, every size of which must be known and positive."""
    sizes = tuple(size for size in shape if size)
    if len(sizes) != len(shape):
        raise ValueError(f"The sizes of an image must be positive integers. Received: {shape}")
    return sizes
