"""Models drawn as a graph of layers and operations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from cnnfast import activations
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Float32Array, Shape, Value
from cnnfast.errors import AcrossBatchError
from cnnfast.layers.base import masks, phases
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.core.input_layer import Input
from cnnfast.models import rank, wiring
from cnnfast.models.model import Model
from cnnfast.models.topology import as_keras_runs, trace
from cnnfast.symbolic.arguments import boolean
from cnnfast.symbolic.arrays import as_batches, is_ready
from cnnfast.symbolic.tensor import (
    Connectable,
    KerasTensor,
    Node,
    inferred,
    refuse_those_elsewhere,
    symbolic,
)
from cnnfast.utils import moved, tree
from cnnfast.utils.naming import name_scope
from cnnfast.variables import Variable


class Functional(Model):
    """A model that takes the symbolic tensors `inputs` to `outputs`.

    Parameters
    ----------
    inputs, outputs
        Symbolic tensors, alone or in lists, tuples and dicts; `predict` takes and returns arrays
        in the same structure. Inputs may also be tensors inside another model's graph.
    name
        Made up where None.
    trainable
        Whether training would change the weights; the layers keep flags of their own.

    Raises
    ------
    ValueError
        If something is no symbolic tensor, an output does not follow from the inputs, or two
        layers have the same name.
    """

    takes_structure = True
    takes_mask = True
    keras_module = "keras.src.models.functional"
    outside_calls_from = 1

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None
    ) -> None:
        super().__init__(name=name)
        for which, structure in (("inputs", inputs), ("outputs", outputs)):
            _check_symbolic(which, structure)
        if not all(tensor.node.is_input for tensor in tree.flatten(inputs)):
            inputs, outputs = _cut_free(inputs, outputs)
        self._draw(inputs, outputs)
        # Set without reaching the layers.
        self._trainable = True if trainable is None else boolean(trainable, "trainable")

    def _draw(self, inputs: Any, outputs: Any) -> None:
        self._inputs_struct, self._outputs_struct = inputs, outputs
        self._inputs: list[KerasTensor] = tree.flatten(inputs)
        self._outputs: list[KerasTensor] = tree.flatten(outputs)
        self._topology = trace(self._inputs, self._outputs)
        self._layers = [op for op in self._topology.operations if isinstance(op, Layer)]
        self._casts = any(rank.is_integer(tensor) for tensor in self.inputs)
        self._fitting_shapes: tuple[tuple[int, ...], ...] | None = None
        said = (node.kwargs.get("training") for node in self._topology.nodes)
        self._graph_trains = any(said) or any(x.trains_unless_told for x in self._layers)
        self._takes_masks = any(x.takes_masks_away for x in self._layers)
        self._apart = self._graph_trains or any(x.makes_masks for x in self._layers)
        self._hold_layers()
        with name_scope(self.name) as self._path:
            self._built = True

    # --- what it is made of ---------------------------------------------------------------

    @property
    def inputs(self) -> list[KerasTensor]:
        return self._inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        return self._outputs

    @property
    def input(self) -> Any:
        """The symbolic inputs, in the structure given."""
        return self._inputs_struct

    @property
    def output(self) -> Any:
        """The symbolic outputs, in the structure given."""
        return self._outputs_struct

    @property
    def layers(self) -> list[Layer]:
        """The layers, input layers among them, in Keras' order."""
        return list(self._layers)

    @property
    def operations(self) -> list[Connectable]:
        """The layers and the operations between them, in Keras' order."""
        return list(self._topology.operations)

    @property
    def nodes(self) -> list[Node]:
        """The calls that make up the graph, each behind those it needs."""
        return list(self._topology.nodes)

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [tensor.name for tensor in self.inputs]

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that make the outputs."""
        return [_producer(tensor).name for tensor in self.outputs]

    @property
    def input_shape(self) -> Any:
        """Shape of the input, batch included; a list of shapes for several."""
        shapes = [tensor.shape for tensor in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self) -> Any:
        """Shape of the output, batch included; a list of shapes for several."""
        shapes = [tensor.shape for tensor in self.outputs]
        return shapes[0] if len(shapes) == 1 else shapes

    def layer_output_shapes(self) -> list[Any]:
        """Return the output shape of each of `layers`."""
        return [last_output_shape(layer) for layer in self._layers]

    @property
    def is_stack(self) -> bool:
        """Whether each layer takes the output of the one before, and nothing is shared."""
        return self._topology.sequential

    def _drawn(self) -> tuple[Sequence[tuple[Connectable, Any]], Sequence[Node] | None]:
        rows = [(operation, last_output_shape(operation)) for operation in self.operations]
        return rows, None if self.is_stack else self.nodes

    def _sublayers(self) -> Sequence[Layer]:
        return self._layers

    def _own_versions(self) -> Iterator[int]:
        yield from super()._own_versions()
        for node in self._topology.nodes:
            for leaf in tree.flatten((node.args, node.kwargs)):
                if isinstance(leaf, Variable):
                    yield leaf.version

    def _ends(self) -> Sequence[KerasTensor]:
        return self._outputs

    def build(self, input_shape: Any = None) -> None:
        """Do nothing: the model is built from the start."""

    # --- shapes and lowering --------------------------------------------------------------

    def connect(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return super().connect(*_constants_for_each_image(args, kwargs))

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        x = self._input_of_call(args, kwargs)
        tensors = self._flat(tree.map_structure(_require_symbolic, x))
        for tensor, expected in zip(tensors, self.inputs, strict=True):
            rank.check(self.name, expected, tensor.shape)
        self.result_dtype([tensor.dtype for tensor in tensors])
        if all(t.shape == own.shape for t, own in zip(tensors, self.inputs, strict=True)):
            made = [KerasTensor(own.shape, own.dtype) for own in self.outputs]
        else:
            made = self._inferred([tensor.shape for tensor in tensors])
        return tree.pack(self._outputs_struct, made)

    def _inferred(self, shapes: Sequence[BatchShape]) -> list[KerasTensor]:
        """Return what the outputs are like for inputs of other shapes than the model's own."""
        inputs = [
            KerasTensor(shape, own.dtype) for shape, own in zip(shapes, self.inputs, strict=True)
        ]

        def call(node: Node, args: Any, kwargs: Any) -> Any:
            outputs = inferred(node.operation, args, kwargs)
            masks.carry(node.operation, args, kwargs, outputs)
            return outputs

        return self._walk(inputs, call)

    def compute_output_shape(self, input_shape: Any) -> Any:
        shapes: list[BatchShape] = []
        tree.map_shapes(shapes.append, input_shape)
        if isinstance(input_shape, Mapping):
            shapes = self._flat(input_shape, is_leaf=tree.is_shape)
        made = self._inferred(shapes)
        return tree.pack(self._outputs_struct, [tensor.shape for tensor in made])

    def lower_in_training(self, graph: Graph, x: Any) -> Any:
        return self.lower(graph, x)

    def lower(self, graph: Graph, x: Any) -> Any:
        return tree.pack(self._outputs_struct, self.lower_all(graph, self._flat(x)))

    def lower_masked(self, graph: Graph, x: Any, mask: Any) -> Any:
        values, given = self._flat(x), tree.flatten(mask)
        graph.masks |= {v: m for v, m in zip(values, given, strict=True) if m is not None}
        return self.lower(graph, x)

    def lower_all(self, graph: Graph, inputs: Sequence[Value]) -> Sequence[Value]:
        self._check_outermost(graph)
        said = phases.current()

        def call(node: Node, args: Any, kwargs: Any) -> Any:
            layer, drawn = node.operation, node.kwargs
            if isinstance(layer, Layer):
                default = layer.training_default
                kwargs, drawn = (phases.of_graph(k, said, default) for k in (kwargs, drawn))
            return layer.lower_like(graph, args, kwargs, (node.args, drawn))

        for value, own in zip(inputs, self.inputs, strict=True):
            rank.check(self.name, own, (None, *value.shape))
        nodes = self._topology.nodes
        if (self._takes_masks and (graph.masks or self._apart)) or self._graph_trains:
            nodes = as_keras_runs(nodes)
        values: list[Value] = self._walk(inputs, call, nodes)
        return values

    def _walk(
        self, inputs: Sequence[Any], call: Any, nodes: Sequence[Node] | None = None
    ) -> list[Any]:
        """Follow the graph with `inputs` in place of the model's; return its flat outputs."""
        known: dict[KerasTensor, Any] = dict(zip(self.inputs, inputs, strict=True))
        for node in self._topology.nodes if nodes is None else nodes:
            if node.is_input:
                continue
            args, kwargs = node.filled(known.__getitem__)
            known |= zip(node.outputs, tree.flatten(call(node, args, kwargs)), strict=True)
        return [known[tensor] for tensor in self.outputs]

    # --- what comes in and goes out -------------------------------------------------------

    def _flat(self, x: Any, is_leaf: Any = None) -> list[Any]:
        """Return the inputs in `x` in the order of `inputs`.

        Raises
        ------
        ValueError
            If `x` does not have the structure of the inputs.
        """
        names = self._dict_names()
        if isinstance(x, Mapping) and names is not None:
            return self._by_name(x, names)
        flat = [x] if is_leaf is not None and is_leaf(x) else tree.flatten(x)
        mixed = isinstance(x, Mapping) != isinstance(self._inputs_struct, Mapping)
        sortable = not isinstance(self._inputs_struct, Mapping) or list(
            self._inputs_struct
        ) == sorted(self._inputs_struct)
        wrong = mixed and (isinstance(x, Mapping) or not sortable)
        if wrong or len(flat) != len(self.inputs):
            raise ValueError(self._mismatch(x))
        if mixed and is_leaf is None and len(flat) > 1:
            warnings.warn(self._mismatch(x), stacklevel=2)
        return flat

    def _by_name(self, x: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
        missing = [name for name in names if name not in x]
        if missing:
            raise ValueError(
                f"Missing data for input {missing[0]!r} of model '{self.name}'. Expected the "
                f"following keys: {list(names)}. Received: a dictionary with keys {sorted(x)}"
            )
        if len(x) > len(names) and isinstance(self._inputs_struct, Mapping):
            warnings.warn(self._mismatch(x), stacklevel=3)
        return [x[name] for name in names]

    def _mismatch(self, x: Any) -> str:
        expected = tree.map_structure(lambda tensor: tensor.name, self._inputs_struct)
        received = tree.map_structure(lambda leaf: getattr(leaf, "shape", type(leaf)), x)
        named = isinstance(self._inputs_struct, Mapping)
        keys = f"named input(s) with keys {list(self._inputs_struct)}" if named else ""
        return (
            "The structure of `inputs` doesn't match the expected structure. Expected by model "
            f"'{self.name}': {expected}, as it expects {keys or f'{len(self.inputs)} input(s)'}. "
            f"Received: {received}"
        )

    def _dict_names(self) -> list[str] | None:
        """Return the keys by which a dict gives the inputs, in the order of `inputs`."""
        structure = self._inputs_struct
        if isinstance(structure, Mapping):
            flat = all(isinstance(item, KerasTensor) for item in structure.values())
            return sorted(structure) if flat else None
        return [_producer(tensor).name for tensor in self.inputs]

    def _is_structure(self, x: Any) -> bool:
        return False

    def _prepare(self, x: Any) -> list[Float32Array]:
        alone = type(x) is np.ndarray or not _holds_arrays(x)
        flat = [x] if alone and len(self._inputs) == 1 else self._flat(x)
        if self._fits(flat):
            return flat
        for a, own in zip(flat, self.inputs, strict=True):
            if a is None:
                self._refuse_none(own)
        arrays = [rank.cast(a, own) for a, own in zip(flat, self.inputs, strict=True)]
        batches = [
            rank.adjust(self.name, own, batch)
            for own, batch in zip(self.inputs, as_batches(arrays, self._described()), strict=True)
        ]
        shapes = tuple(batch.shape[1:] for batch in batches)
        self._fitting_shapes = shapes
        return batches

    def _refuse_none(self, own: KerasTensor) -> None:
        if getattr(_producer(own), "optional", False):
            raise self.unsupported(
                "gets all of its inputs, optional ones, too, as its graph is drawn with them. "
                f"Received: None for input '{own.name}'",
                advice="Make a model without that input.",
            )
        raise ValueError(
            f"The input '{own.name}' of model '{self.name}' is not optional. Received: None"
        )

    def check(self, shapes: Sequence[Shape]) -> None:
        self._inferred([(None, *shape) for shape in shapes])

    def _fits(self, arrays: Sequence[Any]) -> bool:
        """Whether `arrays` are what the core takes, of the shapes seen last."""
        fitting = self._fitting_shapes
        if fitting is None or self._casts:
            return False
        return all(map(is_ready, arrays, fitting)) and len({len(batch) for batch in arrays}) == 1

    def _pack(self, outputs: Sequence[Float32Array]) -> Any:
        packed = tree.pack(self._outputs_struct, outputs)
        # One output in a list is itself, as in Keras.
        return packed[0] if isinstance(packed, list | tuple) and len(packed) == 1 else packed

    def _output_keys(self) -> list[str]:
        if isinstance(self._outputs_struct, Mapping) and len(self._outputs_struct) == len(
            self.outputs
        ):
            return sorted(self._outputs_struct)
        return self.output_names

    # --- configs and copies ---------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        from cnnfast.models import dialects  # which predicting does not need

        with activations.one_config():
            graph = dialects.write(self)
        return {"name": self.name, "trainable": self.trainable, **graph}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a model from the config of a functional model of Keras 1 to 3.

        Raises
        ------
        ValueError
            If the config does not describe a graph, or a layer in it is impossible.
        UnsupportedError
            If it has a layer or operation that this package does not have.
        """
        from cnnfast.models import dialects

        inputs, outputs = wiring.connect(dialects.read(config))
        return cls(inputs, outputs, name=config.get("name"), trainable=config.get("trainable"))

    def _get_build_config(self) -> dict[str, Any] | None:
        return {"input_shape": None}

    def __getstate__(self) -> dict[str, Any]:
        drawn = ("_inputs_struct", "_outputs_struct", "_inputs", "_outputs", "_topology", "_layers")
        state = {key: v for key, v in super().__getstate__().items() if key not in drawn}
        ends = (self._inputs_struct, self._outputs_struct)
        topology = self._topology
        return state | {"_wiring": wiring.written(topology.nodes, topology.operations, ends)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        own = dict(state)
        written = own.pop("_wiring")
        self.__dict__.update(moved.attributes(own))
        self._draw(*wiring.connect(written))


def _check_symbolic(which: str, structure: Any) -> None:
    refuse_those_elsewhere(structure)
    _refuse_parts(structure)
    flat = tree.flatten(structure)
    wrong = [leaf for leaf in flat if not isinstance(leaf, KerasTensor) or leaf.node is None]
    if wrong or not flat:
        raise ValueError(
            f"All `{which}` values must be KerasTensors of a model, which come from `Input` or "
            f"from a layer. Received: {which}={structure}"
        )


def _constants_for_each_image(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """Return the arguments of a call with tensors in place of numbers that stand beside such."""
    x = args[0] if args else next(iter(kwargs.values()), None)
    tensors = symbolic(x)
    constants = [leaf for leaf in tree.flatten(x) if isinstance(leaf, np.ndarray | Variable)]
    if not tensors or not constants:
        return args, kwargs
    from cnnfast.ops.shaping.shapes import per_image
    from cnnfast.symbolic.batch_size import BatchSize

    def drawn(leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray | Variable) or not leaf.ndim or leaf.shape[0] != 1:
            return leaf
        return per_image(BatchSize(tensors[0]), leaf, leaf.ndim)

    x = tree.map_structure(drawn, x)
    return ((x, *args[1:]), kwargs) if args else ((), {**kwargs, next(iter(kwargs)): x})


def _require_symbolic(leaf: Any) -> KerasTensor:
    if isinstance(leaf, KerasTensor):
        return leaf
    raise ValueError(f"All inputs of a model must be symbolic tensors. Received: {leaf!r}")


def _cut_free(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Draw the graph from `inputs` on once more, with inputs of its own where it begins inside."""
    known: dict[KerasTensor, KerasTensor] = {}
    drawn: set[Node] = set()
    for tensor in tree.flatten(inputs):
        known[tensor] = tensor if tensor.node.is_input else _input_like(tensor)
    stack = [tensor.node for tensor in tree.flatten(outputs) if tensor not in known]
    while stack:
        node = stack[-1]
        missing = [t.node for t in node.inputs if t not in known]
        if node.is_input or None in missing:
            break  # not connected to `inputs`, which drawing the model reports
        if not missing and node not in drawn:
            drawn.add(node)
            args, kwargs = node.filled(known.__getitem__)
            twins = tree.flatten(node.operation.connect(args, kwargs))
            known = dict(zip(node.outputs, twins, strict=True)) | known
        if not missing:
            stack.pop()
        stack += missing
    return (
        tree.map_structure(lambda t: known[t], inputs),
        tree.map_structure(lambda t: known.get(t, t), outputs),
    )


def _input_like(tensor: KerasTensor) -> KerasTensor:
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{tensor.name}CLONE")


def _producer(tensor: KerasTensor) -> Connectable:
    assert tensor.node is not None
    return tensor.node.operation


def _holds_arrays(x: Any) -> bool:
    """Whether `x` is a container of inputs; lists of numbers are an array."""
    items = x if isinstance(x, list | tuple) else ()
    held = (isinstance(item, Mapping) or getattr(item, "ndim", 0) > 0 for item in items)
    return isinstance(x, Mapping) or any(held)


def last_output_shape(operation: Connectable) -> Any:
    """Return the shape that the last call returned; a list of shapes for several outputs."""
    shapes = [tensor.shape for tensor in operation._inbound_nodes[-1].outputs]
    return shapes[0] if len(shapes) == 1 else shapes


def _refuse_parts(structure: Any) -> None:
    """Raise AcrossBatchError if the batch of a tensor in `structure` has not one place an image."""
    for tensor in symbolic(structure):
        if tensor.parts != 1:
            raise AcrossBatchError(
                "windows that were moved into the batch must be moved back, by `ops.reshape`, "
                "where a model begins or ends: each image has one place there. Received: "
                f"{tensor}, of which each image has {tensor.parts} places along the batch"
            )
