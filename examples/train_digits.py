"""Train the digits network that ``python -m cnnfast demo`` shows, with real Keras.

The images are the handwritten digits of the UCI repository that scikit-learn ships: 1,797
scans of 8x8 pixels with 17 grey levels. They are split, class by class, into three parts:

* held out (30%): never looked at here except for the last line this script prints; the
  demo classifies these,
* validation (10%): chooses the epoch whose weights are kept,
* training (60%).

The split is random, so a writer may stand in more than one part: the accuracy is that for
known handwriting, not for strangers'.

Running this needs keras, jax and scikit-learn; it takes about a minute and writes
``digits_cnn.keras`` and ``digits_test.npz``. The seeds are fixed: on one machine each run
gives the same weights, on another the last digits may differ.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import keras
import numpy as np
import numpy.typing as npt
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 20
EPOCHS = 60
BATCH_SIZE = 64
GREY_LEVELS = 16.0
PACKAGE_DATA = Path(__file__).parents[1] / "cnnfast" / "data"


def build_model() -> keras.Sequential:
    """Build a small convolutional network for 8x8 grey images: 36,634 parameters."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(32, (3, 3), padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2D(32, (3, 3), padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.25),
            layers.Conv2D(48, (3, 3), padding="same", activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10),
            layers.Softmax(),
        ],
        name="digits_cnn",
    )


@dataclass(frozen=True)
class Split:
    """Images of 8x8x1 grey levels from 0 to 16, and their labels."""

    train_images: npt.NDArray[np.uint8]
    train_labels: npt.NDArray[np.uint8]
    valid_images: npt.NDArray[np.uint8]
    valid_labels: npt.NDArray[np.uint8]
    test_images: npt.NDArray[np.uint8]
    test_labels: npt.NDArray[np.uint8]


def split_digits() -> Split:
    """Split the digits into the three parts, each with the same share of every class."""
    digits = load_digits()
    images = digits.images.astype(np.uint8)[..., np.newaxis]
    labels = digits.target.astype(np.uint8)
    rest, test, rest_labels, test_labels = train_test_split(
        images, labels, test_size=0.3, random_state=SEED, stratify=labels
    )
    train, valid, train_labels, valid_labels = train_test_split(
        rest, rest_labels, test_size=1 / 7, random_state=SEED, stratify=rest_labels
    )
    return Split(train, train_labels, valid, valid_labels, test, test_labels)


def main() -> None:
    """Train, save the network and the held-out images, print the held-out accuracy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=PACKAGE_DATA, help="directory to write to")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(SEED)

    split = split_digits()
    model = build_model()
    optimizer = keras.optimizers.Adam(2e-3)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    keep_best = keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=EPOCHS, restore_best_weights=True
    )
    model.fit(
        split.train_images / GREY_LEVELS,
        split.train_labels,
        validation_data=(split.valid_images / GREY_LEVELS, split.valid_labels),
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        callbacks=[keep_best],
        verbose=2,
    )

    # A copy that was never compiled: the optimizer's state would triple the size of the file.
    keras.utils.clear_session()  # so that its layers are named from the start again
    bare = build_model()
    bare.set_weights(model.get_weights())
    bare.save(out / "digits_cnn.keras")
    test_images, test_labels = split.test_images, split.test_labels
    np.savez_compressed(out / "digits_test.npz", images=test_images, labels=test_labels)
    _, accuracy = model.evaluate(test_images / GREY_LEVELS, test_labels, verbose=0)
    print(f"accuracy on the {len(test_images)} held-out images: {accuracy:.2%}")


if __name__ == "__main__":
    main()
