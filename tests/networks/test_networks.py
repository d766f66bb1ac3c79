"""Networks as people build them, in real Keras and here, from `.keras` and from `.h5` files.

Keras runs in a process of its own, on the numpy backend: it has less to compile than JAX.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

pytest.importorskip("keras")

TESTS = Path(__file__).resolve().parents[1]
SMALL = ("MobileNet", "MobileNetV2", "EfficientNetB0", "NASNetMobile")
ARCHITECTURES = (
    "unet",
    "deeplab",
    "yolo",
    "yolo, other size",
    "mtcnn",
    "mtcnn, other size",
    "rnet",
    "eegnet",
    "crnn",
    "super_resolution",
    "super_resolution, other size",
    "retina",
    "attention",
)


def results(*command: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=TESTS,
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return {r["name"]: r for r in map(json.loads, done.stdout.splitlines())}


def check(result: dict[str, Any]) -> None:
    assert result["problems"] == {}
    assert set(result["errors"]) == {".keras", ".h5"}
    assert result["agrees"], result


@pytest.fixture(scope="module")
def architectures() -> dict[str, Any]:
    return results("networks.architectures")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_network_gives_keras_numbers(name: str, architectures: dict[str, Any]) -> None:
    check(architectures[name])


def test_small_applications_give_keras_numbers() -> None:
    found = results("networks.applications", *SMALL, "--size", "64", "--json")
    assert list(found) == list(SMALL)
    for result in found.values():
        check(result)
