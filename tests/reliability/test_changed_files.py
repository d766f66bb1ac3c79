"""A model file that changes while a model uses it: an error or the old numbers, never a crash.

Each case runs in a process of its own, because what it guards against is a signal.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import cnnfast
from cnnfast import layers

pytest.importorskip("h5py")

USE = """
import os, shutil, sys
import numpy as np
from cnnfast.errors import ModelFileError
from cnnfast.models import load_model

path, when, how = sys.argv[1:]
model = load_model(path)
kernel = model.weights[0].numpy().copy()
small, large = (np.ones((1, n, n, 16), np.float32) for n in (8, 9))
if when == "running":
    before = model.predict(small, verbose=0)
    expected = load_model(path).predict(large, verbose=0)

if how == "cut short":
    os.truncate(path, 100)
elif how == "overwritten":
    with open(path, "r+b") as file:
        file.write(bytes(os.path.getsize(path)))
elif how == "replaced":
    with open(path + ".new", "wb") as file:
        file.write(b"another")
    os.replace(path + ".new", path)
elif how == "removed":
    os.remove(path)

def outcome(call):
    try:
        call()
    except ModelFileError as error:
        assert "was written to" in str(error) and path in str(error), error
        return "refused"
    return "ran"

results = [outcome(lambda: model.predict(large, verbose=0)), outcome(model.get_weights)]
if when == "running":  # the plan that is there has its own copy
    assert np.array_equal(model.predict(small, verbose=0), before)
if results == ["ran", "ran"]:
    assert np.array_equal(model.get_weights()[0], kernel)
    if when == "running":
        assert np.array_equal(model.predict(large, verbose=0), expected)
print(*results)
"""


@pytest.fixture(scope="module")
def model() -> cnnfast.Sequential:
    image = cnnfast.Input((None, None, 16))
    return cnnfast.Sequential([image, layers.Conv2D(64, 3), layers.Conv2D(256, 3)])


@pytest.mark.parametrize("when", ["loaded", "running"])
@pytest.mark.parametrize(
    ("how", "result"),
    [
        ("cut short", "refused refused"),
        ("overwritten", "refused refused"),
        ("replaced", "ran ran"),
        ("removed", "ran ran"),
    ],
)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_that_changes_gives_an_error_or_its_old_numbers(
    model: cnnfast.Sequential, tmp_path: Path, suffix: str, how: str, result: str, when: str
) -> None:
    path = tmp_path / f"m{suffix}"
    model.save(path)
    command = [sys.executable, "-P", "-c", USE, str(path), when, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, result), done.stderr
