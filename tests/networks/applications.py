"""Every CNN of `keras.applications`, with random weights, in Keras and here; run from ``tests/``.

    python -m networks.applications --markdown ../docs/parity.md

Each is saved as `.keras` and as `.h5`, loaded and compared. KERAS_BACKEND says what computes
Keras' side (numpy unless set; tensorflow is faster).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "numpy")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import applications

from networks.comparison import SUFFIXES, Comparison, compare, enliven

# Heights and widths: small, but such that every stage still sees more than one pixel.
SIZES = {"NASNet": 96, "Inception": 139, "VGG": 64}
DEFAULT_SIZE = 96
BATCH = 3


def names() -> list[str]:
    """Return the names of all builders of this Keras."""
    return sorted(name for name in dir(applications) if name[0].isupper())


def build(name: str, size: int | None = None) -> tuple[keras.Model, np.ndarray]:
    """Build a network with living weights; return it and images for it."""
    keras.utils.clear_session()
    if size is None:
        size = next((s for prefix, s in SIZES.items() if name.startswith(prefix)), DEFAULT_SIZE)
    rng = np.random.default_rng(list(name.encode()))
    model = getattr(applications, name)(weights=None, input_shape=(size, size + 1, 3))
    # Some networks expect 0 to 255 and scale it themselves.
    scale = 255.0 if name.startswith(("Eff", "MobileNetV3", "ConvNeXt")) else 2.0
    images = scale * _pictures(size, rng)
    enliven(model, images, rng)
    return model, images


def _pictures(size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw images with values 0 to 1: large patches of colour under noise, as photographs have."""
    patches = rng.uniform(0, 0.7, (BATCH, 5, 5, 3))
    side = -(-(size + 1) // 5)
    coarse = patches.repeat(side, axis=1).repeat(side, axis=2)[:, :size, : size + 1]
    return (coarse + rng.uniform(0, 0.3, coarse.shape)).astype(np.float32)


def table(results: Sequence[Comparison]) -> str:
    """Lay out the results in Markdown."""
    lines = [
        "| network | parameters | layers | input | error `.keras` | error `.h5` | load `.keras` "
        "| load `.h5` | run |",
        "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for r in results:
        height, width = r.input_shape[1:3]
        errors = [r.problems.get(s) or f"{r.errors[s]:.1e}" for s in SUFFIXES]
        loads = [f"{1e3 * r.load_seconds.get(s, np.nan):.0f} ms" for s in SUFFIXES]
        lines.append(
            f"| {r.name} | {r.parameters:,} | {r.layers} | {height} x {width} "
            f"| {' | '.join([*errors, *loads])} | {1e3 * r.run_seconds:.0f} ms |"
        )
    return "\n".join(lines)


def page(results: Sequence[Comparison]) -> str:
    """Return the whole page with the table."""
    agreeing = sum(r.agrees for r in results)
    return f"""# Agreement with Keras

{agreeing} of {len(results)} networks of `keras.applications` (Keras {keras.__version__},
{keras.backend.backend()} backend) give Keras' numbers here: built by Keras with random weights and
batch normalization statistics that are not trivial, saved as `.keras` and as `.h5`, loaded here.
The error is the largest difference relative to the largest output; up to 1e-4 counts as agreement.
Load and run times are single measurements ({BATCH} images at a time), an indication only.

Written by `python -m networks.applications --markdown ../docs/parity.md`, run from `tests/`.

{table(results)}
"""


def main() -> int:
    """Compare the networks that are asked for; 1 if one does not agree."""
    parser = argparse.ArgumentParser(prog="networks.applications", description=__doc__)
    parser.add_argument("names", nargs="*", help="default: all")
    parser.add_argument("--size", type=int, help="height of the images")
    parser.add_argument("--markdown", type=Path, help="write the page there")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    results = []
    for name in args.names or names():
        result = compare(name, *build(name, args.size))
        results.append(result)
        if args.json:
            print(json.dumps(result.as_dict()), flush=True)
        else:
            print(name, result.errors, result.problems, flush=True)
    if args.markdown:
        _, heading, behind = args.markdown.read_text().partition("\n## Packages\n")
        args.markdown.write_text(page(results) + heading + behind)
    return int(not all(r.agrees for r in results))


if __name__ == "__main__":
    sys.exit(main())
