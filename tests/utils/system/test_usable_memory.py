"""How much memory there is to use, from made-up files of Linux and from limits of a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cnnfast.utils.system import usable_memory as module
from cnnfast.utils.system.usable_memory import usable_memory

GIB = 1 << 30


@pytest.fixture(autouse=True)
def _machine(monkeypatch):
    """A machine of 64 GiB whose processes have no limits of their own."""
    monkeypatch.setattr(module, "_machine", lambda: [64 * GIB])
    monkeypatch.setattr(module, "_process", lambda: [])


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_without_limits_it_is_the_machines(tmp_path):
    assert usable_memory(tmp_path) == 64 * GIB


def test_version_2_takes_the_least_limit_on_the_way_up(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/work/a\n")
    write(tmp_path, "sys/fs/cgroup/work/a/memory.max", "max\n")
    assert usable_memory(tmp_path) == 64 * GIB
    write(tmp_path, "sys/fs/cgroup/work/memory.max", f"{4 * GIB}\n")
    assert usable_memory(tmp_path) == 4 * GIB
    write(tmp_path, "sys/fs/cgroup/work/a/memory.high", f"{3 * GIB}\n")
    assert usable_memory(tmp_path) == 3 * GIB


def test_version_1_reads_its_limit_also_inside_a_container(tmp_path):
    write(tmp_path, "proc/self/cgroup", "9:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n")
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{GIB}\n")
    assert usable_memory(tmp_path) == GIB
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert usable_memory(tmp_path) == 64 * GIB


def test_a_limit_beyond_the_machine_changes_nothing(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/\n")
    write(tmp_path, "sys/fs/cgroup/memory.max", f"{100 * GIB}\n")
    assert usable_memory(tmp_path) == 64 * GIB


LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_AS, ({limit}, resource.RLIM_INFINITY))
import cnnfast
print(cnnfast.config.get().workspace_limit)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="limits the addresses of a process")
@pytest.mark.parametrize(("limit", "expected"), [(8 * GIB, GIB), (60 * GIB, None)])
def test_the_default_limit_is_an_eighth_and_at_most_two_gibibytes(limit, expected):
    environment = {k: v for k, v in os.environ.items() if k != "CNNFAST_WORKSPACE_LIMIT"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", LIMITED.format(limit=limit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=environment,
    )
    got = int(done.stdout)
    assert 0 < got <= 2 * GIB
    assert expected is None or got <= expected
