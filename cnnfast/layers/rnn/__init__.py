"""Recurrent layers and their cells."""

from typing import TYPE_CHECKING

from cnnfast.utils import rooms

if TYPE_CHECKING:
    from cnnfast.layers.rnn.bidirectional import Bidirectional as Bidirectional
    from cnnfast.layers.rnn.conv_lstm import (
        ConvLSTM1D as ConvLSTM1D,
        ConvLSTM2D as ConvLSTM2D,
        ConvLSTM3D as ConvLSTM3D,
    )
    from cnnfast.layers.rnn.gru import GRU as GRU, GRUCell as GRUCell
    from cnnfast.layers.rnn.lstm import LSTM as LSTM, LSTMCell as LSTMCell
    from cnnfast.layers.rnn.recurrent import RNN as RNN
    from cnnfast.layers.rnn.simple_rnn import SimpleRNN as SimpleRNN, SimpleRNNCell as SimpleRNNCell
    from cnnfast.layers.rnn.stacked_cells import StackedRNNCells as StackedRNNCells
    from cnnfast.layers.rnn.time_distributed import TimeDistributed as TimeDistributed
else:
    __all__, __getattr__, __dir__ = rooms.postponed(
        __name__,
        {
            "bidirectional": ["Bidirectional"],
            "conv_lstm": ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"],
            "gru": ["GRU", "GRUCell"],
            "lstm": ["LSTM", "LSTMCell"],
            "recurrent": ["RNN"],
            "simple_rnn": ["SimpleRNN", "SimpleRNNCell"],
            "stacked_cells": ["StackedRNNCells"],
            "time_distributed": ["TimeDistributed"],
        },
    )
