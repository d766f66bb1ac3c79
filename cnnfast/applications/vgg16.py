"""VGG with 16 layers that have weights; see `vgg`."""

from __future__ import annotations

from collections.abc import Sequence

from cnnfast.applications import vgg
from cnnfast.applications.building import Options, Weights
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing
from cnnfast.layers.tensor import KerasTensor
from cnnfast.models import Model

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

CONVOLUTIONS = (2, 2, 3, 3, 3)
preprocess_input = preprocessing("caffe")


def VGG16(  # noqa: N802 - Keras' name
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    input_shape: Sequence[int | None] | None = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: object = "softmax",
    name: str = "vgg16",
) -> Model:
    """Build VGG16, for images that went through `preprocess_input`.

    Parameters
    ----------
    include_top
        Whether the network classifies; else it ends in its last feature map.
    weights
        Path of a weights file such as Keras publishes (with or without "notop", as
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
    name
        Name of the model.

    Raises
    ------
    ValueError
        If an argument is illegal.
    ModelFileError
        If the weights file does not fit.
    """
    options = Options(
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
    )
    options.check("VGG16")
    return vgg.build(options, CONVOLUTIONS, name)
