"""Predicts for long and watches what the process holds.

`python -m reliability.long` takes seconds; `--long` makes 100,000 predictions of one shape and
10,000 of changing shapes. Memory, threads and open files must not grow once it has warmed up.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import cnnfast
from cnnfast import _core, layers

# Resident memory may move by this much between the thirds of a run: heaps are never quite still.
ALLOWED_BYTES = 4 << 20
SAMPLES = 30
# Sizes of images; more of them than plans are kept.
SIZES = range(9, 49)


@dataclass(frozen=True)
class Sample:
    """What the process holds after so many predictions."""

    predictions: int
    resident_bytes: int
    threads: int
    files: int


def sample(predictions: int) -> Sample:
    """Look at what this process holds (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    resident = pages * os.sysconf("SC_PAGE_SIZE")
    threads, files = (len(os.listdir(f"/proc/self/{name}")) for name in ("task", "fd"))
    return Sample(predictions, resident, threads, files)


def watch(predict: Callable[[], None], count: int, warm_up: int) -> list[Sample]:
    """Call `predict` `warm_up` and then `count` times; return samples of the latter."""
    for _ in range(warm_up):
        predict()
    gc.collect()
    samples = []
    for part in np.array_split(np.arange(count), SAMPLES):
        for _ in part:
            predict()
        gc.collect()
        samples.append(sample(warm_up + int(part[-1]) + 1))
    return samples


def growth(samples: list[Sample]) -> int:
    """Bytes by which the last third holds more than the first, by their medians."""
    third = len(samples) // 3
    first, last = (
        float(np.median([s.resident_bytes for s in part]))
        for part in (samples[:third], samples[-third:])
    )
    return int(last - first)


def make_model() -> cnnfast.Model:
    """Return a network for images of any size."""
    image = cnnfast.Input((None, None, 3))
    x = layers.Conv2D(16, 3, padding="same", activation="relu")(image)
    x = layers.MaxPooling2D()(x) + layers.Conv2D(16, 3, strides=2, padding="same")(image[:, 1:, 1:])
    return cnnfast.Model(image, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def check(name: str, samples: list[Sample]) -> None:
    """Print a line about a run; fail if something grew."""
    more = growth(samples)
    held = samples[-1]
    print(
        f"{name}: {held.predictions:,} predictions, {held.resident_bytes / 2**20:.1f} MiB, "
        f"{more / 2**10:+.0f} KiB from the first to the last third, "
        f"{held.threads} threads, {held.files} open files",
        flush=True,
    )
    assert more <= ALLOWED_BYTES, [s.resident_bytes for s in samples]
    assert len({(s.threads, s.files) for s in samples}) == 1, samples


def plot(runs: dict[str, list[Sample]], path: str) -> None:
    """Draw resident memory over predictions."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots(1, len(runs))
    for panel, (name, samples) in zip(axes, runs.items(), strict=True):
        resident = [s.resident_bytes / 2**20 for s in samples]
        panel.plot([s.predictions for s in samples], resident)
        panel.set(title=name, xlabel="predictions", ylim=(0, 1.2 * max(resident)))
    axes[0].set_ylabel("resident memory, MiB")
    figure.savefig(path)


def main() -> None:
    """Run both loops and release the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="100,000 and 10,000 predictions")
    parser.add_argument("--plot", metavar="FILE", help="draw resident memory")
    arguments = parser.parse_args()
    same, changing = (100_000, 10_000) if arguments.long else (3_000, 300)
    model = make_model()
    rng = np.random.default_rng(0)
    image = rng.standard_normal((2, 32, 32, 3), np.float32)

    def predict_same() -> None:
        model.predict(image, verbose=0, threads=2)

    def predict_changing() -> None:
        shape = (1, *rng.choice(SIZES, 2).tolist(), 3)
        model.predict(np.ones(shape, np.float32), verbose=0, threads=2)

    runs = {
        "one shape": watch(predict_same, same, same // 10),
        "changing shapes": watch(predict_changing, changing, changing // 4),
    }
    if arguments.plot:
        plot(runs, arguments.plot)
    for name, samples in runs.items():
        check(name, samples)
    packed = _core.packed_bytes()
    model.release_memory()
    report = model.memory_report()
    assert packed > 0
    assert (_core.packed_bytes(), len(report.plans)) == (0, 0), report
    print(f"released: {packed:,} bytes of packed weights and all plans")


if __name__ == "__main__":
    main()
