"""Convolutional LSTMs, over time of sequences, images and volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cnnfast.layers.rnn.conv_lstm_cell import ConvLSTMCell
from cnnfast.layers.rnn.recurrent import WithCell

if TYPE_CHECKING:
    from typing import Unpack

    from cnnfast.symbolic.typing import (
        ActivationLike,
        ConstraintLike,
        ConvLSTMOptions,
        DataFormat,
        InitializerLike,
        IntOrSequence,
        Padding,
        RegularizerLike,
    )


class _ConvLSTM(WithCell):
    """A `ConvLSTMCell` over sequences of `rank` spatial axes."""

    rank: ClassVar[int]
    cell_class = ConvLSTMCell
    shared_arguments = ("dtype",)

    def __init__(
        self,
        filters: int,
        kernel_size: IntOrSequence,
        strides: IntOrSequence = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: IntOrSequence = 1,
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
        **kwargs: Unpack[ConvLSTMOptions],
    ) -> None:
        super().__init__(
            {
                "rank": self.rank,
                "filters": filters,
                "kernel_size": kernel_size,
                "strides": strides,
                "padding": padding,
                "data_format": data_format,
                "dilation_rate": dilation_rate,
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
            unroll=kwargs.pop("unroll", False),
            **kwargs,  # type: ignore[misc]  # without unroll
        )


class ConvLSTM1D(_ConvLSTM):
    """Convolutional LSTM over sequences of sequences (batch, time, steps, channels).

    Arguments are those of `ConvLSTMCell` without the rank, then those of `RNN`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If the state shall be returned or kept, if an activation does not work on each number
        alone, or, when it runs, for more than 1024 steps of time.
    """

    rank = 1


class ConvLSTM2D(_ConvLSTM):
    """Convolutional LSTM over sequences of images (batch, time, height, width, channels).

    Arguments and errors are those of `ConvLSTM1D`.
    """

    rank = 2


class ConvLSTM3D(_ConvLSTM):
    """Convolutional LSTM over sequences of volumes (batch, time, depth, height, width, channels).

    Arguments and errors are those of `ConvLSTM1D`.
    """

    rank = 3
