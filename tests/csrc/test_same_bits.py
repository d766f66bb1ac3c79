"""Networks in 8 bits give the same bits on every instruction set of the machine.

From the first tensor of bytes to the last: the networks here have no float32 in between. They are
measured once, for ranges are of float32.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import cnnfast
from cnnfast import _core
from networks_in_bytes import images, network

pytestmark = pytest.mark.long

NAMES = ("behind_activation", "residual", "excited", "joined", "grouped")
TESTS = Path(__file__).resolve().parents[1]

PROGRAM = """
import hashlib, pickle, sys
import cnnfast
from networks_in_bytes import images

assert cnnfast._core.isa() == sys.argv[1]
for path in sys.argv[2:]:
    model = pickle.load(open(path, "rb"))
    for threads in (1, 2):
        out = model.predict(images(5, seed=1), verbose=0, threads=threads)
        print(path, out.shape, hashlib.sha256(out).hexdigest())
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    import pickle

    folder = tmp_path_factory.mktemp("models")
    for name in NAMES:
        made = cnnfast.quantize(network(name), images(8), verbose=0)
        (folder / name).write_bytes(pickle.dumps(made))
    return [str(folder / name) for name in NAMES]


def outputs_on(isa: str, models: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, isa, *models],
        env={**os.environ, "CNNFAST_ISA": isa, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_instruction_sets_give_the_same_bits(models: list[str]) -> None:
    found = {isa: outputs_on(isa, models) for isa in _core.available_isas()}
    assert len(found) > 1 or len(_core.available_isas()) == 1
    assert len(set(found.values())) == 1, found
    assert len(next(iter(found.values())).splitlines()) == 2 * len(NAMES)
