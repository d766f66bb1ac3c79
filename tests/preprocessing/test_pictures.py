"""Pictures in folders and generators of batches, against those of Keras."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnfast.preprocessing import image
from cnnfast.utils import image_dataset_from_directory

X = np.random.default_rng(0).uniform(0, 255, (8, 7, 6, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def theirs(keras: Any) -> Any:
    """Give the module of Keras that is public in its edition for TensorFlow only."""
    from keras.src.legacy.preprocessing import image as module

    return module


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pillow = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    made = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(1)
    for kind, count in (("cats", 4), ("dogs", 3)):
        (made / kind / "more").mkdir(parents=True)
        for index in range(count):
            pixels = rng.integers(0, 256, (10, 12, 3)).astype(np.uint8)
            place = made / kind / "more" if index == 1 else made / kind
            pillow.fromarray(pixels).save(place / f"{index}.png")
    (made / "cats" / "notes.txt").write_text("no picture")
    return made


RANDOM: list[dict[str, Any]] = [
    {"rotation_range": 40, "fill_mode": "reflect"},
    {"width_shift_range": 0.3, "height_shift_range": 2},
    {"width_shift_range": [1, 2], "shear_range": 20.0},
    {"zoom_range": 0.3, "cval": 3.0, "fill_mode": "constant"},
    {"zoom_range": (0.5, 0.8), "interpolation_order": 0},
    {"channel_shift_range": 30.0, "horizontal_flip": True, "vertical_flip": True},
    {"brightness_range": (0.5, 1.5)},
    {"data_format": "channels_first", "rotation_range": 30, "rescale": 1 / 255},
]


@pytest.mark.parametrize("arguments", RANDOM, ids=str)
def test_random_transformations_are_those_of_keras_for_the_same_seed(
    arguments: dict[str, Any], theirs: Any
) -> None:
    x = X.transpose(0, 3, 1, 2) if "data_format" in arguments else X
    batches = [
        next(module.ImageDataGenerator(**arguments).flow(x, batch_size=5, seed=3))
        for module in (image, theirs)
    ]
    np.testing.assert_allclose(*batches, rtol=1e-5, atol=1e-4)


def test_whitening_and_statistics_are_those_of_keras(theirs: Any) -> None:
    found = []
    for module in (image, theirs):
        generator = module.ImageDataGenerator(zca_whitening=True, featurewise_center=True)
        generator.fit(X / 255)
        found.append(next(generator.flow(X / 255, batch_size=8, shuffle=False)))
    np.testing.assert_allclose(*found, atol=1e-3)


@pytest.mark.parametrize(
    "arguments",
    [
        {"class_mode": "sparse", "color_mode": "grayscale"},
        {"class_mode": "categorical", "classes": ["dogs", "cats"]},
        {"class_mode": "input", "interpolation": "bilinear", "keep_aspect_ratio": True},
        {"class_mode": None, "shuffle": True, "seed": 5},
        {"class_mode": "binary", "subset": "training"},
        {"class_mode": "binary", "subset": "validation"},
    ],
    ids=str,
)
def test_a_folder_flows_as_in_keras(arguments: dict[str, Any], folder: Path, theirs: Any) -> None:
    given = {"target_size": (5, 6), "batch_size": 3, "shuffle": False} | arguments
    flows = [
        module.ImageDataGenerator(validation_split=0.5).flow_from_directory(str(folder), **given)
        for module in (image, theirs)
    ]
    mine, other = flows
    assert (mine.filenames, mine.class_indices) == (other.filenames, other.class_indices)
    assert (mine.samples, len(mine)) == (other.samples, len(other))
    for _ in range(5):  # more than there are: it begins again
        pairs = zip(*(b if isinstance(b, tuple) else (b,) for b in map(next, flows)), strict=True)
        for one, two in pairs:
            np.testing.assert_allclose(one, two, rtol=1e-6)


def test_what_is_transformed_wrongly_is_refused() -> None:
    with pytest.raises(ValueError, match="`zoom_range` should be"):
        image.ImageDataGenerator(zoom_range=(1, 2, 3))
    with pytest.raises(ValueError, match="`brightness_range`"):
        image.ImageDataGenerator(brightness_range=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        image.ImageDataGenerator(validation_split=2)
    with pytest.raises(ValueError, match="rank 4"):
        image.ImageDataGenerator().flow(np.zeros((3, 4)))
    with pytest.raises(NotImplementedError, match="flow_from_directory"):
        image.ImageDataGenerator().flow_from_dataframe(None)
    with pytest.warns(UserWarning, match="overrides setting of"):
        image.ImageDataGenerator(samplewise_std_normalization=True)
    generator = image.ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match="hasn't been fit"):
        generator.standardize(X[0].copy())


def test_a_folder_is_a_data_set(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = image_dataset_from_directory(folder, image_size=(5, 6), batch_size=4, shuffle=False)
    assert "Found 7 files belonging to 2 classes." in capsys.readouterr().out
    assert (made.class_names, len(made), len(made.file_paths)) == (["cats", "dogs"], 2, 7)
    for _ in range(2):
        batches = list(made)
        assert [x.shape for x, _ in batches] == [(4, 5, 6, 3), (3, 5, 6, 3)]
        assert np.concatenate([y for _, y in batches]).tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert sum(1 for _ in made.unbatch()) == 7
    assert len(made.take(1)) == len(made.skip(1)) == 1
    doubled = next(iter(made.map(lambda x, y: x * 2).prefetch(1)))
    np.testing.assert_array_equal(doubled, batches[0][0] * 2)


def test_files_are_shuffled_and_split_as_keras_splits_them(folder: Path, keras: Any) -> None:
    from keras.src.utils import dataset_utils

    paths, labels, _ = dataset_utils.index_directory(
        str(folder), "inferred", (".png",), shuffle=True, seed=3, verbose=False
    )
    training, validation = image_dataset_from_directory(
        folder, seed=3, validation_split=0.3, subset="both", label_mode="binary", verbose=False
    )
    assert training.file_paths + validation.file_paths == paths
    found = np.concatenate([y for part in (training, validation) for _, y in part])
    np.testing.assert_array_equal(found[:, 0], labels)


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ({"labels": "all"}, "`labels` argument should be"),
        ({"label_mode": "text"}, "`label_mode` argument must be"),
        ({"color_mode": "cmyk"}, "`color_mode` must be"),
        ({"image_size": (1, 2, 3)}, "Invalid `image_size`"),
        ({"interpolation": "cubic"}, "`interpolation` should be"),
        ({"validation_split": 0.5}, "If `subset` is set"),
        ({"validation_split": 0.5, "subset": "both"}, "provide a `seed`"),
        ({"class_names": ["birds"]}, "did not match"),
        ({"labels": [1, 2]}, "Expected the lengths"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of"),
        ({"label_mode": "binary", "class_names": ["cats"]}, "exactly 2 class_names"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], rule: str, folder: Path) -> None:
    with pytest.raises(ValueError, match=rule):
        image_dataset_from_directory(folder, verbose=False, **arguments)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No images found"):
        image_dataset_from_directory(tmp_path, labels=None, verbose=False)
