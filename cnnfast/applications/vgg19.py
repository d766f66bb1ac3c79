"""VGG with 19 layers that have weights; see `vgg`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnfast.applications import vgg
from cnnfast.applications.building import Options, Pooling, Weights
from cnnfast.applications.imagenet_utils import decode_predictions, preprocessing
from cnnfast.models import Model
from cnnfast.symbolic.tensor import KerasTensor

if TYPE_CHECKING:
    from cnnfast.symbolic.typing import ActivationLike, OpenShape

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

CONVOLUTIONS = (2, 2, 4, 4, 4)
preprocess_input = preprocessing("caffe")


def VGG19(  # noqa: N802 - Keras' name
    include_top: bool = True,
    weights: Weights = "imagenet",
    input_tensor: KerasTensor | None = None,
    input_shape: OpenShape | None = None,
    pooling: Pooling = None,
    classes: int = 1000,
    classifier_activation: ActivationLike = "softmax",
    name: str = "vgg19",
) -> Model:
    """Build VGG19, for images that went through `preprocess_input`.

    Parameters and errors are those of `building.Options`; `name` is that of the model.
    """
    options = Options(
        "VGG19",
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
        f"vgg19_weights_tf_dim_ordering_tf_kernels{'' if include_top else '_notop'}.h5",
    )
    return vgg.build(options, CONVOLUTIONS, name)
