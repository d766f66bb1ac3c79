"""A network that a stranger trained with Keras 2.9 gives the outputs that Keras gave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast.saving import load_model


@pytest.fixture
def stored(shared_models: Path) -> Any:
    return np.load(shared_models / "cifar10_cnn_expected.npz")


@pytest.fixture
def model(shared_models: Path) -> Any:
    return load_model(shared_models / "cifar10_cnn.h5")


def test_outputs_for_six_photos_are_those_of_keras(model: Any, stored: Any) -> None:
    # It was trained on bytes as they are: no scaling.
    logits = model.predict(stored["images"], verbose=0)
    scale = np.abs(stored["logits"]).max()
    np.testing.assert_allclose(logits, stored["logits"], atol=1e-4 * scale)
    np.testing.assert_array_equal(logits.argmax(1), stored["logits"].argmax(1))


def test_one_photo_at_a_time_gives_the_same_bits(model: Any, stored: Any) -> None:
    images = stored["images"]
    together = model.predict(images, verbose=0)
    single = [model.predict(images[i : i + 1], verbose=0)[0] for i in range(len(images))]
    np.testing.assert_array_equal(together, single)


def test_it_is_compiled_as_it_was_saved(model: Any, stored: Any) -> None:
    labels = stored["logits"].argmax(1)
    results = model.evaluate(stored["images"], labels, verbose=0, return_dict=True)
    assert results["accuracy"] == 1.0


def test_its_weights_stay_in_the_file(model: Any) -> None:
    assert {weight.storage for weight in model.weights} == {"file"}
