"""The error of cnnfast and of Keras itself, in float32, against Keras in float64.

Both get the same weights and images; the error is the largest difference of any output,
relative to the largest output. The ratio says how many times Keras' own rounding cnnfast has::

    python benchmarks/accuracy.py --page docs/performance.md
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cnnfast.cli.comparison import relative_error
from sidebyside.exports import load_keras
from sidebyside.pages import replace_section
from sidebyside.prepare import CACHE, Prepared, available, elsewhere
from sidebyside.tables import Table
from sidebyside.zoo import NETWORKS

LARGEST_RATIO = 4.0


@dataclass(frozen=True)
class Accuracy:
    """The largest errors of one network, relative to its largest output."""

    model: str
    cnnfast: float
    keras: float

    @property
    def ratio(self) -> float:
        """The error over Keras' own."""
        return self.cnnfast / self.keras


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the files; 1 if a ratio exceeds the limit."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder for networks")
    parser.add_argument("--json", type=Path, help="write the numbers to that file")
    parser.add_argument("--page", type=Path, help="put the table into that page")
    args = parser.parse_args(argv)
    networks = available(args.models, args.cache)
    results = [measure(model, prepared, args.images) for model, prepared in networks]
    table(results).print()
    if args.json is not None:
        data = [{**asdict(result), "ratio": result.ratio} for result in results]
        args.json.write_text(json.dumps(data, indent=2) + "\n")
    if args.page is not None:
        replace_section(args.page, "accuracy", table(results).markdown())
    return int(any(result.ratio > LARGEST_RATIO for result in results))


def measure(model: str, prepared: Prepared, images: int) -> Accuracy:
    """Compare one network on its first images."""
    from cnnfast.saving import load_model

    with np.load(prepared.answers) as arrays:
        x, theirs = arrays["images"][:images], arrays["outputs"][:images]
    exact: npt.NDArray[np.float64] = elsewhere(in_float64, prepared.source, x)
    ours = load_model(prepared.source, compile=False).predict_on_batch(x)
    return Accuracy(model, relative_error(exact, ours), relative_error(exact, theirs))


def in_float64(source: Path, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Evaluate a saved network with its float32 weights in float64 arithmetic."""
    import keras

    model = load_keras(source)
    keras.config.set_floatx("float64")
    twin = type(model).from_config(doubled(model.get_config()))
    twin.set_weights([weight.astype(np.float64) for weight in model.get_weights()])
    return np.asarray(twin(images.astype(np.float64), training=False))


def doubled(config: Any) -> Any:
    """Put float64 in the place of every float32 in a config."""
    if isinstance(config, dict):
        return {key: doubled(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(doubled(value) for value in config)
    return "float64" if isinstance(config, str) and config == "float32" else config


def table(results: Sequence[Accuracy]) -> Table:
    """Lay the errors out."""
    lines = [
        [result.model, f"{result.cnnfast:.1e}", f"{result.keras:.1e}", f"{result.ratio:.2f}"]
        for result in results
    ]
    caption = "Largest error against float64, relative to the largest output"
    return Table(caption, ["model", "cnnfast", "Keras in float32", "ratio"], lines)


if __name__ == "__main__":
    sys.exit(main())
