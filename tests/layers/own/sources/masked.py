"""Layers that take, make and pass on masks, as Keras' guide to masking and padding has them."""

import keras
from keras import layers, ops


class Tokens(layers.Layer):
    """Numbers as indices of words, of which 0 is padding."""

    def call(self, x):
        return ops.cast(ops.clip(ops.floor(3 * x + 2), 0, 9), "int32")


class PositiveSteps(layers.Layer):
    """Steps that count are those whose first feature is positive."""

    def call(self, x):
        return ops.tanh(x)

    def compute_mask(self, x, mask=None):
        positive = x[:, :, 0] > 0
        return positive if mask is None else ops.logical_and(positive, mask)


class MaskedMean(layers.Layer):
    def call(self, x, mask=None):
        if mask is None:
            return ops.mean(x, axis=1)
        weight = ops.expand_dims(ops.cast(mask, x.dtype), -1)
        return ops.sum(x * weight, axis=1) / (ops.sum(weight, axis=1) + 1.0)

    def compute_mask(self, x, mask=None):
        return None


class Residual(layers.Layer):
    """Passes on the mask of its input, which its own sum loses."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = layers.Dense(units, activation="relu")
        self.norm = layers.LayerNormalization()
        self.supports_masking = True

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.norm.build(input_shape)

    def call(self, x):
        return self.norm(x + self.dense(x))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class TokenAndPosition(layers.Layer):
    def __init__(self, maxlen, vocabulary, width, **kwargs):
        super().__init__(**kwargs)
        self.sizes = (maxlen, vocabulary, width)
        self.token = layers.Embedding(vocabulary, width, mask_zero=True)
        self.position = layers.Embedding(maxlen, width)

    def build(self, input_shape):
        self.token.build(input_shape)
        self.position.build((self.sizes[0],))

    def call(self, x):
        return self.token(x) + self.position(ops.arange(self.sizes[0]))

    def compute_mask(self, x, mask=None):
        return self.token.compute_mask(x, mask)

    def get_config(self):
        names = ("maxlen", "vocabulary", "width")
        return {**super().get_config(), **dict(zip(names, self.sizes, strict=True))}


class EncoderBlock(layers.Layer):
    """Attention that does not see padding; `call` hands on what it is told."""

    def __init__(self, heads, size, **kwargs):
        super().__init__(**kwargs)
        self.heads, self.size = heads, size
        self.attention = layers.MultiHeadAttention(heads, size)
        self.norm = layers.LayerNormalization()
        self.supports_masking = True

    def build(self, input_shape):
        self.attention.build(input_shape, input_shape)
        self.norm.build(input_shape)

    def call(self, x, mask=None):
        padding = None if mask is None else ops.cast(mask[:, None, :], "int32")
        seen = self.attention(x, x, attention_mask=padding)
        return self.norm(x + seen)

    def get_config(self):
        return {**super().get_config(), "heads": self.heads, "size": self.size}


class MaskedConv1D(layers.Conv1D):
    """A convolution in which padding is 0, and stays padding."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        if mask is not None:
            inputs = inputs * ops.cast(ops.expand_dims(mask, -1), inputs.dtype)
        return super().call(inputs)


def own_masks():
    inputs = keras.Input((7, 4))
    x = Residual(4)(PositiveSteps()(inputs))
    outputs = [MaskedMean()(x), MaskedMean()(inputs), layers.GlobalAveragePooling1D()(x)]
    return keras.Model(inputs, outputs)


def padded_transformer():
    inputs = keras.Input((8,))
    x = TokenAndPosition(8, 12, 6)(Tokens()(inputs))
    x = EncoderBlock(2, 3)(x)
    x = EncoderBlock(2, 3)(x)
    return keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


def text_cnn():
    words = Tokens()
    inputs = keras.Input((9,))
    x = layers.Embedding(12, 5, mask_zero=True)(words(inputs))
    x = layers.SpatialDropout1D(0.2)(x)
    x = MaskedConv1D(6, 3, padding="same", activation="relu")(x)
    x = MaskedConv1D(6, 3, padding="same", activation="relu")(x)
    merged = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), MaskedMean()(x)])
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(merged))


class TextModel(keras.Model):
    """A model with a `call` in which a mask goes from layer to layer."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.tokens = Tokens()
        self.embedding = layers.Embedding(12, 5, mask_zero=True)
        self.attention = layers.Attention(use_scale=True)
        self.pool = layers.GlobalAveragePooling1D()
        self.head = layers.Dense(2)

    def call(self, x):
        x = self.embedding(self.tokens(x))
        return self.head(self.pool(self.attention([x, x])))


class WeighedPair(layers.Layer):
    """Needs the masks of both of its inputs."""

    def call(self, inputs, mask=None):
        first, second = (ops.cast(ops.expand_dims(part, -1), "float32") for part in mask)
        return inputs[0] * first - inputs[1] * second

    def compute_mask(self, inputs, mask=None):
        return ops.logical_or(mask[0], mask[1])


def pairs():
    inputs = keras.Input((None, 4))
    one, other = layers.Masking()(ops.relu(inputs)), PositiveSteps()(inputs)
    x = WeighedPair()([layers.Dense(4)(one), layers.Dense(4)(other)])
    return keras.Model(inputs, [x, layers.GlobalAveragePooling1D()(x)])


CASES = {
    "masked_pairs": (pairs, [(7, 4), (5, 4)]),
    "own_masks": (own_masks, [(7, 4)]),
    "padded_transformer": (padded_transformer, [(8,)]),
    "text_cnn": (text_cnn, [(9,)]),
    "masked_text_model": (TextModel, [(9,)]),
}
