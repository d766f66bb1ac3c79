"""What the builders share: the input, the head, and where weights come from."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from cnnfast import layers
from cnnfast.models import Model
from cnnfast.models.sources import get_source_inputs
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

Pooling: TypeAlias = Literal["avg", "max"] | None
Weights: TypeAlias = str | os.PathLike[str] | None
DEFAULT_SIZE, SMALLEST_SIZE = 224, 32


@dataclass(frozen=True)
class Options:
    """The arguments that all builders have.

    Parameters
    ----------
    builder
        Name of the builder, for errors.
    include_top
        Whether the network classifies; else it ends in its last feature map.
    weights
        Path of a weights file such as Keras publishes (with or without "notop" or "no_top", as
        `include_top` says), or None for random weights. "imagenet" raises: nothing is downloaded.
    input_tensor
        A symbolic tensor to begin with, in place of an input of `input_shape`.
    input_shape
        (height, width, 3); 224 each where None and `include_top`, else unknown.
    pooling
        None, "avg" or "max": what a network without a head ends in.
    classes
        How many classes there are.
    classifier_activation
        Activation of the last layer; None gives logits.

    Raises
    ------
    ValueError
        If an argument is illegal.
    ModelFileError
        If the weights file does not fit.
    """

    builder: str
    include_top: bool
    weights: Weights
    input_tensor: KerasTensor | None
    input_shape: OpenShape | None
    pooling: Pooling
    classes: int
    classifier_activation: ActivationLike

    def __post_init__(self) -> None:
        if self.weights == "imagenet":
            raise ValueError(
                f"{self.builder}: nothing is downloaded. Pass the path of a weights file, such as "
                f"those that Keras publishes (Keras keeps its downloads in ~/.keras/models): "
                f"`{self.builder}(weights=path)`, or `weights=None` for random weights. "
                "Received: weights='imagenet'"
            )
        if self.pooling not in (None, "avg", "max"):
            raise ValueError(
                f"{self.builder}: `pooling` must be None, 'avg' or 'max'. "
                f"Received: {self.pooling!r}"
            )

    def input(self) -> KerasTensor:
        """Return the tensor that the network begins with.

        Raises
        ------
        ValueError
            If the input is too small, or unknown where the head needs to know it.
        """
        if self.input_tensor is not None:
            return self.input_tensor
        return layers.Input(shape=self._shape())

    def _shape(self) -> tuple[int | None, ...]:
        if self.input_shape is None:
            size = DEFAULT_SIZE if self.include_top else None
            return (size, size, 3)
        shape = tuple(self.input_shape)
        if len(shape) != 3:
            raise ValueError(
                "`input_shape` must be a tuple of three integers. "
                f"Received: input_shape={self.input_shape}"
            )
        if any(size is not None and size < SMALLEST_SIZE for size in shape[:2]):
            raise ValueError(
                f"Input size must be at least {SMALLEST_SIZE}x{SMALLEST_SIZE}. "
                f"Received: input_shape={self.input_shape}"
            )
        if self.include_top and None in shape:
            raise ValueError(
                "If `include_top` is True, you should specify a static `input_shape`. "
                f"Received: input_shape={self.input_shape}"
            )
        return shape

    def pooled(self, x: Any, *, named: bool = True) -> Any:
        """Apply `pooling`, which a network without a head may end in."""
        if self.pooling == "avg":
            return layers.GlobalAveragePooling2D(name="avg_pool" if named else None)(x)
        if self.pooling == "max":
            return layers.GlobalMaxPooling2D(name="max_pool" if named else None)(x)
        return x

    def predictions(self, x: Any) -> Any:
        """Append the layer that classifies."""
        return layers.Dense(
            self.classes, activation=self.classifier_activation, name="predictions"
        )(x)

    def end(self, x: Any, *, named: bool = True, dropout: float = 0.0) -> Any:
        """Append a head that averages each channel and classifies, or else apply `pooling`."""
        if not self.include_top:
            return self.pooled(x, named=named)
        x = layers.GlobalAveragePooling2D(name="avg_pool" if named else None)(x)
        if dropout:
            x = layers.Dropout(dropout, name="top_dropout")(x)
        return self.predictions(x)

    def model(self, begin: KerasTensor, end: Any, name: str) -> Model:
        """Make the network between two tensors, with the weights that are asked for."""
        model = Model(_source(begin), end, name=name)
        if self.weights is not None:
            model.load_weights(self.weights)
        return model


def _source(tensor: KerasTensor) -> Any:
    """Return the inputs that `tensor` is computed from, alone if there is one."""
    inputs = get_source_inputs(tensor)
    return inputs[0] if len(inputs) == 1 else inputs


def halving_pads(x: Any, size: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the pads with which a 'valid' window of `size` and stride 2 halves the image."""
    half = size // 2
    # Keras takes an unknown size for even, and then the other one as well.
    known = None not in x.shape[1:3]
    rows, columns = (half - (0 if known and n % 2 else 1) for n in x.shape[1:3])
    return (rows, half), (columns, half)
