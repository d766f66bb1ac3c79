"""Operations on bytes have the same bits on every instruction set."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnfast import _core

HERE = Path(__file__).parent
FILES = sorted(
    str(path) for path in HERE.glob("test_quantized_*.py") if path.name != Path(__file__).name
)
OTHERS = [isa for isa in _core.available_isas() if isa != _core.isa()]


@pytest.mark.long
@pytest.mark.parametrize("isa", OTHERS)
def test_the_rule_holds(isa):
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *FILES]
    done = subprocess.run(
        command, env={**os.environ, "CNNFAST_ISA": isa}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]
