"""Recurrent layers and their cells."""

from cnnfast.layers.rnn.bidirectional import Bidirectional
from cnnfast.layers.rnn.conv_lstm import ConvLSTM1D, ConvLSTM2D, ConvLSTM3D
from cnnfast.layers.rnn.gru import GRU, GRUCell
from cnnfast.layers.rnn.lstm import LSTM, LSTMCell
from cnnfast.layers.rnn.recurrent import RNN
from cnnfast.layers.rnn.simple_rnn import SimpleRNN, SimpleRNNCell
from cnnfast.layers.rnn.time_distributed import TimeDistributed

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "GRUCell",
    "LSTMCell",
    "SimpleRNN",
    "SimpleRNNCell",
    "TimeDistributed",
]
