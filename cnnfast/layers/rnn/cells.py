"""Recurrent cells: the weights of one step, and what a layer over time lowers to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cnnfast import activations, constraints, initializers, regularizers
from cnnfast._core import RecurrentKind
from cnnfast.engine import ops
from cnnfast.engine.graph import Graph
from cnnfast.engine.late import late
from cnnfast.engine.ops import Activation, BatchShape, Float32Array, Value
from cnnfast.errors import AROUND, UnsupportedError
from cnnfast.layers.base import weight_options
from cnnfast.layers.rnn import states
from cnnfast.layers.rnn.cell import Cell
from cnnfast.layers.rnn.states import Passage
from cnnfast.lowering import append
from cnnfast.symbolic import arguments
from cnnfast.symbolic.activation_functions import UserFunction
from cnnfast.symbolic.input_spec import InputSpec
from cnnfast.variables import Variable

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        CellArguments,
        CellOptions,
        ConstraintLike,
        InitializerLike,
        RegularizerLike,
    )


class RecurrentCell(Cell):
    """What recurrent cells share: arguments and weights.

    Weights: `kernel` (inputs, gates * units), `recurrent_kernel` (units, gates * units) and,
    with `use_bias`, `bias` (gates * units,).

    Parameters
    ----------
    units
        Size of the state, which is the output.
    activation
        See `cnnfast.activations.get`; it must work on each number alone.
    use_bias
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer
        See `cnnfast.initializers.get`.
    kernel_regularizer, recurrent_regularizer, bias_regularizer
        Of training; kept for the config.
    kernel_constraint, recurrent_constraint, bias_constraint
        Of training; kept for the config.
    dropout, recurrent_dropout, seed
        Of training; kept for the config.
    implementation
        How Keras computes it, which changes no result.

    Raises
    ------
    ValueError
        If an argument is illegal.
    """

    gates: ClassVar[int]

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Unpack[CellOptions],
    ) -> None:
        self.implementation = kwargs.pop("implementation", 2)
        super().__init__(**kwargs)  # type: ignore[misc]  # without implementation
        rule = "Received an invalid value for argument `units`, expected a positive integer."
        self.units = arguments.positive_integer(units, rule)
        self.activation = self._known(activation)
        self.use_bias = arguments.boolean(use_bias, "use_bias")
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = min(1.0, max(0.0, arguments.number(dropout, "dropout")))
        self.recurrent_dropout = min(
            1.0, max(0.0, arguments.number(recurrent_dropout, "recurrent_dropout"))
        )
        self.seed = seed
        self.bias: Variable | None = None
        self.input_spec = InputSpec(ndim=2)

    @property
    def kernel(self) -> Variable:
        """The matrix of the inputs; AttributeError if the cell is not built."""
        return self._built_weight(0, "kernel")

    @property
    def recurrent_kernel(self) -> Variable:
        """The matrix of the state; AttributeError if the cell is not built."""
        return self._built_weight(1, "recurrent_kernel")

    def _create_weights(self, input_shape: BatchShape, path: str) -> None:
        columns = self.gates * self.units
        window, axis = self._window_sizes(), self.channel_axis
        self.add_weight(
            name="kernel",
            shape=(*window, input_shape[axis], columns),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            path=path,
        )
        self.add_weight(
            name="recurrent_kernel",
            shape=(*window, self.units, columns),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            path=path,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=self._bias_shape(),
                initializer=self._first_bias(),
                regularizer=self.bias_regularizer,
                path=path,
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: input_shape[axis]})

    def _window_sizes(self) -> tuple[int, ...]:
        """Return the leading axes of both kernels."""
        return ()

    @property
    def channel_axis(self) -> int:
        """The axis of one step's inputs that the kernel sums over, batch included."""
        return -1

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self) -> initializers.Initializer | None:
        return self.bias_initializer

    @property
    def state_size(self) -> Any:
        return self.units

    @property
    def output_size(self) -> int:
        """Numbers in the output of a sequence."""
        return self.units

    def output_shape(self, input_shape: BatchShape) -> BatchShape:
        return (input_shape[0], self.units)

    def over_time(
        self, graph: Graph, x: Value, before: Sequence[Value] | None, passage: Passage
    ) -> tuple[Value, list[Value]]:
        steps, count = x.shape[0], len(states.listed(self.state_size))
        columns = self.gates * self.units
        input_bias, recurrent_bias = self._biases()
        # The inputs of all steps at once.
        projected = append.product(graph, x, late(self.kernel), input_bias, (steps, columns))
        more = [*(before or ()), *(() if passage.mask is None else (passage.mask,))]
        rows = graph.add(
            ops.Recurrent(
                projected,
                Value((steps + count * passage.keeps, self.units)),
                self._kind(),
                late(self.recurrent_kernel),
                recurrent_bias,
                self.elementwise(self.activation),
                self.elementwise(self._gate_activation()),
                passage.backwards,
                append.concat(graph, more, 0) if more else None,
                continues=before is not None,
                masked=passage.masked,
                keeps=passage.keeps,
            )
        )
        kept = range(count) if passage.keeps else ()
        after = [self._row(graph, rows, steps + number) for number in kept]
        if passage.every:
            return append.crop(graph, rows, {0: (0, steps)}), after
        if not after or passage.mask is not None:
            return self._row(graph, rows, steps - 1), after
        return after[0], after

    def _row(self, graph: Graph, rows: Value, number: int) -> Value:
        row = append.crop(graph, rows, {0: (number, 1)})
        return append.reshape(graph, row, (self.units,))

    def _kind(self) -> RecurrentKind:
        raise NotImplementedError

    def _biases(self) -> tuple[Float32Array | None, Float32Array | None]:
        """Return the bias of the inputs and that of the state."""
        return None if self.bias is None else self.bias.numpy(), None

    def _gate_activation(self) -> activations.ActivationFunction:
        return activations.linear

    def _known(self, identifier: ActivationLike) -> activations.ActivationFunction:
        """Return an activation; UnsupportedError if it is a user's function."""
        try:
            function = activations.get(identifier)
        except UnsupportedError:
            function = None
        if function is None or isinstance(function, UserFunction):
            raise self.unsupported(
                "runs in the core as a whole, so its activations must be Keras' own. "
                f"Received: {identifier!r}",
                advice="A function can stand in for the recurrent layer as a whole, "
                f"`load_model(…, custom_objects={{{AROUND}: function}})`.",
            )
        return function

    def elementwise(self, function: activations.ActivationFunction) -> Activation:
        """Return `function` as one operation; UnsupportedError if it is none."""
        if function.is_elementwise and len(function.steps) <= 1:
            return function.steps[0] if function.steps else ops.LINEAR
        raise self.unsupported(
            f"takes activations that work on each number alone. Received: {function}"
        )

    @property
    def differs_in_training(self) -> bool:
        return self.dropout > 0 or self.recurrent_dropout > 0

    def _config(self) -> dict[str, Any]:
        return {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **weight_options.config(self, "kernel"),
            **weight_options.config(self, "recurrent"),
            **weight_options.config(self, "bias"),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }


class GatedCell(RecurrentCell):
    """A cell whose gates have an activation of their own, `recurrent_activation`."""

    def __init__(
        self,
        units: int,
        recurrent_activation: ActivationLike,
        **kwargs: Unpack[CellArguments],
    ) -> None:
        super().__init__(units, **kwargs)
        self.recurrent_activation = self._known(recurrent_activation)

    def _gate_activation(self) -> activations.ActivationFunction:
        return self.recurrent_activation

    def _config(self) -> dict[str, Any]:
        return super()._config() | {
            "recurrent_activation": activations.serialize(self.recurrent_activation)
        }
