"""A layer of a user's whose `call` does what its recipe says; run under Keras and here alike."""

import keras
from keras import layers, ops

ACTIVATIONS = {
    "relu": ops.relu,
    "silu": ops.silu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "gelu": ops.gelu,
    "softplus": ops.softplus,
}


@keras.saving.register_keras_serializable("fuzz")
class Recipe(layers.Layer):
    """Each step takes the newest tensor, or an older one, too, and gives the next."""

    def __init__(self, steps, **kwargs):
        super().__init__(**kwargs)
        self.steps = [list(step) for step in steps]
        self.made = [self.sublayer(*step) for step in self.steps]

    def sublayer(self, name, argument):
        if name == "dense":
            return layers.Dense(argument)
        if name == "conv":
            return layers.Conv2D(argument, 3, padding="same")
        if name == "conv1d":
            return layers.Conv1D(argument, 3, padding="same")
        if name == "normalize":
            return layers.BatchNormalization(axis=argument)
        if name == "again":
            return Recipe([("scale", 0), *argument])
        return None

    def build(self, shape):
        channels = shape[-1]
        self.gamma = self.add_weight(name="gamma", shape=(channels,), initializer="ones")
        self.offset = self.add_weight(name="offset", shape=(), initializer="zeros")

    def call(self, inputs, training=None):
        x = inputs
        older = [x]
        for (name, argument), layer in zip(self.steps, self.made, strict=True):
            if layer is not None:
                x = layer(x)
            else:
                x = getattr(self, "do_" + name)(x, argument, older[-1])
            older = [*older[-2:], x]
        return x

    def do_scale(self, x, argument, before):
        if x.shape[-1] == self.gamma.shape[0]:
            return x * self.gamma + self.offset
        return self.offset - x

    def do_activation(self, x, argument, before):
        return ACTIVATIONS[argument](x)

    def do_standardize(self, x, axes, before):
        mean = ops.mean(x, axis=axes, keepdims=True)
        variance = ops.var(x, axis=axes, keepdims=True)
        return (x - mean) * ops.rsqrt(variance + 1e-3)

    def do_moments(self, x, axes, before):
        mean, variance = ops.moments(x, axes=axes, keepdims=True)
        return (x - mean) / ops.sqrt(variance + 1e-2)

    def do_gate(self, x, axes, before):
        return x * ops.sigmoid(ops.mean(x, axis=axes, keepdims=True))

    def do_residual(self, x, argument, before):
        return x + before if tuple(x.shape) == tuple(before.shape) else x

    def do_where(self, x, threshold, before):
        return ops.where(x > threshold, x, 0.1 * x)

    def do_logic(self, x, threshold, before):
        inside = ops.logical_and(x > -threshold, ops.less(x, threshold))
        return ops.cast(inside, "float32") * x

    def do_split(self, x, count, before):
        parts = ops.split(x, count, axis=-1)
        return ops.concatenate([part * (number + 1) for number, part in enumerate(parts[::-1])], -1)

    def do_unstack(self, x, axis, before):
        return ops.stack([ops.tanh(part) * part for part in ops.unstack(x, axis=axis)], axis=axis)

    def do_cumsum(self, x, axis, before):
        return ops.cumsum(x, axis=axis)

    def do_sort(self, x, axis, before):
        return ops.sort(x, axis=axis)

    def do_largest(self, x, k, before):
        # Of equal numbers Keras' backends take different ones.
        values, positions = ops.top_k(x + ops.linspace(0.0, 0.37, x.shape[-1]), k)
        return values + ops.cast(positions, "float32")

    def do_position(self, x, axis, before):
        places = ops.one_hot(ops.argmax(x, axis=-1), x.shape[-1])
        return x + places

    def do_norm(self, x, axis, before):
        return x / (ops.norm(x, axis=axis, keepdims=True) + 0.5)

    def do_softmax(self, x, axis, before):
        return ops.softmax(x, axis=axis)

    def do_attend(self, x, argument, before):
        rows = ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))
        scores = ops.softmax(ops.matmul(rows, ops.transpose(rows, (0, 2, 1))) * 0.3)
        return ops.reshape(ops.matmul(scores, rows), (-1, *x.shape[1:]))

    def do_einsum(self, x, argument, before):
        letters = "hwxyz"[: len(x.shape) - 1]
        return ops.einsum(f"b{letters},{letters[-1]}->b{letters}", x, self.row(x))

    def row(self, x):
        return ops.linspace(0.5, 1.5, x.shape[-1])

    def do_roll(self, x, axis, before):
        return ops.roll(x, 1, axis=axis)

    def do_flip(self, x, axis, before):
        return ops.flip(x, axis=axis)

    def do_swap(self, x, argument, before):
        return ops.moveaxis(x, -1, 1)

    def do_slice(self, x, argument, before):
        return x[:, 1:, ...] if x.shape[1] > 1 else x

    def do_loop(self, x, count, before):
        for number in range(count):
            x = x + ops.tanh(x) / (number + 1)
        return x

    def get_config(self):
        return {**super().get_config(), "steps": self.steps}
