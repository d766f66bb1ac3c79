"""ResNet50, where Keras has it too; see `resnet`."""

from __future__ import annotations

from cnnfast.applications.resnet import ResNet50, decode_predictions, preprocess_input

__all__ = ["ResNet50", "decode_predictions", "preprocess_input"]
