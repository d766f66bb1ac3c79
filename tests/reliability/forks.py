"""Forks again and again while other threads predict, make plans and load weights.

A child inherits every lock as it was when it was forked, but not the threads that would have
released them. `python -m reliability.forks` prints how many children predicted.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import numpy as np

import cnnfast
from cnnfast import layers

SECONDS_TO_LIVE = 20


def make_model() -> cnnfast.Sequential:
    """Return a small network, so that locks are taken often."""
    image = cnnfast.Input((None, None, 4))
    return cnnfast.Sequential([image, layers.Conv2D(8, 3, activation="relu"), layers.Conv2D(4, 1)])


def work(model: cnnfast.Sequential, stop: threading.Event, size: int) -> None:
    """Predict, make plans and replace weights until `stop`."""
    weights = model.get_weights()
    while not stop.is_set():
        model.predict(np.ones((1, size, size, 4), np.float32), verbose=0)
        model.release_memory()
        model.set_weights(weights)


def child(model: cnnfast.Sequential, expected: np.ndarray) -> int:
    """Return 0 if a forked child predicts; a hang ends with a signal."""
    signal.alarm(SECONDS_TO_LIVE)
    got = model.predict(np.ones((1, 12, 12, 4), np.float32), verbose=0)
    model.set_weights(model.get_weights())
    again = model.predict(np.ones((1, 12, 12, 4), np.float32), verbose=0)
    return int(not (np.array_equal(got, expected) and np.array_equal(again, expected)))


def main(count: int) -> None:
    """Fork `count` children under load; fail if one of them does not predict."""
    sys.setswitchinterval(1e-5)  # threads change often, also in the middle of what holds a lock
    model = make_model()
    expected = model.predict(np.ones((1, 12, 12, 4), np.float32), verbose=0)
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=(model, stop, 8 + i)) for i in range(4)]
    for thread in threads:
        thread.start()
    try:
        for number in range(count):
            time.sleep(0.002)
            pid = os.fork()
            if pid == 0:
                os._exit(child(model, expected))
            status = os.waitpid(pid, 0)[1]
            assert status == 0, f"child {number}: status {status}"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    print(count)


if __name__ == "__main__":
    main(int(sys.argv[1]))
