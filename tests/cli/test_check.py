"""``python -m cnnfast check``: what it finds, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import layers
from cnnfast.cli import check as command
from cnnfast.cli import comparison, exit_codes, main
from cnnfast.cli.inputs import random_inputs
from saving.model_files import config_3, keras_file, layer


def check(path: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    code = main(["check", str(path), "--json", *more])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def branching(tmp_path: Path, keras: Any) -> Path:
    """Save a functional model of Keras with a shared layer, an operation and two outputs."""
    x = keras.Input((None, None, 3), name="image")
    shared = keras.layers.Conv2D(3, 3, padding="same", activation="relu", name="shared")
    y = keras.layers.Add(name="join")([shared(shared(x)), x]) * 2.0
    z = keras.layers.GlobalAveragePooling2D(name="pool")(y)
    path = tmp_path / "branching.keras"
    keras.Model(x, {"map": y, "row": z}).save(path)
    return path


def test_check_without_keras_loads_lowers_and_runs(tmp_path, capsys):
    path = keras_file(tmp_path / "net.keras")
    code, report = check(path, capsys, "--without-keras", "--batch", "3")
    assert code == exit_codes.GOOD
    assert report["verdict"] == "runs"
    assert report["keras"] is None
    assert report["not_compared"] == "--without-keras was given"
    assert report["input_shapes"] == [[3, 4, 4, 1]]
    assert report["output_shapes"] == [[3, 3]]
    assert report["operation_count"] > 0
    assert report["finite"]


def test_check_works_where_keras_is_not_installed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "is_installed", lambda: False)
    code, report = check(keras_file(tmp_path / "net.keras"), capsys)
    assert (code, report["verdict"]) == (exit_codes.GOOD, "runs")
    assert "not installed" in report["not_compared"]
    assert main(["check", str(tmp_path / "net.keras")]) == exit_codes.GOOD
    assert "not compared: Keras is not installed" in capsys.readouterr().out


def test_check_compares_every_layer_of_a_stack_with_keras(tmp_path, capsys, keras: Any):
    stack = [keras.Input((5, 5, 2), dtype="uint8"), keras.layers.Rescaling(0.1, name="scale")]
    stack += [keras.layers.Conv2D(2, 3, name="conv"), keras.layers.Flatten(name="flatten")]
    keras.Sequential(stack).save(tmp_path / "net.keras")
    code, report = check(tmp_path / "net.keras", capsys)
    assert (code, report["verdict"]) == (exit_codes.GOOD, "agrees")
    names = [x["name"] for x in report["keras"]["layers"]]
    assert names == ["scale", "conv", "flatten"]
    assert report["keras"]["first_difference"] is None


def test_check_compares_graphs_with_operations_and_shared_layers(branching, capsys):
    code, report = check(branching, capsys, "--size", "7")
    assert (code, report["verdict"]) == (exit_codes.GOOD, "agrees")
    assert report["input_shapes"] == [[2, 7, 7, 3]]
    names = [x["name"] for x in report["keras"]["layers"]]
    assert names.count("shared") == 2
    assert {"image", "join", "pool"} <= set(names)
    # Keras numbers the operations of a process.
    assert any(name.startswith("multiply") for name in names)


def test_check_names_the_first_layer_that_differs(branching, capsys, monkeypatch):
    def wrong(self: Any, graph: Any, x: Any) -> Any:
        return x[0]

    monkeypatch.setattr(layers.Add, "lower", wrong)
    code, report = check(branching, capsys)
    assert (code, report["verdict"]) == (exit_codes.WRONG, "differs")
    first = report["keras"]["first_difference"]
    assert (first["name"], first["class_name"]) == ("join", "Add")
    assert first["relative_error"] > 1e-3
    main(["check", str(branching)])
    assert "layer 'join' of class Add, by" in " ".join(capsys.readouterr().err.split())


def test_check_says_when_keras_cannot_load_the_file(tmp_path, capsys, monkeypatch, keras: Any):
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("too old")

    monkeypatch.setattr(keras.saving, "load_model", refuse)
    code, report = check(keras_file(tmp_path / "net.keras"), capsys)
    assert (code, report["verdict"]) == (exit_codes.GOOD, "runs")
    assert "too old" in report["keras"]["problem"]


def test_check_draws_the_same_input_for_the_same_seed(tmp_path):
    from cnnfast.saving import load_model

    model = load_model(keras_file(tmp_path / "net.keras"))
    first, second, other = (random_inputs(model, s, 2, None) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


def test_check_reports_unsupported_layers_before_keras_sees_the_file(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(command, "compare", None)
    config = config_3()
    config["config"]["layers"] += [
        {"module": "keras.layers", "registered_name": None, **layer("Lambda", "evil")}
    ]
    code, report = check(keras_file(tmp_path / "net.keras", config=config), capsys)
    assert (code, report["verdict"]) == (exit_codes.UNSUPPORTED, "unsupported")
    assert "'evil'" in report["problems"][0]


def test_check_of_no_file(tmp_path, capsys):
    code, report = check(tmp_path / "none.keras", capsys)
    assert (code, report["verdict"]) == (exit_codes.UNREADABLE, "unreadable")


def test_relative_error_counts_shapes_and_numbers_that_are_not_numbers():
    ones = np.ones(3, np.float32)
    assert comparison.relative_error(ones, ones) == 0
    assert comparison.relative_error(ones, ones[:2]) == np.inf
    assert comparison.relative_error(ones * np.nan, ones * np.nan) == 0
    assert not comparison.relative_error(ones, ones * np.nan) <= 1
    assert comparison.relative_error(10 * ones, 11 * ones) == pytest.approx(0.1)


def test_check_shows_what_rounded_products_cost(tmp_path, capsys):
    model = cnnfast.Sequential(
        [layers.Input((9, 9, 16)), layers.Conv2D(32, 3), layers.Conv2D(3, 1), layers.Flatten()]
    )
    model.save(tmp_path / "net.keras")
    options = ("--without-keras", "--precision", "bfloat16")
    code, report = check(tmp_path / "net.keras", capsys, *options)
    assert (code, report["verdict"]) == (exit_codes.GOOD, "runs")
    rounding = report["rounding"]
    assert (rounding["precision"], rounding["operation_count"]) == ("bfloat16", 1)
    assert 0 < rounding["largest_relative_error"] < 2**-6
    main(["check", str(tmp_path / "net.keras"), *options])
    shown = " ".join(capsys.readouterr().out.split())
    assert "bfloat16 products in 1 of the operations" in shown
    assert f"from float32: {rounding['largest_relative_error']:.1e}" in shown


@pytest.mark.parametrize(("weight_dtype", "most"), [("float16", 2**-9), ("bfloat16", 2**-6)])
def test_check_shows_what_short_weights_cost(tmp_path, capsys, weight_dtype, most):
    model = cnnfast.Sequential([layers.Input((700,)), layers.Dense(400), layers.Dense(3)])
    model.save(tmp_path / "net.keras")
    options = ("--without-keras", "--weight-dtype", weight_dtype)
    code, report = check(tmp_path / "net.keras", capsys, *options)
    assert (code, report["verdict"]) == (exit_codes.GOOD, "runs")
    storage = report["storage"]
    assert storage["weight_dtype"] == weight_dtype
    assert storage["operation_count"] == 1
    assert storage["float32_bytes"] == 4 * (700 * 400 + 400 * 3)
    assert storage["weight_bytes"] == storage["float32_bytes"] - 2 * 700 * 400
    assert 0 < storage["largest_relative_error"] < most
    main(["check", str(tmp_path / "net.keras"), *options])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"{weight_dtype} weights" in shown
    assert f"from float32 weights: {storage['largest_relative_error']:.1e}" in shown
