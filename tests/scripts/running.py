"""One text, two runs: under Keras as it stands, and here with its imports changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
# What is saved there, pictures and models, is what the texts find in their folder.
FILES = ("model.keras", "model.h5")


def lines(name: str) -> list[str]:
    """Return the lines of a file beside this one."""
    return [line for line in (HERE / name).read_text().splitlines() if line]


def snippets() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every snippet: a comment and what follows it."""
    for file in sorted(HERE.glob("*.txt")):
        if file.stem.endswith("imports"):
            continue
        for part in re.split(r"^# (?=\S)", file.read_text(), flags=re.MULTILINE)[1:]:
            name, _, text = part.partition("\n")
            yield f"{file.stem}: {name}", text


def for_keras(text: str) -> str:
    """Return a text as it runs under Keras, where old names are those of tf.keras."""
    return text.replace("tensorflow.keras", "keras._tf_keras.keras")


def for_us(text: str) -> str:
    """Return a text with its imports changed."""
    text = re.sub(r"^(\s*)import keras$", r"\1import cnnfast as keras", text, flags=re.MULTILINE)
    return re.sub(
        r"^(\s*(?:from|import)) (?:tensorflow\.)?keras\b", r"\1 cnnfast", text, flags=re.MULTILINE
    )


def data() -> dict[str, Any]:
    """Return what every text finds: eight pictures and their targets."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(8, 8, 8, 3)).astype("float32")
    y = np.eye(4, dtype="float32")[rng.integers(0, 4, 8)]
    return {"x": x, "y": y}


def run(text: str) -> Any:
    """Run a text and return what it leaves as `out`."""
    scope = {"__name__": "script", **data()}
    exec(compile(text, "script", "exec"), scope)
    return scope.get("out")


def prepare(folder: Path, keras: Any) -> None:
    """Write models of Keras and pictures to `folder`."""
    from PIL import Image

    rng = np.random.default_rng(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="conv"),
            layers.MaxPooling2D(name="pool"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(5, activation="tanh", name="hidden"),
            layers.Dense(4, activation="softmax", name="head"),
        ]
    )
    model.set_weights([rng.uniform(0.1, 0.5, w.shape) for w in model.get_weights()])
    for name in FILES:
        model.save(folder / name)
    for kind, count in (("cats", 4), ("dogs", 3)):
        (folder / "images" / kind).mkdir(parents=True)
        for index in range(count):
            pixels = rng.integers(0, 256, (10, 12, 3)).astype("uint8")
            Image.fromarray(pixels).save(folder / "images" / kind / f"{index}.png")
    Image.fromarray(rng.integers(0, 256, (11, 14, 3)).astype("uint8")).save(folder / "photo.png")


def same(ours: Any, theirs: Any, tolerance: float = 1e-5) -> None:
    """Raise AssertionError unless two results are alike, relative to the largest number."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict)
        assert set(ours) == set(theirs)
        for key, value in theirs.items():
            same(ours[key], value, tolerance)
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            same(mine, other, tolerance)
    elif theirs is None or isinstance(theirs, str):
        assert ours == theirs
    else:
        expected = np.asarray(theirs)
        actual = np.asarray(ours)
        assert actual.shape == expected.shape
        largest = np.abs(expected).max(initial=0) if expected.dtype.kind in "iuf" else 0
        np.testing.assert_allclose(
            actual.astype(float),
            expected.astype(float),
            rtol=0,
            atol=tolerance * max(largest, 1e-6),
        )
