"""Layers that alter images in training: configs as Keras has them, and nothing at inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from parity import both, keras, plain

IMAGE = (None, 4, 6, 3)

AUGMENTATIONS: list[tuple[str, dict[str, Any]]] = [
    ("AugMix", {"factor": (0.4, 0.1)}),
    ("CutMix", {"factor": 0.5}),
    ("Equalization", {"bins": 128}),
    ("MixUp", {"alpha": 0.3}),
    ("RandAugment", {"num_ops": 3}),
    ("RandomBrightness", {"factor": 0.2}),
    ("RandomColorDegeneration", {"factor": 0.2}),
    ("RandomColorJitter", {"brightness_factor": 0.2}),
    ("RandomContrast", {"factor": (0.1, 0.2)}),
    ("RandomElasticTransform", {}),
    ("RandomErasing", {}),
    ("RandomFlip", {"mode": "horizontal", "seed": 4}),
    ("RandomGaussianBlur", {"kernel_size": (5, 3), "sigma": 0.5}),
    ("RandomGrayscale", {}),
    ("RandomHue", {"factor": 0.2}),
    ("RandomInvert", {}),
    ("RandomPerspective", {}),
    ("RandomPosterization", {"factor": 4}),
    ("RandomRotation", {"factor": 0.1, "fill_mode": "nearest"}),
    ("RandomSaturation", {"factor": 0.2}),
    ("RandomSharpness", {"factor": 0.2}),
    ("RandomShear", {"x_factor": 0.1}),
    ("RandomTranslation", {"height_factor": 0.1, "width_factor": (-0.2, 0.3)}),
    ("RandomZoom", {"height_factor": 0.1, "data_format": "channels_first"}),
    ("Solarization", {"addition_factor": 0.75, "threshold_factor": (0.6, 0.3)}),
    ("Solarization", {"value_range": (1, 0)}),
]


@pytest.mark.filterwarnings("ignore:.*Explicitly requested dtype int64:UserWarning")
@pytest.mark.parametrize(("class_name", "kwargs"), AUGMENTATIONS)
def test_an_augmentation_passes_images_on_and_keeps_its_config(
    class_name: str, kwargs: dict[str, Any], rng: np.random.Generator
) -> None:
    theirs = getattr(keras.layers, class_name)(name="layer", **kwargs)
    saved = plain(keras.saving.serialize_keras_object(theirs))
    loaded = layers.deserialize(saved)
    assert plain(loaded.get_config()) == saved["config"]
    ours = getattr(layers, class_name)(name="layer", **kwargs)
    if class_name != "RandomShear":  # of which Keras cannot read what it writes
        assert plain(ours.get_config()) == saved["config"]
    reloaded = keras.saving.deserialize_keras_object(plain(layers.serialize(ours)))
    assert plain(reloaded.get_config()) == saved["config"]
    x = rng.uniform(0, 255, size=(2, 4, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(theirs(x, training=False)), x)
    np.testing.assert_array_equal(ours(x, training=False), x)
    with pytest.raises(UnsupportedError, match="training=True, which is the default"):
        ours(x)


@pytest.mark.parametrize("class_name", ["Equalization", "Solarization"])
def test_integers_keep_the_dtype_that_keras_gives_them(class_name: str) -> None:
    theirs, ours = both(class_name)
    x = np.full((1, 4, 6, 3), 200, np.uint8)
    assert ours(layers.Input((4, 6, 3), dtype="uint8")).dtype == theirs(x, training=False).dtype


def test_augmentations_of_keras_2_are_read() -> None:
    for name in ("RandomHeight", "RandomWidth"):
        config = {"name": "r", "factor": [0.1, 0.2], "interpolation": "bilinear", "seed": None}
        layer = layers.deserialize({"class_name": name, "config": config})
        assert layer.compute_output_shape(IMAGE) == IMAGE


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (layers.RandomRotation, "missing 1 required positional argument: 'factor'"),
        (lambda: layers.RandomFlip("horizontal", 1, None, 2), "takes from 1 to 4 positional"),
        (lambda: layers.RandomFlip(mod="horizontal"), "Unrecognized keyword arguments"),
        (lambda: layers.RandomHue("x"), "`factor` must be a number or two. Received: factor='x'"),
        (lambda: layers.CutMix([0.1, 0.2, 0.3]), "`factor` must be a number or two"),
        (lambda: layers.GaussianNoise(2.0), "`stddev`. Expected a float value between 0 and 1"),
        (lambda: layers.AlphaDropout(-1.0), "`rate`. Expected a float value between 0 and 1"),
    ],
)
def test_illegal_arguments_are_refused(make: Any, rule: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rule):
        make()


@pytest.mark.parametrize(
    ("class_name", "arguments", "reason"),
    [
        ("AutoContrast", (), "not supported: this package has no such layer"),
        ("ReversibleEmbedding", (5, 3), "not supported: this package has no such layer"),
    ],
)
def test_layers_that_do_act_at_inference_are_refused(
    class_name: str, arguments: tuple[int, ...], reason: str
) -> None:
    saved = keras.saving.serialize_keras_object(getattr(keras.layers, class_name)(*arguments))
    with pytest.raises(ValueError, match=reason):
        layers.deserialize(saved)


def test_a_stored_call_with_training_is_read_as_what_predict_makes_of_it(
    rng: np.random.Generator,
) -> None:
    image = keras.Input((6, 6, 3))
    node = keras.Model(image, keras.layers.RandomFlip()(image)).get_config()["layers"][1]
    kwargs = node["inbound_nodes"][0]["kwargs"]
    assert kwargs == {"training": True}
    x = rng.normal(size=(2, 6, 6, 3)).astype(np.float32)
    for layer in (layers.RandomFlip(), layers.Resizing(6, 6), layers.CenterCrop(6, 6)):
        begin = layers.Input((6, 6, 3))
        model = cnnfast.Model(begin, layer(begin, **kwargs))
        assert model.output_shape == (None, 6, 6, 3)
        for made in (model.predict(x, verbose=0), model(x, training=False)):
            np.testing.assert_array_equal(made, x)


def test_random_changes_are_refused_where_keras_makes_them(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 6, 6, 3)).astype(np.float32)
    begin = keras.Input((6, 6, 3))
    theirs = keras.Model(begin, keras.layers.RandomFlip()(begin))
    assert any(not np.array_equal(theirs(x), x) for _ in range(20))  # nothing said is training
    model = layers.deserialize(keras.saving.serialize_keras_object(theirs))
    for call, said in (
        (model, {}),
        (model, {"training": True}),
        (layers.RandomFlip(), {"training": True}),
    ):
        with pytest.raises(UnsupportedError, match=r"Say `training=False`, or use `predict`"):
            call(x, **said)
