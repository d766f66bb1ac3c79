"""A few hundred of the changed files that `fuzz.loaders` makes without end."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from cnnfast.errors import ModelFileError
from fuzz import loaders, mutations
from saving import model_files

pytestmark = pytest.mark.long

CHANGES = 300


def test_changed_files_load_or_are_refused(tmp_path: Path) -> None:
    rng = random.Random(CHANGES)
    files = list(loaders.fixtures())
    examine = loaders.Examiner(tmp_path / "changed")
    loaded: Counter[bool] = Counter()
    for _ in range(CHANGES):
        before = examine.loaded
        examine(
            mutations.mutated(rng.choice(files), rng, lambda data: mutations.flipped(data, rng))
        )
        loaded[examine.loaded > before] += 1
    assert min(loaded.values()) > CHANGES // 10, loaded


def test_what_is_not_documented_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examine = loaders.Examiner(tmp_path / "file")
    examine(b"neither JSON nor a model file")
    monkeypatch.setattr(loaders, "REFUSALS", (KeyError,))
    with pytest.raises(ModelFileError):
        examine(b"neither JSON nor a model file")


def test_what_takes_long_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examine = loaders.Examiner(tmp_path / "file")
    monkeypatch.setattr(loaders, "MAX_SECONDS", 0.0)
    with pytest.raises(AssertionError, match="seconds for"):
        examine(model_files.keras_file(tmp_path / "whole").read_bytes())
