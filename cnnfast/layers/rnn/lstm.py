"""Long short-term memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cnnfast import initializers
from cnnfast._core import RecurrentKind
from cnnfast.engine.ops import Float32Array
from cnnfast.layers.rnn.cells import GatedCell
from cnnfast.layers.rnn.recurrent import WithCell
from cnnfast.symbolic import arguments

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        CellLayerOptions,
        CellOptions,
        ConstraintLike,
        InitializerLike,
        RegularizerLike,
    )


class LSTMCell(GatedCell):
    """One step of an `LSTM`.

    It runs inside a layer over time, such as `RNN`, or by hand, ``cell(x, states)``, which returns
    the output and the new states. Weights: `kernel` (features, 4 * units),
    `recurrent_kernel` (units, 4 * units) and, with `use_bias`, `bias` (4 * units,).

    Takes (batch, features) and returns (batch, units).

    Parameters
    ----------
    units
        Size of the state, which is the output.
    activation
        Of the new state, as a name or function that works on each number alone.
    recurrent_activation
        Of the gates, as `activation`.
    use_bias
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    unit_forget_bias
        Whether the bias of the forget gate starts at one.
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
    >>> cell = cnnfast.layers.LSTMCell(3)
    >>> cnnfast.layers.RNN(cell)(np.ones((2, 10, 4))).shape
    (2, 3)
    """

    gates = 4

    @property
    def state_size(self) -> Any:
        return [self.units, self.units]

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
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
        super().__init__(
            units,
            recurrent_activation,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )
        self.unit_forget_bias = arguments.boolean(unit_forget_bias, "unit_forget_bias")

    def _first_bias(self) -> initializers.Initializer | None:
        first = self.bias_initializer
        return _ForgetBias(first) if self.unit_forget_bias and first is not None else first

    def _kind(self) -> RecurrentKind:
        return RecurrentKind.LSTM

    def _config(self) -> dict[str, Any]:
        return super()._config() | {"unit_forget_bias": self.unit_forget_bias}


class _ForgetBias(initializers.Initializer):
    """Ones for the forget gate, the second of four."""

    def __init__(self, others: initializers.Initializer) -> None:
        self.others = others

    def __call__(self, shape: tuple[int, ...], dtype: object = None) -> Float32Array:
        units = shape[0] // 4
        parts = [
            self.others((units,)),
            np.ones(units, np.float32),
            self.others((2 * units,)),
        ]
        return np.concatenate(parts)


class LSTM(WithCell):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997); gates in the order i, f, c, o.

    Takes (batch, steps, features) and returns (batch, units) or, with `return_sequences`, (batch,
    steps, units).

    Weights: `kernel` (features, 4 * units), `recurrent_kernel` (units, 4 * units) and, with
    `use_bias`, `bias` (4 * units,).

    Parameters
    ----------
    units
        Size of the state, which is the output.
    activation
        Of the new state, as a name or function that works on each number alone.
    recurrent_activation
        Of the gates, as `activation`.
    use_bias
        Whether a bias is added.
    kernel_initializer, recurrent_initializer, bias_initializer
        How the weights begin, see `cnnfast.initializers.get`.
    unit_forget_bias
        Whether the bias of the forget gate starts at one.
    kernel_regularizer, recurrent_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    activity_regularizer
        A penalty on the output, of training; `evaluate` refuses it.
    kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed
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
    use_cudnn
        Without effect.
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
    >>> layer = cnnfast.layers.LSTM(3, return_sequences=True)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 3)
    """

    cell_class = LSTMCell

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike = None,
        recurrent_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        recurrent_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: bool | Literal["auto"] = "auto",
        **kwargs: Unpack[CellLayerOptions],
    ) -> None:
        super().__init__(
            {
                "units": units,
                "activation": activation,
                "recurrent_activation": recurrent_activation,
                "use_bias": use_bias,
                "kernel_initializer": kernel_initializer,
                "recurrent_initializer": recurrent_initializer,
                "bias_initializer": bias_initializer,
                "unit_forget_bias": unit_forget_bias,
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
