"""Random layers on tensors of any rank."""

from __future__ import annotations

from keras import layers

from fuzz.draw import ACTIVATIONS, Draw, Shape


def _axis(draw: Draw, shape: Shape) -> int:
    """Choose an axis of known size, the last most of the time."""
    known = [axis for axis in range(1, len(shape)) if shape[axis] is not None]
    return draw.one((-1, -1, draw.one(known))) if shape[-1] is not None else draw.one(known)


def dense(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.Dense(draw.integer(1, 8), draw.activation(), use_bias=draw.chance(0.8))


def batch_normalization(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.BatchNormalization(
        axis=_axis(draw, shape),
        epsilon=draw.one((1e-3, 1.001e-5, 0.1)),
        center=draw.chance(0.8),
        scale=draw.chance(0.8),
    )


def other_normalization(draw: Draw, shape: Shape) -> layers.Layer:
    axis = _axis(draw, shape)
    channels = shape[axis] or 1
    groups = draw.one([g for g in (1, 2, 3, channels, -1) if channels % g == 0])
    several = [-1] if len(shape) == 2 or None in shape[1:] else draw.one(([-1], [-2, -1]))
    return draw.one(
        (
            lambda: layers.LayerNormalization(
                axis=draw.one((axis, several)),
                # Smaller ones divide rounding errors by themselves where few channels are alike.
                epsilon=draw.one((1e-3, 1e-2)),
                center=draw.chance(0.7),
                scale=draw.chance(0.7),
            ),
            lambda: layers.GroupNormalization(groups, axis=axis, scale=draw.chance(0.7)),
            lambda: layers.UnitNormalization(axis=draw.one((axis, several))),
            lambda: layers.RMSNormalization(axis=draw.one((-1, several))),
        )
    )()


def activation(draw: Draw, shape: Shape) -> layers.Layer:
    return layers.Activation(draw.one(ACTIVATIONS))


def activation_layer(draw: Draw, shape: Shape) -> layers.Layer:
    shared = draw.some(range(1, len(shape)), draw.integer(0, len(shape) - 1))
    unknown = [axis for axis in range(1, len(shape)) if shape[axis] is None]
    axis = _axis(draw, shape)
    limit = draw.one((None, draw.number(0.5, 3)))
    return draw.one(
        (
            lambda: layers.ReLU(
                limit,
                negative_slope=draw.one((0.0, draw.number(0, 0.5))),
                threshold=draw.one((0.0, draw.number(0, 0.4))),
            ),
            lambda: layers.LeakyReLU(negative_slope=draw.number(0, 0.5)),
            lambda: layers.PReLU(shared_axes=sorted({*shared, *unknown}) or None),
            lambda: layers.ELU(alpha=draw.number(0.2, 2)),
            lambda: layers.Softmax(
                axis=draw.one((-1, axis, [-1, 1] if len(shape) > 2 else axis)),
            ),
        )
    )()


def scaling(draw: Draw, shape: Shape) -> layers.Layer:
    channels = shape[-1] or 1
    per_channel = [draw.number(0.3, 2) for _ in range(channels)]
    shifts = [draw.number(-1, 1) for _ in range(channels)]
    return draw.one(
        (
            lambda: layers.Rescaling(draw.number(0.2, 2), draw.one((0.0, -1.0, 0.5))),
            lambda: layers.Rescaling(per_channel, shifts),
            lambda: layers.Normalization(axis=-1),
            lambda: layers.Normalization(axis=None),
            lambda: layers.Normalization(axis=-1, mean=shifts, variance=per_channel),
            lambda: layers.Normalization(axis=-1, mean=shifts, variance=per_channel, invert=True),
        )
    )()


def nothing_at_inference(draw: Draw, shape: Shape) -> layers.Layer:
    return draw.one(
        (
            lambda: layers.Dropout(0.4),
            lambda: layers.GaussianNoise(0.3),
            lambda: layers.GaussianDropout(0.3),
            lambda: layers.AlphaDropout(0.2),
            lambda: layers.ActivityRegularization(l2=0.1),
            layers.Identity,
        )
    )()


def flatten(draw: Draw, shape: Shape) -> layers.Layer | None:
    if None in shape[1:]:
        return None
    return layers.Flatten(**draw.data_format())


def permute(draw: Draw, shape: Shape) -> layers.Layer:
    axes = range(1, len(shape))
    return layers.Permute(tuple(draw.some(axes, len(axes))))


MAKERS = (
    (dense, 3),
    (batch_normalization, 3),
    (other_normalization, 3),
    (activation, 3),
    (activation_layer, 3),
    (scaling, 1),
    (nothing_at_inference, 1),
    (flatten, 1),
    (permute, 1),
)
