"""Networks for ImageNet, under Keras' names; no weights and no labels are downloaded.

Each family is a module with `preprocess_input` and `decode_predictions`, as in Keras.
"""

from cnnfast.applications import (
    convnext,
    densenet,
    efficientnet,
    efficientnet_v2,
    imagenet_utils,
    inception_resnet_v2,
    inception_v3,
    mobilenet,
    mobilenet_v2,
    mobilenet_v3,
    nasnet,
    resnet,
    resnet50,
    resnet_v2,
    vgg16,
    vgg19,
    xception,
)
from cnnfast.applications.efficientnet import EfficientNetB0
from cnnfast.applications.mobilenet_v2 import MobileNetV2
from cnnfast.applications.resnet import ResNet50
from cnnfast.applications.vgg16 import VGG16
from cnnfast.applications.vgg19 import VGG19

__all__ = [
    "VGG16",
    "VGG19",
    "EfficientNetB0",
    "MobileNetV2",
    "ResNet50",
    "convnext",
    "densenet",
    "efficientnet",
    "efficientnet_v2",
    "imagenet_utils",
    "inception_resnet_v2",
    "inception_v3",
    "mobilenet",
    "mobilenet_v2",
    "mobilenet_v3",
    "nasnet",
    "resnet",
    "resnet50",
    "resnet_v2",
    "vgg16",
    "vgg19",
    "xception",
]
