"""``check --quantized``: what 8 bits cost on a folder of pictures."""

import json

import numpy as np
import pytest

import cnnfast
from cnnfast.cli import exit_codes, main
from networks_in_bytes import images, network

Image = pytest.importorskip("PIL.Image")


@pytest.fixture
def folder(tmp_path):
    model = network("classifier")
    pictures = np.uint8(255 * images(12))
    for number, row in enumerate(model.predict(np.float32(pictures), verbose=0)):
        path = tmp_path / "pictures" / f"class{row.argmax()}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(pictures[number]).save(path)
    model.save(tmp_path / "net.keras")
    return tmp_path


def test_agreement_is_reported(folder, capsys):
    arguments = ["check", str(folder / "net.keras"), "--without-keras", "--json"]
    code = main([*arguments, "--quantized", str(folder / "pictures")])
    report = json.loads(capsys.readouterr().out)["eight_bits"]
    assert code == exit_codes.GOOD
    assert report["images"] == 12
    assert 0 < report["relative_error"] < 0.5  # of a softmax of large numbers
    assert report["top1"] > 0.7
    assert report["top5"] == 1.0  # of five classes
    assert len(report["accuracy"]) == len(report["float32_accuracy"]) == 2


def test_keras_is_compared_with(folder, capsys, keras):
    code = main(["check", str(folder / "net.keras"), "--quantized", str(folder / "pictures")])
    out = capsys.readouterr().out
    assert code == exit_codes.GOOD
    assert "from Keras" in out
    assert "same first class" in out


def test_a_file_in_8_bits_agrees_with_keras_in_float32(folder, capsys, keras):
    model = cnnfast.load_model(folder / "net.keras")
    cnnfast.quantize(model, images(4) * 255, verbose=0).save(folder / "small.keras")
    assert main(["check", str(folder / "small.keras")]) == exit_codes.GOOD
    assert "agrees" in capsys.readouterr().out


def test_a_folder_without_pictures_is_said(folder, capsys):
    code = main(["check", str(folder / "net.keras"), "--without-keras", "--quantized", "nowhere"])
    assert code == exit_codes.WRONG
    assert "nowhere" in capsys.readouterr().err
