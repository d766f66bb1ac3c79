"""A recurrent layer in both directions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnfast._core import ActivationKind, BinaryKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.ops import Activation, BatchShape, Value
from cnnfast.errors import UnsupportedError
from cnnfast.layers.base.changing import assign_together
from cnnfast.layers.base.layer import Layer
from cnnfast.layers.rnn import states
from cnnfast.layers.rnn.recurrent import RNN
from cnnfast.layers.serialization import configs
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.tensor import KerasTensor
from cnnfast.utils import handed_over, tree

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import LayerOptions

_MERGES = {"sum": BinaryKind.ADD, "ave": BinaryKind.ADD, "mul": BinaryKind.MULTIPLY}


class Bidirectional(Layer):
    """A recurrent layer forwards and another backwards in time, merged.

    Takes (batch, steps, features) and returns (batch, units) or (batch, steps, units), of twice the
    units where they are joined.

    Parameters
    ----------
    layer
        A recurrent layer, which is copied.
    merge_mode
        ``"concat"``, ``"sum"``, ``"mul"``, ``"ave"``, or None for a list of both results.
    weights
        Must be None.
    backward_layer
        Runs the other way; a copy of `layer` that does where None.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal, or both layers run the same way.
    UnsupportedError
        If a layer is not recurrent.

    Examples
    --------
    >>> layer = cnnfast.layers.Bidirectional(cnnfast.layers.LSTM(3, return_sequences=True))
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 6)
    """

    call_arguments = RNN.call_arguments
    call_options = RNN.call_options
    takes_mask = True

    def __init__(
        self,
        layer: Layer,
        merge_mode: Literal["concat", "sum", "mul", "ave"] | None = "concat",
        weights: None = None,
        backward_layer: Layer | None = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        if merge_mode not in (None, "concat", *_MERGES):
            raise ValueError(
                f"Invalid merge mode. Merge mode should be one of {[None, 'concat', *_MERGES]}. "
                f"Received: {merge_mode}"
            )
        for item in (layer, layer if backward_layer is None else backward_layer):
            if not isinstance(item, RNN):
                raise UnsupportedError(
                    "`Bidirectional` takes an RNN, SimpleRNN, LSTM, GRU or ConvLSTM layer. "
                    f"Received: {item!r}"
                )
        if weights is not None:
            raise UnsupportedError("`weights` must be None. Received: weights")
        self.merge_mode = merge_mode
        self.forward_layer = _renamed(layer, "forward_")
        self.backward_layer: Layer = backward_layer or _renamed(layer, "backward_", turn=True)
        self._check_layers()
        self._follow_masks()
        self.input_spec = self.forward_layer.input_spec
        self._hold_layers()

    if TYPE_CHECKING:  # where nothing merges the results, there are two

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def _check_layers(self) -> None:
        forward, backward = self._rnns()
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                "Forward layer and backward layer should have different `go_backwards` value. "
                f"Received: forward_layer.go_backwards={forward.go_backwards}, "
                f"backward_layer.go_backwards={backward.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(
                    "Forward layer and backward layer are expected to have the same value for "
                    f"attribute `{name}`. Received: {getattr(forward, name)} and "
                    f"{getattr(backward, name)}"
                )

    @property
    def return_sequences(self) -> bool:
        """Whether both layers return the outputs of all steps; setting it sets that of both."""
        return self._rnns()[0].return_sequences

    @return_sequences.setter
    def return_sequences(self, value: bool) -> None:
        assign_together(dict.fromkeys(self._rnns(), value), "return_sequences")
        self._follow_masks()

    @property
    def return_state(self) -> bool:
        """Whether the states come out, too; setting it sets that of both layers."""
        return self._rnns()[0].return_state

    @return_state.setter
    def return_state(self, value: bool) -> None:
        assign_together(dict.fromkeys(self._rnns(), value), "return_state")

    @property
    def stateful(self) -> bool:
        """Whether calls go on from the states of those before; setting it sets that of both."""
        return self._rnns()[0].stateful

    @stateful.setter
    def stateful(self, value: bool) -> None:
        assign_together(dict.fromkeys(self._rnns(), value), "stateful")

    def reset_state(self) -> None:
        """Let both layers start from zeros again.

        Raises
        ------
        AttributeError
            If they keep no state.
        """
        if not self.stateful:
            raise AttributeError(f"Layer must be stateful. Received: {self!r}")
        for rnn in self._rnns():
            rnn.reset_state()

    reset_states = reset_state

    @property
    def go_backwards(self) -> bool:
        """Whether the forward layer runs backwards; setting it turns both layers."""
        return self._rnns()[0].go_backwards

    @go_backwards.setter
    def go_backwards(self, value: bool) -> None:
        forward, backward = self._rnns()
        turned = not arguments.boolean(value, "go_backwards")
        assign_together({forward: value, backward: turned}, "go_backwards")

    def _follow_masks(self) -> None:
        """Set what is of masks, which there are none of here; Keras does, and writes it."""
        for rnn in self._rnns():
            vars(rnn)["zero_output_for_mask"] = rnn.return_sequences

    def _rnns(self) -> tuple[RNN, RNN]:
        assert isinstance(self.forward_layer, RNN)
        assert isinstance(self.backward_layer, RNN)
        return self.forward_layer, self.backward_layer

    def _sublayers(self) -> Sequence[Layer]:
        return (self.forward_layer, self.backward_layer)

    def _file_children(self) -> Mapping[str, Layer]:
        return {"forward_layer": self.forward_layer, "backward_layer": self.backward_layer}

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Make the weights for sequences of a shape, batch included."""
        del initial_state_shape
        super().build(states.split(sequences_shape)[0])

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        for layer in self._sublayers():
            layer.build(input_shape)
        self.input_spec = self.forward_layer.input_spec

    # --- calls ----------------------------------------------------------------------------

    def _input_of_call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        sequences, before, others = states.of_call(args, kwargs, ("sequences", *self.call_options))
        x = super()._input_of_call((sequences,), others)
        states.check_leaves(self, before, isinstance(x, KerasTensor))
        return x if before is None else [x, before]

    def _is_structure(self, x: Any) -> bool:
        return isinstance(x, list | tuple)

    def _prepare(self, x: Any) -> list[Any]:
        if self.stateful and not self.built:
            self.build(np.shape(x))
        return super()._prepare(x)

    def _check_shapes(self, shapes: Any) -> None:
        sequences, before = states.split(shapes)
        super()._check_shapes(sequences)
        for rnn, own in zip(self._rnns(), _halves(before), strict=True):
            rnn._check_shapes(sequences if own is None else [sequences, own])

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        del initial_state_shape
        shape, _ = states.split(sequences_shape)
        (forward, *after), (backward, *after_it) = (
            _listed(rnn.compute_output_shape(shape), rnn.return_state) for rnn in self._rnns()
        )
        if self.merge_mode is None:
            merged: list[Any] = [forward, backward]
        elif self.merge_mode == "concat":
            sizes = [forward[-1], backward[-1]]
            merged = [(*forward[:-1], None if None in sizes else sum(sizes))]
        else:
            merged = [forward]
        if self.return_state:
            return (*merged, *after, *after_it)
        return merged if self.merge_mode is None else merged[0]

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        mask = tree.flatten(previous_mask)[0] if self.return_sequences else None
        outputs = [mask] if self.merge_mode else [mask, mask]
        if self.return_state:
            states_of_both = sum(len(rnn.state_size) for rnn in self._rnns())
            return [*outputs, *[None] * states_of_both]
        return mask if self.merge_mode else outputs

    def lower(self, graph: Graph, x: Any) -> Any:
        return self._lowered(graph, x, None)

    def lower_beside_masks(
        self,
        graph: Graph,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        mask: Any,
        drawn: tuple[Any, Any],
    ) -> Any:
        seen = None if states.hide_mask(args, kwargs) else mask
        return super().lower_beside_masks(graph, args, kwargs, seen, drawn)

    def lower_masked(self, graph: Graph, x: Any, mask: Any) -> Any:
        return self._lowered(graph, x, tree.flatten(mask)[0])

    def _lowered(self, graph: Graph, x: Any, mask: Value | None) -> Any:
        """Append both layers, which leave out the steps where `mask` is zero."""
        sequences, before = x if isinstance(x, list) else (x, None)
        (y, *after), (reverse, *after_it) = (
            _listed(
                rnn.lower_masked(graph, sequences if own is None else [sequences, own], mask),
                rnn.return_state,
            )
            for rnn, own in zip(self._rnns(), _halves(before), strict=True)
        )
        if self.return_sequences:
            # Both in the order of time.
            reverse = append.remap(graph, reverse, {0: np.arange(reverse.shape[0])[::-1]})
        merged = self._merged(graph, y, reverse)
        if self.return_state:
            return (*merged, *after, *after_it)
        return merged if self.merge_mode is None else merged[0]

    def _merged(self, graph: Graph, y: Value, reverse: Value) -> list[Value]:
        if self.merge_mode is None:
            return [y, reverse]
        if self.merge_mode == "concat":
            return [append.concat(graph, (y, reverse), len(y.shape) - 1)]
        merged = graph.add(ops.Binary(y, reverse, Value(y.shape), _MERGES[self.merge_mode]))
        if self.merge_mode == "ave":
            half = Activation(ActivationKind.SCALE, 0.5, 0.0)
            merged = append.activate(graph, merged, [half])
        return [merged]

    # --- configs --------------------------------------------------------------------------

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        return configs.with_layers(config, "layer", "backward_layer")

    def _arguments(self) -> dict[str, Any]:
        # A copy, as what is made of them sets an attribute of its layers.
        return super()._arguments() | {"backward_layer": _renamed(self.backward_layer, "")}

    def _config(self) -> dict[str, Any]:
        return {
            "merge_mode": self.merge_mode,
            "layer": configs.serialize(self.forward_layer),
            "backward_layer": configs.serialize(self.backward_layer),
        }


def _listed(made: Any, several: bool) -> Any:
    return made if several else [made]


def _halves(before: list[Any] | None) -> list[Any]:
    """Return the states of the forward layer and those of the backward one."""
    if before is None:
        return [None, None]
    half = len(before) // 2
    return [before[:half], before[half:]]


def _renamed(layer: Layer, prefix: str, turn: bool = False) -> Layer:
    """Return a copy of `layer` under another name, which may run the other way."""
    config = layer.get_config()
    config["name"] = prefix + layer.name.removeprefix(prefix)
    if turn:
        config["go_backwards"] = not config["go_backwards"]
    with handed_over.scope(
        {type(x).__name__: type(x) for x in layer._flatten_layers() if x.is_users}
    ):
        return type(layer).from_config(config)
