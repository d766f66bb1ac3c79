"""``python -m cnnfast info``: what it shows, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cnnfast.cli import exit_codes, main
from cnnfast.models import Model
from saving.model_files import config_3, keras_file, layer, legacy_file, weights_h5


def info(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = main(["info", str(path), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_info_shows_layers_shapes_and_sizes(tmp_path, capsys):
    path = keras_file(tmp_path / "net.keras")
    code, facts = info(path, capsys)
    assert code == exit_codes.GOOD
    assert facts["format"] == "Keras 3 archive (.keras)"
    assert facts["keras_version"] == "3.15.1"
    assert facts["model_class"] == "Sequential"
    assert facts["input_shape"] == [None, 4, 4, 1]
    assert facts["output_shape"] == [None, 3]
    assert facts["file_bytes"] == path.stat().st_size > facts["weight_bytes"] > 0
    assert facts["parameter_count"] == 20 + 8 + 27
    assert [(x["name"], x["output_shape"], x["parameter_count"]) for x in facts["layers"]] == [
        ("conv", [None, 2, 2, 2], 20),
        ("bn", [None, 2, 2, 2], 8),
        ("flatten", [None, 8], 0),
        ("dropout", [None, 8], 0),
        ("dense", [None, 3], 27),
    ]
    assert facts["unsupported"] == []
    assert facts["problems"] == []


def test_info_shows_version_backend_and_compile_settings_of_an_h5_file(tmp_path, capsys):
    training = {
        "loss": "categorical_crossentropy",
        "optimizer_config": {"class_name": "Adam", "config": {"lr": 0.1}},
        "metrics": ["accuracy"],
    }
    path = legacy_file(tmp_path / "net.h5", training=training)
    code, facts = info(path, capsys)
    assert code == exit_codes.GOOD
    assert facts["format"] == "HDF5 (.h5)"
    assert (facts["keras_version"], facts["backend"]) == ("2.9.0", "tensorflow")
    assert facts["compile_settings"]["loss"] == "categorical_crossentropy"
    main(["info", str(path)])
    shown = capsys.readouterr().out
    assert "Adam" in shown
    assert "accuracy" in shown


def test_info_runs_nothing(tmp_path, capsys, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("the model was run")

    monkeypatch.setattr(Model, "__call__", refuse)
    monkeypatch.setattr("cnnfast.engine.executor.Executor.plan", refuse)
    assert info(keras_file(tmp_path / "net.keras"), capsys)[0] == exit_codes.GOOD


def test_info_lists_everything_unsupported_at_once_and_all_layers(tmp_path, capsys):
    config = config_3()
    config["config"]["layers"] += [
        {"module": "keras.layers", "registered_name": None, **layer("Lambda", "evil")},
        {"module": "mine", "registered_name": "mine>Swirl", **layer("Swirl", "swirl")},
    ]
    code, facts = info(keras_file(tmp_path / "net.keras", config=config), capsys)
    assert code == exit_codes.UNSUPPORTED
    assert len(facts["unsupported"]) == 2
    assert facts["unsupported"][0]["layers"] == ["evil"]
    assert facts["unsupported"][1]["class_name"] == "Swirl"
    assert [x["name"] for x in facts["layers"]][-2:] == ["evil", "swirl"]
    main(["info", str(tmp_path / "net.keras")])
    shown = capsys.readouterr()
    assert "swirl" in shown.out
    assert "not supported, for 2 causes in 2 layers" in shown.err


def test_info_of_weights_alone_says_so(tmp_path, capsys):
    path = tmp_path / "net.weights.h5"
    path.write_bytes(weights_h5())
    code, facts = info(path, capsys)
    assert code == exit_codes.GOOD
    assert facts["format"] == "HDF5, weights only"
    assert facts["layers"] == []


@pytest.mark.parametrize("content", [b"", b"no model", b"PK\x03\x04 broken"])
def test_info_of_a_file_that_cannot_be_read(tmp_path, capsys, content):
    path = tmp_path / "net.keras"
    path.write_bytes(content)
    code, facts = info(path, capsys)
    assert code == exit_codes.UNREADABLE
    assert str(path) in facts["problems"][0]
    main(["info", str(path)])
    assert capsys.readouterr().out == ""


def test_info_of_no_file(tmp_path, capsys):
    code, facts = info(tmp_path / "none.keras", capsys)
    assert code == exit_codes.UNREADABLE
    assert "none.keras" in facts["problems"][0]
    assert main(["info", str(tmp_path / "none.keras")]) == exit_codes.UNREADABLE
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "none.keras" in shown.err
