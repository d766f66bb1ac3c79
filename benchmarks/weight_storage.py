"""What storing weights in 16 bits gains in time and costs in accuracy.

The same model with each kind of storage, taking turns on one thread, on random images: the
introductory network, or a file of yours. A row gives the median time of a call, the median over
the rounds of float32's time divided by it, and the largest difference from float32's outputs,
relative to the largest of them::

    python benchmarks/weight_storage.py [model.keras]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from cnnfast.cli.arguments import positive_int
from cnnfast.cli.inputs import random_inputs
from cnnfast.cli.storage import compare_storage
from cnnfast.engine.executor import WEIGHT_DTYPES
from cnnfast.layers import Conv2D, Dense, Flatten, MaxPooling2D
from cnnfast.models import Model, Sequential, load_model
from cnnfast.utils import set_random_seed

CALLS_IN_A_TURN = 5


@dataclass(frozen=True)
class Row:
    """One kind of storage; bytes of all packed weights, times in milliseconds."""

    weight_dtype: str
    weight_bytes: int
    milliseconds: float
    float32_ratio: float
    largest_error: float


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", help="a .keras or .h5 file")
    parser.add_argument("--batch", type=positive_int, default=1)
    parser.add_argument("--threads", type=positive_int, default=1)
    parser.add_argument("--rounds", type=positive_int, default=200)
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args()
    models = {
        name: intro() if args.file is None else load_model(args.file) for name in WEIGHT_DTYPES
    }
    inputs = random_inputs(models["float32"], seed=0, batch=args.batch, size=None)
    storages = {name: compare_storage(model, inputs, name) for name, model in models.items()}
    times = take_turns(models, inputs, args.threads, args.rounds)
    rows = []
    for name, spent in times.items():
        ratios = [full / short for full, short in zip(times["float32"], spent, strict=True)]
        storage = storages[name]
        row = Row(
            name,
            storage.weight_bytes,
            1e3 * statistics.median(spent),
            statistics.median(ratios),
            storage.largest_relative_error,
        )
        rows.append(row)
    if args.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        show(rows)
    return 0


def intro() -> Model:
    """Build the introductory network with Keras' initial weights."""
    set_random_seed(7)
    return Sequential(
        [
            Conv2D(32, 3, activation="relu", input_shape=(64, 64, 3)),
            MaxPooling2D(2),
            Flatten(),
            Dense(128, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )


def take_turns(
    models: dict[str, Model], inputs: Any, threads: int, rounds: int
) -> dict[str, list[float]]:
    """Return the mean seconds of a call in each round; the first call of a turn does not count."""
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            model.predict_on_batch(inputs, threads)
            start = time.perf_counter()
            for _ in range(CALLS_IN_A_TURN):
                model.predict_on_batch(inputs, threads)
            times[name].append((time.perf_counter() - start) / CALLS_IN_A_TURN)
    return times


def show(rows: list[Row]) -> None:
    """Print a Markdown table."""
    print("| weights | MB | ms | float32 / this | largest difference |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(
            f"| {row.weight_dtype} | {row.weight_bytes / 1e6:.1f} | {row.milliseconds:.3f} "
            f"| {row.float32_ratio:.2f} | {row.largest_error:.1e} |"
        )


if __name__ == "__main__":
    sys.exit(main())
