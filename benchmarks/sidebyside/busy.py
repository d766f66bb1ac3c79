"""Another program that takes cores from what is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sidebyside.rounds import usable_cores


@contextmanager
def busy_cores(count: int) -> Iterator[None]:
    """Keep the first `count` usable cores busy, each with a process that never sleeps."""
    processes = []
    try:
        for core in usable_cores()[:count]:
            processes.append(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            os.sched_setaffinity(processes[-1].pid, {core})
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
