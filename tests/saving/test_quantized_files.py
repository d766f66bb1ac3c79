"""Files with quantized layers that are damaged, or say what is not there."""

from __future__ import annotations

import io
import json
import pickle
import re
import zipfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.errors import ModelFileError, UnsupportedError


def saved(dtype: str, path: Path) -> cnnfast.Model:
    """Save a model of one layer that is quantized, and give it."""
    model = cnnfast.Sequential([layers.Input((6,)), layers.Dense(5, dtype=dtype, name="head")])
    for weight in model.weights:
        count = np.prod(weight.shape, dtype=int)
        if weight.name in ("kernel", "kernel_zero"):
            weight.assign((np.arange(count) * 7 % 16).reshape(weight.shape))
        elif weight.name != "g_idx":
            weight.assign(np.linspace(0.5, 1.5, count).reshape(weight.shape))
    model.save(path)
    return model


def rewritten(
    path: Path,
    weights: Callable[[Any], None] = lambda group: None,
    config: Callable[[dict[str, Any]], None] = lambda layer: None,
) -> Path:
    """Change what a file has of its layer."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    text = json.loads(parts["config.json"])
    config(text["config"]["layers"][-1]["config"])
    parts["config.json"] = json.dumps(text).encode()
    data = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(data, "r+") as file:
        weights(file["layers/dense/vars"])
    parts["model.weights.h5"] = data.getvalue()
    with zipfile.ZipFile(path, "w") as new:
        for name, part in parts.items():
            new.writestr(name, part)
    return path


def put(number: int, array: Any) -> Callable[[Any], None]:
    def change(group: Any) -> None:
        del group[str(number)]
        group[str(number)] = array

    return change


WEIGHTS: list[tuple[str, Callable[[Any], None], str]] = [
    ("int8", put(2, np.ones(4, "f4")), r"'kernel_scale'.*shape \(5,\). Received: \(4,\)"),
    ("int8", lambda g: g.__delitem__("2"), "has 3 weight.*Received: 2"),
    ("int8", put(0, np.full((6, 5), 0.5, "f4")), "must hold int8. Received: float32"),
    ("int8", put(0, np.full((6, 5), 200, "u1")), "must hold int8. Received: uint8"),
    ("int4/2", put(0, np.zeros((6, 5), "i1")), r"'kernel'.*shape \(6, 3\). Received: \(6, 5\)"),
    ("int4/2", put(3, np.zeros((3, 5), "f4")), "'kernel_zero'.*must hold int8"),
    ("int4/-1", put(2, np.ones((3, 5), "f4")), r"'kernel_scale'.*shape \(5,\)"),
    ("gptq/4/2", put(1, np.zeros((5, 6), "u1")), r"'kernel'.*shape \(3, 6\)"),
    ("awq/4/2", put(2, np.ones((5, 1), "f4")), r"'kernel_scale'.*shape \(5, 3\)"),
    ("float8", put(3, np.ones(8, "f4")), r"'inputs_amax_history'.*shape \(1024,\)"),
]


def test_weights_that_do_not_fit_are_refused_and_change_nothing(tmp_path: Path) -> None:
    for number, (mode, change, rule) in enumerate(WEIGHTS):
        path = tmp_path / f"{number}.keras"
        model = saved(f"{mode}_from_float32", path)
        before = model.get_weights()
        rewritten(path, change)
        with pytest.raises(ModelFileError, match=rule):
            cnnfast.load_model(path)
        with pytest.raises(ModelFileError, match=rule):
            model.load_weights(path)
        for old, new in zip(before, model.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)


def policy(mode: Any, class_name: str = "QuantizedDTypePolicy", **fields: Any) -> dict[str, Any]:
    config = {"mode": mode, "source_name": "float32", **fields}
    return {"dtype": {"module": "keras", "class_name": class_name, "config": config}}


def quantizers(**fields: Any) -> dict[str, Any]:
    config = {"weight_quantizer": None, "activation_quantizer": None, **fields}
    return {"quantization_config": {"class_name": "Int8QuantizationConfig", "config": config}}


def abs_max(**fields: Any) -> dict[str, Any]:
    config = {"value_range": [-127, 127], "epsilon": 1e-7, "output_dtype": "int8", **fields}
    return {"class_name": "AbsMaxQuantizer", "config": config}


CONFIGS: list[tuple[dict[str, Any], str]] = [
    (policy("int2"), "`mode`.*Received.*int2"),
    (policy(None), "`mode`"),
    (policy("int4/0", "Int4DTypePolicy"), "Received: 'int4/0_from_float32'"),
    (policy("gptq/5/-1", "GPTQDTypePolicy"), r"\(2, 3, 4, 8\) bits"),
    (policy("int8", "GPTQDTypePolicy"), "that is their own"),
    (policy("int8", source_name="mixed_bfloat16"), "scales in the dtype of the inputs"),
    (policy("int8", "Int2DTypePolicy"), "Int2DTypePolicy"),
    ({"dtype": "int8_from_float64"}, "int8_from_float64"),
    (policy("float8", "QuantizedFloat8DTypePolicy", amax_history_length=-1), "must be a length"),
    (quantizers(activation_quantizer={"class_name": "Mine"}), r"AbsMaxQuantizer.*Received.*Mine"),
    (quantizers(weight_quantizer={"class_name": "Mine"}), "`weight_quantizer`"),
    (quantizers(activation_quantizer=abs_max(value_range=[0, 255])), "`value_range`"),
    (quantizers(activation_quantizer=abs_max(value_range=[-1.5, 7])), "`value_range`"),
    (quantizers(activation_quantizer=abs_max(epsilon="x")), "`epsilon`"),
    (quantizers(activation_quantizer=abs_max(output_dtype="uint8")), "uint8"),
    ({"quantization_config": {"class_name": "Int2Config"}}, "Int2Config"),
    ({"quantization_config": {"class_name": "GPTQConfig", "config": {}}}, "the mode of the dtype"),
    ({"quantization_config": 7}, "Keras' config object"),
    ({"quantization_config": {"class_name": ["Int2Config"]}}, "Keras' config object"),
    (quantizers(activation_quantizer={"class_name": []}), "AbsMaxQuantizer"),
    (quantizers(activation_quantizer=abs_max(value_range=7)), "`value_range`"),
    (policy("int4/" + "9" * 5000, "Int4DTypePolicy"), "digits"),
    (policy(["int8"]), "`mode`"),
]


def test_what_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    saved("int8_from_float32", tmp_path / "model.keras")
    for fields, rule in CONFIGS:
        path = tmp_path / "changed.keras"
        path.write_bytes((tmp_path / "model.keras").read_bytes())
        rewritten(path, config=lambda layer, fields=fields: layer.update(deepcopy(fields)))
        with pytest.raises(
            (UnsupportedError, ModelFileError), match=re.compile(rule, re.S)
        ) as caught:
            cnnfast.load_model(path)
        assert "head" in str(caught.value)


def test_layers_that_keras_does_not_quantize_are_refused() -> None:
    heads = {"class_name": "DTypePolicyMap", "config": {"policy_map": {"a.*": "int8_from_float32"}}}
    for make in (
        lambda: layers.Conv2D(2, 3, dtype="int8_from_float32"),
        lambda: layers.MultiHeadAttention(2, 3, dtype="int8_from_float32"),
        lambda: layers.Flatten(dtype="int4/2_from_float32"),
        lambda: layers.Dense(2, dtype=heads),
        lambda: layers.MultiHeadAttention(2, 3, dtype=heads),
        lambda: layers.EinsumDense("...a,ab->...b", 3, dtype="int8_from_float32"),
        lambda: cnnfast.Sequential([layers.Input((3,))]).quantize("int8"),
    ):
        with pytest.raises(UnsupportedError, match="Received") as caught:
            make()
        assert all(item.advice for item in caught.value.items)
    with pytest.raises(UnsupportedError, match=re.escape("model.quantize('int8')")):
        cnnfast.Sequential([layers.Input((3,))]).quantize("int8")


def test_pickles_copies_and_old_files_keep_what_is_quantized(tmp_path: Path) -> None:
    for mode in ("int8", "int4/4", "awq/4/-1", "float8"):
        model = saved(f"{mode}_from_float32", tmp_path / "model.keras")
        x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 6)
        expected = model.predict(x, verbose=0)
        model.save(tmp_path / "model.h5")
        again = [
            cnnfast.load_model(tmp_path / "model.keras"),
            cnnfast.load_model(tmp_path / "model.h5"),
            pickle.loads(pickle.dumps(model)),
            deepcopy(model),
        ]
        clone = cnnfast.models.clone_model(model)
        clone.set_weights(model.get_weights())
        for other in (*again, clone):
            np.testing.assert_array_equal(other.predict(x, verbose=0), expected)
            assert [w.dtype for w in other.weights] == [w.dtype for w in model.weights]
