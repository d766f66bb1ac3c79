"""Files and live models with masks: `.keras`, `.h5`, older configs, `from_keras`, both ways."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import UnsupportedError
from masked_networks import FEATURES, NETWORKS, STEPS, assert_alike, batch, pair, predicted
from saving.roads import ROADS, loaded

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
    pytest.mark.filterwarnings("ignore:.*destroy the mask information"),
]


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("name", NETWORKS)
def test_files_with_masks_go_both_ways(
    name: str, ending: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs, _ = pair(name, rng)
    x = batch(theirs, rng)
    expected = predicted(theirs, x)
    theirs.save(tmp_path / f"theirs{ending}")
    ours = cnnfast.saving.load_model(tmp_path / f"theirs{ending}")
    assert_alike(predicted(ours, x), expected)
    ours.save(tmp_path / f"ours{ending}")
    assert_alike(predicted(keras.saving.load_model(tmp_path / f"ours{ending}"), x), expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_live_models_and_copies_have_their_masks(name: str, rng: np.random.Generator) -> None:
    theirs, ours = pair(name, rng)
    x = batch(theirs, rng)
    expected = predicted(theirs, x)
    assert_alike(predicted(cnnfast.from_keras(theirs), x), expected)
    clone = cnnfast.models.clone_model(ours)
    clone.set_weights(ours.get_weights())
    for twin in (clone, pickle.loads(pickle.dumps(ours))):
        assert_alike(predicted(twin, x), expected)


def old_config() -> dict[str, Any]:
    """Return what Keras 2 wrote for an embedding that masks."""
    uniform = {"class_name": "RandomUniform", "config": {"minval": -0.05, "maxval": 0.05}}
    entries: list[tuple[str, str, dict[str, Any], list[Any]]] = [
        ("InputLayer", "in", {"batch_input_shape": [None, STEPS], "dtype": "int32"}, []),
        (
            "Embedding",
            "words",
            {
                **{"batch_input_shape": [None, STEPS], "input_dim": 10, "output_dim": 4},
                **{"embeddings_initializer": uniform, "mask_zero": True, "input_length": STEPS},
            },
            [[["in", 0, 0, {}]]],
        ),
        ("Dense", "dense", {"units": 3, "activation": "relu"}, [[["words", 0, 0, {}]]]),
        ("GlobalAveragePooling1D", "pool", {}, [[["dense", 0, 0, {}]]]),
    ]
    made = [
        {"class_name": kind, "name": name, "config": {**own, "name": name}, "inbound_nodes": nodes}
        for kind, name, own, nodes in entries
    ]
    ends = {"input_layers": [["in", 0, 0]], "output_layers": [["pool", 0, 0]]}
    return {
        "class_name": "Model",
        "config": {"name": "old", "layers": made, **ends},
        "keras_version": "2.3.1",
    }


def test_a_config_of_keras_2_masks(rng: np.random.Generator) -> None:
    ours = cnnfast.models.model_from_json(json.dumps(old_config()))
    inputs = keras.Input((STEPS,), dtype="int32")
    x = keras.layers.Embedding(10, 4, mask_zero=True)(inputs)
    x = keras.layers.Dense(3, activation="relu")(x)
    theirs = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x))
    theirs.set_weights([rng.normal(size=w.shape) for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    numbers = batch(theirs, rng)
    assert_alike(predicted(ours, numbers), predicted(theirs, numbers))


def joined_config(class_name: str, second: str) -> dict[str, Any]:
    """Return what Keras 2 wrote for two masked sequences that are joined and then pooled."""
    config = old_config()
    source, words, *_, pool = config["config"]["layers"]
    more = {**words, "name": second, "config": {**words["config"], "name": second}}
    taken = [["words", 0, 0, {}], [second, 0, 0, {}]]
    joined: dict[str, Any] = {
        **{"class_name": class_name, "name": class_name.lower()},
        **{"config": {"name": class_name.lower()}, "inbound_nodes": [taken]},
    }
    pool["inbound_nodes"] = [[[class_name.lower(), 0, 0, {}]]]
    parts = [source, words, *([] if second == "words" else [more]), joined, pool]
    config["config"]["layers"] = parts
    return config


@pytest.mark.parametrize("class_name", ["Add", "Concatenate"])
def test_masks_that_keras_2_joined_in_another_way_are_refused(class_name: str) -> None:
    with pytest.raises(UnsupportedError, match="something else of masks in Keras 3"):
        cnnfast.models.model_from_json(json.dumps(joined_config(class_name, "more")))


@pytest.mark.parametrize("class_name", ["Add", "Concatenate"])
def test_one_mask_joined_with_itself_is_the_same_in_keras_2(
    class_name: str, rng: np.random.Generator
) -> None:
    """And the operations on masks get names that the file has not."""
    ours = cnnfast.models.model_from_json(json.dumps(joined_config(class_name, "words")))
    table = rng.normal(size=(10, 4)).astype(np.float32)
    ours.set_weights([table])
    ids = np.array([[1, 2, 0, 3, 0, 0]])
    mean = table[[1, 2, 3]].mean(0)
    expected = 2 * mean if class_name == "Add" else np.concatenate([mean, mean])
    np.testing.assert_allclose(ours.predict(ids, verbose=0)[0], expected, rtol=1e-5)


# --- classes of the user's ---------------------------------------------------------------------


class Summed(keras.layers.Layer):
    """Loses the mask in its sum, and says that it does not."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x: Any) -> Any:
        return x + 1.0


class Positive(keras.layers.Layer):
    def call(self, x: Any) -> Any:
        return x * 2.0

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        return x[:, :, 0] > 0


def drawn() -> Any:
    nn, inputs = keras.layers, keras.Input((STEPS, FEATURES))
    x = Summed()(nn.Masking()(inputs))
    y = Positive()(inputs)
    stack = keras.Sequential([keras.Input((STEPS, FEATURES)), nn.Dense(FEATURES)])
    outputs = [nn.GlobalAveragePooling1D()(x), nn.Attention()([x, y])]
    outputs += [nn.MultiHeadAttention(2, 3)(x, y), nn.GlobalAveragePooling1D()(nn.Add()([x, y]))]
    outputs += [nn.GlobalAveragePooling1D()(stack(y)), nn.Attention()([stack(x), stack(y)])]
    return keras.Model(inputs, outputs)


def test_masks_of_classes_that_keras_draws_are_kept(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    theirs = drawn()
    x = rng.normal(size=(4, STEPS, FEATURES)).astype(np.float32)
    x[0, 3:], x[1, :2] = 0, 0
    expected = predicted(theirs, x)
    ours = cnnfast.from_keras(theirs)
    assert_alike(predicted(ours, x), expected)
    ours.save(tmp_path / "plain.keras")
    assert_alike(predicted(keras.saving.load_model(tmp_path / "plain.keras"), x), expected)


def test_evaluate_is_refused_where_the_mask_of_the_output_is_lost() -> None:
    inputs = keras.Input((STEPS, FEATURES))
    theirs = keras.Model(inputs, Summed()(keras.layers.Masking()(inputs)))
    theirs.compile(loss="mse")
    ours = cnnfast.from_keras(theirs)
    x = np.ones((2, STEPS, FEATURES), np.float32)
    assert_alike(predicted(ours, x), predicted(theirs, x))
    with pytest.raises(UnsupportedError, match="whose outputs have masks"):
        ours.evaluate(x, x, verbose=0)


@pytest.mark.parametrize("road", ROADS)
def test_a_function_stands_in_for_no_layer_that_gets_a_mask(road: str, tmp_path: Path) -> None:
    inputs = keras.Input((STEPS, FEATURES))
    x = Summed(name="own")(keras.layers.Masking()(inputs))
    theirs = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x))
    with pytest.raises(UnsupportedError, match="gets an input with a mask") as caught:
        loaded(theirs, road, tmp_path, {"own": lambda x: x + 1.0})
    assert "Hand over the class itself" in str(caught.value)


def test_a_lambda_in_a_file_destroys_a_mask_as_in_keras(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    inputs = keras.Input((STEPS, FEATURES))
    x = keras.layers.Lambda(lambda x: 2 * x, name="twice")(keras.layers.Masking()(inputs))
    theirs = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(x))
    theirs.save(tmp_path / "m.keras")
    ours = cnnfast.saving.load_model(
        tmp_path / "m.keras", custom_objects={"twice": lambda x: 2 * x}
    )
    numbers = rng.normal(size=(3, STEPS, FEATURES)).astype(np.float32)
    numbers[:, 3:] = 0
    assert_alike(predicted(ours, numbers), predicted(theirs, numbers))


def test_a_lambda_has_the_mask_of_its_function(rng: np.random.Generator) -> None:
    def network(k: Any) -> Any:
        nn, inputs = k.layers, k.Input((STEPS, FEATURES))
        x = nn.Masking()(inputs)

        def weighed(x: Any, mask: Any = None) -> Any:
            return x * (1.0 if mask is None else k.ops.expand_dims(k.ops.cast(mask, "float32"), -1))

        same = nn.Lambda(lambda x: x + 1.0, mask=lambda x, mask: mask)
        own = nn.Lambda(lambda x: x + 1.0, mask=lambda x, mask: x[:, :, 0] > 0)
        shape = (STEPS, FEATURES)
        outputs = [nn.GlobalAveragePooling1D()(layer(x)) for layer in (same, own)]
        return k.Model(inputs, [*outputs, nn.Lambda(weighed, output_shape=shape)(x)])

    theirs, ours = network(keras), network(cnnfast)
    x = batch(theirs, rng)
    assert_alike(predicted(ours, x), predicted(theirs, x))


def test_a_function_of_arrays_gets_truths_for_a_mask() -> None:
    seen: list[Any] = []

    def weighed(x: Any, mask: Any) -> Any:
        seen.append(mask)
        return np.asarray(x) * np.asarray(mask)[..., None]

    layer = layers.Lambda(weighed, output_shape=(STEPS, FEATURES))
    x = np.ones((2, STEPS, FEATURES), np.float32)
    x[:, 2:] = 0
    y = layer(layers.Masking()(x))
    np.testing.assert_array_equal(y, x)
    assert seen[-1].dtype == np.bool_
