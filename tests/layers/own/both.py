"""One source text run under Keras and here, where nothing but its imports is another."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np

import cnnfast
from cnnfast.utils import tree

SOURCES = Path(__file__).parent / "sources"
# Relative to the largest number of an output.
TOLERANCE = 1e-5


def with_imports_changed(source: str) -> str:
    """Return `source` with this package in the place of Keras in its imports."""
    source = re.sub(r"^import keras$", "import cnnfast as keras", source, flags=re.MULTILINE)
    return re.sub(r"^from keras\b", "from cnnfast", source, flags=re.MULTILINE)


@cache
def module(kind: str, package: str) -> ModuleType:
    """Return the source called `kind`, run under ``"keras"`` or ``"cnnfast"``."""
    path = SOURCES / f"{kind}.py"
    source = path.read_text()
    source = source if package == "keras" else with_imports_changed(source)
    made = ModuleType(f"{kind}_of_{package}")
    made.__file__ = str(path)
    sys.modules[made.__name__] = made  # pickles ask for it
    exec(compile(source, str(path), "exec"), vars(made))
    return made


def cases() -> Iterator[tuple[str, str]]:
    """Yield each kind of source with the name of each case in it."""
    for path in sorted(SOURCES.glob("*.py")):
        for name in module(path.stem, "keras").CASES:
            yield path.stem, name


def classes(kind: str, package: str) -> dict[str, Any]:
    """Return what a source makes that a file may name and that is not registered."""
    of_users = vars(module(kind, package))
    return {
        name: item
        for name, item in of_users.items()
        if inspect.isclass(item) and item.__module__ == f"{kind}_of_{package}"
    }


@dataclass
class Pair:
    """A model of Keras and the same one here, with the same random weights."""

    kind: str
    name: str
    theirs: Any
    ours: Any
    images: list[Any]
    outputs: list[Any] = field(default_factory=list)

    def expected(self, index: int = 0) -> Any:
        """Return what Keras gives for the images of one size."""
        while len(self.outputs) <= index:
            self.outputs.append(arrays_of(self.theirs(self.images[len(self.outputs)])))
        return self.outputs[index]

    def judge(self, outputs: Any, index: int = 0, tolerance: float = TOLERANCE) -> None:
        """Compare outputs for the images of one size with those of Keras."""
        assert_close(outputs, self.expected(index), tolerance)


def make_pair(kind: str, name: str) -> Pair:
    """Make a case in both packages."""
    rng = np.random.default_rng(list(name.encode()))
    theirs, ours = (module(kind, package).CASES[name][0] for package in ("keras", "cnnfast"))
    shapes = module(kind, "keras").CASES[name][1]
    images = [tree.map_shapes(lambda shape: _image(shape, rng), shape) for shape in shapes]
    keras.backend.clear_session()
    cnnfast.utils.naming.reset_names()
    made = Pair(kind, name, theirs(), ours(), images)
    for model in (made.theirs, made.ours):
        if not model.built or not model.weights:
            model(images[0])
    made.theirs.set_weights([_numbers(weight, rng) for weight in made.theirs.weights])
    made.ours.set_weights(made.theirs.get_weights())
    return made


def _image(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    return rng.normal(0, 1, (5, *shape)).astype(np.float32)


def _numbers(weight: Any, rng: np.random.Generator) -> Any:
    shape = tuple(weight.shape)
    if len(shape) < 2:  # among them variances, exponents and factors
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    deviation = 1 / np.sqrt(np.prod(shape[:-1]))
    return rng.normal(0, deviation, shape).astype(np.float32)


def arrays_of(outputs: Any) -> Any:
    return tree.map_structure(np.asarray, outputs)


def assert_close(outputs: Any, expected: Any, tolerance: float = TOLERANCE) -> None:
    assert _structure(outputs) == _structure(expected)
    for one, other in zip(tree.flatten(outputs), tree.flatten(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


def _structure(outputs: Any) -> Any:
    """Return what `outputs` are made of; a list and a tuple of arrays are alike."""
    if isinstance(outputs, Mapping):
        return {key: _structure(outputs[key]) for key in sorted(outputs)}
    return [_structure(x) for x in outputs] if isinstance(outputs, list | tuple) else None


def first(images: Any, count: int = 1) -> Any:
    """Return the first images of a batch."""
    return tree.map_structure(lambda x: x[:count], images)
