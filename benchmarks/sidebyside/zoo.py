"""The networks that are compared, as files that Keras wrote, with images for each.

Keras' own answers to these images, in float32, are what every runtime is held to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from sidebyside.runtimes import Images, runtime

SEED = 7
REPOSITORY = Path(__file__).resolve().parents[2]
SHARED_MODELS = REPOSITORY.parent / "shared" / "models"


@dataclass
class Prepared:
    """One network, ready to be run everywhere."""

    answers: Path
    """An npz file: `images` (n, height, width, channels) and Keras' `outputs`, float32."""
    files: dict[str, Path] = field(default_factory=dict)
    """For each runtime the file it loads."""
    errors: dict[str, str] = field(default_factory=dict)
    """For each runtime that cannot take the network, why."""


def intro(directory: Path) -> tuple[Path, Images]:
    """Build the introductory network with Keras' initial weights, for noise of 64x64x3."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(SEED)
    model = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    path = directory / "intro.keras"
    model.save(path)
    noise = np.random.default_rng(SEED).random((32, 64, 64, 3), dtype=np.float32)
    return path, noise


def cifar10_cnn(directory: Path) -> tuple[Path, Images]:
    """Find the trained CIFAR-10 network beside the repository, with six photos, repeated."""
    path = SHARED_MODELS / "cifar10_cnn.h5"
    if not path.is_file():
        raise FileNotFoundError("cifar10_cnn.h5 is not in ../shared/models")
    with np.load(SHARED_MODELS / "cifar10_cnn_expected.npz") as arrays:
        photos = arrays["images"].astype(np.float32)
    return path, np.resize(photos, (32, *photos.shape[1:]))


MODELS: dict[str, Callable[[Path], tuple[Path, Images]]] = {
    "intro": intro,
    "cifar10_cnn": cifar10_cnn,
}
"""Name -> a function that gives the Keras file and images for it."""


def prepare(name: str, runtimes: Sequence[str], directory: Path) -> Prepared:
    """Build, answer and convert one network in a process of its own, which then ends.

    Keras and its backend would otherwise stand beside the timing with their threads.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_prepare, name, tuple(runtimes), directory).result()


def _prepare(name: str, runtimes: Sequence[str], directory: Path) -> Prepared:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    source, images = MODELS[name](directory)
    model = keras.saving.load_model(source, compile=False)
    outputs = np.asarray(model.predict(images, verbose=0))
    prepared = Prepared(directory / f"{name}_answers.npz")
    np.savez(prepared.answers, images=images, outputs=outputs)
    for each in runtimes:
        try:
            prepared.files[each] = runtime(each).convert(model, source, directory)
        except Exception as error:  # a runtime that cannot take a model is a result
            prepared.errors[each] = f"{type(error).__name__}: {error}"
    return prepared
