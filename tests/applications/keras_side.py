"""The networks of `keras.applications` that the tests compare with, built by real Keras.

``python -m applications.keras_side FOLDER`` writes what they are like to ``networks.json``, and
weight files with inputs and outputs beside it. It is a process of its own so that it can use the
numpy backend, which builds these networks in a second instead of half a minute.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

# One or two of each family; all of them are counted in `test_builders.py`.
ALL = (
    *("ResNet152", "ResNet101V2", "DenseNet201", "EfficientNetB3", "EfficientNetV2B2"),
    *("EfficientNetV2M", "Xception", "InceptionV3", "InceptionResNetV2", "NASNetMobile"),
    *("NASNetLarge", "MobileNetV3Small", "MobileNetV3Large"),
)
# Builders and their arguments.
CASES: list[tuple[str, dict[str, Any]]] = [
    ("VGG16", {"input_shape": (32, 32, 3), "classes": 3}),
    ("VGG16", {"include_top": False, "pooling": "avg"}),
    ("VGG19", {"include_top": False, "pooling": "max"}),
    ("ResNet50", {"classes": 5}),
    ("ResNet50", {"include_top": False, "pooling": "max", "input_shape": (33, 48, 3)}),
    ("MobileNetV2", {}),
    ("MobileNetV2", {"include_top": False, "alpha": 0.35}),
    ("MobileNetV2", {"alpha": 1.4, "input_shape": (97, 64, 3), "classifier_activation": None}),
    ("EfficientNetB0", {"classes": 5}),
    ("EfficientNetB0", {"include_top": False, "pooling": "avg", "input_shape": (None, 65, 3)}),
    ("ResNet50V2", {"include_top": False, "pooling": "avg", "name": "mine"}),
    ("DenseNet121", {"include_top": False, "pooling": "max", "input_shape": (33, 48, 3)}),
    ("Xception", {"include_top": False, "pooling": "max"}),
    ("InceptionV3", {"include_top": False, "pooling": "avg", "input_shape": (75, 80, 3)}),
    ("MobileNet", {"alpha": 0.5, "input_shape": (128, 128, 3), "classes": 4, "dropout": 0.1}),
    ("MobileNet", {"include_top": False, "depth_multiplier": 2, "pooling": "avg"}),
    ("MobileNetV3Small", {"minimalistic": True, "classes": 4, "include_preprocessing": False}),
    ("MobileNetV3Large", {"include_top": False, "alpha": 0.75, "pooling": "avg"}),
    ("MobileNetV3Large", {"alpha": 1.25, "input_shape": (33, 64, 3), "dropout_rate": 0}),
    ("NASNetMobile", {"include_top": False, "pooling": "max"}),
    ("EfficientNetV2B1", {"include_top": False, "pooling": "avg", "input_shape": (None, 65, 3)}),
    ("EfficientNetV2S", {"include_preprocessing": False, "classes": 4}),
    ("ConvNeXtTiny", {"include_top": False, "pooling": "avg"}),
    ("ConvNeXtTiny", {"include_preprocessing": False, "classifier_activation": None}),
    *((name, {}) for name in ALL),
]
WITH_FILES = (
    *("ResNet50", "MobileNetV2", "EfficientNetB0", "MobileNet", "MobileNetV3Small"),
    *("DenseNet121", "EfficientNetV2B0", "NASNetMobile", "ConvNeXtTiny"),
)
FILE_OPTIONS: dict[str, Any] = {"input_shape": (32, 32, 3), "classes": 7}
SUFFIXES = (".weights.h5", ".h5")

# What says how training would begin or end.
_TRAINING = ("initializer", "regularizer", "constraint")


def described(model: Any) -> dict[str, Any]:
    """Give the layers with their arguments and connections, the weights and the sizes."""
    found = []
    for layer in json.loads(model.to_json())["config"]["layers"]:
        config = {
            key: value
            for key, value in layer["config"].items()
            if not key.endswith(_TRAINING) and value is not None
        }
        calls = [node["args"] for node in layer["inbound_nodes"]]
        found.append([layer["class_name"], config, calls])
    return {
        "name": model.name,
        "layers": found,
        # Keras counts the variables that have no name.
        "weights": [[re.sub(r"_\d+$", "", w.path), list(w.shape)] for w in model.weights],
        "parameters": model.count_params(),
        "output_shape": list(model.output_shape),
    }


def main(folder: Path) -> None:
    """Write everything to `folder`."""
    os.environ["KERAS_BACKEND"] = "numpy"
    import keras
    import numpy as np

    def build(title: str, **kwargs: Any) -> Any:
        keras.utils.clear_session(free_memory=False)
        return getattr(keras.applications, title)(weights=None, **kwargs)

    drawn = keras.initializers.VarianceScaling.__call__
    keras.initializers.VarianceScaling.__call__ = lambda self, shape, dtype=None: np.zeros(shape)
    networks = [described(build(name, **kwargs)) for name, kwargs in CASES]
    keras.initializers.VarianceScaling.__call__ = drawn
    (folder / "networks.json").write_text(json.dumps(networks))
    rng = np.random.default_rng(0)
    images = rng.uniform(0, 255, (2, 32, 32, 3)).astype(np.float32)
    np.save(folder / "images.npy", images)
    for name in WITH_FILES:
        model = build(name, **FILE_OPTIONS)
        for variable in model.variables:
            if variable.ndim == 1:  # of normalization, and biases
                variable.assign(rng.uniform(0.7, 1.3, tuple(variable.shape)))
            if variable.path.startswith("normalization") and variable.ndim == 1:
                model.get_layer(variable.path.split("/")[0]).finalize_state()
        np.save(folder / f"{name}.npy", np.asarray(model(images, training=False)))
        model.save_weights(folder / f"{name}.weights.h5")
        # The published files have this form, with or without the configuration beside it.
        model.save(folder / f"{name}.h5")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
