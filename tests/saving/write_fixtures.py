"""Write the files of `fixtures/`: small models as tf.keras 2 saves them, and what they predict.

``python write_fixtures.py DIRECTORY`` writes those of the Keras that is installed: run it with
tensorflow 2.12, 2.13 and 2.15, and with tf-keras 2.21, each in an environment of its own. The
tests read only what it wrote. Beside each model stands a `.npz` with its inputs (``x0``, ``x1``,
…) and what `predict` returned (``y0``, …); a dictionary's have its keys in place of the numbers.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

try:
    import tf_keras as keras
except ImportError:
    from tensorflow import keras

layers = keras.layers
VERSION = getattr(keras, "__version__", tf.__version__)
Build = Callable[[], Any]
MODELS: dict[str, Build] = {}


def fixture(*names: str) -> Callable[[Build], Build]:
    """Register a model under the names of its files."""

    def register(build: Build) -> Build:
        MODELS.update(dict.fromkeys(names, build))
        return build

    return register


@fixture("sequential.h5", "sequential.keras")
def sequential() -> Any:
    return keras.Sequential(
        [
            layers.Conv2D(4, 3, padding="same", input_shape=(9, 8, 3), name="first"),
            layers.BatchNormalization(),
            layers.LeakyReLU(alpha=0.1),
            layers.ZeroPadding2D(((1, 0), (0, 1))),
            layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2, activation="relu6"),
            layers.SeparableConv2D(5, 3, padding="same", activation="swish"),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.AveragePooling2D(2, padding="same"),
            layers.PReLU(shared_axes=[1, 2]),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(6, activation="hard_sigmoid"),
            layers.ThresholdedReLU(theta=0.45),
            layers.Dense(4, activation="softmax"),
        ],
        name="sequential",
    )


@fixture("deferred.h5")
def deferred() -> Any:
    model = keras.Sequential([layers.Conv2D(3, 3), layers.GlobalMaxPooling2D(), layers.Dense(2)])
    model.build((None, 6, 6, 2))
    return model


def _block(x: Any, filters: int, name: str) -> Any:
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_conv")(x)
    y = layers.BatchNormalization(epsilon=1.001e-5, name=f"{name}_bn")(y)
    y = layers.Activation("relu", name=f"{name}_relu")(y)
    return layers.Add(name=f"{name}_add")([x, y])


@fixture("functional.h5", "functional.keras")
def functional() -> Any:
    inputs = keras.Input((8, 7, 3), name="image")
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="stem")(inputs)
    x = _block(x, 4, "a")
    y = layers.MaxPooling2D(2, strides=1, padding="same")(x)
    z = layers.Conv2D(2, 1, activation="elu")(x)
    x = layers.Concatenate(axis=-1)([x, y, z])
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(10, 1, activation="sigmoid")(gate)
    x = layers.Multiply()([x, gate])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x), name="functional")


def _backbone(name: str = "backbone") -> Any:
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, name="conv1")(inputs)
    x = layers.BatchNormalization(name="bn1")(x)
    x = layers.ReLU(6.0, name="relu1")(x)
    y = layers.Conv2D(4, 1, name="conv2")(x)
    return keras.Model(inputs, layers.Add(name="add")([x, y]), name=name)


def _on_backbone(backbone: Any) -> Any:
    inputs = keras.Input((8, 8, 3))
    x = backbone(inputs)
    head = keras.Sequential(
        [layers.Conv2D(3, 3, activation="tanh", input_shape=(6, 6, 4)), layers.Flatten()],
        name="head",
    )
    return keras.Model(inputs, layers.Dense(3)(head(x)))


@fixture("nested.h5", "nested.keras")
def nested() -> Any:
    return _on_backbone(_backbone())


@fixture("nested_in_sequential.h5")
def nested_in_sequential() -> Any:
    return keras.Sequential([_backbone(), layers.GlobalAveragePooling2D(), layers.Dense(2)])


@fixture("nested_twice.h5", "nested_twice.keras")
def nested_twice() -> Any:
    """Models three deep; the outer one gives the output of a model inside."""
    inputs = keras.Input((8, 8, 3))
    middle = keras.Model(inputs, layers.Conv2D(2, 1)(_backbone()(inputs)), name="middle")
    outer = keras.Input((8, 8, 3))
    return keras.Model(outer, middle(outer))


@fixture("frozen_backbone.h5")
def frozen_backbone() -> Any:
    backbone = _backbone()
    backbone.trainable = False
    return _on_backbone(backbone)


@fixture("frozen_layers_inside.h5")
def frozen_layers_inside() -> Any:
    backbone = _backbone()
    backbone.get_layer("conv1").trainable = False
    backbone.get_layer("bn1").trainable = False
    return _on_backbone(backbone)


@fixture("thawed_top.h5")
def thawed_top() -> Any:
    """Freeze the model, then thaw one layer, as fine-tuning does."""
    backbone = _backbone()
    backbone.trainable = False
    backbone.trainable = True
    for layer in backbone.layers[:-2]:
        layer.trainable = False
    return keras.Sequential([backbone, layers.Flatten(), layers.Dense(2)])


@fixture("shared_layer.h5", "shared_layer.keras")
def shared_layer() -> Any:
    left, right = keras.Input((6, 6, 3), name="left"), keras.Input((6, 6, 3), name="right")
    conv = layers.Conv2D(3, 3, padding="same", activation="relu")
    a, b = conv(left), conv(right)
    c = conv(a)
    x = layers.Average()([layers.Subtract()([a, b]), c])
    return keras.Model([left, right], layers.Dense(2)(layers.Flatten()(x)))


@fixture("shared_model.h5", "shared_model.keras")
def shared_model() -> Any:
    left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    tower = _backbone("tower")
    a, b = tower(left), tower(right)
    distance = layers.Dot(axes=1, normalize=True)([layers.Flatten()(a), layers.Flatten()(b)])
    return keras.Model([left, right], [distance, a])


@fixture("several.h5", "several.keras")
def several() -> Any:
    """Several inputs and outputs, of several ranks, not in the order of the layers."""
    image, vector = keras.Input((5, 5, 2), name="image"), keras.Input((3,), name="vector")
    x = layers.Conv2D(3, 2, activation="relu", name="features")(image)
    y = layers.Dense(3, name="embed")(vector)
    z = layers.Concatenate()([layers.GlobalMaxPooling2D()(x), y])
    outputs = [layers.Dense(1, name="value")(z), x, layers.Dense(2, name="kind")(z)]
    return keras.Model([vector, image], outputs)


@fixture("dictionary.h5", "dictionary.keras")
def dictionary() -> Any:
    inputs = {name: keras.Input((4,), name=name) for name in ("b", "a")}
    x = layers.Dense(3)(inputs["a"])
    y = layers.Dense(3)(inputs["b"])
    return keras.Model(inputs, {"sum": layers.Add()([x, y]), "last": x})


@fixture("operations.h5", "operations.keras")
def operations() -> Any:
    """TensorFlow's functions inside the graph, which become `TFOpLambda` layers."""
    inputs = keras.Input((6, 6, 4))
    x = inputs * 2.0 + 0.5
    x = tf.nn.relu(x - 0.25)
    y = tf.concat([x, 1.0 - x, x / 3.0], axis=-1)
    y = layers.Conv2D(4, 1)(y[:, 1:, ::2])
    y = tf.nn.relu6(y + 3.0) * (1.0 / 6.0) * y
    mean = tf.reduce_mean(y, axis=[1, 2], keepdims=True)
    return keras.Model(inputs, tf.clip_by_value(y - mean, -1.0, 1.0))


@fixture("more_operations.h5")
def more_operations() -> Any:
    inputs = keras.Input((4, 4, 4))
    y = tf.transpose(tf.reshape(inputs, [-1, 16, 4]), [0, 2, 1])
    z = tf.sqrt(tf.abs(y)) + tf.square(y) + tf.exp(-y)
    z = tf.maximum(z, 0.5) + tf.sigmoid(y) + tf.tanh(y)
    z = tf.squeeze(tf.expand_dims(z, -1), [-1])
    return keras.Model(inputs, layers.Dense(2)(z))


@fixture("preprocessed.h5")
def preprocessed() -> Any:
    """The preprocessing function of an application as a part of the graph."""
    inputs = keras.Input((6, 6, 3))
    x = keras.applications.imagenet_utils.preprocess_input(inputs, mode="torch")
    y = keras.applications.imagenet_utils.preprocess_input(inputs, mode="tf")
    x = layers.Conv2D(2, 3)(layers.Concatenate()([x, y]))
    return keras.Model(inputs, x)


@fixture("hard_swish.keras")
def hard_swish() -> Any:
    """The activations of MobileNetV3 as `tf.keras` 2 has them."""
    inputs = keras.Input((6, 6, 4))
    x = layers.Conv2D(8, 3, use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Multiply()([x, layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)])
    return keras.Model(inputs, x)


@fixture("transposed.h5")
def transposed() -> Any:
    inputs = keras.Input((5, 6, 4))
    x = layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")(inputs)
    y = layers.Conv2DTranspose(3, 2, strides=2)(inputs)
    z = layers.DepthwiseConv2D(3, padding="same", dilation_rate=2)(inputs)
    z = layers.UpSampling2D()(z)
    x = layers.Concatenate()([x, y, z])
    return keras.Model(inputs, layers.Cropping2D(((1, 2), (0, 1)))(x))


@fixture("synchronized.h5", "synchronized.keras")
def synchronized() -> Any:
    inputs = keras.Input((5, 5, 3))
    x = layers.experimental.SyncBatchNormalization()(inputs)
    x = layers.BatchNormalization(synchronized=True)(x)
    x = layers.LayerNormalization()(layers.Conv2D(4, 2)(x))
    x = layers.GroupNormalization(2)(x)
    return keras.Model(inputs, layers.UnitNormalization()(x))


@fixture("old_normalization.h5")
def old_normalization() -> Any:
    """Batch normalization as TensorFlow 1 names it, and with renormalization."""
    old = tf.compat.v1.keras.layers.BatchNormalization
    inputs = keras.Input((4, 4, 3))
    x = old(renorm=True)(inputs)
    x = old(axis=[-1], scale=False)(x)
    return keras.Model(inputs, x)


@fixture("recurrent.h5", "recurrent.keras")
def recurrent() -> Any:
    """Convolutions, then recurrent layers along the width."""
    inputs = keras.Input((6, 8, 2))
    x = layers.Conv2D(3, 3, padding="same", activation="relu")(inputs)
    x = layers.Permute((2, 1, 3))(x)
    x = layers.Reshape((8, 18))(x)
    x = layers.TimeDistributed(layers.Dense(6, activation="tanh"))(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(x)
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(x))


@fixture("more_recurrent.h5")
def more_recurrent() -> Any:
    inputs = keras.Input((5, 4))
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode="sum")(inputs)
    x = layers.LSTM(4, return_sequences=True, go_backwards=True)(x)
    return keras.Model(inputs, layers.SimpleRNN(4)(x))


@fixture("distributed.h5", "distributed.keras")
def distributed() -> Any:
    """A model for each of several images."""
    inputs = keras.Input((3, 8, 8, 3))
    x = layers.TimeDistributed(_backbone())(inputs)
    x = layers.TimeDistributed(layers.BatchNormalization())(x)
    x = layers.TimeDistributed(layers.GlobalAveragePooling2D())(x)
    return keras.Model(inputs, layers.GRU(3, reset_after=False)(x))


@fixture("preprocessing.keras")
def preprocessing() -> Any:
    normalization = layers.Normalization(axis=-1)
    normalization.adapt(np.random.default_rng(1).normal(3, 2, (50, 8, 8, 3)))
    inputs = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    x = normalization(x)
    x = layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 3.0])(x)
    x = layers.RandomFlip()(x)
    x = layers.RandomRotation(0.1)(x)
    x = layers.RandomZoom(0.1)(x)
    x = layers.RandomContrast(0.1)(x)
    x = layers.CenterCrop(6, 6)(x)
    x = layers.Resizing(5, 7)(x)
    return keras.Model(inputs, layers.Conv2D(2, 3)(x))


@fixture("one_dimension.h5")
def one_dimension() -> Any:
    inputs = keras.Input((12, 3))
    x = layers.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="relu")(inputs)
    x = layers.SeparableConv1D(4, 3, padding="same")(x)
    x = layers.Conv1DTranspose(3, 3, strides=2)(x)
    x = layers.MaxPooling1D(2)(layers.ZeroPadding1D(1)(x))
    x = layers.UpSampling1D(2)(layers.Cropping1D(1)(x))
    y = layers.RepeatVector(4)(layers.GlobalAveragePooling1D()(x))
    return keras.Model(inputs, [x, y])


@fixture("without_model.h5", "without_model.weights.h5")
def without_model() -> Any:
    """Weights alone; the model stands beside them as JSON."""
    return nested()


def _dense_block(x: Any, filters: int, name: str) -> Any:
    y = layers.BatchNormalization(name=f"{name}/bn")(x)
    y = layers.Activation("relu", name=f"{name}/relu")(y)
    y = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}/conv")(y)
    return layers.Concatenate(name=f"{name}")([x, y])


@fixture("paths_in_names.h5", "paths_in_names.keras")
@fixture("without_model_paths.h5", "without_model_paths.weights.h5")
def paths_in_names() -> Any:
    """Names as the DenseNets of Keras 2 have them: of layers, of models and of an input."""
    inputs = keras.Input((6, 6, 3), name="in/put")
    x = layers.Conv2D(4, 3, name="conv1/conv")(inputs)
    x = _dense_block(_dense_block(x, 2, "conv2/block1"), 2, "conv2/block2")
    inner = keras.Sequential([layers.Conv2D(3, 1, name="a/b")], name="head/0")
    return keras.Model(inputs, inner(x), name="dense/net")


@fixture("normalized_kernels.h5", "normalized_kernels.keras")
def normalized_kernels() -> Any:
    normalized = layers.SpectralNormalization
    return keras.Sequential(
        [
            keras.Input((5, 5, 2)),
            normalized(layers.Conv2D(3, 2, activation="relu")),
            layers.Flatten(),
            normalized(layers.Dense(4), trainable=False),
        ]
    )


@fixture("lists.h5")
def lists() -> Any:
    """Lists of tensors, which TensorFlow stacks along a new first axis."""
    inputs = keras.Input((5, 3))
    x, y = layers.Dense(4)(inputs), layers.Dense(4)(inputs)
    merged = [
        tf.reduce_sum([x, y], axis=0),
        tf.reduce_mean([x, y, x], axis=[0]),
        tf.reduce_max([x, y], 0),
        tf.reduce_min((x, y), axis=0),
        tf.reduce_prod([x, y], axis=0),
        tf.concat([x], axis=-1),
    ]
    return keras.Model(inputs, tf.cast(tf.concat(merged, axis=-1), tf.float32))


class LayerNormalization(layers.Layer):
    """Goes by the name of one of Keras', with another formula and the same weights."""

    def build(self, input_shape: Any) -> None:
        self.gamma = self.add_weight("gamma", (input_shape[-1],))
        self.offset = self.add_weight("moving_offset", (input_shape[-1],), trainable=False)
        self.beta = self.add_weight("beta", (input_shape[-1],))

    def call(self, x: Any) -> Any:
        return (tf.tanh(x) - self.offset) * self.gamma + self.beta


class Halves(layers.Layer):
    """Has layers of its own, and two outputs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.second = layers.Dense(4)
        self.first = layers.Dense(4)

    def call(self, x: Any) -> Any:
        return self.second(x) / 2.0, self.first(x)


def mymish(x: Any) -> Any:
    """Go by no name of Keras'."""
    return x * tf.tanh(tf.math.softplus(x)) + 0.25


@fixture("own_layers.h5", "own_layers.keras")
def own_layers() -> Any:
    inputs = keras.Input((4,))
    x = layers.Dense(4, activation=mymish)(inputs)
    x = LayerNormalization(name="mine")(layers.Activation(mymish)(x))
    one, two = Halves(name="two")(x)
    inner = keras.Sequential([LayerNormalization(), layers.Dense(3)], name="inner")
    x = inner(layers.Concatenate()([one, two]))
    return keras.Model(inputs, layers.Lambda(lambda v: v[0] - v[1], name="less")([x, x * 2.0]))


@fixture("through_saved_model.keras")
def through_saved_model() -> Any:
    """What the advice on a SavedModel leads to."""
    with tempfile.TemporaryDirectory() as directory:
        keras.models.save_model(sequential(), directory, save_format="tf")
        return keras.models.load_model(directory)


# What tf-keras 2.21 cannot build.
_NORMALIZED = "normalized_kernels.keras"


def _files() -> list[str]:
    """Name what this version of Keras writes: in each form that has changed, what shows it."""
    version = VERSION.rsplit(".", 1)[0]
    some = {
        "2.12": ["nested.keras", "distributed.keras"],
        "2.13": ["shared_model.keras", "recurrent.keras"],
        "2.15": [*(name for name in MODELS if name.endswith(".h5")), _NORMALIZED],
        "2.21": [name for name in MODELS if name.endswith(".keras") and name != _NORMALIZED],
    }
    return some[version]


def _randomized(model: Any, rng: np.random.Generator) -> Any:
    """Draw all weights anew: variances positive, nothing at its default."""
    for weight in model.weights:
        if weight.dtype.is_integer:
            continue
        positive = "variance" in weight.name or "stddev" in weight.name
        low, high = (0.5, 1.5) if positive else (-0.5, 0.6)
        weight.assign(rng.uniform(low, high, weight.shape).astype("float32"))
    for layer in model.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()  # computes with copies of its weights
    return model


def _named(letter: str, structure: Any) -> dict[str, np.ndarray]:
    if isinstance(structure, dict):
        return {f"{letter}{key}": np.asarray(item) for key, item in structure.items()}
    items = structure if isinstance(structure, list) else [structure]
    return {f"{letter}{i}": np.asarray(item) for i, item in enumerate(items)}


def write_all(directory: Path, names: list[str]) -> None:
    """Write those files of this version of Keras that are not there yet."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not (directory / name).exists():
            write(directory / name)


def write(path: Path) -> None:
    """Write the model that is called as the file, and what it predicts."""
    keras.backend.clear_session()
    rng = np.random.default_rng(len(path.name))
    keras.utils.set_random_seed(1)
    model = _randomized(MODELS[path.name](), rng)
    inputs = tf.nest.map_structure(
        lambda t: rng.normal(size=(2, *t.shape[1:])).astype("float32"), model.input
    )
    outputs = model.predict(inputs, verbose=0)
    if path.name.startswith("without_model"):
        model.save_weights(path)
        path.with_name(f"{path.name}.json").write_text(model.to_json())
    elif path.suffix == ".keras" and VERSION.startswith("2.12"):
        model.save(path, save_format="keras_v3")
    else:
        model.save(path)
    np.savez_compressed(f"{path}.npz", **_named("x", inputs), **_named("y", outputs))


if __name__ == "__main__":
    write_all(Path(sys.argv[1], VERSION), _files())
