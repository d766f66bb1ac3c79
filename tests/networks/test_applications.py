"""The small networks of `keras.applications`; the script `applications.py` compares all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("keras")

TESTS = Path(__file__).resolve().parents[1]
NAMES = ("MobileNet", "MobileNetV2", "EfficientNetB0", "NASNetMobile")


def test_small_networks_give_keras_numbers_from_both_files() -> None:
    # The numpy backend, which a process of its own needs, has less to compile than JAX.
    done = subprocess.run(
        [sys.executable, "-m", "networks.applications", *NAMES, "--json"],
        cwd=TESTS,
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    results = {r["name"]: r for r in map(json.loads, done.stdout.splitlines())}
    assert list(results) == list(NAMES)
    for result in results.values():
        assert result["agrees"], result
        assert set(result["errors"]) == {".keras", ".h5"}
    assert done.returncode == 0
