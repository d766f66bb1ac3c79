"""Xception: pixels in, names out."""

from __future__ import annotations

from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing

__all__ = ["decode_predictions", "preprocess_input"]

preprocess_input = preprocessing("tf")
