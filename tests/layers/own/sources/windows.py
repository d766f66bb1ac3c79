"""Windows that are moved into the batch and back: Swin, ViTDet, axial attention, patches."""

import keras
import numpy as np
from keras import layers, ops


def alone(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def partition(x, size):
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height // size, size, width // size, size, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, size, size, channels))


def reverse(windows, size, height, width, channels):
    x = ops.reshape(windows, (-1, height // size, width // size, size, size, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, height, width, channels))


class WindowAttention(layers.Layer):
    """Attention in windows, of which those of one image have each a mask of their own."""

    def __init__(self, size, heads, **kwargs):
        super().__init__(**kwargs)
        self.size, self.heads = size, heads

    def build(self, input_shape):
        channels, size = input_shape[-1], self.size
        self.qkv = layers.Dense(channels * 3, name="qkv")
        self.proj = layers.Dense(channels, name="proj")
        self.qkv.build(input_shape)
        self.proj.build(input_shape)
        self.drop = layers.Dropout(0.1)
        self.table = self.add_weight(
            shape=((2 * size - 1) ** 2, self.heads), initializer="zeros", name="table"
        )
        grid = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij"))
        grid = grid.reshape(2, -1)
        apart = (grid[:, :, None] - grid[:, None, :]).transpose(1, 2, 0) + size - 1
        self.index = (apart[..., 0] * (2 * size - 1) + apart[..., 1]).reshape(-1)

    def call(self, x, windows_mask=None):
        _, count, channels = x.shape
        heads, width = self.heads, channels // self.heads
        qkv = ops.reshape(self.qkv(x), (-1, count, 3, heads, width))
        q, k, v = ops.unstack(ops.transpose(qkv, (2, 0, 3, 1, 4)), axis=0)
        scores = (q * width**-0.5) @ ops.transpose(k, (0, 1, 3, 2))
        bias = ops.reshape(ops.take(self.table, self.index, axis=0), (count, count, heads))
        scores = scores + ops.expand_dims(ops.transpose(bias, (2, 0, 1)), 0)
        if windows_mask is not None:
            windows = windows_mask.shape[0]
            mask = ops.cast(ops.expand_dims(ops.expand_dims(windows_mask, 1), 0), "float32")
            scores = ops.reshape(scores, (-1, windows, heads, count, count)) + mask
            scores = ops.reshape(scores, (-1, heads, count, count))
        scores = self.drop(ops.softmax(scores, axis=-1))
        x = ops.reshape(ops.transpose(scores @ v, (0, 2, 1, 3)), (-1, count, channels))
        return self.proj(x)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "heads": self.heads}


class SwinBlock(layers.Layer):
    """A block of the Swin transformer, with windows that are shifted or not."""

    def __init__(self, size, heads, shift=0, **kwargs):
        super().__init__(**kwargs)
        self.size, self.heads, self.shift = size, heads, shift

    def build(self, input_shape):
        _, height, width, channels = input_shape
        self.norm1 = layers.LayerNormalization(epsilon=1e-5)
        self.norm2 = layers.LayerNormalization(epsilon=1e-5)
        self.attention = WindowAttention(self.size, self.heads, name="attention")
        self.up = layers.Dense(channels * 2, activation="gelu")
        self.down = layers.Dense(channels)
        self.norm1.build(input_shape)
        self.norm2.build(input_shape)
        self.attention.build((None, self.size**2, channels))
        self.up.build(input_shape)
        self.down.build((*input_shape[:-1], channels * 2))
        self.windows_mask = None
        if self.shift:
            marks = np.zeros((1, height, width, 1), "float32")
            cuts = (slice(-self.size), slice(-self.size, -self.shift), slice(-self.shift, None))
            for number, (rows, columns) in enumerate((r, c) for r in cuts for c in cuts):
                marks[:, rows, columns] = number
            size = self.size
            marks = marks.reshape(height // size, size, width // size, size)
            marks = marks.transpose(0, 2, 1, 3).reshape(-1, size**2)
            self.windows_mask = np.where(marks[:, None] != marks[:, :, None], -100.0, 0.0)

    def call(self, x):
        _, height, width, channels = x.shape
        y = self.norm1(x)
        if self.shift:
            y = ops.roll(y, shift=(-self.shift, -self.shift), axis=(1, 2))
        windows = ops.reshape(partition(y, self.size), (-1, self.size**2, channels))
        windows = self.attention(windows, windows_mask=self.windows_mask)
        windows = ops.reshape(windows, (-1, self.size, self.size, channels))
        y = reverse(windows, self.size, height, width, channels)
        if self.shift:
            y = ops.roll(y, shift=(self.shift, self.shift), axis=(1, 2))
        x = x + y
        return x + self.down(self.up(self.norm2(x)))

    def get_config(self):
        own = {"size": self.size, "heads": self.heads, "shift": self.shift}
        return {**super().get_config(), **own}


class Partition(layers.Layer):
    """Windows as the layer that makes them, with the batch that they are counted in."""

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, x):
        batch, height, width, channels = ops.shape(x)
        rows, columns = height // self.size, width // self.size
        x = ops.reshape(x, (batch, rows, self.size, columns, self.size, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (batch * rows * columns, self.size, self.size, channels))

    def get_config(self):
        return {**super().get_config(), "size": self.size}


class Reverse(layers.Layer):
    """The image of which windows are, whose batch is as many times smaller."""

    def __init__(self, height, width, **kwargs):
        super().__init__(**kwargs)
        self.height, self.width = height, width

    def call(self, windows):
        count, size, _, channels = ops.shape(windows)
        rows, columns = self.height // size, self.width // size
        batch = count // (rows * columns)
        x = ops.reshape(windows, (batch, rows, columns, size, size, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (batch, self.height, self.width, channels))

    def get_config(self):
        return {**super().get_config(), "height": self.height, "width": self.width}


def windows_as_layers():
    """Layers of every kind on windows: convolution, normalization, recurrence, attention."""
    inputs = keras.Input((6, 9, 4))
    x = Partition(3)(inputs)
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="conv")(x)
    x = layers.BatchNormalization(name="norm")(x)
    y = layers.Reshape((9, 4), name="sequences")(x)
    y = layers.GRU(4, return_sequences=True, name="gru")(y)
    y = layers.MultiHeadAttention(2, 3, name="attention")(y, y)
    x = x + layers.Reshape((3, 3, 4), name="squares")(y)
    gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = Reverse(6, 9)(x * gate)
    return keras.Model(inputs, layers.Concatenate()([inputs, x]))


class AxialAttention(layers.Layer):
    """Attention along the rows of an image, then along its columns."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.along_rows = layers.MultiHeadAttention(2, 3)
        self.along_columns = layers.MultiHeadAttention(2, 3)

    def call(self, x):
        _, height, width, channels = x.shape
        rows = ops.reshape(x, (-1, width, channels))
        x = x + ops.reshape(self.along_rows(rows, rows), (-1, height, width, channels))
        columns = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, height, channels))
        columns = self.along_columns(columns, columns)
        columns = ops.reshape(columns, (-1, width, height, channels))
        return x + ops.transpose(columns, (0, 2, 1, 3))


class TokenOfEachWindow(layers.Layer):
    """A learned token before the pixels of each window, and positions of each window's own."""

    def build(self, input_shape):
        channels = input_shape[-1]
        self.token = self.add_weight(shape=(1, 1, channels), name="token")
        self.places = self.add_weight(shape=(4, 1, channels), name="places")
        self.mix = layers.MultiHeadAttention(2, 2)

    def call(self, x):
        batch, _, _, channels = ops.shape(x)
        windows = ops.reshape(partition(x, 2), (batch * 4, 4, channels))
        windows = windows + ops.tile(self.places, (batch, 1, 1))
        tokens = ops.broadcast_to(self.token, (batch * 4, 1, channels))
        windows = ops.concatenate([tokens, windows], axis=1)
        windows = self.mix(windows, windows)
        tokens = ops.reshape(windows[:, 0], (batch, 4 * channels))
        return ops.concatenate([tokens, ops.reshape(windows[:, 1:], (batch, -1))], axis=1)


class Frames(layers.Layer):
    """A convolution of each frame of a video, all frames being one batch."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(3, 3, strides=2, padding="same", activation="relu")
        self.pool = layers.GlobalMaxPooling2D()

    def call(self, video):
        _, frames, height, width, channels = video.shape
        images = ops.reshape(video, (-1, height, width, channels))
        return ops.reshape(self.pool(self.conv(images)), (-1, frames, 3))


def swin():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 2, strides=2, name="patches")(keras.layers.UpSampling2D(2)(inputs))
    x = SwinBlock(4, 2, name="straight")(x)
    x = SwinBlock(4, 2, shift=2, name="shifted")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(5, name="classes")(x))


CASES = {
    "swin": (swin, [(8, 8, 3)]),
    "swin_block": (lambda: alone(SwinBlock(2, 2, shift=1), (4, 6, 4)), [(4, 6, 4)]),
    "windows_as_layers": (windows_as_layers, [(6, 9, 4)]),
    "axial_attention": (lambda: alone(AxialAttention(), (3, 4, 6)), [(3, 4, 6)]),
    "token_of_each_window": (lambda: alone(TokenOfEachWindow(), (4, 4, 3)), [(4, 4, 3)]),
    "frames": (lambda: alone(Frames(), (3, 6, 6, 2)), [(3, 6, 6, 2)]),
}
