"""Layers of packages, for their files: written anew, from what they compute."""

from __future__ import annotations

from typing import Any

import cnnfast
from cnnfast import layers, ops


class ChannelAffine(layers.Layer):
    """A factor for each channel, and perhaps a term."""

    def __init__(
        self, use_bias: bool = True, weight_init_value: Any = 1, axis: int = -1, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.use_bias, self.axis = use_bias, axis

    def build(self, input_shape: Any) -> None:
        last = self.axis in (-1, len(input_shape) - 1)
        sizes = [size if place == self.axis else 1 for place, size in enumerate(input_shape)]
        shape = input_shape[-1:] if last else sizes[1:]
        self.factor = self.add_weight(shape=shape, name="weight")
        self.term = self.add_weight(shape=shape, name="bias") if self.use_bias else 0.0

    def call(self, x: Any) -> Any:
        return x * self.factor + self.term if self.use_bias else x * self.factor


class ZeroInitGain(layers.Layer):
    """One factor, and perhaps a term."""

    def __init__(self, use_bias: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_bias = use_bias

    def build(self, input_shape: Any) -> None:
        self.factor = self.add_weight(shape=(), name="gain")
        self.term = self.add_weight(shape=(), name="bias") if self.use_bias else 0.0

    def call(self, x: Any) -> Any:
        return x * self.factor + self.term if self.use_bias else x * self.factor


class ClassToken(layers.Layer):
    """Learned tokens before those of an image, or behind."""

    def __init__(self, num_tokens: int = 1, is_at_end: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_tokens, self.is_at_end = num_tokens, is_at_end

    def build(self, input_shape: Any) -> None:
        self.tokens = self.add_weight(shape=(1, self.num_tokens, input_shape[-1]), name="tokens")

    def call(self, x: Any) -> Any:
        tokens = ops.tile(self.tokens, (ops.shape(x)[0], 1, 1))
        return ops.concatenate([x, tokens] if self.is_at_end else [tokens, x], axis=1)


class PositionalEmbedding(layers.Layer):
    """A learned term for each place."""

    def __init__(self, input_height: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def build(self, input_shape: Any) -> None:
        self.places = self.add_weight(shape=(1, *input_shape[1:]), name="positional_embedding")

    def call(self, x: Any) -> Any:
        return x + self.places


class FixedDropout(layers.Dropout):
    """Dropout, under the name that efficientnet gives it."""


def hard_swish(x: Any) -> Any:
    """Return ``x * relu6(x + 3) / 6``."""
    return cnnfast.activations.hard_swish(x)


CUSTOM_OBJECTS: dict[str, Any] = {
    "resmlp>ChannelAffine": ChannelAffine,
    "nfnets>ZeroInitGain": ZeroInitGain,
    "volo>ClassToken": ClassToken,
    "volo>PositionalEmbedding": PositionalEmbedding,
    "kecamCommon>hard_swish": hard_swish,
    "FixedDropout": FixedDropout,
}
