"""A layer for each step of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import BatchShape, Value
from cnnfast.engine.passes import optimize
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.core.wrapper import Wrapper
from cnnfast.layers.rnn.states import without_time
from cnnfast.layers.serialization import configs
from cnnfast.lowering import append
from cnnfast.lowering.along_axis import lower_along
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.utils import tree

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions


class TimeDistributed(Wrapper):
    """A layer or model for each step of a sequence.

    Takes (batch, steps, ...) and returns (batch, steps, ...), with what the layer makes of a step.

    Parameters
    ----------
    layer
        Any layer of one input and one output; it has the weights.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If `layer` is no layer.

    Examples
    --------
    >>> layer = cnnfast.layers.TimeDistributed(cnnfast.layers.Dense(3))
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 3)
    """

    takes_mask = True
    passes_masks = True

    def __init__(self, layer: Layer, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(layer, **kwargs)
        if self.layer.quantization_mode is not None:
            raise self.unsupported(
                "takes no layer that is itself quantized: Keras runs its `call`, which takes the "
                f"integers of weights without their scales. Received: {self.layer!r} with "
                f"{self.layer.dtype_policy.name}",
                advice="Leave it out of `model.quantize(…)` by `filters`; a dense layer needs no "
                "TimeDistributed.",
            )
        self.input_spec = InputSpec(min_ndim=3)

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        self.layer.build(without_time(input_shape))

    def compute_output_shape(self, input_shape: BatchShape) -> BatchShape:
        shape = self.layer.compute_output_shape(without_time(input_shape))
        if not tree.is_shape(shape):
            raise self._several_outputs(len(shape))
        batch, *rest = shape
        return (batch, input_shape[1], *rest)

    def _several_outputs(self, count: int) -> UnsupportedError:
        return self.unsupported(
            f"takes a layer of one output. Received: '{self.layer.name}' with {count} outputs"
        )

    def result_dtype(self, received: Sequence[str]) -> str:
        return self.layer.result_dtype(received)

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return configs.with_layers(config, "layer", functions=True)

    def lower_masked(self, graph: Graph, x: Any, mask: Any) -> Any:
        if not self.layer.gets_mask:
            return super().lower_masked(graph, x, mask)
        if len(mask.shape) < 2:
            raise self.unsupported(
                "hands the mask of each step on to the layer inside, which takes one of its own "
                f"steps. Received: a mask of shape {(None, *mask.shape)} for '{self.layer.name}'",
                advice="Let the layer inside make its own, such as by `Masking` in a model.",
            )
        kept = len(graph.states)
        made = [self._step(graph, *_at(graph, (x, mask), n)) for n in range(x.shape[0])]
        if len(graph.states) > kept:
            raise self._stateful()
        return append.concat(graph, made, 0)

    def _step(self, graph: Graph, x: Value, mask: Value) -> Value:
        """Append what the layer makes of one step, with a first axis of size 1."""
        outputs = tree.flatten(self.layer.lower_masked(graph, x, mask))
        if len(outputs) != 1:
            raise self._several_outputs(len(outputs))
        return append.reshape(graph, outputs[0], (1, *outputs[0].shape))

    def lower(self, graph: Graph, x: Value) -> Value:
        step = Graph()
        step.outputs = list(self.layer.lower_all(step, [step.add_input(x.shape[1:])]))
        if len(step.outputs) != 1:
            raise self._several_outputs(len(step.outputs))
        if step.states:
            raise self._stateful()
        return lower_along(graph, optimize(step), x)

    def _stateful(self) -> UnsupportedError:
        return self.unsupported(
            "runs its layer on each step alone, so that this cannot keep a state. Received: "
            f"'{self.layer.name}', in which a layer is stateful"
        )


def _at(graph: Graph, values: Sequence[Value], step: int) -> list[Value]:
    """Append what takes one step out of sequences."""
    return [
        append.reshape(graph, append.crop(graph, x, {0: (step, 1)}), x.shape[1:]) for x in values
    ]
