"""ResNet, normalized before it is convolved; see `resnet`."""

from __future__ import annotations

from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing
from cnnfast.applications.resnet import ResNet50V2, ResNet101V2, ResNet152V2

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")
