"""What importing the package loads: what predicting needs, and the rest when it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import cnnfast

pytestmark = pytest.mark.long

# NumPy, and what no package gets around.
STARTED = "import sys, json, numpy, dataclasses, threading, contextvars; before = set(sys.modules)"


def loaded_by(code: str) -> set[str]:
    """Run `code` in a new interpreter and return the modules that it loads beside NumPy's."""
    report = "print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join((STARTED, code, report))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def rooms(modules: set[str]) -> set[str]:
    """Return the parts of the package that `modules` are of."""
    return {name.split(".")[1] for name in modules if name.startswith("cnnfast.")}


@pytest.fixture(scope="module")
def imported() -> set[str]:
    return loaded_by("import cnnfast")


def test_import_leaves_out_what_predicting_does_not_need(imported: set[str]) -> None:
    postponed = {"applications", "cli", "losses", "metrics", "ops", "optimizers", "profiling"}
    assert not rooms(imported) & (postponed | {"saving"})
    assert not imported & {"cnnfast.models.scoring", "cnnfast.models.summary"}
    assert not imported & {"cnnfast.models.dialects", "cnnfast.utils.console"}


def test_import_loads_no_further_library(imported: set[str]) -> None:
    ours = {"cnnfast", "numpy"}
    others = {name.split(".")[0] for name in imported} - ours
    # `resource` tells the limit of memory; editable installs load the last.
    assert others <= {"__future__", "_editable_skbc_cnnfast", "importlib", "resource"}
    # Only type checkers read these, and NumPy's writes docstrings of its own when imported.
    assert not imported & {"numpy.typing", "cnnfast.symbolic.typing"}


def test_import_compiles_no_methods_but_those_of_a_few_classes() -> None:
    counted = """
compiled = []
sys.addaudithook(
    lambda event, about: compiled.append(about[1]) if event == "compile" else None
)
import cnnfast
print(compiled.count("<string>"))
"""
    done = subprocess.run(
        [sys.executable, "-c", STARTED + counted], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) <= 24  # six for each dataclass, where there were 48 of them


def test_predicting_loads_nothing_that_judges() -> None:
    loaded = loaded_by(
        "import cnnfast\n"
        "from cnnfast.layers import Dense, Input\n"
        "cnnfast.Sequential([Input((3,)), Dense(2)]).predict(numpy.ones((2, 3)), verbose=0)"
    )
    assert not rooms(loaded) & {"losses", "metrics", "ops", "optimizers", "saving"}
    assert not {name.split(".")[0] for name in loaded} & {"rich", "h5py"}


def test_public_names_are_listed_and_there_in_every_way_of_asking() -> None:
    loaded_by("""
import cnnfast
assert dir(cnnfast) == sorted(cnnfast.__all__)
assert {"load_model", "saving", "applications", "ops", "__version__"} <= set(dir(cnnfast))
for name in cnnfast.__all__:
    scope = {}
    exec(f"from cnnfast import {name}", scope)
    assert getattr(cnnfast, name) is scope[name]
""")


def test_unknown_name_is_an_attribute_error() -> None:
    package: Any = cnnfast
    with pytest.raises(AttributeError, match="module 'cnnfast' has no attribute 'lossess'"):
        package.lossess  # noqa: B018
