"""Recurrence without gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnfast._core import RecurrentKind
from cnnfast.layers.rnn.cells import RecurrentCell
from cnnfast.layers.rnn.recurrent import WithCell

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        CellLayerOptions,
        ConstraintLike,
        InitializerLike,
        RegularizerLike,
    )


class SimpleRNNCell(RecurrentCell):
    """One step of a `SimpleRNN`.

    It runs inside a layer over time, such as `RNN`, or by hand, ``cell(x, states)``, which returns
    the output and the new states. Weights: `kernel` (features, units),
    `recurrent_kernel` (units, units) and, with `use_bias`, `bias` (units,).

    Takes (batch, features) and returns (batch, units).

    Parameters
    ----------
    units
        Size of the state, which is the output.
    activation
        Of the new state, as a name or function that works on each number alone.
    use_bias
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, recurrent_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> cell = cnnfast.layers.SimpleRNNCell(3)
    >>> cnnfast.layers.RNN(cell)(np.ones((2, 10, 4))).shape
    (2, 3)
    """

    gates = 1
    call_arguments = ("sequence", "states")

    def _kind(self) -> RecurrentKind:
        return RecurrentKind.SIMPLE


class SimpleRNN(WithCell):
    """Recurrence without gates: ``h = activation(x @ kernel + h @ recurrent_kernel + bias)``.

    Takes (batch, steps, features) and returns (batch, units) or, with `return_sequences`, (batch,
    steps, units).

    Weights: `kernel` (features, units), `recurrent_kernel` (units, units) and, with `use_bias`,
    `bias` (units,).

    Parameters
    ----------
    units
        Size of the state, which is the output.
    activation
        Of the new state, as a name or function that works on each number alone.
    use_bias
        Whether a bias is added.
    kernel_initializer, recurrent_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    kernel_regularizer, recurrent_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout
        Of training; kept for the config.
    return_sequences
        Whether the state after each step comes out, (batch, steps, units), or the last only.
    return_state
        Whether a tuple comes out, of that and the states after the last step.
    go_backwards
        Whether time runs from the end; outputs then stand in the order they were made.
    stateful
        Whether each call goes on from the states of the one before; see `RNN`.
    unroll
        Changes no result but what comes out of masked steps, as in Keras.
    seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If time stands before the batch.

    Examples
    --------
    >>> layer = cnnfast.layers.SimpleRNN(3, return_sequences=True)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 3)
    """

    cell_class = SimpleRNNCell

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
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Unpack[CellLayerOptions],
    ) -> None:
        super().__init__(
            {
                "units": units,
                "activation": activation,
                "use_bias": use_bias,
                "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer,
                "bias_initializer": bias_initializer,
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
                "dropout": dropout,
                "recurrent_dropout": recurrent_dropout,
                "seed": seed,
            },
            activity_regularizer=activity_regularizer,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        # As Keras has it, which would read it again.
        del config["seed"]
        return config
