"""A subinterpreter says that it cannot import the package, and does not wait for ever."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.long

SCRIPT = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
{first}
inside = '''
import sys
sys.path[:] = {{path}}
try:
    import cnnfast
except ImportError as error:
    print(error)
'''
interpreters.run_string(interpreters.create(), inside.format(path=sys.path))
import numpy as np
import cnnfast
model = cnnfast.Sequential([cnnfast.Input((4,)), cnnfast.layers.Dense(3)])
print(model.predict(np.ones((2, 4), np.float32), verbose=0).shape)
"""


@pytest.mark.parametrize("first", ["", "import cnnfast"])
def test_an_import_in_a_subinterpreter_is_an_error_and_leaves_the_main_one_usable(
    first: str,
) -> None:
    if sys.version_info < (3, 13):
        pytest.importorskip("_xxsubinterpreters")
    command = [sys.executable, "-c", SCRIPT.format(first=first)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    message, shape = done.stdout.splitlines()
    assert "in the main interpreter" in message or "subinterpreters" in message
    assert shape == "(2, 3)"
