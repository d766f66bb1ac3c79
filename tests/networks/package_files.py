"""Networks of packages for Keras 2, written to files with what they give; see `packages`.

    python -m networks.package_files FOLDER

Runs where TensorFlow, its Keras 2 and the packages are installed, and needs nothing of cnnfast.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("SM_FRAMEWORK", "tf.keras")

import numpy as np

BATCH = 2
Made = Callable[[], Any]


def attention(family: str, name: str, size: int = 64, **options: Any) -> tuple[str, str, Made]:
    """Return a network of keras_cv_attention_models."""

    def make() -> Any:
        module = importlib.import_module(f"keras_cv_attention_models.{family}")
        shape = (size, size, 3)
        return getattr(module, name)(input_shape=shape, pretrained=None, **options)

    return "keras-cv-attention-models", name, make


def segmentation(name: str, backbone: str, size: int = 64) -> tuple[str, str, Made]:
    """Return a network of segmentation_models."""

    def make() -> Any:
        models = importlib.import_module("segmentation_models")
        shape = (size, size, 3)
        return getattr(models, name)(backbone, input_shape=shape, encoder_weights=None, classes=3)

    return "segmentation-models", f"{name}, {backbone}", make


def classification(name: str) -> tuple[str, str, Made]:
    """Return a network of image-classifiers."""

    def make() -> Any:
        classifiers = importlib.import_module("classification_models.tfkeras").Classifiers
        return classifiers.get(name)[0](input_shape=(64, 64, 3), weights=None, classes=10)

    return "image-classifiers", name, make


def collection(name: str, *args: Any, size: int = 64, **options: Any) -> tuple[str, str, Made]:
    """Return a network of keras-unet-collection."""

    def make() -> Any:
        models = importlib.import_module("keras_unet_collection.models")
        return getattr(models, name)((size, size, 3), *args, n_labels=3, **options)

    return "keras-unet-collection", name, make


def of_module(package: str, module: str, function: str, /, **options: Any) -> tuple[str, str, Made]:
    """Return a network that a function of a module makes."""
    return package, function, lambda: getattr(importlib.import_module(module), function)(**options)


def sequences() -> Any:
    """Return a network around the layer of keras-tcn."""
    keras = importlib.import_module("tensorflow").keras
    inputs = keras.Input((16, 3))
    x = importlib.import_module("tcn").TCN(4, dilations=(1, 2, 4))(inputs)
    return keras.Model(inputs, keras.layers.Dense(2)(x))


FILTERS = [4, 8, 16, 32]
NETWORKS: list[tuple[str, str, Made]] = [
    attention("botnet", "BotNet26T"),
    attention("caformer", "CAFormerS18"),
    attention("cmt", "CMTTiny"),
    attention("coat", "CoaTLiteTiny"),
    attention("coatnet", "CoAtNet0"),
    attention("convnext", "ConvNeXtTiny"),
    attention("cotnet", "CotNet50"),
    attention("davit", "DaViT_T"),
    attention("edgenext", "EdgeNeXt_XX_Small"),
    attention("efficientdet", "EfficientDetLite0"),
    attention("efficientformer", "EfficientFormerL1"),
    attention("efficientvit", "EfficientViT_B0"),
    attention("fasternet", "FasterNetT0"),
    attention("fastvit", "FastViT_T8"),
    attention("gcvit", "GCViT_XXTiny"),
    attention("ghostnet", "GhostNetV2_1X"),
    attention("halonet", "HaloNet26T"),
    attention("hornet", "HorNetTiny"),
    attention("iformer", "IFormerSmall"),
    attention("levit", "LeViT128S"),
    attention("maxvit", "MaxViT_Tiny"),
    attention("mlp_family", "MLPMixerS16"),
    attention("mobilevit", "MobileViT_XXS"),
    attention("moganet", "MogaNetXtiny"),
    attention("nat", "DiNAT_Mini"),
    attention("nfnets", "NFNetL0"),
    attention("pvt", "PVT_V2B0"),
    attention("repvit", "RepViT_M09"),
    attention("resnest", "ResNest50"),
    attention("swin_transformer_v2", "SwinTransformerV2Tiny_window8"),
    attention("tinyvit", "TinyViT_5M"),
    attention("uniformer", "UniformerSmall32"),
    attention("vanillanet", "VanillaNet5"),
    attention("volo", "VOLO_d1"),
    attention("yolov8", "YOLOV8_N"),
    attention("yolox", "YOLOXNano"),
    segmentation("Unet", "resnet18"),
    segmentation("FPN", "mobilenetv2"),
    segmentation("Linknet", "efficientnetb0"),
    segmentation("PSPNet", "vgg16", 48),
    segmentation("Unet", "seresnext50"),
    classification("resnet18"),
    classification("seresnet18"),
    classification("seresnext50"),
    classification("resnext50"),
    collection("unet_2d", FILTERS),
    collection("att_unet_2d", FILTERS),
    collection("unet_plus_2d", FILTERS),
    collection("r2_unet_2d", FILTERS),
    collection("unet_3plus_2d", filter_num_down=FILTERS),
    collection("resunet_a_2d", FILTERS, dilation_num=[1, 3, 5]),
    collection("transunet_2d", FILTERS, embed_dim=16, num_mlp=16, num_heads=2, num_transformer=2),
    collection(
        "swin_unet_2d",
        **{"filter_num_begin": 8, "depth": 2, "stack_num_down": 2, "stack_num_up": 2},
        **{"patch_size": (2, 2), "num_heads": [2, 2], "window_size": [2, 2], "num_mlp": 16},
    ),
    of_module(
        *("efficientnet", "efficientnet.tfkeras", "EfficientNetB0"),
        **{"weights": None, "input_shape": (64, 64, 3)},
    ),
    of_module(
        *("keras-efficientnet-v2", "keras_efficientnet_v2", "EfficientNetV2B0"),
        **{"pretrained": None, "input_shape": (64, 64, 3)},
    ),
    ("keras-tcn", "TCN", sequences),
]


def enliven(model: Any, rng: np.random.Generator) -> None:
    """Give every weight that begins alike, as statistics do, numbers of its own."""
    for weight in model.weights:
        numbers = weight.numpy()
        if "float" in numbers.dtype.name and numbers.size > 1 and np.ptp(numbers) == 0:
            change = rng.uniform(0.8, 1.2, numbers.shape)
            weight.assign(numbers * change if numbers.flat[0] else 0.1 * (change - 1))


def write(folder: Path, package: str, name: str, make: Made) -> str:
    """Write one network and what it gives for random images; return what went wrong."""
    place = folder / f"{package}, {name}"
    rng = np.random.default_rng(list(name.encode()))
    try:
        model = make()
        enliven(model, rng)
        shape = (BATCH, *model.input_shape[1:])
        x = rng.normal(size=shape).astype(np.float32)
        outputs = model(x, training=False)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        model.save(f"{place}.h5")
    except Exception as error:  # whatever a package raises
        return f"{error!r:.300}"
    np.savez(f"{place}.npz", *[np.asarray(y) for y in outputs], x=x)
    return ""


def main() -> int:
    """Write the networks that are asked for."""
    parser = argparse.ArgumentParser(prog="networks.package_files", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="a part of the package's or network's name")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    for package, name, make in NETWORKS:
        if args.only.lower() in f"{package}, {name}".lower():
            importlib.import_module("tensorflow").keras.backend.clear_session()
            print(package, name, write(args.folder, package, name, make) or "written", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
