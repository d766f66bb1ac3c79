"""Random layers on integers: those that keep them, and those that make floats of them."""

from __future__ import annotations

from keras import layers

from fuzz.draw import Draw, Shape

LARGEST = 255
"""No input has larger integers; the smallest is 0."""


def to_floats(draw: Draw, shape: Shape) -> list[layers.Layer]:
    """Make the layers behind an input of integers, of which the last gives floats."""
    rank = len(shape)
    kept = _keeping(draw, shape) if draw.chance(0.6) else []
    if rank < 4 and draw.chance(0.6):
        return [
            *kept,
            layers.Embedding(LARGEST + 1, draw.integer(1, 4), mask_zero=draw.chance(0.4)),
        ]
    # Normalization of large numbers loses digits, in Keras too.
    return [*kept, layers.Rescaling(1 / 64, -1.0)]


def _keeping(draw: Draw, shape: Shape) -> list[layers.Layer]:
    """Make a layer that moves, picks or repeats integers; none where it would leave nothing."""
    made = draw.one(_BY_RANK[len(shape)])(draw)
    try:
        sizes = made.compute_output_shape(shape)[1:]
    except ValueError:
        return []
    return [made] if all(n is None or n > 0 for n in sizes) else []


_BY_RANK = {
    2: (
        lambda draw: layers.RepeatVector(draw.integer(1, 4)),
        lambda draw: layers.Dropout(0.5),
        lambda draw: layers.Reshape((-1, 1)),
    ),
    3: (
        lambda draw: layers.Permute((2, 1)),
        lambda draw: layers.MaxPooling1D(draw.integer(1, 3), padding=draw.padding()),
        lambda draw: layers.GlobalMaxPooling1D(),
        lambda draw: layers.UpSampling1D(draw.integer(1, 3)),
        lambda draw: layers.ZeroPadding1D(draw.integer(0, 2)),
        lambda draw: layers.Cropping1D(draw.integer(0, 2)),
    ),
    4: (
        lambda draw: layers.Flatten(),
        lambda draw: layers.Permute((2, 1, 3)),
        lambda draw: layers.MaxPooling2D(draw.pair(1, 3), padding=draw.padding()),
        lambda draw: layers.GlobalMaxPooling2D(keepdims=draw.chance(0.5)),
        lambda draw: layers.UpSampling2D(draw.pair(1, 3)),
        lambda draw: layers.ZeroPadding2D(draw.integer(0, 2), **draw.data_format()),
        lambda draw: layers.Cropping2D(draw.integer(0, 2)),
        lambda draw: layers.Resizing(draw.integer(2, 9), draw.integer(2, 9), "nearest"),
        lambda draw: layers.CenterCrop(draw.integer(1, 5), draw.integer(1, 5)),
        lambda draw: layers.RandomFlip(),
    ),
}
