"""The short form of `python -m reliability.long`."""

from __future__ import annotations

import os

import pytest

from reliability.test_children import run

pytestmark = pytest.mark.long


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks at /proc")
def test_many_predictions_leave_memory_threads_and_files_as_they_are() -> None:
    output = run("reliability.long")
    assert "released" in output
