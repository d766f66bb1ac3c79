"""Blocks of networks, as papers' code has them."""

import keras
from keras import layers, ops


def alone(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


class ResidualBlock(layers.Layer):
    """Has a projection only where the shape changes."""

    def __init__(self, filters, strides=1, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.strides = filters, strides
        self.conv1 = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)
        self.bn1 = layers.BatchNormalization()
        self.conv2 = layers.Conv2D(filters, 3, padding="same", use_bias=False)
        self.bn2 = layers.BatchNormalization()
        self.shortcut = None
        if strides != 1:
            self.shortcut = keras.Sequential(
                [layers.Conv2D(filters, 1, strides=strides), layers.BatchNormalization()]
            )

    def call(self, x, training=None):
        y = ops.relu(self.bn1(self.conv1(x), training=training))
        y = self.bn2(self.conv2(y), training=training)
        if self.shortcut is not None:
            x = self.shortcut(x, training=training)
        return ops.relu(x + y)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}


class TemporalBlock(layers.Layer):
    """One step of a temporal convolutional network."""

    def __init__(self, filters, kernel_size, dilation_rate, dropout=0.2, **kwargs):
        super().__init__(**kwargs)
        self.arguments = (filters, kernel_size, dilation_rate, dropout)
        self.blocks = []
        for _ in range(2):
            self.blocks.append(
                layers.Conv1D(filters, kernel_size, dilation_rate=dilation_rate, padding="causal")
            )
            self.blocks.append(layers.LayerNormalization())
            self.blocks.append(layers.Activation("relu"))
            self.blocks.append(layers.SpatialDropout1D(dropout))
        self.match = layers.Conv1D(filters, 1, padding="same")

    def build(self, input_shape):
        shape = input_shape
        for layer in self.blocks:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.match.build(input_shape)
        self.built = True

    def call(self, x, training=None):
        y = x
        for layer in self.blocks:
            y = layer(y, training=training) if isinstance(layer, layers.Dropout) else layer(y)
        return ops.relu(y + self.match(x))

    def get_config(self):
        names = ("filters", "kernel_size", "dilation_rate", "dropout")
        return super().get_config() | dict(zip(names, self.arguments, strict=True))


class ASPP(layers.Layer):
    """Dilated branches, and one over the whole image."""

    def __init__(self, filters, rates=(1, 2, 3), **kwargs):
        super().__init__(**kwargs)
        self.filters, self.rates = filters, rates
        self.branches = {
            f"rate_{rate}": layers.Conv2D(filters, 3, dilation_rate=rate, padding="same")
            for rate in rates
        }
        self.pooled = layers.Conv2D(filters, 1, activation="relu")
        self.project = layers.Conv2D(filters, 1, activation="relu")

    def build(self, input_shape):
        for branch in self.branches.values():
            branch.build(input_shape)
        self.pooled.build((None, 1, 1, input_shape[-1]))
        self.project.build((None, None, None, self.filters * (len(self.rates) + 1)))

    def call(self, x):
        outputs = [ops.relu(branch(x)) for branch in self.branches.values()]
        pooled = self.pooled(ops.mean(x, axis=(1, 2), keepdims=True))
        outputs.append(ops.image.resize(pooled, x.shape[1:3], interpolation="bilinear"))
        return self.project(layers.Concatenate()(outputs))

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "rates": self.rates}


class GhostModule(layers.Layer):
    def __init__(self, filters, ratio=2, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.ratio = filters, ratio
        self.primary = layers.Conv2D(filters // ratio, 1, use_bias=False)
        self.cheap = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=ratio - 1)

    def call(self, x):
        x = ops.relu(self.primary(x))
        return ops.concatenate([x, ops.relu(self.cheap(x))], axis=-1)[..., : self.filters]

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "ratio": self.ratio}


class Involution(layers.Layer):
    """A kernel for each place, made of what is there; as Keras' code example has it."""

    def __init__(self, channel, kernel_size=3, reduction_ratio=2, **kwargs):
        super().__init__(**kwargs)
        self.channel, self.kernel_size = channel, kernel_size
        self.reduction_ratio = reduction_ratio

    def build(self, input_shape):
        _, self.height, self.width, _ = input_shape
        self.kernel_gen = keras.Sequential(
            [
                layers.Conv2D(filters=self.channel // self.reduction_ratio, kernel_size=1),
                layers.BatchNormalization(),
                layers.ReLU(),
                layers.Conv2D(filters=self.kernel_size * self.kernel_size, kernel_size=1),
            ]
        )
        self.kernel_gen.build(input_shape)
        self.places = (self.height, self.width, self.kernel_size**2)

    def call(self, x):
        kernel = ops.reshape(self.kernel_gen(x), (-1, *self.places, 1))
        patches = ops.image.extract_patches(
            x, size=self.kernel_size, strides=1, dilation_rate=1, padding="same"
        )
        patches = ops.reshape(patches, (-1, *self.places, self.channel))
        return ops.sum(ops.multiply(kernel, patches), axis=3), kernel

    def get_config(self):
        own = {"channel": self.channel, "kernel_size": self.kernel_size}
        return super().get_config() | own | {"reduction_ratio": self.reduction_ratio}


class DynamicConv(layers.Layer):
    """A mixture of convolutions, weighed for each image."""

    def __init__(self, filters, experts=3, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.experts = filters, experts
        self.routing = layers.Dense(experts, activation="softmax")
        self.conv = layers.Conv2D(filters * experts, 3, padding="same")

    def call(self, x):
        scores = self.routing(ops.mean(x, axis=(1, 2)))
        y = self.conv(x)
        y = ops.reshape(y, (-1, *x.shape[1:3], self.experts, self.filters))
        return ops.sum(y * scores[:, None, None, :, None], axis=-2)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "experts": self.experts}


class MixtureOfExperts(layers.Layer):
    """All experts run, and a gate weighs them."""

    def __init__(self, experts, units, **kwargs):
        super().__init__(**kwargs)
        self.count, self.units = experts, units
        self.gate = layers.Dense(experts)
        self.experts = [
            keras.Sequential([layers.Dense(units, activation="gelu"), layers.Dense(units)])
            for _ in range(experts)
        ]

    def call(self, x):
        gates = ops.softmax(self.gate(x))
        outputs = ops.stack([expert(x) for expert in self.experts], axis=-2)
        return ops.einsum("be,beu->bu", gates, outputs)

    def get_config(self):
        return {**super().get_config(), "experts": self.count, "units": self.units}


class Highway(layers.Layer):
    def build(self, input_shape):
        units = input_shape[-1]
        self.W = self.add_weight(shape=(units, units), name="W")
        self.b = self.add_weight(shape=(units,), initializer="zeros", name="b")
        self.W_T = self.add_weight(shape=(units, units), name="W_T")
        self.b_T = self.add_weight(
            shape=(units,), initializer=keras.initializers.Constant(-2.0), name="b_T"
        )

    def call(self, x):
        h = ops.tanh(ops.matmul(x, self.W) + self.b)
        t = ops.sigmoid(ops.matmul(x, self.W_T) + self.b_T)
        return h * t + x * (1.0 - t)


class Maxout(layers.Layer):
    def __init__(self, units, pieces=3, **kwargs):
        super().__init__(**kwargs)
        self.units, self.pieces = units, pieces

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units * self.pieces), name="w")
        self.b = self.add_weight(shape=(self.units * self.pieces,), name="b")

    def call(self, x):
        y = x @ self.w + self.b
        return ops.max(ops.reshape(y, (-1, self.units, self.pieces)), axis=-1)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "pieces": self.pieces}


class ChannelShuffle(layers.Layer):
    def __init__(self, groups, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups

    def call(self, x):
        _, height, width, channels = x.shape
        x = ops.reshape(x, [-1, height, width, self.groups, channels // self.groups])
        x = ops.transpose(x, [0, 1, 2, 4, 3])
        return ops.reshape(x, [-1, height, width, channels])

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


class StochasticDepth(layers.Layer):
    """Drops whole images, in training alone."""

    def __init__(self, drop_prob, **kwargs):
        super().__init__(**kwargs)
        self.drop_prob = drop_prob
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, x, training=False):
        if training:
            keep_prob = 1 - self.drop_prob
            shape = (ops.shape(x)[0],) + (1,) * (len(x.shape) - 1)
            mask = keep_prob + keras.random.uniform(shape, 0, 1, seed=self.seed_generator)
            return (x / keep_prob) * ops.floor(mask)
        return x

    def get_config(self):
        return {**super().get_config(), "drop_prob": self.drop_prob}


class DropBlock2D(layers.Layer):
    def __init__(self, rate, block_size, **kwargs):
        super().__init__(**kwargs)
        self.rate, self.block_size = rate, block_size

    def call(self, x, training=None):
        if not training or self.rate == 0:
            return x
        raise NotImplementedError

    def get_config(self):
        return {**super().get_config(), "rate": self.rate, "block_size": self.block_size}


class ConvNeXtBlock(layers.Layer):
    def __init__(self, dim, drop_path=0.1, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.steps = keras.Sequential(
            [
                layers.DepthwiseConv2D(5, padding="same"),
                layers.LayerNormalization(epsilon=1e-6),
                layers.Dense(4 * dim),
                layers.Activation("gelu"),
                layers.Dense(dim),
            ]
        )
        self.drop_path = StochasticDepth(drop_path)

    def build(self, input_shape):
        self.gamma = self.add_weight(
            shape=(self.dim,), initializer=keras.initializers.Constant(1e-6), name="gamma"
        )
        self.steps.build(input_shape)

    def call(self, inputs, training=None):
        return inputs + self.drop_path(self.steps(inputs) * self.gamma, training=training)

    def get_config(self):
        return {**super().get_config(), "dim": self.dim}


class CoordConv(layers.Layer):
    """Gives a convolution the places, too."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = layers.Conv2D(filters, 3)

    def call(self, x):
        batch, height, width, _ = ops.shape(x)
        rows = ops.linspace(-1.0, 1.0, height)[None, :, None, None]
        columns = ops.linspace(-1.0, 1.0, width)[None, None, :, None]
        shape = (batch, height, width, 1)
        rows, columns = ops.broadcast_to(rows, shape), ops.broadcast_to(columns, shape)
        return self.conv(ops.concatenate([x, rows, columns], axis=-1))

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


class PixelShuffle(layers.Layer):
    """Sub-pixel upscaling by a reshape and a transpose."""

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, x):
        s = self.scale
        _, h, w, c = x.shape
        x = ops.reshape(x, (-1, h, w, s, s, c // s**2))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (-1, h * s, w * s, c // s**2))

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}


OPEN = (None, None, 4)
TWO = [(6, 7, 4), (9, 5, 4)]
ONE = [(6, 8, 4)]
CASES = {
    "residual_block": (lambda: alone(ResidualBlock(4), OPEN), TWO),
    "residual_block_with_projection": (lambda: alone(ResidualBlock(6, 2), (7, 8, 4)), [(7, 8, 4)]),
    "temporal_block": (lambda: alone(TemporalBlock(5, 3, 2), (None, 4)), [(9, 4), (12, 4)]),
    "aspp": (lambda: alone(ASPP(3), (6, 8, 4)), ONE),
    "ghost_module": (lambda: alone(GhostModule(6), OPEN), TWO),
    "involution": (lambda: alone(Involution(4), (6, 8, 4)), ONE),
    "dynamic_convolution": (lambda: alone(DynamicConv(3), (6, 8, 4)), ONE),
    "mixture_of_experts": (lambda: alone(MixtureOfExperts(3, 5), (6,)), [(6,)]),
    "highway": (lambda: alone(Highway(), (6,)), [(6,)]),
    "maxout": (lambda: alone(Maxout(4), (6,)), [(6,)]),
    "channel_shuffle": (lambda: alone(ChannelShuffle(2), (6, 8, 4)), ONE),
    "stochastic_depth": (lambda: alone(StochasticDepth(0.3), OPEN), TWO),
    "drop_block": (lambda: alone(DropBlock2D(0.3, 3), OPEN), TWO),
    "conv_next_block": (lambda: alone(ConvNeXtBlock(4), OPEN), TWO),
    "coord_conv": (lambda: alone(CoordConv(3), (6, 8, 4)), ONE),
    "pixel_shuffle": (lambda: alone(PixelShuffle(2), (6, 8, 4)), ONE),
}
