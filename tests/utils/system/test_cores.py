"""How many cores there are to use, from made-up files of Linux."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnfast.utils.system import cores
from cnnfast.utils.system.cores import cpu_quota, physical_cores

VERSION_1 = "4:memory:/work/a\n2:cpu,cpuacct:/work/a\n1:name=systemd:/\n"
VERSION_2 = "0::/work/a\n"


def write(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def write_quota_1(root: Path, group: str, quota: int) -> None:
    write(root, f"sys/fs/cgroup/{group}/cpu.cfs_quota_us", f"{quota}\n")
    write(root, f"sys/fs/cgroup/{group}/cpu.cfs_period_us", "100000\n")


def test_processors_of_one_core_count_once(tmp_path):
    for number in range(8):
        siblings = f"{number % 4},{number % 4 + 4}\n"
        path = f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list"
        write(tmp_path, path, siblings)
    assert physical_cores(range(8), tmp_path) == 4
    assert physical_cores({1, 5}, tmp_path) == 1
    assert physical_cores({1, 2, 6}, tmp_path) == 2


def test_processors_without_a_topology_count_each(tmp_path):
    assert physical_cores({0, 3, 4}, tmp_path) == 3


def test_no_files_mean_no_quota(tmp_path):
    assert cpu_quota(tmp_path) is None


def test_version_2_takes_the_least_quota_on_the_way_up(tmp_path):
    write(tmp_path, "proc/self/cgroup", VERSION_2)
    write(tmp_path, "sys/fs/cgroup/work/a/cpu.max", "max 100000\n")
    assert cpu_quota(tmp_path) is None
    write(tmp_path, "sys/fs/cgroup/work/cpu.max", "150000 100000\n")
    assert cpu_quota(tmp_path) == 1.5
    write(tmp_path, "sys/fs/cgroup/work/a/cpu.max", "50000 100000\n")
    assert cpu_quota(tmp_path) == 0.5


def test_version_2_reads_the_mount_where_a_container_hides_the_path(tmp_path):
    write(tmp_path, "proc/self/cgroup", "0::/../../elsewhere\n")
    write(tmp_path, "sys/fs/cgroup/cpu.max", "300000 100000\n")
    assert cpu_quota(tmp_path) == 3


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_version_1_reads_quota_and_period(tmp_path, mount):
    write(tmp_path, "proc/self/cgroup", VERSION_1)
    write_quota_1(tmp_path, f"{mount}/work/a", -1)
    assert cpu_quota(tmp_path) is None
    write_quota_1(tmp_path, f"{mount}/work", 250000)
    assert cpu_quota(tmp_path) == 2.5


def test_another_controllers_files_do_not_count(tmp_path):
    write(tmp_path, "proc/self/cgroup", "3:cpuset:/work\n")
    write_quota_1(tmp_path, "cpuset/work", 100000)
    write_quota_1(tmp_path, "cpu/work", 100000)
    assert cpu_quota(tmp_path) is None


@pytest.mark.parametrize(("quota", "expected"), [(None, 6), (0.2, 1), (2.5, 3), (9.0, 6)])
def test_usable_cores_are_the_least_of_cores_and_quota_rounded_up(monkeypatch, quota, expected):
    monkeypatch.setattr(cores, "physical_cores", lambda processors: 6)
    monkeypatch.setattr(cores, "cpu_quota", lambda: quota)
    assert cores.usable_cores() == expected
