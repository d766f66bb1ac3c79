"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from sidebyside.hidden import HIDDEN, MARK
from sidebyside.rounds import usable_cores


@dataclass(frozen=True)
class Machine:
    """The machine as far as it matters to a time."""

    cpu: str
    instruction_sets: str
    cores: int
    system: str
    python: str
    load: float
    """Processes that ran or waited in the minute before; anything above 0.5 spoils times."""


SHOWN_FLAGS = (
    *("sse4_2", "avx", "avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16"),
    *("amx_tile", "asimd", "asimddp", "bf16", "i8mm"),
)


def this_machine() -> Machine:
    """Describe this machine."""
    info = cpu_info()
    return Machine(
        cpu=info.get("model name", platform.processor() or platform.machine()),
        instruction_sets=" ".join(instruction_sets()),
        cores=len(usable_cores()) or os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
    )


def instruction_sets() -> list[str]:
    """Name those of `SHOWN_FLAGS` that programs find here."""
    info = cpu_info()
    flags = info.get("flags", info.get("Features", "")).split()
    hidden = HIDDEN if MARK in os.environ else ()
    return [flag for flag in SHOWN_FLAGS if flag in flags and not flag.startswith(hidden)]


def cpu_info() -> dict[str, str]:
    """Read the first core's entry of /proc/cpuinfo; empty where there is none."""
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    pairs = (line.split(":", 1) for line in path.read_text().split("\n\n")[0].splitlines())
    return {pair[0].strip(): pair[1].strip() for pair in pairs if len(pair) == 2}
