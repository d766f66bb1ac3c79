"""How long dense layers that Keras has quantized take, beside one of float32.

One layer in each mode, taking turns on one thread. A row gives the median over the rounds of a
mode's time divided by that of float32, for a matrix and so many images at once::

    python benchmarks/quantized_layers.py [--rounds 40]
"""

from __future__ import annotations

import argparse
import statistics
import sys

import numpy as np

from cnnfast.cli.arguments import positive_int
from cnnfast.layers import Dense, Input
from cnnfast.models import Model, Sequential
from weight_storage import take_turns

POLICIES = {
    "float32": "float32",
    "int8": "int8_from_float32",
    "int4 in blocks": "int4/128_from_float32",
    "float8": "float8_from_float32",
}
MATRICES = ((512, 512), (4096, 1000), (30752, 128))
BATCHES = (1, 32)


def main() -> int:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--size", type=positive_int, nargs=2, metavar=("INPUTS", "UNITS"), help="of one layer alone"
    )
    parser.add_argument("--batch", type=positive_int, nargs="+", default=BATCHES)
    parser.add_argument("--threads", type=positive_int, default=1)
    parser.add_argument("--rounds", type=positive_int, default=40)
    args = parser.parse_args()
    modes = [name for name in POLICIES if name != "float32"]
    print(f"| inputs x units | images | {' | '.join(modes)} |")
    print(f"| --- | ---: |{' ---: |' * len(modes)}")
    for inputs, units in [args.size] if args.size else MATRICES:
        models = {name: network(inputs, units, policy) for name, policy in POLICIES.items()}
        for batch in args.batch:
            x = np.random.default_rng(1).normal(size=(batch, inputs)).astype(np.float32)
            times = take_turns(models, x, args.threads, args.rounds)
            ratios = [statistics.median(np.divide(times[mode], times["float32"])) for mode in modes]
            said = " | ".join(f"{ratio:.2f}" for ratio in ratios)
            print(f"| {inputs} x {units} | {batch} | {said} |")
    return 0


def network(inputs: int, units: int, policy: str) -> Model:
    """Return a model of one dense layer, with random numbers in its kernel."""
    model = Sequential([Input((inputs,)), Dense(units, dtype=policy)])
    rng = np.random.default_rng(0)
    weights = model.get_weights()
    for place, weight in enumerate(weights):
        if weight.dtype == np.int8 and weight.shape[0] >= inputs // 2:
            weights[place] = rng.integers(-127, 128, weight.shape).astype(np.int8)
    model.set_weights(weights)
    return model


if __name__ == "__main__":
    sys.exit(main())
