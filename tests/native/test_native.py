"""The core's own self-test on every instruction set, and what its objects export."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cnnfast import _core

pytestmark = pytest.mark.long

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY / "tests" / "native" / "corpus"
CROSS_COMPILER = "aarch64-linux-gnu-g++"
EMULATOR = "qemu-aarch64"
# That of 64-byte vectors runs on AVX2 as well, where the build is asked for it.
ISAS = _core.available_isas()
ISAS += ["avx2_wide"] if "avx2" in ISAS else []
# The others differ from one of these for numbers in 8 bits alone.
FLOAT_ISAS = [isa for isa in ISAS if not isa.endswith("_vnni")]


def build(directory: Path, *options: str, targets: Sequence[str] = ("all",)) -> Path:
    """Configure and build the self-test in `directory`, warnings as errors."""
    configure = ["cmake", "-S", REPOSITORY, "-B", directory, "-G", "Ninja"]
    configure += ["-DCNNFAST_SELFTEST=ON", "-DCNNFAST_WERROR=ON", *options]
    for command in (configure, ["cmake", "--build", directory, "--target", *targets]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return directory


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    """The build directory of the self-test for this machine."""
    return build(tmp_path_factory.mktemp("native"), "-DCNNFAST_WIDE_ON_AVX2=ON")


def run_selftest(command, isa=""):
    """What the self-test prints, having passed."""
    environment = {**os.environ, "CNNFAST_ISA": isa}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("isa", FLOAT_ISAS)
def test_the_selftest_passes_on_each_instruction_set(native, isa):
    output = run_selftest([native / "selftest"], isa)
    assert f"instruction set: {isa}\n" in output
    assert ", 0 failed" in output


def test_each_kernel_is_right_by_its_name_on_all_instruction_sets(native):
    output = run_selftest([native / "kernels"])
    assert output.endswith(" kernels, 0 failed\n")
    pairs = [line.split() for line in run_selftest([native / "kernels", "--pairs"]).splitlines()]
    assert int(output.split()[0]) == len(pairs)
    assert {isa for kernel, isa in pairs if kernel == "softmax"} == set(FLOAT_ISAS)
    assert {isa for kernel, isa in pairs if kernel == "quantize"} == set(ISAS)


def slots_of(header: str, table: str, numbers: int) -> list[str]:
    """The names of the functions in a table of kernels, which has so many other members."""
    text = (REPOSITORY / "csrc" / "kernels" / header).read_text(encoding="utf-8")
    (members,) = re.findall(rf"^struct {table} \{{\n(.*?)^\}};", text, re.DOTALL | re.MULTILINE)
    members = re.sub("//.*", "", members)
    slots = re.findall(r"\(\*(\w+)(?:\[\w+\])?\)\(|WinogradKernels (\w+)\[", members)
    assert len(slots) == members.count(";") - numbers
    return [function or forms for function, forms in slots]


def test_each_slot_of_the_tables_of_kernels_has_a_trial(native):
    # All but the name, the tuning and the other table; all but the size of a word.
    names = slots_of("table.hpp", "Kernels", 3)
    names += [f"bfloat16_{name}" for name in slots_of("table.hpp", "Bfloat16Kernels", 1)]
    names += slots_of("quantized_table.hpp", "QuantizedKernels", 5)
    trials = run_selftest([native / "kernels", "--list"]).split()
    assert len(set(trials)) == len(trials)
    without = [name for name in names if not any(f"{t}_".startswith(f"{name}_") for t in trials)]
    assert without == []
    nowhere = [t for t in trials if not any(f"{t}_".startswith(f"{name}_") for name in names)]
    assert nowhere == []


def test_the_times_of_a_kernel_are_written_for_other_programs(native):
    lines = run_selftest([native / "kernels", "--time", "--json", "softmax"]).splitlines()
    times = [json.loads(line) for line in lines]
    assert [(of["isa"], of["kernel"]) for of in times] == [(isa, "softmax") for isa in FLOAT_ISAS]
    assert all(of["operations"] > 0 and min(of["seconds"]) > 0 for of in times)


def test_a_kernel_is_timed_by_its_name(native):
    *lines, last = run_selftest([native / "kernels", "--time", "softmax"]).splitlines()
    assert [line.split()[:2] for line in lines] == [[isa, "softmax"] for isa in FLOAT_ISAS]
    assert all(float(line.split()[2]) > 0 for line in lines)
    assert last == f"{len(FLOAT_ISAS)} kernels, 0 failed"


def test_pytest_benchmark_keeps_the_times_of_kernels(native, tmp_path):
    pytest.importorskip("pytest_benchmark")
    command = [sys.executable, "-m", "pytest", REPOSITORY / "benchmarks" / "test_kernels.py"]
    command += ["-k", "softmax", "-p", "no:cacheprovider", "--benchmark-json", tmp_path / "times"]
    environment = {**os.environ, "CNNFAST_KERNELS_BUILD": str(native)}
    environment.pop("PYTEST_XDIST_WORKER", None)  # benchmarks do not run among workers
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    measured = json.loads((tmp_path / "times").read_text(encoding="utf-8"))["benchmarks"]
    names = [f"test_kernel[softmax-{isa}]" for isa in FLOAT_ISAS]
    assert sorted(each["name"] for each in measured) == sorted(names)
    for each in measured:
        assert each["stats"]["min"] > 0
        assert each["stats"]["rounds"] > 1
        assert each["extra_info"]["gflops"] > 0


@pytest.mark.parametrize("threading", _core.threadings())
@pytest.mark.parametrize("program", ["concurrency", "jobs"])
def test_the_core_holds_under_threads(native, program, threading):
    output = run_selftest([native / program, threading])
    assert output.startswith(f"{threading}: ")
    assert output.endswith(", 0 failed\n")


def test_the_core_holds_without_memory(native):
    assert "failed" in run_selftest([native / "allocation"])


@pytest.mark.parametrize("isa", FLOAT_ISAS)
def test_graphs_that_fuzzing_found_run_alike_on_each_instruction_set(native, isa):
    output = run_selftest([native / "plan_fuzzer", CORPUS], isa)
    assert output == f"{len(list(CORPUS.iterdir()))} files, 0 failed\n"


def test_the_selftest_passes_on_neon_under_an_emulator(tmp_path):
    if not (shutil.which(CROSS_COMPILER) and shutil.which(EMULATOR)):
        pytest.skip(f"{CROSS_COMPILER} and {EMULATOR} are not installed (see docs/development.md)")
    build(
        tmp_path,
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        f"-DCMAKE_CXX_COMPILER={CROSS_COMPILER}",
    )
    output = run_selftest([EMULATOR, "-L", "/usr/aarch64-linux-gnu", tmp_path / "selftest"])
    assert "instruction set: neon\n" in output
    assert ", 0 failed" in output


def test_each_kernel_object_exports_its_table_and_nothing_else(native):
    """An inline function of two objects would be kept once, perhaps from the wrong one."""
    objects = sorted(native.glob("CMakeFiles/*kernels_*.dir/csrc/kernels/*isa.cpp.o"))
    # Of newer machines, too.
    assert len(objects) >= len({*ISAS, "portable"}) + len({*FLOAT_ISAS, "portable"})
    for path in objects:
        symbols = subprocess.run(
            ["nm", "--extern-only", "--defined-only", "--demangle", path],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()
        name = path.parents[2].name.removesuffix(".dir")
        assert [line.split(" ", 2)[1:] for line in symbols] == [["D", f"cnnfast::{name}"]]
