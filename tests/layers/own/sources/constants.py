"""Numbers of a layer's own in its `call`: arrays that `build` writes to, integers.

These are written for the tests, in the ways of Keras' code examples.
"""

import keras
import numpy as np
from keras import layers, ops


def alone(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


class MaskedConvolution(layers.Layer):
    """A convolution that sees what is above and to the left, by an array written to in steps."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(3, 3, input_shape[-1], 4), name="kernel")
        self.mask = np.zeros(self.kernel.shape, "float32")
        self.mask[:1] = 1.0
        self.mask[1, :1, ...] = 1.0
        self.steps = [np.zeros(4, "float32")]
        self.steps[0][2:] = 3.0

    def call(self, x):
        return ops.conv(x, self.kernel * self.mask, padding="same") + self.steps[0]


class RelativePositions(layers.Layer):
    """A table of biases that a variable of integers says the places of, as Swin has it."""

    def build(self, input_shape):
        steps = input_shape[1]
        places = np.arange(steps)[:, None] - np.arange(steps)[None] + steps - 1
        self.table = self.add_weight(shape=(2 * steps - 1,), name="table")
        self.places = keras.Variable(
            initializer=places, shape=places.shape, dtype="int", trainable=False, name="places"
        )
        self.count = self.add_weight(shape=(), dtype="int32", trainable=False, name="count")

    def call(self, x):
        bias = ops.take(self.table, ops.reshape(self.places, (-1,)), axis=0)
        bias = ops.reshape(bias, (1, *self.places.shape))
        return ops.matmul(bias * ops.ones_like(x[:, :1, :1]), x) + x * self.count


class Halves(layers.Layer):
    """Two heads in front of the batch, taken apart along the first axis."""

    def call(self, x):
        _, steps, channels = x.shape
        both = ops.transpose(ops.reshape(x, (-1, steps, 2, channels // 2)), (2, 0, 1, 3))
        one, other = ops.split(both, 2, axis=0)
        return ops.squeeze(one, axis=0) * ops.squeeze(other, axis=0)


class Latents(keras.Model):
    """Weights that a functional model inside takes beside the images, as the Perceiver has it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        queries, x = keras.Input((6, 8), name="queries"), keras.Input((6, 8), name="x")
        y = layers.Dense(8)(layers.LayerNormalization()(queries))
        self.attend = keras.Model(
            {"queries": queries, "x": x}, layers.Add()([layers.Multiply()([y, x]), queries])
        )

    def build(self, input_shape):
        self.latents = self.add_weight(shape=(6, 8), name="latents")

    def call(self, x):
        y = self.attend({"queries": ops.expand_dims(self.latents, 0), "x": x})
        return self.attend({"queries": y, "x": x})


CASES = {
    "array_written_in_build": (lambda: alone(MaskedConvolution(), (5, 6, 3)), [(5, 6, 3)]),
    "variable_of_integers": (lambda: alone(RelativePositions(), (4, 3)), [(4, 3)]),
    "heads_in_front": (lambda: alone(Halves(), (4, 6)), [(4, 6)]),
    "weights_beside_images": (Latents, [(6, 8)]),
}
