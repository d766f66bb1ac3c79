"""A very large image takes its input, its output and a few bands of memory."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform == "win32", reason="asks for resident memory"),
]

PEAK = """
import resource, sys
import numpy as np
import cnnfast
from cnnfast import layers

def peak():
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

same = lambda filters: layers.Conv2D(filters, 3, padding="same", activation="relu")
model = cnnfast.Sequential([cnnfast.Input((None, None, 3)), same(16), same(16), same(4)])
model.predict(np.ones((1, 64, 64, 3), np.float32), verbose=0, threads=2)
x = np.ones((1, 2048, 2048, 3), np.float32)
before = peak()
y = model.predict(x, verbose=0, threads=2)
assert not np.isnan(y).any()
print(peak() - before - y.nbytes)
"""


def test_a_large_image_peaks_at_its_input_its_output_and_a_few_bands() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PEAK], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 48e6  # one image between two layers has 268 MB
