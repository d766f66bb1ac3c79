"""A model that is a plain stack of layers."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Value
from cnnfast.layers.base import phases
from cnnfast.layers.base.calling import state_guard
from cnnfast.layers.base.changing import fallen_apart
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.core.input_layer import InputLayer
from cnnfast.models import rank
from cnnfast.models.model import Model
from cnnfast.symbolic import arguments
from cnnfast.symbolic.arrays import as_numbers
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.symbolic.registry import configs
from cnnfast.symbolic.retracing import retrace
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import tree
from cnnfast.utils.naming import name_scope

if TYPE_CHECKING:
    from typing import Self


class Sequential(Model):
    """A stack of layers, each taking the output of the one before.

    The input's shape comes from `Input` as the first item, from ``input_shape=`` of the first
    layer, from `build`, or from the first batch.

    Parameters
    ----------
    layers
        To be added in turn.
    trainable
        Whether training would change the weights.
    name
        Made up where None.

    Raises
    ------
    ValueError
        If an item is no layer, two have the same name, or shapes do not fit.
    """

    takes_mask = True

    def __init__(
        self,
        layers: Iterable[Layer | KerasTensor] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        self._layers: list[Layer] = []
        # Output of each of `_layers`; empty until the input's shape is known.
        self._tensors: list[Any] = []
        self._casts = False
        for layer in layers or ():
            self.add(layer)

    # --- the stack ------------------------------------------------------------------------

    def add(self, layer: Layer | KerasTensor) -> None:
        """Put `layer`, or what `Input` returned, on top.

        Raises
        ------
        ValueError
            If it is no layer, its name is taken, or it cannot take the output below it.
        """
        if isinstance(layer, KerasTensor) and layer.node is not None:
            layer = layer.node.operation  # type: ignore[assignment]
        if not isinstance(layer, Layer):
            raise ValueError(
                "Only instances of `Layer` can be added to a Sequential model. Received: "
                f"{layer!r} (of type {type(layer)})"
            )
        if isinstance(layer, Model) and any(inner is self for inner in layer._flatten_layers()):
            raise ValueError(
                f"Sequential model '{self.name}' cannot contain itself. Received: {layer!r}"
            )
        self._check_name(layer, self._layers)
        self._push(layer)

    def _check_name(self, layer: Layer, others: Iterable[Layer]) -> None:
        if any(layer.name == other.name and layer is not other for other in others):
            raise self._name_taken(layer)

    def _name_taken(self, layer: Layer) -> ValueError:
        return ValueError(
            f"All layers added to a Sequential model should have unique names. Name "
            f"'{layer.name}' is already the name of a layer in model '{self.name}'. Update "
            "the `name` argument to pass a unique name."
        )

    def _push(self, layer: Layer) -> None:
        """Put `layer`, whose name is free, on top."""
        if isinstance(layer, InputLayer):
            self._add_input(layer)
            return
        if not self._layers and layer._first_shape is not None:
            self._add_input(InputLayer(batch_shape=layer._first_shape))
        if not self._tensors and self._layers and isinstance(self._layers[0], Model):
            self._build_from_first_model()
        self._stack([layer])

    def _push_all(self, layers: Sequence[Layer]) -> None:
        """Put `layers`, whose names are free, on top of an empty model.

        Those behind the input are put there at once, and what follows from a change is done once.
        """
        rest = deque(layers)
        while rest and not self._tensors:
            self._push(rest.popleft())
        if any(isinstance(layer, InputLayer) for layer in rest):
            for layer in rest:
                self._push(layer)  # which refuses a second input
        elif rest:
            self._stack(rest)

    def _stack(self, layers: Collection[Layer]) -> None:
        tensors = self._connected(layers, self._tensors[-1]) if self._tensors else []
        known = self._graph_trains, self._apart
        self._restack([*self._layers, *layers], [*self._tensors, *tensors])
        self._note_training(layers, *known)

    def pop(self) -> Layer:
        """Take the top layer off and return it.

        Raises
        ------
        IndexError
            If there is no layer.
        """
        if not self._layers:
            raise IndexError(f"Sequential model '{self.name}' has no layers to pop.")
        *layers, top = self._layers
        self._restack(layers, self._tensors[: len(layers)])
        self._note_training()
        return top

    def _restack(self, layers: list[Layer], tensors: list[Any]) -> None:
        """Be made of `layers`, which give `tensors`; and so in graphs that hold this model."""
        before = self._layers, self._tensors, self._built
        self._layers, self._tensors, self._built = layers, tensors, len(tensors) > 1
        try:
            self._hold_layers()
            retrace(self)
        except ValueError as error:
            self._layers, self._tensors, self._built = before
            names = [layer.name for layer in layers]
            raise fallen_apart(self, error, f"Received: layers={names}") from error
        finally:
            self._changed()

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Make the weights of all layers for inputs of `input_shape`, batch included (None).

        Raises
        ------
        ValueError
            If the model has no layers, another input shape already, or a layer cannot take it.
        """
        if not self._layers:
            raise ValueError(
                f"Sequential model {self.name} cannot be built because it has no layers. Call "
                "`model.add(layer)`."
            )
        if input_shape is None and self._tensors:
            return
        with state_guard.lock:
            self._build(arguments.shape(input_shape))

    def _build(self, shape: BatchShape) -> None:
        if self._tensors:
            own = self._tensors[0].shape
            if shape != own:
                raise ValueError(
                    f"Sequential model '{self.name}' has already been configured to use input "
                    f"shape {own}. You cannot build it with input_shape. "
                    f"Received: {shape}"
                )
            return
        for number, layer in enumerate(self._layers):
            self._check_name(layer, self._layers[:number])  # they may have new ones by now
        first = InputLayer(batch_shape=shape)
        tensors = [first.output, *self._connected(self._layers, first.output)]
        vars(self)["input_spec"] = InputSpec(ndim=len(shape))
        self._restack([first, *self._layers], tensors)
        self._note_training()

    def _note_training(
        self, layers: Collection[Layer] | None = None, trains: bool = False, apart: bool = False
    ) -> None:
        """Note whether a call on an array is more than its plan, if it was not without `layers`."""
        layers = self._layers if layers is None else layers
        self._graph_trains = trains or any(layer.trains_unless_told for layer in layers)
        makes_masks = any(layer.makes_masks for layer in layers)
        self._apart = apart or self._graph_trains or makes_masks

    def _add_input(self, layer: InputLayer) -> None:
        if self._tensors:
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape "
                f"{self._tensors[0].shape}. You cannot add a different Input layer to it. "
                f"Received: {layer.batch_shape}"
            )
        if self._layers:
            raise ValueError(
                f"An Input layer must be the first of Sequential model '{self.name}'. Received: "
                f"'{layer.name}' after {len(self._layers)} layers"
            )
        vars(self)["input_spec"] = InputSpec(ndim=len(layer.batch_shape))
        self._restack([layer], [layer.output])

    def _build_from_first_model(self) -> None:
        first = self._layers[0]
        if isinstance(first, Model) and first.built:
            self.build(first.input_shape)

    def _connected(self, layers: Iterable[Layer], tensor: Any) -> list[Any]:
        """Call `layers` in turn, which builds those that are not yet; return their outputs."""
        tensors = []
        with name_scope(self.name) as self._path:
            for layer in layers:
                tensor = layer.connect((tensor,), {})
                tensors.append(tensor)
        return tensors

    def _changed(self) -> None:
        super()._changed()
        self._casts = bool(self._tensors) and rank.is_integer(self._tensors[0])

    # --- shapes and lowering --------------------------------------------------------------

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input layer."""
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic input, in a list.

        Raises
        ------
        AttributeError
            If the input's shape is not known yet.
        """
        return [self._end(0, "input")]

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs, in a list.

        Raises
        ------
        AttributeError
            If the input's shape is not known yet.
        """
        return tree.flatten(self._end(-1, "output"))

    @property
    def input(self) -> Any:
        """The symbolic input."""
        return self._end(0, "input")

    @property
    def output(self) -> Any:
        """The symbolic output."""
        return self._end(-1, "output")

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch included.

        Raises
        ------
        AttributeError
            If it is not known yet.
        """
        return _shape(self._end(0, "input"))

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch included.

        Raises
        ------
        AttributeError
            If it is not known yet.
        """
        return _shape(self._end(-1, "output"))

    def _end(self, index: int, which: str) -> Any:
        if not self.built:
            raise AttributeError(
                f"Sequential model '{self.name}' has no defined {which} shape yet."
            )
        return self._tensors[index]

    def layer_output_shapes(self) -> list[BatchShape | None]:
        if self.built:
            return [_shape(tensor) for tensor in self._tensors[1:]]
        return [None] * len(self.layers)

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if not self.layers:
            raise ValueError(
                f"Sequential model '{self.name}' has no layers to call. Call `model.add(layer)`."
            )
        return super().infer(args, kwargs)

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        shape = input_shape
        for layer in self._layers:
            layer.input_spec.check(shape, layer.name)
            shape = layer.compute_output_shape(shape)
        return shape

    def _prepare(self, x: Any) -> list[Float32Array]:
        if self._casts:
            x = rank.cast(as_numbers(x, self._described()), self._tensors[0])
        return super()._prepare(x)

    def lower_in_training(self, graph: Graph, x: Value) -> Value:
        return self.lower(graph, x)

    def lower_masked(self, graph: Graph, x: Value, mask: Value) -> Value:
        graph.masks[x] = mask
        return self.lower(graph, x)

    def lower(self, graph: Graph, x: Value) -> Value:
        self._check_outermost(graph)
        training = phases.current()
        for layer, taken in zip(self._layers, [None, *self._tensors], strict=False):
            drawn = x if taken is None else taken
            said = phases.of_graph({}, training, layer.training_default)
            x = layer.lower_like(graph, (x,), said, ((drawn,), said))
        return x

    def _sublayers(self) -> Sequence[Layer]:
        return self._layers

    def _ends(self) -> Sequence[KerasTensor]:
        return tree.flatten(self._tensors[-1:])

    # --- configs --------------------------------------------------------------------------

    def _config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"layers": [configs.serialize(layer) for layer in self._layers]}
        if self.built:
            config["build_input_shape"] = self.input_shape
        return config

    def _get_build_config(self) -> dict[str, Any] | None:
        return {"input_shape": self.input_shape} if self.built else None

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        layers = config.get("layers")
        if not isinstance(layers, list | tuple):
            raise ValueError(
                "A Sequential model configuration must be a dictionary containing the 'name' and "
                f"'layers' keys. Received: config={dict(config)}"
            )
        model = cls(name=config.get("name"))
        named: dict[str, Layer] = {}
        made = [configs.deserialize(layer) for layer in layers]
        for layer in made:
            if named.setdefault(layer.name, layer) is not layer:
                raise model._name_taken(layer)
        model._push_all(made)
        # Set without reaching the layers, which have flags of their own.
        model._trainable = arguments.boolean(config.get("trainable", True), "trainable")
        if not model.built and config.get("build_input_shape") is not None and model.layers:
            model.build(config["build_input_shape"])
        return model

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_tensors": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if self._layers and isinstance(self._layers[0], InputLayer):
            first = self._layers[0].output
            self._tensors = [first, *self._connected(self._layers[1:], first)]


def _shape(tensor: Any) -> Any:
    return tree.map_structure(lambda leaf: leaf.shape, tensor)
