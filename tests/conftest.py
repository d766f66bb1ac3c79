"""What all tests share: quiet Keras on JAX, the shared models, seeded numbers, hypothesis."""

from __future__ import annotations

import ast
import os
import secrets
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

# Read by keras and jax when a test first imports them, so they are set before any test is.
os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
# Each parity test compiles its own layer and runs it once: what counts is how fast XLA compiles.
os.environ["XLA_FLAGS"] = "--xla_backend_optimization_level=0"

import hypothesis
import numpy as np
import pytest

import cnnfast
import lowered
from cnnfast import _core
from cnnfast.utils.system.cores import usable_cores
from cnnfast.utils.system.usable_memory import usable_memory
from echo import echo, keras_echo

__all__ = ["echo", "keras_echo"]  # fixtures

TESTS = Path(__file__).resolve().parent
REPOSITORY = TESTS.parent
SHARED_MODELS = REPOSITORY.parent / "shared" / "models"

# `print_blob` prints the line that replays one failure; no deadline, because a first call may
# compile in JAX.
hypothesis.settings.register_profile(
    "cnnfast",
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("cnnfast")


@pytest.hookimpl(tryfirst=True)  # before hypothesis' own plugin reads the option
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed of all random shapes here, so that it is known and can be given again.

    Warnings are errors, but not those that Keras and JAX earn inside their own code.
    """
    for package in ("keras", "jax"):
        config.addinivalue_line("filterwarnings", rf"ignore::DeprecationWarning:{package}\.")
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(secrets.randbelow(2**32))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need Keras, and as fast those that neither need it nor take long."""
    for item in items:
        if isinstance(item, pytest.Function) and needs_keras(item):
            item.add_marker("keras")
        if not any(item.iter_markers("keras")) and not any(item.iter_markers("long")):
            item.add_marker("fast")


def needs_keras(test: pytest.Function) -> bool:
    """Whether a test asks for Keras, or its module or a helper that it imports does."""
    return "keras" in test.fixturenames or imports_keras(test.path)


@cache
def imports_keras(file: Path) -> bool:
    """Whether a module of the tests imports Keras, or another of them that does."""
    statements = [
        node
        for statement in ast.parse(file.read_text()).body
        if not isinstance(statement, ast.FunctionDef | ast.ClassDef)
        for node in ast.walk(statement)
    ]
    names = {
        alias.name for node in statements if isinstance(node, ast.Import) for alias in node.names
    }
    for node in statements:
        if isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.importorskip":
            names |= {str(ast.literal_eval(node.args[0]))}
    if any(name.partition(".")[0] == "keras" for name in names):
        return True
    helpers = [TESTS.joinpath(*name.split(".")).with_suffix(".py") for name in names]
    return any(imports_keras(helper) for helper in helpers if helper.is_file())


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import no module that imports Keras, which takes long, where none of its tests is to run."""
    only_fast = config.option.markexpr == "fast"
    if only_fast and collection_path.suffix == ".py" and imports_keras(collection_path):
        return True
    return None


def pytest_report_header(config: pytest.Config) -> str:
    """Say how the random shapes of this run are had again."""
    return f"replay random shapes with: --hypothesis-seed={config.option.hypothesis_seed}"


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """Give the directory of real models beside the repository, where there is one."""
    if not SHARED_MODELS.is_dir():
        pytest.skip("the models shared beside the repository (../shared/models) are not here")
    return SHARED_MODELS


@pytest.fixture(scope="session")
def keras() -> Any:
    """Give real Keras."""
    return pytest.importorskip("keras")


def pytest_xdist_auto_num_workers() -> int:
    """Say what ``-n auto`` means: as many processes as cores and memory (4 GB each) allow."""
    memory = usable_memory()
    return max(1, usable_cores() if memory is None else min(usable_cores(), memory >> 32))


@pytest.fixture(scope="module", autouse=True)
def _programs_of_a_module() -> Iterator[None]:
    """Drop what JAX has compiled for a module: 8,000 tests would keep gigabytes of it."""
    yield
    if "jax" in sys.modules:
        sys.modules["jax"].clear_caches()


@pytest.fixture(autouse=True)
def judge() -> Iterator[pytest.MonkeyPatch]:
    """Compare each plan of a network that was lowered for other sizes with a new lowering.

    `undo()` ends that, for a test of what lowering does not do.
    """
    with pytest.MonkeyPatch.context() as patch:
        lowered.judge_every_plan(patch)
        yield patch


@pytest.fixture(params=_core.threadings())
def threading_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run a test on each kind of threads that is built in; give its name."""
    cnnfast.config.set(threading=request.param)
    yield request.param
    cnnfast.config.set(threading=None)


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Draw random numbers that are the same in every run of one test and differ between tests."""
    return np.random.default_rng(list(request.node.name.encode()))
