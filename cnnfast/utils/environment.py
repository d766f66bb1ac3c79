"""The environment variables that the package reads; what is wrong with one is said on import."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence

from cnnfast import _core
from cnnfast.utils.system.threads import positive

_PREFIX = "CNNFAST_"
VARIABLES = (
    "CNNFAST_ISA",
    "CNNFAST_NUM_THREADS",
    "CNNFAST_THREADING",
    "CNNFAST_WINOGRAD",
    "CNNFAST_WORKSPACE_LIMIT",
)
"""What is read beside ``OMP_NUM_THREADS``; `cnnfast.engine.options` checks the last three."""


def check() -> None:
    """Refuse a wrong value, and warn of a name that is nearly one that is read.

    Raises
    ------
    ValueError
        If ``CNNFAST_ISA`` or ``CNNFAST_NUM_THREADS`` has a value that says nothing here.
    """
    _core.isa()
    threads = os.environ.get("CNNFAST_NUM_THREADS", "").strip()
    if threads:
        positive(threads, "CNNFAST_NUM_THREADS")
    for name in os.environ:
        if name.startswith(_PREFIX) and name not in VARIABLES:
            _warn_if_nearly(name, _PREFIX, VARIABLES, 0.75)
        elif name.startswith("OMP_") and name != "OMP_NUM_THREADS":
            _warn_if_nearly(name, "OMP_", ["OMP_NUM_THREADS"], 0.9)


def _warn_if_nearly(name: str, prefix: str, known: Sequence[str], alike: float) -> None:
    import difflib

    ends = [other.removeprefix(prefix) for other in known]
    close = difflib.get_close_matches(name.removeprefix(prefix), ends, 1, alike)
    if close:
        warnings.warn(
            f"The environment variable {prefix}{close[0]} is read, and no other of a like name. "
            f"Received: {name}",
            RuntimeWarning,
            stacklevel=3,
        )
