"""One process of the differential fuzzer: prints a line of JSON for each graph."""

from __future__ import annotations

import argparse
import copy
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

import cnnfast
from cnnfast.errors import UnsupportedError
from cnnfast.saving import load_model
from fuzz import edits, graphs, own
from fuzz.draw import Draw

TOO_SMALL = "computed output size would be zero or negative"
"""What is said where a layer leaves nothing of images of unknown size; Keras goes on with none."""

LARGEST_ERROR = 1e-5
"""Per layer on the way, relative to the largest output."""

NOISE = 1e-6
"""Of the inputs, relative, to learn how far rounding may carry a graph."""

AMPLIFICATION = 50.0
"""How much of the effect of such noise may come out as a difference."""


CHANGES = 3
"""How often a model changes between predictions."""


def examine(seed: int, index: int, out: Path | None = None) -> dict[str, Any]:
    """Build graph `index`, run it in Keras and here, and say how they compare."""
    sample, changes = None, list[str]()
    with tempfile.TemporaryDirectory() as folder:
        try:
            sample = graphs.make(seed, index)
            expected = [sample.model(_copied(x), training=False) for x in sample.inputs]
            expected = [keras.tree.map_structure(np.asarray, y) for y in expected]
            files = _save(sample.model, Path(folder))
        except Exception as error:
            verdict, detail = "keras refused", _short(error)
        else:
            verdict, detail = _judge(sample, expected, files)
            if verdict == "same":
                draw = Draw(seed, index, 1)
                verdict, detail = _judge_changes(draw, sample, files[0], changes)
    if (
        verdict not in ("same", "keras refused", "too small", "lost")
        and out is not None
        and sample is not None
    ):
        _keep(sample, out / f"{seed}-{index}", f"{verdict}: {detail}")
    return {
        "index": index,
        "verdict": verdict,
        "detail": detail,
        "classes": _classes(sample),
        "changes": len(changes),
    }


def examine_again(folder: Path) -> dict[str, Any]:
    """Compare the graph that `_keep` left in `folder`, on the backend of this process."""
    model = keras.saving.load_model(folder / "model.keras", compile=False)
    inputs = []
    for path in sorted(folder.glob("inputs_*.npz")):
        with np.load(path) as arrays:
            inputs.append(_packed(model, [arrays[name] for name in arrays.files]))
    sample = graphs.Sample(model, inputs)
    expected = [keras.tree.map_structure(np.asarray, model(x, training=False)) for x in inputs]
    verdict, detail = _judge(sample, expected, [folder / "model.keras"])
    return {"verdict": verdict, "detail": detail}


def _packed(model: keras.Model, arrays: list[np.ndarray]) -> Any:
    if isinstance(model, keras.Sequential):
        return arrays[0]
    return keras.tree.pack_sequence_as(model._inputs_struct, arrays)


def _save(model: keras.Model, folder: Path) -> list[Path]:
    files = [folder / "model.keras", folder / "model.h5"]
    model.save(files[0])
    try:
        model.save(files[1])
    except Exception:
        return files[:1]  # Keras has no way to write some graphs as .h5
    return files


def _judge(sample: graphs.Sample, expected: list[Any], files: list[Path]) -> tuple[str, str]:
    loaded = []
    for file in files:
        try:
            loaded.append(load_model(file, compile=False))
        except UnsupportedError as error:
            return "unsupported", f"{file.suffix}: {_short(error)}"
        except Exception as error:
            verdict = "not loaded" if _keras_reads(sample, expected, file) else "lost"
            return verdict, f"{file.suffix}: {_short(error)}"
    for file, ours in zip(files, loaded, strict=True):
        for x, y in zip(sample.inputs, expected, strict=True):
            try:
                problem = _compare(sample.model, ours, x, y)
            except Exception as error:
                if TOO_SMALL in str(error) and graphs.is_dynamic(sample.model):
                    return "too small", _short(error)
                return "not run", f"{file.suffix}: {_short(error)}"
            if problem:
                return "different", f"{file.suffix}: {problem}"
    return "same", ""


def _keras_reads(sample: graphs.Sample, expected: list[Any], file: Path) -> bool:
    """Whether Keras has its own numbers again: of a layer that was frozen it may mix up weights."""
    try:
        again = keras.models.load_model(file, compile=False)
        made = [again(_copied(x), training=False) for x in sample.inputs]
    except Exception:
        return False
    arrays = [keras.tree.map_structure(np.asarray, y) for y in made]
    return all(_distance(y, z) <= LARGEST_ERROR for y, z in zip(expected, arrays, strict=True))


def _judge_changes(
    draw: Draw, sample: graphs.Sample, file: Path, done: list[str]
) -> tuple[str, str]:
    """Change both models a few times, and compare what they say after each; say what was `done`."""
    theirs, ours = sample.model, load_model(file, compile=False)
    for x in [*sample.inputs, *sample.inputs][:CHANGES]:
        change = edits.edit(draw, theirs, ours)
        if change is None:
            break
        change.theirs()
        try:
            expected = keras.tree.map_structure(np.asarray, theirs(_copied(x), training=False))
        except Exception:
            change.undo()  # Keras cannot run it, whatever ours says
            continue
        before = ours(_copied(x), training=False)
        try:
            change.ours()
        except ValueError as error:
            if not change.shapes:
                return "change refused", f"{[*done, change.what]}: {_short(error)}"
            change.undo()
            if not _identical(before, ours(_copied(x), training=False)):
                return "changed wrongly", f"{done}, and {change.what} was refused"
            continue
        done.append(change.what)
        try:
            problem = _compare(theirs, ours, x, expected) or _compare_copies(ours, x)
        except Exception as error:
            if TOO_SMALL in str(error):
                change.undo()
                break
            return "changed wrongly", f"{done}: {_short(error)}"
        if problem:
            return "changed wrongly", f"{done}: {problem}"
    return "same", ""


def _compare_copies(ours: cnnfast.Model, x: Any) -> str:
    """Say what is wrong with copies of a model that was changed: they are made of what it says."""
    actual = ours(_copied(x), training=False)
    for duplicate in (copy.copy, copy.deepcopy):
        if not _identical(actual, duplicate(ours)(_copied(x), training=False)):
            return f"`{duplicate.__name__}` gives other bits than the model"
    return ""


def _compare(theirs: keras.Model, ours: cnnfast.Model, x: Any, expected: Any) -> str:
    """Say what is wrong with the answers of `ours` to `x`; nothing if they are right."""
    actual = ours(_copied(x), training=False)
    if _structure(actual) != _structure(expected):
        return f"structure {_structure(actual)} is not {_structure(expected)}"
    if not _identical(actual, ours.predict(_copied(x), batch_size=2, verbose=0)):
        return "`predict` gives other bits than the call"
    bound = LARGEST_ERROR * (2 + len(theirs.layers))
    for y, z in zip(keras.tree.flatten(expected), keras.tree.flatten(actual), strict=True):
        if y.shape != z.shape:
            return f"shape {z.shape} is not {y.shape}"
    if _distance(expected, actual) <= bound:
        return ""
    bound = max(bound, AMPLIFICATION * _sensitivity(theirs, x, expected))
    distance = _distance(expected, actual)
    return f"off by {distance:.2e}, allowed are {bound:.2e}" if distance > bound else ""


def _distance(expected: Any, actual: Any) -> float:
    """Return the largest difference, relative to the largest expected number of each output."""
    worst = 0.0
    for y, z in zip(keras.tree.flatten(expected), keras.tree.flatten(actual), strict=True):
        finite = np.isfinite(y)
        if not np.array_equal(np.where(finite, 0, y), np.where(np.isfinite(z), 0, z), True):
            return np.inf
        if finite.any():
            size = max(1.0, float(np.abs(y[finite]).max()))
            worst = max(worst, float(np.abs(y[finite] - z[finite]).max()) / size)
    return worst


def _sensitivity(theirs: keras.Model, x: Any, expected: Any) -> float:
    """Return how far Keras' own answer moves when its inputs move by a rounding error."""
    rng = np.random.default_rng(0)

    def moved(a: np.ndarray) -> np.ndarray:
        if a.dtype != np.float32:
            return a
        return a * (1 + NOISE * rng.standard_normal(a.shape).astype(np.float32))

    answers = [theirs(keras.tree.map_structure(moved, x), training=False) for _ in range(3)]
    distances = [_distance(expected, keras.tree.map_structure(np.asarray, a)) for a in answers]
    return max(distances)


def _structure(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _structure(item) for key, item in sorted(value.items())}
    if isinstance(value, list | tuple):
        return [_structure(item) for item in value]
    return "array"


def _identical(one: Any, other: Any) -> bool:
    pairs = zip(keras.tree.flatten(one), keras.tree.flatten(other), strict=True)
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def _copied(x: Any) -> Any:
    return keras.tree.map_structure(np.array, x)


def _classes(sample: graphs.Sample | None) -> list[str]:
    if sample is None:
        return []
    names = {type(layer).__name__ for layer in sample.model._flatten_layers()}
    operations = getattr(sample.model, "operations", [])
    return sorted(names | {type(operation).__name__ for operation in operations})


def _keep(sample: graphs.Sample, folder: Path, verdict: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "verdict.txt").write_text(f"{verdict}\n")
    (folder / "config.json").write_text(json.dumps(json.loads(sample.model.to_json()), indent=1))
    sample.model.save(folder / "model.keras")
    for number, x in enumerate(sample.inputs):
        np.savez(folder / f"inputs_{number}.npz", *keras.tree.flatten(x))


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    if len(text) > 400:
        text = f"{text[:200]} … {text[-200:]}"
    return f"{type(error).__name__}: {text}"


def main() -> None:
    """Examine the graphs whose numbers come through the standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--again", type=Path, help="folder of a finding, in place of all others")
    args = parser.parse_args()
    for package in ("keras", "cnnfast"):
        own.source(package)  # registers the class, which files name
    # What Keras and its backend print must not get between the lines.
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if args.again is not None:
        print(json.dumps(examine_again(args.again)), file=lines, flush=True)
        return
    for index in map(int, sys.stdin.read().split(",")):
        print(json.dumps(examine(args.seed, index, args.out)), file=lines, flush=True)


if __name__ == "__main__":
    main()
