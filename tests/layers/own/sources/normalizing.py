"""Normalization, scaling and pooling, as papers' code has them."""

from itertools import pairwise

import keras
import numpy as np
from keras import layers, ops


def between_convolutions(layer, shape):
    inputs = keras.Input(shape)
    x = layers.Conv2D(shape[-1], 3, padding="same", activation="relu", name="before")(inputs)
    return keras.Model(inputs, layers.Conv2D(3, 1, name="behind")(layer(x)))


def behind_a_convolution(layer, shape):
    inputs = keras.Input(shape)
    x = layers.Conv2D(shape[-1], 3, padding="same", activation="relu", name="before")(inputs)
    return keras.Model(inputs, layer(x))


class InstanceNormalization(keras.layers.Layer):
    def __init__(self, epsilon=1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        self.scale = self.add_weight(
            name="scale",
            shape=input_shape[-1:],
            initializer=keras.initializers.RandomNormal(1.0, 0.02),
            trainable=True,
        )
        self.offset = self.add_weight(name="offset", shape=input_shape[-1:], initializer="zeros")

    def call(self, x):
        mean, variance = ops.moments(x, axes=[1, 2], keepdims=True)
        inverse = ops.rsqrt(variance + self.epsilon)
        normalized = (x - mean) * inverse
        return self.scale * normalized + self.offset

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


class GlobalResponseNormalization(layers.Layer):
    """ConvNeXt V2."""

    def build(self, input_shape):
        shape = (1, 1, 1, input_shape[-1])
        self.gamma = self.add_weight(shape=shape, initializer="zeros", name="gamma")
        self.beta = self.add_weight(shape=shape, initializer="zeros", name="beta")

    def call(self, x):
        gx = ops.sqrt(ops.sum(ops.square(x), axis=(1, 2), keepdims=True))
        nx = gx / (ops.mean(gx, axis=-1, keepdims=True) + 1e-6)
        return self.gamma * (x * nx) + self.beta + x


class FilterResponseNormalization(layers.Layer):
    """With its threshold, and an epsilon that is a weight."""

    def build(self, input_shape):
        c = input_shape[-1]
        self.gamma = self.add_weight((c,), "ones", name="gamma")
        self.beta = self.add_weight((c,), "zeros", name="beta")
        self.tau = self.add_weight((c,), "zeros", name="tau")
        self.eps = self.add_weight((), keras.initializers.Constant(1e-4), name="eps")

    def call(self, x):
        nu2 = ops.mean(x**2, axis=[1, 2], keepdims=True)
        x = x / ops.sqrt(nu2 + ops.abs(self.eps))
        return ops.maximum(self.gamma * x + self.beta, self.tau)


class RMSNorm(layers.Layer):
    def build(self, input_shape):
        self.g = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="g")

    def call(self, x):
        return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + 1e-6) * self.g


class L2Normalize(layers.Layer):
    """The normalization of SSD, with a scale for each channel."""

    def __init__(self, gamma_init=20, **kwargs):
        super().__init__(**kwargs)
        self.gamma_init = gamma_init

    def build(self, input_shape):
        gamma = self.gamma_init * np.ones((input_shape[-1],), dtype="float32")
        self.gamma = self.add_weight(
            name="gamma",
            shape=gamma.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(gamma),
        )

    def call(self, x):
        return ops.normalize(x, axis=-1) * self.gamma

    def get_config(self):
        return {**super().get_config(), "gamma_init": self.gamma_init}


class ScaleShift(layers.Layer):
    """Weights are made in the constructor, for one number each."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")
        self.shift = self.add_weight(initializer="zeros")

    def call(self, x):
        return x * self.scale + self.shift


class LayerScale(layers.Layer):
    def __init__(self, init_values, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, _):
        self.gamma = self.add_weight(
            shape=(self.projection_dim,),
            initializer=keras.initializers.Constant(self.init_values),
            trainable=True,
        )

    def call(self, x):
        return x * self.gamma

    def get_config(self):
        own = {"init_values": self.init_values, "projection_dim": self.projection_dim}
        return {**super().get_config(), **own}


class WSConv2D(layers.Conv2D):
    """Weight standardization, with `call` overridden."""

    def call(self, inputs):
        mean = ops.mean(self.kernel, axis=[0, 1, 2], keepdims=True)
        std = ops.sqrt(ops.var(self.kernel, axis=[0, 1, 2], keepdims=True) + 1e-5)
        kernel = (self.kernel - mean) / std
        x = ops.conv(inputs, kernel, strides=self.strides, padding=self.padding)
        return self.activation(x + self.bias)


class StandardizedConv2D(layers.Conv2D):
    """Weight standardization, with `convolution_op` overridden, as Keras' page says."""

    def convolution_op(self, inputs, kernel):
        mean = ops.mean(kernel, axis=[0, 1, 2], keepdims=True)
        var = ops.var(kernel, axis=[0, 1, 2], keepdims=True)
        return super().convolution_op(inputs, (kernel - mean) / ops.sqrt(var + 1e-10))


class RenormalizedBatch(layers.BatchNormalization):
    """What Keras' class gives, and a factor behind it."""

    def build(self, input_shape):
        super().build(input_shape)
        self.factor = self.add_weight(shape=(input_shape[-1],), name="factor")

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=training, mask=mask) * self.factor


class GeM(layers.Layer):
    def __init__(self, p=3.0, eps=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.init_p = p
        self.eps = eps

    def build(self, input_shape):
        self.p = self.add_weight(
            name="p", shape=(1,), initializer=keras.initializers.Constant(self.init_p)
        )
        super().build(input_shape)

    def call(self, x):
        x = ops.maximum(x, self.eps)
        x = ops.power(x, self.p)
        return ops.power(ops.mean(x, axis=[1, 2]), 1.0 / self.p)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])

    def get_config(self):
        return {**super().get_config(), "p": self.init_p, "eps": self.eps}


class BlurPool2D(layers.Layer):
    """A depthwise convolution with a kernel that `build` makes in NumPy."""

    def __init__(self, strides=2, **kwargs):
        super().__init__(**kwargs)
        self.strides = strides

    def build(self, input_shape):
        row = np.array([1, 3, 3, 1], dtype="float32")
        kernel = np.outer(row, row)
        kernel /= kernel.sum()
        self.blur_kernel = np.repeat(kernel[:, :, None, None], input_shape[-1], axis=2)

    def call(self, x):
        x = ops.pad(x, [[0, 0], [1, 2], [1, 2], [0, 0]], mode="reflect")
        return ops.depthwise_conv(x, self.blur_kernel, strides=self.strides, padding="valid")

    def get_config(self):
        return {**super().get_config(), "strides": self.strides}


class MixedPooling(layers.Layer):
    """Maxima and means in a learned mixture."""

    def build(self, input_shape):
        self.alpha = self.add_weight(name="alpha", shape=(1,), initializer="zeros")
        self.max_pool = layers.MaxPooling2D(2)
        self.avg_pool = layers.AveragePooling2D(2)

    def call(self, x):
        a = ops.sigmoid(self.alpha)
        return a * self.max_pool(x) + (1 - a) * self.avg_pool(x)


class SpatialPyramidPooling(layers.Layer):
    """Loops over bins whose edges are those of NumPy."""

    def __init__(self, bins=(1, 2, 3), **kwargs):
        super().__init__(**kwargs)
        self.bins = bins

    def call(self, x):
        outputs = []
        for count in self.bins:
            rows = np.linspace(0, x.shape[1], count + 1).astype(int)
            columns = np.linspace(0, x.shape[2], count + 1).astype(int)
            for top, bottom in pairwise(rows):
                for left, right in pairwise(columns):
                    outputs.append(ops.max(x[:, top:bottom, left:right], axis=(1, 2)))
        return ops.concatenate(outputs, axis=-1)

    def get_config(self):
        return {**super().get_config(), "bins": list(self.bins)}


class StatisticsPooling(layers.Layer):
    def call(self, x):
        mean = ops.mean(x, axis=(1, 2))
        std = ops.std(x, axis=(1, 2))
        return ops.concatenate([mean, std], axis=-1)


class NetVLAD(layers.Layer):
    def __init__(self, clusters, **kwargs):
        super().__init__(**kwargs)
        self.clusters = clusters

    def build(self, input_shape):
        self.assign = layers.Conv2D(self.clusters, 1)
        self.assign.build(input_shape)
        self.centers = self.add_weight(
            shape=(self.clusters, input_shape[-1]), initializer="glorot_normal", name="centers"
        )

    def call(self, x):
        count = x.shape[1] * x.shape[2]
        a = ops.softmax(ops.reshape(self.assign(x), (-1, count, self.clusters)), axis=-1)
        flat = ops.reshape(x, (-1, count, x.shape[3]))
        a = ops.transpose(a, (0, 2, 1))
        vlad = ops.matmul(a, flat) - ops.sum(a, axis=-1, keepdims=True) * self.centers
        vlad = ops.normalize(vlad, axis=-1)
        return ops.normalize(ops.reshape(vlad, (-1, self.clusters * x.shape[3])), axis=-1)

    def get_config(self):
        return {**super().get_config(), "clusters": self.clusters}


OPEN = (None, None, 4)
TWO = [(6, 7, 4), (8, 5, 4)]
CASES = {
    "instance_normalization": (lambda: between_convolutions(InstanceNormalization(), OPEN), TWO),
    "global_response": (lambda: between_convolutions(GlobalResponseNormalization(), OPEN), TWO),
    "filter_response": (lambda: between_convolutions(FilterResponseNormalization(), OPEN), TWO),
    "rms_norm": (lambda: between_convolutions(RMSNorm(), OPEN), TWO),
    "l2_normalize": (lambda: between_convolutions(L2Normalize(), OPEN), TWO),
    "scale_shift": (lambda: between_convolutions(ScaleShift(), OPEN), TWO),
    "layer_scale": (lambda: between_convolutions(LayerScale(0.1, 4), OPEN), TWO),
    "weight_standardized_call": (
        lambda: between_convolutions(WSConv2D(5, 3, padding="same", activation="relu"), OPEN),
        TWO,
    ),
    "weight_standardized_op": (
        lambda: between_convolutions(StandardizedConv2D(5, 3, strides=2), OPEN),
        TWO,
    ),
    "batch_normalization_made_from": (
        lambda: between_convolutions(RenormalizedBatch(), OPEN),
        TWO,
    ),
    "gem": (lambda: behind_a_convolution(GeM(), OPEN), TWO),
    "blur_pool": (lambda: between_convolutions(BlurPool2D(), (6, 7, 4)), TWO[:1]),
    "mixed_pooling": (lambda: between_convolutions(MixedPooling(), OPEN), TWO),
    "spatial_pyramid": (lambda: behind_a_convolution(SpatialPyramidPooling(), (6, 7, 4)), TWO[:1]),
    "statistics_pooling": (lambda: behind_a_convolution(StatisticsPooling(), OPEN), TWO),
    "net_vlad": (lambda: behind_a_convolution(NetVLAD(3), (6, 7, 4)), TWO[:1]),
}
