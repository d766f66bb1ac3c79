"""Networks for ImageNet, under Keras' names; no weights and no labels are downloaded.

Each family is a module with `preprocess_input` and `decode_predictions`, as in Keras, and is
imported when it is first used.
"""

from typing import TYPE_CHECKING

from cnnfast.utils.facade import facade

if TYPE_CHECKING:
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
    from cnnfast.applications.convnext import (
        ConvNeXtBase,
        ConvNeXtLarge,
        ConvNeXtSmall,
        ConvNeXtTiny,
        ConvNeXtXLarge,
    )
    from cnnfast.applications.densenet import DenseNet121, DenseNet169, DenseNet201
    from cnnfast.applications.efficientnet import (
        EfficientNetB0,
        EfficientNetB1,
        EfficientNetB2,
        EfficientNetB3,
        EfficientNetB4,
        EfficientNetB5,
        EfficientNetB6,
        EfficientNetB7,
    )
    from cnnfast.applications.efficientnet_v2 import (
        EfficientNetV2B0,
        EfficientNetV2B1,
        EfficientNetV2B2,
        EfficientNetV2B3,
        EfficientNetV2L,
        EfficientNetV2M,
        EfficientNetV2S,
    )
    from cnnfast.applications.inception_resnet_v2 import InceptionResNetV2
    from cnnfast.applications.inception_v3 import InceptionV3
    from cnnfast.applications.mobilenet import MobileNet
    from cnnfast.applications.mobilenet_v2 import MobileNetV2
    from cnnfast.applications.mobilenet_v3 import MobileNetV3Large, MobileNetV3Small
    from cnnfast.applications.nasnet import NASNetLarge, NASNetMobile
    from cnnfast.applications.resnet import ResNet50, ResNet101, ResNet152
    from cnnfast.applications.resnet_v2 import ResNet50V2, ResNet101V2, ResNet152V2
    from cnnfast.applications.vgg16 import VGG16
    from cnnfast.applications.vgg19 import VGG19
    from cnnfast.applications.xception import Xception

__all__ = [
    "VGG16",
    "VGG19",
    "ConvNeXtBase",
    "ConvNeXtLarge",
    "ConvNeXtSmall",
    "ConvNeXtTiny",
    "ConvNeXtXLarge",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NASNetLarge",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "Xception",
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

if not TYPE_CHECKING:
    _FAMILIES = {
        "convnext": [f"ConvNeXt{size}" for size in ("Base", "Large", "Small", "Tiny", "XLarge")],
        "densenet": ["DenseNet121", "DenseNet169", "DenseNet201"],
        "efficientnet": [f"EfficientNetB{size}" for size in range(8)],
        "efficientnet_v2": [f"EfficientNetV2{size}" for size in ("B0", "B1", "B2", "B3", *"LMS")],
        "inception_resnet_v2": ["InceptionResNetV2"],
        "inception_v3": ["InceptionV3"],
        "mobilenet": ["MobileNet"],
        "mobilenet_v2": ["MobileNetV2"],
        "mobilenet_v3": ["MobileNetV3Large", "MobileNetV3Small"],
        "nasnet": ["NASNetLarge", "NASNetMobile"],
        "resnet": ["ResNet50", "ResNet101", "ResNet152"],
        "resnet_v2": ["ResNet50V2", "ResNet101V2", "ResNet152V2"],
        "vgg16": ["VGG16"],
        "vgg19": ["VGG19"],
        "xception": ["Xception"],
    }
    __getattr__, __dir__ = facade(
        __name__,
        {name: f"applications.{name}:" for name in __all__ if name.islower()}
        | {name: f"applications.{family}" for family, names in _FAMILIES.items() for name in names},
        here=__all__,
    )
