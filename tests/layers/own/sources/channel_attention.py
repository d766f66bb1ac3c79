"""Attention over channels and places of an image, as papers' code has it."""

import keras
import numpy as np
from keras import layers, ops


def behind_a_convolution(layer, shape):
    inputs = keras.Input(shape)
    x = layers.Conv2D(shape[-1], 3, padding="same", activation="relu", name="stem")(inputs)
    return keras.Model(inputs, layer(x))


class SqueezeExcite(layers.Layer):
    def __init__(self, ratio=4, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.pool = layers.GlobalAveragePooling2D(keepdims=True)
        self.squeeze = layers.Dense(max(channels // self.ratio, 1), activation="relu")
        self.excite = layers.Dense(channels, activation="sigmoid")
        self.squeeze.build((None, 1, 1, channels))
        self.excite.build((None, 1, 1, max(channels // self.ratio, 1)))
        super().build(input_shape)

    def call(self, inputs):
        x = self.pool(inputs)
        x = self.squeeze(x)
        return layers.multiply([inputs, self.excite(x)])

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


class ChannelAttention(layers.Layer):
    def __init__(self, ratio=2, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channel = input_shape[-1]
        self.shared_one = layers.Dense(channel // self.ratio, activation="relu", use_bias=False)
        self.shared_two = layers.Dense(channel, use_bias=False)
        self.shared_one.build((None, channel))
        self.shared_two.build((None, channel // self.ratio))

    def call(self, x):
        average = ops.mean(x, axis=[1, 2], keepdims=True)
        maximum = ops.max(x, axis=[1, 2], keepdims=True)
        total = self.shared_two(self.shared_one(average)) + self.shared_two(
            self.shared_one(maximum)
        )
        return x * ops.sigmoid(total)

    def get_config(self):
        config = super().get_config()
        config.update({"ratio": self.ratio})
        return config


class SpatialAttention(layers.Layer):
    def __init__(self, kernel_size=5, **kwargs):
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.conv = layers.Conv2D(1, kernel_size, padding="same", activation="sigmoid")

    def build(self, input_shape):
        self.conv.build((*input_shape[:-1], 2))

    def call(self, x):
        average = ops.mean(x, axis=-1, keepdims=True)
        maximum = ops.max(x, axis=-1, keepdims=True)
        return x * self.conv(ops.concatenate([average, maximum], axis=-1))

    def get_config(self):
        return {**super().get_config(), "kernel_size": self.kernel_size}


class CBAM(layers.Layer):
    def __init__(self, ratio=2, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio
        self.channel = ChannelAttention(ratio)
        self.spatial = SpatialAttention()

    def call(self, x):
        return self.spatial(self.channel(x))

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


class ECA(layers.Layer):
    """Has the size of its kernel from the number of channels."""

    def __init__(self, gamma=2, b=1, **kwargs):
        super().__init__(**kwargs)
        self.gamma, self.b = gamma, b

    def build(self, input_shape):
        t = int(abs((np.log2(input_shape[-1]) + self.b) / self.gamma))
        k = t if t % 2 else t + 1
        self.conv = layers.Conv1D(1, k, padding="same", use_bias=False)
        self.conv.build((None, input_shape[-1], 1))

    def call(self, x):
        y = ops.mean(x, axis=(1, 2))
        y = self.conv(y[..., None])
        y = ops.squeeze(y, axis=-1)
        return x * ops.sigmoid(y)[:, None, None, :]

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma, "b": self.b}


class CoordinateAttention(layers.Layer):
    def __init__(self, reduction=2, **kwargs):
        super().__init__(**kwargs)
        self.reduction = reduction

    def build(self, input_shape):
        channels = input_shape[-1]
        middle = max(4, channels // self.reduction)
        self.conv = layers.Conv2D(middle, 1, use_bias=False)
        self.bn = layers.BatchNormalization()
        self.conv_h = layers.Conv2D(channels, 1)
        self.conv_w = layers.Conv2D(channels, 1)
        self.conv.build((None, None, 1, channels))
        self.bn.build((None, None, 1, middle))
        self.conv_h.build((None, None, 1, middle))
        self.conv_w.build((None, 1, None, middle))

    def call(self, x, training=False):
        height, width = x.shape[1], x.shape[2]
        rows = ops.mean(x, axis=2, keepdims=True)
        columns = ops.transpose(ops.mean(x, axis=1, keepdims=True), (0, 2, 1, 3))
        y = ops.concatenate([rows, columns], axis=1)
        y = ops.nn.hard_swish(self.bn(self.conv(y), training=training))
        y_h, y_w = y[:, :height], y[:, height : height + width]
        a_h = ops.sigmoid(self.conv_h(y_h))
        a_w = ops.sigmoid(self.conv_w(ops.transpose(y_w, (0, 2, 1, 3))))
        return x * a_h * a_w

    def get_config(self):
        return {**super().get_config(), "reduction": self.reduction}


class NonLocal(layers.Layer):
    """Attention of every place to every other one."""

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.theta = layers.Conv2D(channels, 1, use_bias=False)
        self.phi = layers.Conv2D(channels, 1, use_bias=False)
        self.g = layers.Conv2D(channels, 1, use_bias=False)

    def build(self, input_shape):
        self.out = layers.Conv2D(input_shape[-1], 1)
        for layer in (self.theta, self.phi, self.g):
            layer.build(input_shape)
        self.out.build((*input_shape[:-1], self.channels))
        self.built = True

    def call(self, x):
        height, width = x.shape[1:3]
        theta = ops.reshape(self.theta(x), (-1, height * width, self.channels))
        phi = ops.reshape(self.phi(x), (-1, height * width, self.channels))
        g = ops.reshape(self.g(x), (-1, height * width, self.channels))
        scores = ops.softmax(ops.matmul(theta, ops.transpose(phi, (0, 2, 1))), axis=-1)
        y = ops.reshape(ops.matmul(scores, g), (-1, height, width, self.channels))
        return x + self.out(y)

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


class GlobalContext(layers.Layer):
    def build(self, input_shape):
        channels = input_shape[-1]
        self.mask = layers.Dense(1)
        self.transform = keras.Sequential(
            [layers.Dense(channels // 2), layers.LayerNormalization(), layers.ReLU()]
        )
        self.up = layers.Dense(channels)
        self.mask.build((None, None, channels))
        self.transform.build((None, 1, channels))
        self.up.build((None, 1, channels // 2))

    def call(self, x):
        shape = ops.shape(x)
        flat = ops.reshape(x, (shape[0], shape[1] * shape[2], shape[3]))
        weights = ops.softmax(self.mask(flat), axis=1)
        context = ops.matmul(ops.transpose(weights, (0, 2, 1)), flat)
        context = self.up(self.transform(context))
        return x + ops.expand_dims(context, 1)


class AttentionPooling(layers.Layer):
    """Multiple instance learning: a weighted mean over places, and the weights beside it."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.v = self.add_weight(shape=(input_shape[-1], self.units), name="v")
        self.w = self.add_weight(shape=(self.units, 1), name="w")

    def call(self, x):
        flat = ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
        scores = ops.dot(ops.tanh(ops.dot(flat, self.v)), self.w)
        alpha = ops.softmax(scores, axis=1)
        return ops.sum(alpha * flat, axis=1), alpha

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class SelectiveKernel(layers.Layer):
    def __init__(self, kernels=(3, 5), **kwargs):
        super().__init__(**kwargs)
        self.kernels = kernels

    def build(self, input_shape):
        channels = input_shape[-1]
        self.convs = [
            layers.Conv2D(channels, k, padding="same", activation="relu") for k in self.kernels
        ]
        self.fc = layers.Dense(channels // 2, activation="relu")
        self.selects = [layers.Dense(channels) for _ in self.kernels]
        for conv in self.convs:
            conv.build(input_shape)
        self.fc.build((None, channels))
        for select in self.selects:
            select.build((None, channels // 2))

    def call(self, x):
        branches = ops.stack([conv(x) for conv in self.convs], axis=1)
        z = self.fc(ops.mean(ops.sum(branches, axis=1), axis=(1, 2)))
        scores = ops.softmax(ops.stack([select(z) for select in self.selects], axis=1), axis=1)
        return ops.sum(branches * scores[:, :, None, None, :], axis=1)

    def get_config(self):
        return {**super().get_config(), "kernels": self.kernels}


CASES = {
    "squeeze_excite": (
        lambda: behind_a_convolution(SqueezeExcite(3), (None, None, 6)),
        [(6, 7, 6), (5, 4, 6)],
    ),
    "cbam": (lambda: behind_a_convolution(CBAM(), (None, None, 4)), [(6, 7, 4), (9, 5, 4)]),
    "eca": (lambda: behind_a_convolution(ECA(), (None, None, 8)), [(4, 5, 8), (6, 3, 8)]),
    "coordinate_attention": (
        lambda: behind_a_convolution(CoordinateAttention(), (6, 5, 8)),
        [(6, 5, 8)],
    ),
    "non_local": (lambda: behind_a_convolution(NonLocal(3), (4, 5, 6)), [(4, 5, 6)]),
    "global_context": (lambda: behind_a_convolution(GlobalContext(), (4, 6, 4)), [(4, 6, 4)]),
    "attention_pooling": (
        lambda: behind_a_convolution(AttentionPooling(5), (4, 4, 6)),
        [(4, 4, 6)],
    ),
    "selective_kernel": (
        lambda: behind_a_convolution(SelectiveKernel(), (None, None, 4)),
        [(6, 6, 4), (5, 8, 4)],
    ),
}
