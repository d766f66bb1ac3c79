"""How layers are called: on arrays, on symbolic tensors, and while a graph is lowered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape
from cnnfast.errors import UnsupportedError
from cnnfast.symbolic import bound
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.symbolic.tensor import Connectable, KerasTensor, symbolic
from cnnfast.utils import tree
from cnnfast.utils.locks import Guard

if TYPE_CHECKING:
    from cnnfast.engine.executor import Executor
    from cnnfast.engine.ops import Float32Array, Value

# Held while any layer is built or an executor is made.
state_guard = Guard()


class CallableLayer(Connectable):
    """The part of `Layer` that takes calls; the rest says what they do."""

    takes_structure: ClassVar[bool] = False
    """Whether the input may be several tensors."""

    call_arguments: ClassVar[tuple[str, ...]] = ("inputs",)
    """Names of the tensors that a call takes; several arrive as a list, without absent ones."""

    casts_inputs: ClassVar[bool] = False
    """Whether inputs become those of a declared dtype first, as those of a model do."""

    if TYPE_CHECKING:
        input_spec: InputSpec

        @property
        def built(self) -> bool: ...

        def result_dtype(self, received: Sequence[str]) -> str: ...

        @property
        def _executor(self) -> Executor: ...

        def build(self, input_shape: Any) -> None: ...

        def compute_output_shape(self, input_shape: Any) -> Any: ...

        def lower(self, graph: Graph, x: Value) -> Value: ...

        def _prepare(self, x: Any) -> list[Float32Array]: ...

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the output for a batch, or for symbolic tensors; builds the layer if need be.

        Parameters
        ----------
        *args, **kwargs
            An array with the images along its first axis, a list or dict of them where the
            layer takes several, or symbolic tensors in their place. ``training`` must not be
            set.

        Returns
        -------
        numpy.ndarray or KerasTensor
            Float32; a list or dict where the layer has several outputs.
        """
        if len(args) == 1 and not kwargs and isinstance(args[0], np.ndarray):
            return self._pack(self._executor.run(self._prepare(args[0])))
        if symbolic((args, kwargs)):
            return self.connect(args, kwargs)
        x = self._input_of_call(args, kwargs)
        if self._is_structure(x):
            return bound.run(self, args, kwargs)
        return self._pack(self._executor.run(self._prepare(x)))

    def _pack(self, outputs: Sequence[Float32Array]) -> Any:
        """Return the outputs in the structure that the layer has; one is an array."""
        return outputs[0] if len(outputs) == 1 else list(outputs)

    def _is_structure(self, x: Any) -> bool:
        return isinstance(x, list | tuple | Mapping) and (
            self.takes_structure or len(self.call_arguments) > 1
        )

    def infer(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        x = self._input_of_call(args, kwargs)
        shapes = tree.map_structure(self._shape_of, x)
        with state_guard.lock:
            if not self.built:
                self.build(shapes)
        self._check_shapes(shapes)
        outputs = self.compute_output_shape(shapes)
        dtype = self.result_dtype([tensor.dtype for tensor in tree.flatten(x)])
        return tree.map_shapes(lambda shape: KerasTensor(shape, dtype), outputs)

    def _shape_of(self, tensor: Any) -> BatchShape:
        if isinstance(tensor, KerasTensor):
            return tensor.shape
        raise ValueError(
            f"Layer '{self.name}' was called on symbolic tensors, so that all its inputs must "
            f"be. Received: {tensor!r}"
        )

    def lower_call(self, graph: Graph, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        x = self._input_of_call(args, kwargs)
        self._check_shapes(batch_shapes(x))
        with graph.layer(self.name):
            return self.lower(graph, x)

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return the tensors among the arguments of a call, as `lower` takes them.

        Raises
        ------
        UnsupportedError
            If something else is set.
        """
        tensors = dict(zip(self.call_arguments, args, strict=False))
        others = dict(enumerate(args[len(self.call_arguments) :])) | dict(kwargs)
        for name in self.call_arguments:
            if name in others:
                tensors[name] = others.pop(name)
        unused = {key: v for key, v in others.items() if not is_absent(v)}
        if unused:
            raise self.unsupported(
                f"can be called with {list(self.call_arguments)} only, as it is at inference. "
                f"Received: {unused}"
            )
        if self.call_arguments[0] not in tensors:
            raise ValueError(f"Layer '{self.name}' must be called on its input. Received: none")
        if len(self.call_arguments) == 1:
            return tensors[self.call_arguments[0]]
        return [tensors[name] for name in self.call_arguments if tensors.get(name) is not None]

    def unsupported(self, rule: str, advice: str = "") -> UnsupportedError:
        """Return the error that this layer does not do something; see `UnsupportedError`."""
        return UnsupportedError(
            rule, layer=self.name, class_name=type(self).__name__, advice=advice
        )

    def _check_shapes(self, shapes: Any) -> None:
        """Raise ValueError, naming the layer, if it cannot take inputs of `shapes`."""
        if tree.is_shape(shapes):
            self.input_spec.check(shapes, self.name)
        elif not self.takes_structure and len(self.call_arguments) == 1:
            raise ValueError(
                f"Layer '{self.name}' expects 1 input(s). Received: {len(shapes)} input tensors "
                f"with shapes {shapes}"
            )


def batch_shapes(values: Any) -> Any:
    """Return the shapes of a structure of values, with a batch of any size."""
    return tree.map_structure(lambda value: (None, *value.shape), values)


def is_absent(value: Any) -> bool:
    """Whether an argument of a call is None or False, or nothing but a list of these."""
    if isinstance(value, list | tuple):
        return all(map(is_absent, value))
    return value is None or value is False
