"""Measuring on AVX2 where the machine has more."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("without_avx512.c")
MARK = "WITHOUT_AVX512"
HIDDEN = ("avx512", "avx_vnni", "amx")
"""How Linux' names of what is hidden begin."""

GLIBC = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD"


def restart_without_avx512(folder: Path) -> None:
    """Start this program again where every runtime finds a processor without AVX-512.

    Returns where it is that program already. Needs Linux on x86-64, a C compiler and a processor
    whose CPUID can fault ("cpuid_fault" in /proc/cpuinfo).
    """
    if MARK in os.environ:
        return
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "without_avx512.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    changes = {MARK: "1", "LD_PRELOAD": str(library.resolve()), "GLIBC_TUNABLES": GLIBC}
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **changes})
