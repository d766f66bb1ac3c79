"""The fixed cost of a call: `predict_on_batch` and `predict` over the plan's bare run.

Measured on a network so small that nearly nothing but the cost of the call is left, on one
thread, the three kinds of call taking turns::

    python benchmarks/overhead.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from cnnfast.engine.executor import Executor
from cnnfast.layers import Conv2D, Dense, Flatten
from cnnfast.models import Sequential
from cnnfast.utils.threads import set_num_threads

LIMITS = {"predict_on_batch": 20.0, "predict": 50.0}
"""Microseconds over the bare run that each call may cost."""

WARM_UP_CALLS = 50


def main() -> int:
    """Measure and print; 1 if a limit is exceeded."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=3000, help="calls of each kind")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    set_num_threads(1)
    medians = median_microseconds(calls(), args.calls)
    bare = medians.pop("bare run")
    costs = {name: median - bare for name, median in medians.items()}
    if args.json:
        print(json.dumps({"bare run": bare, "over it": costs, "limits": LIMITS}, indent=2))
    else:
        print(f"{'the plan, bare':18} {bare:6.1f} microseconds")
        for name, cost in costs.items():
            print(f"{name:18} {cost:+6.1f} microseconds (limit {LIMITS[name]:.0f})")
    return int(any(costs[name] > limit for name, limit in LIMITS.items()))


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


if __name__ == "__main__":
    sys.exit(main())
