"""The fixed costs: of a call over the plan's bare run, and of the import over NumPy's.

Calls of `predict_on_batch` and `predict` are measured on a network so small that nearly nothing
but the cost of the call is left, on one thread, the three kinds of call taking turns. Imports are
measured in CPU time (user and system, of all threads), each in a new interpreter that finds its
files cached and compiled, taking turns with those of NumPy::

    python benchmarks/overhead.py

An editable install has an import hook, which costs more than the import itself.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from cnnfast.cli.arguments import positive_int
from cnnfast.engine.executor import Executor
from cnnfast.layers import Conv2D, Dense, Flatten
from cnnfast.models import Sequential
from cnnfast.utils.system.threads import set_num_threads

LIMITS = {"predict_on_batch": 20.0, "predict": 50.0}
"""Microseconds over the bare run that each call may cost."""

IMPORT_LIMIT = 60.0
"""Milliseconds of CPU time over NumPy's that the import may cost."""

WARM_UP_CALLS = 50
WARM_UP_IMPORTS = 2


def main() -> int:
    """Measure and print; 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=positive_int, default=3000, help="calls of each kind")
    parser.add_argument("--imports", type=positive_int, default=31, help="imports of each kind")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    set_num_threads(1)
    medians = median_microseconds(calls(), args.calls)
    bare = medians.pop("bare run")
    costs = {name: median - bare for name, median in medians.items()}
    of_numpy, over_numpy = import_milliseconds(args.imports)
    if args.json:
        imports = {"numpy": of_numpy, "over it": over_numpy, "limit": IMPORT_LIMIT}
        measured = {"bare run": bare, "over it": costs, "limits": LIMITS, "import": imports}
        print(json.dumps(measured, indent=2))
    else:
        print(f"{'the plan, bare':18} {bare:6.1f} microseconds")
        for name, cost in costs.items():
            print(f"{name:18} {cost:+6.1f} microseconds (limit {LIMITS[name]:.0f})")
        print(f"{'import numpy':18} {of_numpy:6.1f} milliseconds of CPU time")
        print(f"{'import cnnfast':18} {over_numpy:+6.1f} milliseconds (limit {IMPORT_LIMIT:.0f})")
    slow = any(costs[name] > limit for name, limit in LIMITS.items())
    return int(slow or over_numpy > IMPORT_LIMIT)


def calls() -> dict[str, Callable[[], object]]:
    """Give the same prediction in three ways, through the plan and through the model."""
    model = Sequential([Conv2D(8, 3, input_shape=(6, 6, 1)), Flatten(), Dense(4)])
    x = np.random.default_rng(0).random((1, 6, 6, 1), dtype=np.float32)
    plan = Executor(model).plan((x.shape[1:],))
    inputs, outputs = [x], [np.empty((1, 4), np.float32)]
    plan.run(inputs, outputs, 1)
    np.testing.assert_array_equal(outputs[0], model.predict_on_batch(x))
    return {
        "bare run": lambda: plan.run(inputs, outputs, 1),
        "predict_on_batch": lambda: model.predict_on_batch(x),
        "predict": lambda: model.predict(x, verbose=0),
    }


def median_microseconds(works: dict[str, Callable[[], object]], count: int) -> dict[str, float]:
    """Time each of `works` `count` times in turn, after a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(WARM_UP_CALLS + count):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if number >= WARM_UP_CALLS:
                times[name].append(time.perf_counter() - start)
    return {name: 1e6 * statistics.median(spent) for name, spent in times.items()}


def import_milliseconds(count: int) -> tuple[float, float]:
    """Return the median CPU time of ``import numpy``, and what ``import cnnfast`` takes more."""
    spent: dict[str, list[float]] = {"numpy": [], "cnnfast": []}
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": directory}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for number in range(WARM_UP_IMPORTS + count):
            for module, times in spent.items():
                before = _children_seconds()
                subprocess.run(
                    [sys.executable, "-c", f"import {module}"], env=environment, check=True
                )
                if number >= WARM_UP_IMPORTS:
                    times.append(_children_seconds() - before)
    medians = {module: 1e3 * statistics.median(times) for module, times in spent.items()}
    return medians["numpy"], medians["cnnfast"] - medians["numpy"]


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
