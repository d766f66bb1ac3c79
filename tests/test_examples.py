"""The example scripts run as they stand."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.long

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = REPOSITORY / "examples"
DIGITS = REPOSITORY / "cnnfast" / "data"


def run_example(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_introductory_script_runs():
    printed = run_example("intro.py")
    assert "3,938,570" in printed
    assert "of 10" in printed


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_introductory_script_is_a_keras_script(monkeypatch, keras):
    source = (EXAMPLES / "intro.py").read_text(encoding="utf-8").replace("cnnfast", "keras")
    namespace: dict[str, object] = {}
    exec(compile(source, "intro.py", "exec"), namespace)
    assert isinstance(namespace["model"], keras.Sequential)
    assert np.shape(namespace["prediction"]) == (1, 10)


def test_loading_script_runs_on_a_keras_file():
    printed = run_example("load_keras_file.py", str(DIGITS / "digits_cnn.keras"))
    assert "36,634" in printed


def test_scripts_that_take_arguments_say_which():
    for name in ("load_keras_file.py", "train_digits.py"):
        assert "usage: " in run_example(name, "--help")
    script = [sys.executable, str(EXAMPLES / "load_keras_file.py")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "arguments are required: file" in done.stderr


def test_training_script_describes_the_shipped_network_and_split(keras):
    pytest.importorskip("sklearn")
    script = runpy.run_path(str(EXAMPLES / "train_digits.py"))
    shipped = keras.saving.load_model(DIGITS / "digits_cnn.keras")
    trained = script["build_model"]()
    assert [w.shape for w in trained.weights] == [w.shape for w in shipped.weights]
    assert [type(a) for a in trained.layers] == [type(b) for b in shipped.layers]
    with np.load(DIGITS / "digits_test.npz") as shipped_images:
        split = script["split_digits"]()
        np.testing.assert_array_equal(shipped_images["images"], split.test_images)
        np.testing.assert_array_equal(shipped_images["labels"], split.test_labels)
