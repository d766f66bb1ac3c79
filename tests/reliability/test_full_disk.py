"""A disk that is full while a model is saved leaves the old file whole and nothing beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

pytest.importorskip("h5py")
pytest.importorskip("resource")

# Sizes at which files end, and where each save then fails: the room for the weights is asked for
# before they are written; an archive also holds the configuration, here with a long name in it.
FIRST = "_check_space" if hasattr(os, "posix_fallocate") else "_new_h5"
BEFORE = {"0": FIRST, "600000": FIRST}
FAILURES = {
    "m.keras": BEFORE | {"700000": "_write_archive"},
    "m.h5": BEFORE,
    "m.weights.h5": BEFORE,
}

# A limit on the size of files fails a write at any byte, as a full disk does.
SCRIPT = """
import resource, signal, sys, traceback
import numpy as np
import cnnfast
from cnnfast import layers

path, limits = sys.argv[1], map(int, sys.argv[2:])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
small = cnnfast.Sequential([cnnfast.Input((8, 8, 3)), layers.Conv2D(4, 3)])
wide = [cnnfast.Input((8, 8, 3), name="n" * 200_000), layers.Conv2D(256, 3), layers.Conv2D(64, 3)]
large = cnnfast.Sequential(wide)
save = lambda model: model.save_weights(path) if ".weights" in path else model.save(path)
save(small)
before = open(path, "rb").read()
for limit in limits:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        save(large)
        print("saved")
    except OSError as error:
        own = [f.name for f in traceback.extract_tb(error.__traceback__) if "cnnfast" in f.filename]
        print(own[-1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert open(path, "rb").read() == before
x = np.ones((1, 8, 8, 3), np.float32)
assert np.isfinite(large.predict(x, verbose=0)).all()
save(large)
assert open(path, "rb").read() != before
print("whole")
"""


@pytest.mark.parametrize("name", FAILURES)
def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path, name: str) -> None:
    failures = FAILURES[name]
    command = [sys.executable, "-P", "-c", SCRIPT, str(tmp_path / name), *failures]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == [*failures.values(), "whole"], done.stdout + done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
