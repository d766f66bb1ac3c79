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
    """LSTM over time of sequences, with convolutions in place of the products.

    ``c = f * c + i * activation(…)`` and ``h = o * activation(c)``, where each gate is
    ``recurrent_activation(conv(x) + conv(h) + bias)`` (Shi et al., 2015, without its connections
    from c to the gates).

    Takes (batch, time, steps, channels) and returns (batch, new steps, filters) or, with
    `return_sequences`, (batch, time, new steps, filters).

    Weights: `kernel` (*kernel_size, channels, 4 * filters), `recurrent_kernel` (*kernel_size,
    filters, 4 * filters) and, with `use_bias`, `bias` (4 * filters,).

    Parameters
    ----------
    filters
        Channels of the state, which is the output.
    kernel_size
        Steps of both convolutions' windows.
    strides
        Of the convolution of the inputs; that of the state keeps its size.
    padding
        ``"valid"`` or ``"same"``, of the convolution of the inputs.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Of the convolution of the inputs.
    activation
        Of the new state and the output, as a name or function that works on each number alone.
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
        Whether the state after each step comes out, or the last only.
    return_state
        Whether a tuple comes out, of that and the states after the last step.
    go_backwards
        Whether time runs from the end; outputs then stand in the order they were made.
    stateful
        Whether each call goes on from the states of the one before; see `RNN`.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If an activation does not work on each number alone, or, when it runs, for more than 1024
        steps of time or a mask.

    Examples
    --------
    >>> layer = cnnfast.layers.ConvLSTM1D(4, 3, padding="same")
    >>> layer(np.ones((2, 3, 8, 4))).shape
    (2, 8, 4)
    """

    rank = 1


class ConvLSTM2D(_ConvLSTM):
    """LSTM over time of images, with convolutions in place of the products.

    ``c = f * c + i * activation(…)`` and ``h = o * activation(c)``, where each gate is
    ``recurrent_activation(conv(x) + conv(h) + bias)`` (Shi et al., 2015, without its connections
    from c to the gates).

    Takes (batch, time, height, width, channels) and returns (batch, new height, new width, filters)
    or, with `return_sequences`, (batch, time, new height, new width, filters).

    Weights: `kernel` (*kernel_size, channels, 4 * filters), `recurrent_kernel` (*kernel_size,
    filters, 4 * filters) and, with `use_bias`, `bias` (4 * filters,).

    Parameters
    ----------
    filters
        Channels of the state, which is the output.
    kernel_size
        Height and width of both convolutions' windows; one integer for both.
    strides
        Of the convolution of the inputs; that of the state keeps its size.
    padding
        ``"valid"`` or ``"same"``, of the convolution of the inputs.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Of the convolution of the inputs.
    activation
        Of the new state and the output, as a name or function that works on each number alone.
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
        Whether the state after each step comes out, or the last only.
    return_state
        Whether a tuple comes out, of that and the states after the last step.
    go_backwards
        Whether time runs from the end; outputs then stand in the order they were made.
    stateful
        Whether each call goes on from the states of the one before; see `RNN`.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If an activation does not work on each number alone, or, when it runs, for more than 1024
        steps of time or a mask.

    Examples
    --------
    >>> layer = cnnfast.layers.ConvLSTM2D(4, 3, padding="same")
    >>> layer(np.ones((2, 3, 8, 8, 1))).shape
    (2, 8, 8, 4)
    """

    rank = 2


class ConvLSTM3D(_ConvLSTM):
    """LSTM over time of volumes, with convolutions in place of the products.

    ``c = f * c + i * activation(…)`` and ``h = o * activation(c)``, where each gate is
    ``recurrent_activation(conv(x) + conv(h) + bias)`` (Shi et al., 2015, without its connections
    from c to the gates).

    Takes (batch, time, depth, height, width, channels) and returns (batch, new depth, new height,
    new width, filters) or, with `return_sequences`, (batch, time, new depth, new height, new width,
    filters).

    Weights: `kernel` (*kernel_size, channels, 4 * filters), `recurrent_kernel` (*kernel_size,
    filters, 4 * filters) and, with `use_bias`, `bias` (4 * filters,).

    Parameters
    ----------
    filters
        Channels of the state, which is the output.
    kernel_size
        Depth, height and width of both convolutions' windows; one integer for all.
    strides
        Of the convolution of the inputs; that of the state keeps its size.
    padding
        ``"valid"`` or ``"same"``, of the convolution of the inputs.
    data_format
        ``"channels_last"`` (also for None) or ``"channels_first"``.
    dilation_rate
        Of the convolution of the inputs.
    activation
        Of the new state and the output, as a name or function that works on each number alone.
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
        Whether the state after each step comes out, or the last only.
    return_state
        Whether a tuple comes out, of that and the states after the last step.
    go_backwards
        Whether time runs from the end; outputs then stand in the order they were made.
    stateful
        Whether each call goes on from the states of the one before; see `RNN`.
    **kwargs
        ``name``, ``dtype`` and what else all layers take, see `Layer`.

    Raises
    ------
    ValueError
        If an argument is illegal.
    UnsupportedError
        If an activation does not work on each number alone, or, when it runs, for more than 1024
        steps of time or a mask.

    Examples
    --------
    >>> layer = cnnfast.layers.ConvLSTM3D(4, 3, padding="same")
    >>> layer(np.ones((2, 3, 4, 8, 8, 1))).shape
    (2, 4, 8, 8, 4)
    """

    rank = 3
