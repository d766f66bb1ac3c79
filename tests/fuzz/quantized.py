"""Random networks in 8 bits, beside the rule in NumPy; run from ``tests/``.

    python -m fuzz.quantized --graphs 400 --seed 1

The networks are those of the differential fuzzer. Each that can be is quantized, and its bits are
compared with what `integer_graphs` computes of the same graph, for several threads and batches.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

import cnnfast
from cnnfast.engine.executor import lower
from cnnfast.engine.quantized.ops import Quantize
from cnnfast.layers.base.calling import InPhase
from cnnfast.utils import tree
from fuzz import graphs
from integer_graphs import Interpreter

EXPECTED = (
    "is in 8 bits for",
    "no layer that 8 bits are for",
    "no NumPy functions of yours",
    "keeps no states",
    "in which every number is",
    "values are finite",
)
"""Why a random network may not be quantized."""


def examine(seed: int, index: int) -> tuple[str, str]:
    """Return the verdict on graph `index`, and what was found."""
    try:
        sample = graphs.make(seed, index)
        with tempfile.TemporaryDirectory() as folder:
            sample.model.save(Path(folder) / "model.keras")
            model = cnnfast.load_model(Path(folder) / "model.keras", in_memory=True)
        x = sample.inputs[0]
        expected = tree.flatten(model.predict(x, verbose=0))
    except Exception as error:
        return "not run", f"{type(error).__name__}: {error}"
    try:
        made = cnnfast.quantize(model, x, verbose=0)
    except ValueError as error:
        known = any(text in str(error) for text in EXPECTED)
        return ("not quantized" if known else "refused"), str(error)
    return _judge(made, x, expected)


def _judge(made: cnnfast.Model, x: Any, expected: list[np.ndarray]) -> tuple[str, str]:
    arrays = made._prepare(x)
    graph = lower(InPhase(made, False), [array.shape[1:] for array in arrays])
    wanted = Interpreter(graph).run(arrays)
    for threads in (1, 3):
        for batch_size in (1, len(arrays[0])):
            got = made.predict(x, verbose=0, threads=threads, batch_size=batch_size)
            for one, other in zip(tree.flatten(got), wanted, strict=True):
                if not np.array_equal(one, other, equal_nan=True):
                    where = f"{threads} threads, {batch_size} images"
                    return "other bits", f"{np.abs(one - other).max()} at {where}"
    if not any(isinstance(op, Quantize) for op in graph.ops):
        return "in float32", ""
    far = max(map(_distance, wanted, expected))
    return ("far" if far > 1 else "same"), f"{far:.2g}"


def _distance(made: np.ndarray, expected: np.ndarray) -> float:
    size = float(np.sqrt(np.mean(np.square(expected, dtype=np.float64)))) or 1.0
    return float(np.sqrt(np.mean(np.square(made - expected, dtype=np.float64)))) / size


def examine_all(seed: int, count: int) -> Iterator[tuple[int, str, str]]:
    """Yield the number, verdict and finding of each graph."""
    for index in range(count):
        yield index, *examine(seed, index)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(arguments)
    keras.utils.disable_interactive_logging()
    counts: Counter[str] = Counter()
    for index, verdict, finding in examine_all(args.seed, args.graphs):
        counts[verdict] += 1
        if verdict not in ("same", "not run", "not quantized", "in float32"):
            print(f"{index}: {verdict}: {finding}"[:300], flush=True)
    print(dict(counts))
    return int(any(counts[verdict] for verdict in ("other bits", "refused")))


if __name__ == "__main__":
    sys.exit(main())
