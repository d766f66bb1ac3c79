"""The mutants keep up with the core: `python -m mutation.kernels` runs them."""

from __future__ import annotations

import pytest

from mutation.kernels import REPOSITORY
from mutation.mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_mutant_changes_one_place_of_the_core(mutant):
    text = (REPOSITORY / "csrc" / mutant.file).read_text()
    assert mutant.switch(text, 1) != text
