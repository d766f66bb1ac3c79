"""Pictures of a folder as calibration images."""

import numpy as np
import pytest

import cnnfast
from cnnfast import Sequential, layers
from cnnfast.quantization.folders import pictures_in
from networks_in_bytes import SIZE, network

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(5):
        path = tmp_path / f"class{number % 2}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (20 + number, 30, 3), np.uint8)).save(path)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_are_resized_in_batches(folder):
    pictures = pictures_in(folder, network("classifier"), None, 2)
    batches = list(pictures)
    assert len(pictures) == len(batches) == 3
    assert [batch.shape for batch in batches] == [(2, *SIZE), (2, *SIZE), (1, *SIZE)]
    assert batches[0].dtype == np.float32
    assert 1 < batches[0].max() <= 255


def test_a_model_is_quantized_on_a_folder(folder):
    made = cnnfast.quantize(network("classifier"), folder, preprocess=lambda x: x / 255, verbose=0)
    assert made.quantization.images == 5
    assert made.quantization.ranges["input"][1] <= 1


def test_what_is_no_folder_of_pictures_is_refused(folder):
    model = network("classifier")
    with pytest.raises(ValueError, match="from a folder"):
        pictures_in(folder / "notes.txt", model, None, None)
    (folder / "empty").mkdir()
    with pytest.raises(ValueError, match="which has none"):
        pictures_in(folder / "empty", model, None, None)


@pytest.mark.parametrize("shape", [(8,), (8, 8, 5), (None, None, 3)])
def test_models_of_other_images_are_refused(folder, shape):
    model = Sequential([layers.Input(shape), layers.Dense(2)])
    with pytest.raises(ValueError, match="give arrays to"):
        pictures_in(folder, model, None, None)
