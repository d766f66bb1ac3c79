"""Ctrl-C during a long predict ends it within one batch and leaves the model usable."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import os, signal, threading
import numpy as np
import cnnfast
from cnnfast import layers

signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may have had it ignored

class Progress(cnnfast.callbacks.Callback):
    begun, at_signal = 0, None

    def on_predict_batch_begin(self, batch, logs=None):
        self.begun += 1
        if self.begun == 3:
            threading.Thread(target=self.interrupt).start()

    def interrupt(self):
        os.kill(os.getpid(), signal.SIGINT)
        self.at_signal = self.begun

image = cnnfast.Input((64, 64, 32))
model = cnnfast.Sequential([image, layers.Conv2D(64, 3), layers.Conv2D(64, 3)])
one = np.ones((1, 64, 64, 32), np.float32)
before = model.predict(one, verbose=0)
progress = Progress()
try:
    model.predict(np.ones((400, 64, 64, 32), np.float32), 16, verbose=0, callbacks=[progress])
    print("never interrupted")
except KeyboardInterrupt:
    assert progress.begun - progress.at_signal <= 1, (progress.begun, progress.at_signal)
    assert np.array_equal(model.predict(one, verbose=0), before)
    assert np.array_equal(model.predict(np.repeat(one, 3, 0), verbose=0)[2:], before)
    print("ended")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to itself")
def test_an_interrupt_ends_a_predict_within_a_batch_and_the_model_runs_on() -> None:
    command = [sys.executable, "-P", "-c", SCRIPT]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "ended\n", done.stderr
