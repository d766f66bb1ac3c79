"""Vision transformers, as Keras' code examples have them."""

import keras
import numpy as np
from keras import layers, ops


def alone(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


def mlp(x, units, dropout, number):
    for unit in units:
        x = layers.Dense(unit, activation=keras.activations.gelu)(x)
        x = layers.Dropout(dropout, name=f"dropout_{number}_{unit}")(x)
    return x


class Patches(layers.Layer):
    def __init__(self, patch_size, **kwargs):
        super().__init__(**kwargs)
        self.patch_size = patch_size

    def call(self, images):
        input_shape = ops.shape(images)
        batch_size = input_shape[0]
        height, width, channels = input_shape[1], input_shape[2], input_shape[3]
        num_patches_h = height // self.patch_size
        num_patches_w = width // self.patch_size
        patches = keras.ops.image.extract_patches(images, size=self.patch_size)
        return ops.reshape(
            patches,
            (
                batch_size,
                num_patches_h * num_patches_w,
                self.patch_size * self.patch_size * channels,
            ),
        )

    def get_config(self):
        config = super().get_config()
        config.update({"patch_size": self.patch_size})
        return config


class PatchEncoder(layers.Layer):
    def __init__(self, num_patches, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.num_patches = num_patches
        self.projection_dim = projection_dim
        self.projection = layers.Dense(units=projection_dim)
        self.position_embedding = layers.Embedding(input_dim=num_patches, output_dim=projection_dim)

    def call(self, patch):
        positions = ops.expand_dims(ops.arange(start=0, stop=self.num_patches, step=1), axis=0)
        projected_patches = self.projection(patch)
        return projected_patches + self.position_embedding(positions)

    def get_config(self):
        config = super().get_config()
        config.update({"num_patches": self.num_patches, "projection_dim": self.projection_dim})
        return config


class TransformerBlock(layers.Layer):
    def __init__(self, embed_dim, num_heads, ff_dim, rate=0.1, **kwargs):
        super().__init__(**kwargs)
        self.sizes = (embed_dim, num_heads, ff_dim)
        self.att = layers.MultiHeadAttention(num_heads=num_heads, key_dim=embed_dim)
        self.ffn = keras.Sequential(
            [layers.Dense(ff_dim, activation="relu"), layers.Dense(embed_dim)]
        )
        self.layernorm1 = layers.LayerNormalization(epsilon=1e-6)
        self.layernorm2 = layers.LayerNormalization(epsilon=1e-6)
        self.dropout1 = layers.Dropout(rate)
        self.dropout2 = layers.Dropout(rate)

    def call(self, inputs, training=None):
        attn_output = self.att(inputs, inputs)
        attn_output = self.dropout1(attn_output, training=training)
        out1 = self.layernorm1(inputs + attn_output)
        ffn_output = self.dropout2(self.ffn(out1), training=training)
        return self.layernorm2(out1 + ffn_output)

    def get_config(self):
        embed_dim, num_heads, ff_dim = self.sizes
        own = {"embed_dim": embed_dim, "num_heads": num_heads, "ff_dim": ff_dim}
        return super().get_config() | own


class ClassToken(layers.Layer):
    """A class token before the patches, and positions added to both."""

    def build(self, input_shape):
        _, count, width = input_shape
        self.token = self.add_weight(
            name="cls", shape=(1, 1, width), initializer="zeros", trainable=True
        )
        self.positions = self.add_weight(
            name="pos_embedding",
            shape=(1, count + 1, width),
            initializer=keras.initializers.RandomNormal(stddev=0.06),
        )

    def call(self, inputs):
        batch_size = ops.shape(inputs)[0]
        token = ops.broadcast_to(self.token, [batch_size, 1, inputs.shape[-1]])
        return ops.concatenate([token, inputs], axis=1) + self.positions


class SelfAttention(layers.Layer):
    """Multi-head attention by hand, one projection for queries, keys and values."""

    def __init__(self, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads

    def build(self, input_shape):
        width = input_shape[-1]
        self.scale = (width // self.num_heads) ** -0.5
        self.qkv = layers.Dense(width * 3, use_bias=False)
        self.proj = layers.Dense(width)
        self.qkv.build(input_shape)
        self.proj.build(input_shape)

    def call(self, x):
        batch, count, width = ops.shape(x)
        qkv = ops.reshape(self.qkv(x), (batch, count, 3, self.num_heads, width // self.num_heads))
        qkv = ops.transpose(qkv, (2, 0, 3, 1, 4))
        q, k, v = qkv[0], qkv[1], qkv[2]
        attention = ops.softmax((q * self.scale) @ ops.swapaxes(k, -2, -1), axis=-1)
        x = ops.transpose(attention @ v, (0, 2, 1, 3))
        return self.proj(ops.reshape(x, (batch, count, width)))

    def get_config(self):
        return {**super().get_config(), "num_heads": self.num_heads}


class SinusoidalPositions(layers.Layer):
    """Positions that NumPy makes in `build`."""

    def build(self, input_shape):
        count, width = input_shape[1:]
        positions = np.arange(count)[:, np.newaxis]
        rates = 1 / np.power(10000.0, (2 * (np.arange(width) // 2)) / np.float32(width))
        angles = positions * rates[np.newaxis]
        angles[:, 0::2] = np.sin(angles[:, 0::2])
        angles[:, 1::2] = np.cos(angles[:, 1::2])
        self.encoding = angles[np.newaxis].astype("float32")

    def call(self, x):
        x *= ops.sqrt(ops.cast(x.shape[-1], "float32"))
        return x + self.encoding[:, : x.shape[1], :]


class MixerBlock(layers.Layer):
    def __init__(self, num_patches, hidden_units, **kwargs):
        super().__init__(**kwargs)
        self.num_patches, self.hidden_units = num_patches, hidden_units
        self.mlp1 = keras.Sequential(
            [layers.Dense(units=num_patches, activation="gelu"), layers.Dense(units=num_patches)]
        )
        self.mlp2 = keras.Sequential(
            [
                layers.Dense(units=num_patches, activation="gelu"),
                layers.Dense(units=hidden_units),
            ]
        )
        self.normalize = layers.LayerNormalization(epsilon=1e-6)

    def build(self, input_shape):
        return super().build(input_shape)

    def call(self, inputs):
        x = self.normalize(inputs)
        x_channels = ops.transpose(x, axes=(0, 2, 1))
        mlp1_outputs = ops.transpose(self.mlp1(x_channels), axes=(0, 2, 1))
        x = mlp1_outputs + inputs
        x_patches = self.normalize(x)
        return x + self.mlp2(x_patches)

    def get_config(self):
        own = {"num_patches": self.num_patches, "hidden_units": self.hidden_units}
        return {**super().get_config(), **own}


class GatingUnit(layers.Layer):
    """The spatial gating unit of gMLP: a product over places."""

    def build(self, input_shape):
        count, width = input_shape[1:]
        self.norm = layers.LayerNormalization(epsilon=1e-6)
        self.norm.build((None, count, width // 2))
        self.project = layers.Dense(count, bias_initializer="ones")
        self.project.build((None, width // 2, count))

    def call(self, x):
        u, v = ops.split(x, indices_or_sections=2, axis=2)
        v = ops.transpose(self.norm(v), axes=(0, 2, 1))
        return u * ops.transpose(self.project(v), axes=(0, 2, 1))


class FourierMixing(layers.Layer):
    """Products with the cosine and sine tables that a Fourier transform is made of."""

    def build(self, input_shape):
        def table(size):
            return np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(size)) / size)

        rows, columns = (table(size) for size in input_shape[1:])
        self.real = [a.real.astype("float32") for a in (rows, columns)]
        self.imaginary = [a.imag.astype("float32") for a in (rows, columns)]

    def call(self, x):
        def both(tables):
            return ops.matmul(tables[0], ops.matmul(x, tables[1]))

        return both(self.real) - both(self.imaginary)


class WindowAttention(layers.Layer):
    """Attention inside windows, with a bias for how far apart two places are."""

    def __init__(self, window_size, num_heads, **kwargs):
        super().__init__(**kwargs)
        self.window_size, self.num_heads = window_size, num_heads

    def build(self, input_shape):
        width, w = input_shape[-1], self.window_size
        self.qkv = layers.Dense(width * 3)
        self.proj = layers.Dense(width)
        self.qkv.build((None, w * w, width))
        self.proj.build((None, w * w, width))
        self.table = self.add_weight(
            shape=((2 * w - 1) ** 2, self.num_heads), initializer="zeros", name="bias_table"
        )
        grid = np.stack(np.meshgrid(np.arange(w), np.arange(w), indexing="ij")).reshape(2, -1)
        apart = (grid[:, :, None] - grid[:, None, :]).transpose(1, 2, 0) + w - 1
        self.index = (apart[..., 0] * (2 * w - 1) + apart[..., 1]).reshape(-1)

    def call(self, x):
        _, height, width, channels = x.shape
        w, heads = self.window_size, self.num_heads
        rows, columns = height // w, width // w
        x = ops.reshape(x, (-1, rows, w, columns, w, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        x = ops.reshape(x, (-1, rows * columns, w * w, channels))
        qkv = ops.reshape(self.qkv(x), (-1, rows * columns, w * w, 3, heads, channels // heads))
        q, k, v = ops.unstack(ops.transpose(qkv, (3, 0, 1, 4, 2, 5)), axis=0)
        scores = ops.matmul(q * (channels // heads) ** -0.5, ops.transpose(k, (0, 1, 2, 4, 3)))
        bias = ops.reshape(ops.take(self.table, self.index, axis=0), (w * w, w * w, heads))
        scores = ops.softmax(scores + ops.transpose(bias, (2, 0, 1)), axis=-1)
        x = ops.transpose(ops.matmul(scores, v), (0, 1, 3, 2, 4))
        x = self.proj(ops.reshape(x, (-1, rows * columns, w * w, channels)))
        x = ops.reshape(x, (-1, rows, columns, w, w, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, height, width, channels))

    def get_config(self):
        own = {"window_size": self.window_size, "num_heads": self.num_heads}
        return {**super().get_config(), **own}


class ShiftedWindows(layers.Layer):
    """Windows that go into the batch and come back, as in Swin."""

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.attention = layers.MultiHeadAttention(2, 3)

    def call(self, x):
        _, height, width, channels = x.shape
        w = self.size
        x = ops.roll(x, shift=(-1, -1), axis=(1, 2))
        x = ops.reshape(x, (-1, height // w, w, width // w, w, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        windows = ops.reshape(x, (-1, w * w, channels))
        windows = self.attention(windows, windows)
        x = ops.reshape(windows, (-1, height // w, width // w, w, w, channels))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height, width, channels))
        return ops.roll(x, shift=(1, 1), axis=(1, 2))

    def get_config(self):
        return {**super().get_config(), "size": self.size}


def vision_transformer():
    inputs = keras.Input((8, 8, 3))
    encoded = PatchEncoder(16, 6)(Patches(2)(inputs))
    for number in range(2):
        x1 = layers.LayerNormalization(epsilon=1e-6)(encoded)
        attention = layers.MultiHeadAttention(num_heads=2, key_dim=6)(x1, x1)
        x2 = layers.Add()([attention, encoded])
        x3 = mlp(layers.LayerNormalization(epsilon=1e-6)(x2), [12, 6], 0.1, number)
        encoded = layers.Add()([x3, x2])
    x = layers.Flatten()(layers.LayerNormalization(epsilon=1e-6)(encoded))
    return keras.Model(inputs, layers.Dense(5)(layers.Dropout(0.5, name="last_dropout")(x)))


CASES = {
    "patches": (lambda: alone(Patches(2), (6, 8, 3)), [(6, 8, 3)]),
    "vision_transformer": (vision_transformer, [(8, 8, 3)]),
    "transformer_block": (lambda: alone(TransformerBlock(6, 2, 8), (7, 6)), [(7, 6)]),
    "class_token": (lambda: alone(ClassToken(), (5, 6)), [(5, 6)]),
    "self_attention": (lambda: alone(SelfAttention(2), (5, 8)), [(5, 8)]),
    "sinusoidal_positions": (lambda: alone(SinusoidalPositions(), (5, 8)), [(5, 8)]),
    "mixer_block": (lambda: alone(MixerBlock(5, 6), (5, 6)), [(5, 6)]),
    "gating_unit": (lambda: alone(GatingUnit(), (5, 6)), [(5, 6)]),
    "fourier_mixing": (lambda: alone(FourierMixing(), (5, 6)), [(5, 6)]),
    "window_attention": (lambda: alone(WindowAttention(3, 2), (6, 9, 4)), [(6, 9, 4)]),
    "shifted_windows": (lambda: alone(ShiftedWindows(2), (4, 6, 4)), [(4, 6, 4)]),
}
