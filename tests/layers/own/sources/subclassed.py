"""Models that are classes, as Keras' guides and code examples write them."""

import keras
from keras import layers, ops


class MLP(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense1 = layers.Dense(8, activation="relu")
        self.dense2 = layers.Dense(3, activation="softmax")
        self.dropout = layers.Dropout(0.5)

    def call(self, inputs, training=False):
        x = self.dense1(inputs)
        x = self.dropout(x, training=training)
        return self.dense2(x)


class ConvBlock(layers.Layer):
    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.conv = layers.Conv2D(filters, 3, padding="same", use_bias=False)
        self.bn = layers.BatchNormalization()

    def call(self, x, training=None):
        return ops.relu(self.bn(self.conv(x), training=training))

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


class UNet(keras.Model):
    """Has its layers in lists, made in loops."""

    def __init__(self, filters=(4, 6), classes=2, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.classes = tuple(filters), classes
        self.downs = [ConvBlock(f) for f in filters]
        self.pool = layers.MaxPooling2D()
        self.middle = ConvBlock(8)
        self.ups = [layers.Conv2DTranspose(f, 2, strides=2) for f in reversed(filters)]
        self.merges = [ConvBlock(f) for f in reversed(filters)]
        self.head = layers.Conv2D(classes, 1, activation="sigmoid")

    def call(self, x, training=None):
        skips = []
        for down in self.downs:
            x = down(x, training=training)
            skips.append(x)
            x = self.pool(x)
        x = self.middle(x, training=training)
        for up, merge, skip in zip(self.ups, self.merges, reversed(skips), strict=True):
            x = merge(ops.concatenate([up(x), skip], axis=-1), training=training)
        return self.head(x)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "classes": self.classes}


class Sampling(layers.Layer):
    """Draws in training, and gives the mean else."""

    def call(self, inputs, training=False):
        z_mean, z_log_var = inputs
        if training:
            epsilon = keras.random.normal(shape=ops.shape(z_mean))
            return z_mean + ops.exp(0.5 * z_log_var) * epsilon
        return z_mean


class Encoder(layers.Layer):
    def __init__(self, latent_dim=2, name="encoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.conv = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")
        self.flatten = layers.Flatten()
        self.dense_mean = layers.Dense(latent_dim)
        self.dense_log_var = layers.Dense(latent_dim)
        self.sampling = Sampling()

    def call(self, inputs):
        x = self.flatten(self.conv(inputs))
        z_mean, z_log_var = self.dense_mean(x), self.dense_log_var(x)
        return z_mean, z_log_var, self.sampling((z_mean, z_log_var))


class Decoder(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(2 * 2 * 4, activation="relu")
        self.up = layers.Conv2DTranspose(1, 3, strides=2, padding="same", activation="sigmoid")

    def call(self, z):
        return self.up(ops.reshape(self.dense(z), (-1, 2, 2, 4)))


class VAE(keras.Model):
    """With a loss in `call` that nothing needs when it predicts, and `train_step`."""

    def __init__(self, latent_dim=2, name="autoencoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.latent_dim = latent_dim
        self.encoder = Encoder(latent_dim=latent_dim)
        self.decoder = Decoder()

    def call(self, inputs):
        z_mean, z_log_var, z = self.encoder(inputs)
        reconstructed = self.decoder(z)
        kl_loss = -0.5 * ops.mean(z_log_var - ops.square(z_mean) - ops.exp(z_log_var) + 1)
        self.add_loss(kl_loss)
        return reconstructed


class CustomFit(keras.Model):
    """Made of inputs and outputs, for the sake of its own `train_step`."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")

    def train_step(self, data):
        raise NotImplementedError

    @property
    def metrics(self):
        return [self.loss_tracker]


class FunctionalInside(keras.Model):
    """Draws its graph in the constructor."""

    def __init__(self, units=4, **kwargs):
        inputs = keras.Input((6, 6, 2), name="image")
        x = layers.Conv2D(units, 3, activation="relu", name="conv")(inputs)
        outputs = layers.Dense(3, name="dense")(layers.GlobalAveragePooling2D(name="pool")(x))
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.units = units

    def get_config(self):
        return {"units": self.units, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


class TwoHeads(keras.Model):
    """Takes a dict and returns one."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(4, 3, activation="relu")
        self.pool = layers.GlobalAveragePooling2D()
        self.embed = layers.Dense(4)
        self.heads = {"mask": layers.Conv2D(1, 1), "score": layers.Dense(2)}

    def call(self, inputs):
        features = self.conv(inputs["image"])
        code = ops.concatenate([self.pool(features), self.embed(inputs["table"])], axis=-1)
        return {"mask": self.heads["mask"](features), "score": self.heads["score"](code)}


class Pair(keras.Model):
    """Takes a list and returns a list: one backbone on two images."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.backbone = keras.Sequential([layers.Conv2D(4, 3), layers.GlobalMaxPooling2D()])
        self.head = layers.Dense(1)

    def call(self, inputs):
        left, right = (self.backbone(x) for x in inputs)
        return [self.head(ops.abs(left - right)), left]


class Ensemble(keras.Model):
    """Is a model of subclassed models."""

    def __init__(self, count=3, **kwargs):
        super().__init__(**kwargs)
        self.count = count
        self.members = [MLP(name=f"member_{i}") for i in range(count)]
        self.weigh = self.add_weight(shape=(count,), initializer="ones", name="weigh")

    def call(self, x):
        outputs = [member(x) * self.weigh[i] for i, member in enumerate(self.members)]
        return ops.mean(ops.stack(outputs), axis=0)


class Wide(keras.Model):
    """Has a `build` of its own, and layers made in it."""

    def build(self, input_shape):
        self.conv = layers.Conv2D(input_shape[-1] * 2, 3, padding="same", name="wide")
        self.conv.build(input_shape)
        self.scale = self.add_weight(shape=(1, 1, 1, input_shape[-1] * 2), name="scale")
        self.built = True

    def call(self, x):
        return self.conv(x) * self.scale


def custom_fit():
    inputs = keras.Input((None, None, 3))
    x = ConvBlock(4)(inputs)
    return CustomFit(inputs, layers.GlobalAveragePooling2D()(x))


def nested():
    inputs = keras.Input((8, 8, 3))
    x = UNet((4,), 3, name="unet")(inputs)
    return keras.Model(inputs, MLP(name="mlp")(layers.Flatten()(x)))


def in_sequential():
    return keras.Sequential(
        [keras.Input((6, 6, 3)), ConvBlock(4), layers.GlobalAveragePooling2D(), MLP()]
    )


CASES = {
    "mlp": (MLP, [(5,)]),
    "u_net": (UNet, [(8, 12, 3), (4, 8, 3)]),
    "variational_autoencoder": (VAE, [(4, 4, 1)]),
    "own_train_step": (custom_fit, [(6, 5, 3), (4, 7, 3)]),
    "functional_inside": (FunctionalInside, [(6, 6, 2)]),
    "dict_in_and_out": (TwoHeads, [{"image": (5, 6, 2), "table": (3,)}]),
    "list_in_and_out": (Pair, [[(5, 6, 2), (5, 6, 2)]]),
    "ensemble": (Ensemble, [(5,)]),
    "own_build": (Wide, [(5, 6, 2), (7, 4, 2)]),
    "nested": (nested, [(8, 8, 3)]),
    "in_sequential": (in_sequential, [(6, 6, 3)]),
}
