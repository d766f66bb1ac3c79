"""What `help` shows: every parameter, shapes, and examples that run."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import cnnfast
from cnnfast import (
    activations,
    backend,
    callbacks,
    config,
    datasets,
    dtype_policies,
    layers,
    ops,
    optimizers,
    random,
    tree,
    utils,
)
from cnnfast.preprocessing import image

# What a user makes no layer with.
OTHERS = {"InputSpec", "Layer", "deserialize", "serialize"}
NAMES = sorted(set(layers.__all__) - OTHERS)
PACKAGES = (
    *(activations, backend, callbacks, cnnfast, cnnfast.models, cnnfast.saving, config),
    *(datasets.cifar10, datasets.mnist, dtype_policies, image, layers, ops, ops.image),
    *(optimizers, optimizers.schedules, random, tree, utils),
)


def documented(found: Any) -> list[str]:
    """Return the names in the section of parameters, in order."""
    lines = inspect.getdoc(found).splitlines()
    section = lines[lines.index("Parameters") + 2 :]
    names: list[str] = []
    for line, following in zip(section, [*section[1:], ""], strict=True):
        if set(following) == {"-"} and following:  # the heading of the next section
            return names
        if line and not line.startswith(" "):
            names += [name.strip().lstrip("*") for name in line.split(",")]
    return names


@pytest.mark.parametrize("name", NAMES)
def test_help_has_every_parameter_in_order(name: str) -> None:
    layer = getattr(layers, name)
    parameters = inspect.signature(layer).parameters.values()
    # What all layers have and some take by name only is what `Layer` describes.
    expected = [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]
    assert documented(layer) == expected


def test_help_of_the_base_has_what_all_layers_take() -> None:
    parameters = inspect.signature(layers.Layer).parameters.values()
    named = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert named <= set(documented(layers.Layer))


@pytest.mark.parametrize("name", NAMES)
def test_help_has_shapes_and_an_example(name: str) -> None:
    text = inspect.getdoc(getattr(layers, name)) or ""
    assert "(batch" in text
    assert "\nExamples\n" in text
    assert f".{name}(" in text or getattr(layers, name).__name__ in text


def public(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name in getattr(module, "__all__", ["load_data", "resize"]):
        if not hasattr(module, name):
            continue
        found = getattr(module, name)
        if not isinstance(found, ModuleType):
            # A function that is an object is documented by its class.
            yield name, found if hasattr(found, "__qualname__") else type(found)


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    found: dict[str, doctest.DocTest] = {}
    for module in PACKAGES:
        for name, item in public(module):
            for test in finder.find(item, name, globs={"cnnfast": cnnfast, "np": np}):
                if test.examples:
                    found.setdefault(test.docstring, test)
    return list(found.values())


EXAMPLES = examples()


def settings() -> tuple[Any, ...]:
    """Return what holds for the process."""
    own, backend = repr(cnnfast.config.get()), cnnfast.backend
    return own, backend.floatx(), backend.epsilon(), backend.image_data_format()


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_an_example_gives_what_it_says(example: doctest.DocTest) -> None:
    before = settings()
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=report.append)
    assert not runner.failures, "".join(report)
    assert settings() == before, "an example leaves a setting changed, which other tests meet"
