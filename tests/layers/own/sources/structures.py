"""What layers may be made of, and what goes in and comes out."""

import keras
import numpy as np
from keras import layers, ops


def alone(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


class InContainers(layers.Layer):
    """Has layers in lists, dicts, tuples and lists of these."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stages = [[layers.Dense(4), layers.Dense(4)], [layers.Dense(4)]]
        self.named = {"up": layers.Dense(6), "down": layers.Dense(4), "acts": [layers.ReLU()]}
        self.pair = (layers.Dense(4), layers.LayerNormalization())
        self._private = layers.Dense(4)

    def build(self, input_shape):
        self.late = [layers.Dense(4)]
        self.late.append(layers.Dense(4, use_bias=False))
        self.late += [layers.Dense(4)]
        self.late.insert(0, layers.Dense(4))
        self.named.update({"last": layers.Dense(4)})

    def call(self, x):
        for stage in self.stages:
            for layer in stage:
                x = ops.tanh(layer(x))
        x = self.named["acts"][0](self.named["down"](self.named["up"](x)))
        for layer in (*self.pair, *self.late, self._private):
            x = layer(x)
        return self.named["last"](x)


class Halves(layers.Layer):
    """Returns a tuple."""

    def call(self, x):
        left, right = ops.split(x, 2, axis=-1)
        return left, right


class Statistics(layers.Layer):
    """Returns a dict, whose keys are not in order."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(3)

    def call(self, x):
        y = self.dense(x)
        return {"second": ops.max(y, axis=-1, keepdims=True), "first": y, "mean": ops.mean(y, -1)}


class Modulate(layers.Layer):
    """Takes tensors by keyword, and builds for the shape of each (FiLM)."""

    def build(self, x_shape, condition_shape):
        self.to_scale = layers.Dense(x_shape[-1])
        self.to_shift = layers.Dense(x_shape[-1])
        self.to_scale.build(condition_shape)
        self.to_shift.build(condition_shape)

    def call(self, x, condition, scale_by=1.0):
        scale = self.to_scale(condition)[:, None, None, :]
        shift = self.to_shift(condition)[:, None, None, :]
        return x * (scale_by + scale) + shift


class Routed(layers.Layer):
    """Takes a dict of tensors and returns nested structures."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.image = layers.Conv2D(3, 3)
        self.table = layers.Dense(3)

    def call(self, inputs):
        image = ops.mean(self.image(inputs["image"]), axis=(1, 2))
        table = self.table(inputs["table"])
        return {"sum": image + table, "both": [image, table]}


class Tied(layers.Layer):
    """Uses one weight twice, the second time turned around, and one layer three times."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.shared = layers.Dense(units, activation="tanh")

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.shared.build((None, self.units))
        self.mean = self.add_weight(
            shape=(self.units,), initializer="ones", trainable=False, name="mean"
        )

    def call(self, x):
        code = ops.dot(x, self.kernel) - self.mean
        for _ in range(3):
            code = self.shared(code)
        return ops.matmul(code, ops.transpose(self.kernel))


class ModelsInside(layers.Layer):
    """Has a `Sequential`, a functional model and another own layer inside."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.stack = keras.Sequential(
            [layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(), layers.ReLU()]
        )
        inputs = keras.Input((None, None, 4))
        x = layers.Conv2D(4, 1)(inputs)
        self.graph = keras.Model(inputs, layers.add([x, inputs]), name="graph")
        self.modulate = Modulate()

    def call(self, x):
        x = self.graph(self.stack(x))
        return self.modulate(x, condition=ops.mean(x, axis=(1, 2)), scale_by=0.5)


class LayerNormalization(layers.Layer):
    """Goes by the name of one of Keras', with another formula."""

    def __init__(self, order=2, **kwargs):
        super().__init__(**kwargs)
        self.order = order

    def build(self, input_shape):
        self.gamma = self.add_weight(shape=(input_shape[-1],), name="gamma")

    def call(self, x):
        return x / (1.0 + ops.sum(ops.abs(x), axis=-1, keepdims=True)) ** self.order * self.gamma

    def get_config(self):
        return {**super().get_config(), "order": self.order}


@keras.saving.register_keras_serializable(package="corpus")
class Registered(layers.Layer):
    """Its arguments are found by the constructor's signature."""

    def __init__(self, units, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(units)
        self.factor = factor

    def call(self, x):
        return self.dense(x) * self.factor


@keras.saving.register_keras_serializable(package="corpus")
def snake(x):
    return x + ops.square(ops.sin(x))


@keras.saving.register_keras_serializable(package="corpus")
class Ramp(keras.initializers.Initializer):
    def __init__(self, step):
        self.step = step

    def __call__(self, shape, dtype=None, **kwargs):
        return ops.reshape(ops.arange(int(np.prod(shape)), dtype="float32") * self.step, shape)

    def get_config(self):
        return {"step": self.step}


@keras.saving.register_keras_serializable(package="corpus")
class Orthogonality(keras.regularizers.Regularizer):
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, w):
        return self.factor * ops.sum(ops.square(w))

    def get_config(self):
        return {"factor": self.factor}


class WithOwnParts(layers.Layer):
    """Has an activation, an initializer and a regularizer of the user's."""

    def __init__(self, units, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.dense = layers.Dense(units, activation=snake, kernel_regularizer=Orthogonality(0.1))

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=Ramp(0.05),
            regularizer=Orthogonality(0.2),
            constraint=keras.constraints.NonNeg(),
            name="kernel",
        )

    def call(self, x):
        return self.dense(self.activation(ops.matmul(x, self.kernel)))

    def get_config(self):
        config = {
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
        }
        return {**super().get_config(), **config}


class ScaledDense(layers.Dense):
    """Does what `Dense` does, and a factor behind it."""

    def __init__(self, units, factor=3.0, **kwargs):
        super().__init__(units, **kwargs)
        self.factor = factor

    def call(self, inputs):
        return self.factor * super().call(inputs)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class SymmetricConv(layers.Conv2D):
    """Builds one weight more, and uses `kernel` in its own way."""

    def build(self, input_shape):
        super().build(input_shape)
        self.gain = self.add_weight(shape=(self.filters,), initializer="ones", name="gain")

    def call(self, inputs):
        both = (self.kernel + ops.flip(self.kernel, axis=1)) / 2
        y = ops.conv(inputs, both * self.gain, strides=1, padding="same")
        return ops.relu(y + self.bias)

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["gain"] = ops.convert_to_numpy(self.gain)

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self.gain.assign(store["gain"])


class GatedReLU(layers.ReLU):
    """Builds a weight where Keras' layer has none."""

    def build(self, input_shape):
        self.gain = self.add_weight(shape=input_shape[-1:], initializer="ones", name="gain")

    def call(self, inputs):
        return super().call(inputs) * self.gain


class PooledTwice(layers.MaxPooling2D):
    """Learns in `build` how many channels there are."""

    def build(self, input_shape):
        self.scale = 1.0 / input_shape[-1]

    def call(self, inputs):
        return super().call(super().call(inputs)) * self.scale


class OpenedConv(layers.Conv2D):
    """Changes an argument alone."""

    def __init__(self, filters, **kwargs):
        kwargs.setdefault("padding", "same")
        super().__init__(filters, 3, **kwargs)

    def get_config(self):
        config = super().get_config()
        config.pop("kernel_size")
        return config


class ExciteAround(layers.Wrapper):
    """Squeeze and excite around any layer."""

    def __init__(self, layer, ratio=2, **kwargs):
        super().__init__(layer, **kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        super().build(input_shape)
        channels = self.layer.compute_output_shape(input_shape)[-1]
        self.down = layers.Dense(channels // self.ratio, activation="relu")
        self.up = layers.Dense(channels, activation="sigmoid")
        self.down.build((None, channels))
        self.up.build((None, channels // self.ratio))

    def call(self, x):
        y = self.layer(x)
        scale = self.up(self.down(ops.mean(y, axis=(1, 2))))
        return y * scale[:, None, None]

    def get_config(self):
        return {**super().get_config(), "ratio": self.ratio}


class Checked(layers.Layer):
    """Says what it takes, and has what it needs as properties and constants."""

    limits = (0.0, 6.0)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = layers.InputSpec(shape=(None, None, None, 4))
        self.supports_masking = True

    @property
    def span(self):
        return self.limits[1] - self.limits[0]

    def build(self, input_shape):
        self.input_spec = layers.InputSpec(min_ndim=3, max_ndim=4, axes={-1: input_shape[-1]})
        self.means = np.linspace(-1, 1, input_shape[-1], dtype="float32")
        super().build(input_shape)

    def call(self, x, training=None, mask=None):
        return ops.clip(x - self.means, *self.limits) / self.span


def halves_in_use():
    inputs = keras.Input((6,))
    left, right = Halves()(inputs)
    return keras.Model(inputs, [layers.Dense(2)(left), layers.Dense(3)(right)])


def by_keyword():
    image, code = keras.Input((None, None, 4), name="image"), keras.Input((3,), name="code")
    return keras.Model([image, code], Modulate()(image, condition=code))


def routed():
    inputs = {
        "image": keras.Input((5, 5, 2), name="image"),
        "table": keras.Input((4,), name="table"),
    }
    return keras.Model(inputs, Routed()(inputs))


CASES = {
    "in_containers": (lambda: alone(InContainers(), (4,)), [(4,)]),
    "tuple_out": (halves_in_use, [(6,)]),
    "dict_out": (lambda: alone(Statistics(), (4,)), [(4,)]),
    "keyword_tensors": (by_keyword, [[(5, 6, 4), (3,)], [(7, 4, 4), (3,)]]),
    "dict_in": (routed, [{"image": (5, 5, 2), "table": (4,)}]),
    "tied_weights": (lambda: alone(Tied(3), (5,)), [(5,)]),
    "models_inside": (lambda: alone(ModelsInside(), (None, None, 4)), [(6, 7, 4), (5, 9, 4)]),
    "name_of_keras": (lambda: alone(LayerNormalization(), (5, 4)), [(5, 4)]),
    "registered": (lambda: alone(Registered(4, factor=0.5), (5,)), [(5,)]),
    "own_parts": (lambda: alone(WithOwnParts(4, snake), (5,)), [(5,)]),
    "dense_made_from": (lambda: alone(ScaledDense(4, activation="tanh"), (5,)), [(5,)]),
    "convolution_made_from": (
        lambda: alone(SymmetricConv(4, 3, padding="same"), (None, None, 3)),
        [(6, 5, 3), (4, 7, 3)],
    ),
    "activation_made_from": (lambda: alone(GatedReLU(max_value=0.5), (5, 4)), [(5, 4)]),
    "pooling_made_from": (lambda: alone(PooledTwice(2), (8, 8, 3)), [(8, 8, 3)]),
    "other_constructor": (lambda: alone(OpenedConv(4), (None, None, 3)), [(6, 5, 3), (4, 7, 3)]),
    "wrapper": (
        lambda: alone(ExciteAround(layers.Conv2D(4, 3)), (None, None, 3)),
        [(6, 5, 3), (4, 7, 3)],
    ),
    "checked": (lambda: alone(Checked(), (None, None, 4)), [(6, 5, 4), (4, 7, 4)]),
}
