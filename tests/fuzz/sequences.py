"""Random layers on sequences (rank 3) and on rows (rank 2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from fuzz.draw import Draw, Shape


def _strides_or_dilation(draw: Draw) -> dict[str, Any]:
    return draw.one(({}, {"strides": draw.integer(1, 3)}, {"dilation_rate": draw.integer(1, 3)}))


def conv(draw: Draw, shape: Shape) -> layers.Layer:
    padding = draw.one(("valid", "same", "causal"))
    chosen = {} if padding == "causal" else draw.data_format()
    channels = int(shape[1 if chosen else -1] or 1)
    groups = draw.one([g for g in (1, 1, 2, channels) if channels % g == 0 and g < 9])
    return layers.Conv1D(
        groups * draw.integer(1, 4),
        draw.integer(1, 4),
        padding=padding,
        groups=groups,
        activation=draw.activation(),
        use_bias=draw.chance(0.7),
        **_strides_or_dilation(draw),
        **chosen,
    )


def depthwise(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.DepthwiseConv1D(
        draw.integer(1, 4),
        padding=draw.padding(),
        depth_multiplier=draw.integer(1, 2),
        activation=draw.activation(),
        **_strides_or_dilation(draw),
        **draw.data_format(),
    )


def separable(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.SeparableConv1D(
        draw.integer(1, 5),
        draw.integer(1, 3),
        strides=draw.integer(1, 2),
        padding=draw.padding(),
        activation=draw.activation(),
        **draw.data_format(),
    )


def transpose(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.Conv1DTranspose(
        draw.integer(1, 5),
        draw.integer(1, 4),
        strides=draw.integer(1, 3),
        padding=draw.padding(),
        activation=draw.activation(),
        use_bias=draw.chance(0.7),
        **draw.data_format(),
    )


def pool(draw: Draw, shape: Shape) -> layers.Layer:
    cls = draw.one((layers.MaxPooling1D, layers.AveragePooling1D))
    strides = draw.one((None, draw.integer(1, 3)))
    return cls(draw.integer(1, 3), strides, padding=draw.padding(), **draw.data_format())


def global_pool(draw: Draw, shape: Shape) -> layers.Layer:
    cls = draw.one((layers.GlobalMaxPooling1D, layers.GlobalAveragePooling1D))
    return cls(keepdims=draw.chance(0.4), **draw.data_format())


def adaptive_pool(draw: Draw, shape: Shape) -> layers.Layer:
    cls = draw.one((layers.AdaptiveMaxPooling1D, layers.AdaptiveAveragePooling1D))
    return cls(draw.integer(1, 5), **draw.data_format())


def size(draw: Draw, shape: Shape) -> layers.Layer:
    edges = draw.one((draw.integer(0, 2), (draw.integer(0, 2), draw.integer(0, 2))))
    return draw.one(
        (
            lambda: layers.UpSampling1D(draw.integer(1, 3)),
            lambda: layers.ZeroPadding1D(edges, **draw.data_format()),
            lambda: layers.Cropping1D(edges),
            lambda: layers.SpatialDropout1D(0.3),
        )
    )()


def recurrent(draw: Draw, shape: Shape) -> layers.Layer:
    cls = draw.one((layers.LSTM, layers.GRU))
    more: dict[str, Any] = {}
    if cls is layers.GRU:
        more["reset_after"] = draw.chance(0.6)
    elif draw.chance(0.2):
        more["unit_forget_bias"] = False
    if draw.chance(0.25):
        more["activation"] = draw.one(("relu", "sigmoid", "hard_tanh", "linear"))
        more["recurrent_activation"] = draw.one(("hard_sigmoid", "tanh", "sigmoid"))
    layer = cls(
        draw.integer(1, 5),
        return_sequences=draw.chance(0.5),
        use_bias=draw.chance(0.8),
        go_backwards=draw.chance(0.25),
        **more,
    )
    if not draw.chance(0.35):
        return layer
    layer.go_backwards = False
    return layers.Bidirectional(layer, merge_mode=draw.one(("concat", "sum", "mul", "ave")))


def masking(draw: Draw, shape: Shape) -> layers.Layer:
    """Mask steps whose numbers are all 0, of which inputs have some."""
    return layers.Masking()


def with_states(draw: Draw, x: Any, pool: Sequence[Any]) -> Any:
    """Return a sequence, or what is left of it, that goes on from the states of another."""
    units, cls = draw.integer(1, 4), draw.one((layers.LSTM, layers.GRU, layers.SimpleRNN))
    cells = [draw.one((layers.LSTMCell, layers.GRUCell))(draw.integer(1, 4)) for _ in range(2)]
    if draw.chance(0.3):
        return layers.RNN(cells, return_sequences=draw.chance(0.5))(x)
    _, *states = cls(units, return_state=True, return_sequences=draw.chance(0.5))(x)
    others = [y for y in pool if len(y.shape) == 3] or [x]
    after = cls(units, return_sequences=draw.chance(0.5), go_backwards=draw.chance(0.2))
    return after(draw.one(others), initial_state=states)


def time_distributed(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.TimeDistributed(layers.Dense(draw.integer(1, 5), draw.activation()))


def to_image(draw: Draw, shape: Shape) -> layers.Layer | None:
    if None in shape[1:]:
        return None
    _, length, channels = shape
    return layers.Reshape((length, 1, channels))


def row_to_image(draw: Draw, shape: Shape) -> layers.Layer | None:
    size = shape[1]
    if size is None:
        return None
    if draw.chance(0.5):
        return layers.RepeatVector(draw.integer(1, 5))
    height = draw.one([n for n in range(1, size + 1) if size % n == 0])
    return layers.Reshape(draw.one(((height, -1), (height, size // height, 1))))


SEQUENCE_MAKERS = (
    (conv, 5),
    (depthwise, 2),
    (separable, 2),
    (transpose, 2),
    (pool, 3),
    (global_pool, 1),
    (adaptive_pool, 1),
    (size, 2),
    (recurrent, 4),
    (masking, 2),
    (time_distributed, 1),
    (to_image, 1),
)
ROW_MAKERS = ((row_to_image, 1),)
