"""What stands at the ends of networks: boxes, capsules, distances, pyramids."""

import keras
import numpy as np
from keras import layers, ops


def alone(layer, shape):
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


class DecodeBoxes(layers.Layer):
    """Corners of boxes from what a network says of each anchor."""

    def __init__(self, size, stride, clip=True, **kwargs):
        super().__init__(**kwargs)
        self.size, self.stride, self.clip = size, stride, clip
        centers = (np.arange(size) + 0.5) * stride
        grid = np.stack(np.meshgrid(centers, centers), axis=-1).reshape(-1, 2)
        self.anchors = np.concatenate([grid, np.full_like(grid, 2.0 * stride)], -1).astype(
            "float32"
        )
        self.variance = np.array([0.1, 0.1, 0.2, 0.2], dtype="float32")

    def call(self, predictions):
        boxes = predictions[..., :4] * self.variance
        centers = boxes[..., :2] * self.anchors[:, 2:] + self.anchors[:, :2]
        sizes = ops.exp(boxes[..., 2:]) * self.anchors[:, 2:]
        corners = ops.concatenate([centers - sizes / 2, centers + sizes / 2], axis=-1)
        if self.clip:
            corners = ops.clip(corners, 0, self.size * self.stride)
        return {"boxes": corners, "scores": ops.sigmoid(predictions[..., 4:])}

    def get_config(self):
        own = {"size": self.size, "stride": self.stride, "clip": self.clip}
        return {**super().get_config(), **own}


class YoloDecode(layers.Layer):
    def __init__(self, anchors, classes, **kwargs):
        super().__init__(**kwargs)
        self.anchors = [tuple(anchor) for anchor in anchors]
        self.classes = classes

    def call(self, x):
        h, w = x.shape[1:3]
        n = len(self.anchors)
        x = ops.reshape(x, (-1, h, w, n, 5 + self.classes))
        xy, wh, confidence, probabilities = ops.split(x, [2, 4, 5], axis=-1)
        grid_y, grid_x = np.mgrid[:h, :w]
        grid = np.stack([grid_x, grid_y], axis=-1)[:, :, None].astype("float32")
        xy = (ops.sigmoid(xy) + grid) / ops.cast(ops.array([w, h]), "float32")
        wh = ops.exp(wh) * ops.convert_to_tensor(self.anchors, dtype="float32")
        boxes = ops.concatenate([xy - wh / 2, xy + wh / 2], axis=-1)
        scores = ops.sigmoid(confidence) * ops.softmax(probabilities)
        return ops.reshape(boxes, (-1, h * w * n, 4)), ops.reshape(
            scores, (-1, h * w * n, self.classes)
        )

    def get_config(self):
        return {**super().get_config(), "anchors": self.anchors, "classes": self.classes}


class DistributionFocal(layers.Layer):
    """Each side of a box is the mean of a distribution (YOLOv8)."""

    def __init__(self, bins=4, **kwargs):
        super().__init__(**kwargs)
        self.bins = bins

    def call(self, x):
        x = ops.reshape(x, (-1, x.shape[1], 4, self.bins))
        x = ops.softmax(x, axis=-1)
        return ops.sum(x * ops.arange(self.bins, dtype="float32"), axis=-1)

    def get_config(self):
        return {**super().get_config(), "bins": self.bins}


def squash(vectors, axis=-1):
    norm = ops.sum(ops.square(vectors), axis, keepdims=True)
    return norm / (1 + norm) / ops.sqrt(norm + 1e-7) * vectors


class CapsuleLayer(layers.Layer):
    """Routing by agreement, three times."""

    def __init__(self, num_capsule, dim_capsule, routings=3, **kwargs):
        super().__init__(**kwargs)
        self.num_capsule, self.dim_capsule, self.routings = num_capsule, dim_capsule, routings

    def build(self, input_shape):
        assert len(input_shape) >= 3, "The input must be of shape [None, capsules, dim]"
        self.input_num_capsule = input_shape[1]
        self.input_dim_capsule = input_shape[2]
        self.W = self.add_weight(
            shape=[
                self.num_capsule,
                self.input_num_capsule,
                self.dim_capsule,
                self.input_dim_capsule,
            ],
            initializer="glorot_uniform",
            name="W",
        )
        self.built = True

    def call(self, inputs, training=None):
        u = ops.einsum("jiod,bid->bjio", self.W, inputs)
        b = ops.zeros_like(u[..., 0])
        assert self.routings > 0, "The routings should be > 0."
        for i in range(self.routings):
            c = ops.softmax(b, axis=1)
            outputs = squash(ops.einsum("bji,bjio->bjo", c, u))
            if i < self.routings - 1:
                b = b + ops.einsum("bjo,bjio->bji", outputs, u)
        return outputs

    def compute_output_shape(self, input_shape):
        return (None, self.num_capsule, self.dim_capsule)

    def get_config(self):
        config = {
            "num_capsule": self.num_capsule,
            "dim_capsule": self.dim_capsule,
            "routings": self.routings,
        }
        base_config = super().get_config()
        return dict(list(base_config.items()) + list(config.items()))


class Length(layers.Layer):
    def call(self, inputs):
        return ops.sqrt(ops.sum(ops.square(inputs), -1) + keras.backend.epsilon())


class CosineHead(layers.Layer):
    def __init__(self, classes, scale=16.0, **kwargs):
        super().__init__(**kwargs)
        self.classes, self.scale = classes, scale

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.classes), name="w")

    def call(self, x):
        x = ops.normalize(x, order=2, axis=-1)
        w = ops.normalize(self.w, axis=0)
        return self.scale * ops.matmul(x, w)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes, "scale": self.scale}


class ArcFace(layers.Layer):
    """With a margin in training, where labels come, too."""

    def __init__(self, classes, s=8.0, m=0.5, **kwargs):
        super().__init__(**kwargs)
        self.classes, self.s, self.m = classes, s, m

    def build(self, input_shape):
        self.W = self.add_weight(name="W", shape=(input_shape[-1], self.classes))

    def call(self, inputs, labels=None, training=None):
        x = inputs / ops.norm(inputs, axis=1, keepdims=True)
        w = self.W / ops.norm(self.W, axis=0, keepdims=True)
        logits = x @ w
        if labels is not None and training:
            logits = ops.cos(ops.arccos(logits) + labels * self.m)
        return ops.softmax(logits * self.s)

    def get_config(self):
        return {**super().get_config(), "classes": self.classes, "s": self.s, "m": self.m}


class Prototypes(layers.Layer):
    """Negative squared distances to centers, and the nearest of them."""

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def build(self, input_shape):
        self.centers = self.add_weight(
            name="centers",
            shape=(self.count, int(input_shape[1])),
            initializer=keras.initializers.RandomUniform(0.0, 1.0),
        )
        self.betas = self.add_weight(name="betas", shape=(self.count,), initializer="ones")

    def call(self, x):
        apart = ops.expand_dims(self.centers, 0) - ops.expand_dims(x, 1)
        return ops.exp(-1 * self.betas * ops.sum(apart**2, axis=-1))

    def get_config(self):
        return {**super().get_config(), "count": self.count}


class VectorQuantizer(layers.Layer):
    """The nearest code of a book; as Keras' code example has it."""

    def __init__(self, num_embeddings, embedding_dim, **kwargs):
        super().__init__(**kwargs)
        self.embedding_dim, self.num_embeddings = embedding_dim, num_embeddings

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.embedding_dim, self.num_embeddings), name="embeddings_vqvae"
        )

    def call(self, x):
        codes = ops.transpose(self.embeddings)
        distances = (
            ops.sum(x**2, axis=-1, keepdims=True)
            + ops.sum(self.embeddings**2, axis=0)
            - 2 * ops.matmul(x, self.embeddings)
        )
        nearest = ops.argmin(distances, axis=-1)
        return ops.matmul(ops.one_hot(nearest, self.num_embeddings), codes)

    def get_config(self):
        own = {"num_embeddings": self.num_embeddings, "embedding_dim": self.embedding_dim}
        return {**super().get_config(), **own}


class FeaturePyramid(layers.Layer):
    """Three scales in a list come in, and three go out."""

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.laterals = [layers.Conv2D(filters, 1) for _ in range(3)]
        self.outputs_ = [layers.Conv2D(filters, 3, padding="same") for _ in range(3)]
        self.upsample = layers.UpSampling2D(2)

    def call(self, features):
        c3, c4, c5 = [conv(x) for conv, x in zip(self.laterals, features, strict=True)]
        p4 = c4 + self.upsample(c5)
        p3 = c3 + self.upsample(p4)
        return [conv(x) for conv, x in zip(self.outputs_, (p3, p4, c5), strict=True)]

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


class WeightedAdd(layers.Layer):
    """The fast normalized fusion of BiFPN."""

    def __init__(self, epsilon=1e-4, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        count = len(input_shape)
        self.w = self.add_weight(
            name=self.name + "_w",
            shape=(count,),
            initializer=keras.initializers.Constant(1 / count),
            trainable=True,
        )

    def call(self, inputs):
        w = ops.relu(self.w)
        x = 0
        for i, tensor in enumerate(inputs):
            x = x + w[i] * tensor
        return x / (ops.sum(w) + self.epsilon)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


class Distance(layers.Layer):
    """Of two embeddings, given one by one."""

    def call(self, anchor, other):
        return ops.sqrt(ops.maximum(ops.sum(ops.square(anchor - other), 1, True), 1e-7))


def capsules():
    inputs = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, activation="relu")(inputs)
    x = layers.Conv2D(8, 3, strides=2)(x)
    x = layers.Reshape((-1, 4))(x)
    x = CapsuleLayer(3, 4)(x)
    return keras.Model(inputs, Length(name="length")(x))


def pyramid():
    inputs = keras.Input((16, 8, 2))
    c3 = layers.Conv2D(3, 3, strides=2, padding="same")(inputs)
    c4 = layers.Conv2D(4, 3, strides=2, padding="same")(c3)
    c5 = layers.Conv2D(5, 3, strides=2, padding="same")(c4)
    return keras.Model(inputs, FeaturePyramid(4)([c3, c4, c5]))


def fused():
    inputs = [keras.Input((4, 4, 3), name=f"in{i}") for i in range(3)]
    return keras.Model(inputs, WeightedAdd(name="fuse")(inputs))


def siamese():
    embed = keras.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(5)])
    left, right = keras.Input((5, 5, 2), name="left"), keras.Input((5, 5, 2), name="right")
    return keras.Model([left, right], Distance()(embed(left), embed(right)))


CASES = {
    "decode_boxes": (lambda: alone(DecodeBoxes(3, 8), (9, 6)), [(9, 6)]),
    "yolo_decode": (
        lambda: alone(YoloDecode([(0.1, 0.2), (0.3, 0.4)], 3), (3, 4, 16)),
        [(3, 4, 16)],
    ),
    "distribution_focal": (lambda: alone(DistributionFocal(4), (5, 16)), [(5, 16)]),
    "capsules": (capsules, [(8, 8, 1)]),
    "cosine_head": (lambda: alone(CosineHead(4), (6,)), [(6,)]),
    "arc_face": (lambda: alone(ArcFace(4), (6,)), [(6,)]),
    "prototypes": (lambda: alone(Prototypes(4), (6,)), [(6,)]),
    "vector_quantizer": (lambda: alone(VectorQuantizer(7, 4), (3, 3, 4)), [(3, 3, 4)]),
    "feature_pyramid": (pyramid, [(16, 8, 2)]),
    "weighted_add": (fused, [[(4, 4, 3)] * 3]),
    "siamese": (siamese, [[(5, 5, 2)] * 2]),
}
