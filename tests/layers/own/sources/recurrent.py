"""Cells, loops over cells, and encoders with decoders, as users write them."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("recurrent")
class MinimalCell(layers.Layer):
    """A cell of one gate."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        size = input_shape[-1]
        self.kernel = self.add_weight(shape=(size, self.units), name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), name="recurrent")
        self.gate = self.add_weight(shape=(size, self.units), name="gate")
        self.built = True

    def call(self, inputs, states):
        before = states[0]
        keep = ops.sigmoid(ops.matmul(inputs, self.gate))
        new = ops.tanh(ops.matmul(inputs, self.kernel) + ops.matmul(before, self.recurrent))
        after = keep * before + (1 - keep) * new
        return after, [after]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Translator(keras.Model):
    """An encoder whose states a decoder starts from."""

    def __init__(self, units=5, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.encoder = layers.Bidirectional(layers.GRU(units, return_state=True))
        self.join = layers.Dense(units, activation="tanh")
        self.decoder = layers.LSTM(units, return_sequences=True, return_state=True)
        self.head = layers.Dense(3)

    def call(self, x):
        summary, forward, backward = self.encoder(x)
        first = self.join(ops.concatenate([forward, backward], axis=-1))
        y, hidden, carry = self.decoder(x, initial_state=[first, ops.zeros_like(first)])
        return self.head(y), summary, hidden + carry

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Unrolled(layers.Layer):
    """Goes through the time itself, and feeds what came out back in."""

    def __init__(self, units=4, steps=3, **kwargs):
        super().__init__(**kwargs)
        self.units, self.steps = units, steps
        self.cell = layers.LSTMCell(units)
        self.head = layers.Dense(2)

    def build(self, input_shape):
        self.cell.build((None, 2))
        self.head.build((None, self.units))
        self.built = True

    def call(self, x):
        states = self.cell.get_initial_state(batch_size=ops.shape(x)[0])
        outputs, last = [], x
        for _ in range(self.steps):
            y, states = self.cell(last, states)
            last = self.head(y)
            outputs.append(last)
        return ops.stack(outputs, axis=1)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "steps": self.steps}


def minimal():
    x = layers.Input((6, 3))
    y = layers.RNN([MinimalCell(4), layers.LSTMCell(5)], return_sequences=True)(x)
    y = layers.Bidirectional(layers.RNN(MinimalCell(3)))(y)
    return keras.Model(x, layers.Dense(2)(y))


def unrolled():
    x = layers.Input((2,))
    return keras.Model(x, Unrolled()(x))


CASES = {
    "minimal cell": (minimal, [(6, 3)]),
    "translator": (Translator, [(6, 3)]),
    "unrolled": (unrolled, [(2,)]),
}
