"""The mutants keep up with the code; `mutation.kernels` and `mutation.python` run them."""

from __future__ import annotations

import pytest

from mutation.kernels import REPOSITORY
from mutation.mutants import MUTANTS
from mutation.python import MUTANTS as PYTHON_MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_changes_one_place_of_the_core(mutant):
    text = (REPOSITORY / "csrc" / mutant.file).read_text()
    assert mutant.switch(text, 1) != text


@pytest.mark.parametrize(("mutant", "tests"), PYTHON_MUTANTS)
def test_a_mutant_changes_one_place_of_the_package(mutant, tests):
    text = (REPOSITORY / "cnnfast" / mutant.file).read_text()
    changed = mutant.replace(text)
    assert changed != text
    compile(changed, mutant.file, "exec")
    assert all((REPOSITORY / "tests" / test).is_file() for test in tests)
