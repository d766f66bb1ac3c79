"""The demo as a user runs it: ``python -m cnnfast demo`` in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from cnnfast.cli import demo, main

pytestmark = pytest.mark.long


def run_demo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cnnfast", "demo", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **environment},
        check=False,
    )


def test_demo_recognizes_the_held_out_digits():
    done = run_demo("--json", "--images", "6", "--threads", "1")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["image_count"] == 540
    assert report["accuracy"] == report["correct_count"] / 540 >= 0.985
    assert report["parameter_count"] == 36634
    assert report["threads"] == 1
    assert report["images_per_second"] > 0
    assert len(report["answers"]) == 6
    assert all(0.1 < answer["probability"] <= 1 for answer in report["answers"])


def test_demo_draws_digits_readably_without_a_terminal():
    done = run_demo("--images", "3")
    assert done.returncode == 0, done.stderr
    assert "██" in done.stdout
    assert "\x1b" not in done.stdout
    assert "accuracy" in done.stdout
    assert "images per second" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_demo_draws_in_ascii_where_the_output_is_ascii():
    done = run_demo("--images", "1", PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "##" in done.stdout


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_demo_refuses_a_wrong_number_of_threads(value, capsys):
    with pytest.raises(SystemExit) as left:
        main(["demo", "--threads", value])
    assert left.value.code == 2
    assert f"must be a positive integer. Received: {value}" in capsys.readouterr().err


def test_shipped_network_gives_keras_probabilities(keras):
    images, _ = demo.load_test_images()
    pixels = images.astype(np.float32) / demo.GREY_LEVELS
    with demo.as_file(demo.files("cnnfast") / "data" / "digits_cnn.keras") as path:
        theirs = keras.saving.load_model(path).predict(pixels, verbose=0)
    ours = demo.load_network().predict(pixels, verbose=0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
