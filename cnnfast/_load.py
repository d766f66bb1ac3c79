"""Load the C++ core so that its OpenMP threads wait politely.

libgomp's threads spin for milliseconds before they sleep, which burns the core that another
process needs: with one core taken, two threads then ran at a tenth of their speed now and
then. It reads how long to spin when it is loaded, so that is said just for that moment, and
only where the user has not said anything.
"""

from __future__ import annotations

import os

_SPINS = "10000"  # about 0.4 ms, which bridges the gap between two predictions
_USERS_OWN = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")

if any(name in os.environ for name in _USERS_OWN):
    import cnnfast._core
else:
    os.environ["GOMP_SPINCOUNT"] = _SPINS
    try:
        import cnnfast._core  # noqa: F401
    finally:
        del os.environ["GOMP_SPINCOUNT"]
