"""Gated recurrent units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

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


class GRUCell(GatedCell):
    """One step of a `GRU`.

    It runs inside a layer over time, such as `RNN`, or by hand, ``cell(x, states)``, which returns
    the output and the new states. Weights: `kernel` (features, 3 * units),
    `recurrent_kernel` (units, 3 * units) and, with `use_bias`, `bias` (3 * units,); with
    `reset_after` the bias is (2, 3 * units): that of the inputs and that of the state.

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
    kernel_regularizer, recurrent_regularizer, bias_regularizer
        A penalty that `evaluate` adds to the loss, see `cnnfast.regularizers.get`; None for none.
    kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout
        Of training; kept for the config.
    reset_after
        Whether the reset gate multiplies the product with the state, not the state.
    seed
        Of training; kept for the config.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.

    Examples
    --------
    >>> cell = cnnfast.layers.GRUCell(3)
    >>> cnnfast.layers.RNN(cell)(np.ones((2, 10, 4))).shape
    (2, 3)
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
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
        reset_after: bool = True,
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
        self.reset_after = arguments.boolean(reset_after, "reset_after")

    def _bias_shape(self) -> tuple[int, ...]:
        columns = super()._bias_shape()
        return (2, *columns) if self.reset_after else columns

    def _biases(self) -> tuple[Float32Array | None, Float32Array | None]:
        if self.bias is None or not self.reset_after:
            return super()._biases()
        both = self.bias.numpy()
        return both[0], both[1]

    def _kind(self) -> RecurrentKind:
        return RecurrentKind.GRU_RESET_AFTER if self.reset_after else RecurrentKind.GRU

    def _config(self) -> dict[str, Any]:
        return super()._config() | {"reset_after": self.reset_after}


class GRU(WithCell):
    """Gated recurrent units (Cho et al., 2014); gates in the order z, r, h.

    Takes (batch, steps, features) and returns (batch, units) or, with `return_sequences`, (batch,
    steps, units).

    Weights: `kernel` (features, 3 * units), `recurrent_kernel` (units, 3 * units) and, with
    `use_bias`, `bias` (3 * units,); with `reset_after` the bias is (2, 3 * units): that of the
    inputs and that of the state.

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
    reset_after
        Whether the reset gate multiplies the product with the state, not the state.
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
    >>> layer = cnnfast.layers.GRU(3, return_sequences=True)
    >>> layer(np.ones((2, 10, 4))).shape
    (2, 10, 3)
    """

    cell_class = GRUCell

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
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
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
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
                "kernel_regularizer": kernel_regularizer,
                "recurrent_regularizer": recurrent_regularizer,
                "bias_regularizer": bias_regularizer,
                "kernel_constraint": kernel_constraint,
                "recurrent_constraint": recurrent_constraint,
                "bias_constraint": bias_constraint,
                "dropout": dropout,
                "recurrent_dropout": recurrent_dropout,
                "seed": seed,
                "reset_after": reset_after,
            },
            activity_regularizer=activity_regularizer,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            **kwargs,
        )

    @classmethod
    def _current(cls, config: dict[str, Any]) -> dict[str, Any]:
        # Keras before 2.1.3 knew only this form and did not write it.
        return {"reset_after": False, **config}
