"""Scripts that people write from habit: one text, with only its imports changed, does the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.running import for_keras, for_us, lines, prepare, run, same, snippets

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("ignore"),  # those of Keras itself, which judges
]
SNIPPETS = dict(snippets())
# Needs what is not there yet, see the reason.
WAITING: dict[str, str] = {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, keras: Any) -> Path:
    made = tmp_path_factory.mktemp("script")
    prepare(made, keras)
    return made


@pytest.fixture
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.parametrize("line", lines("imports.txt"))
def test_an_import_that_keras_takes_is_taken(line: str, keras: Any) -> None:
    exec(for_keras(line), {})
    exec(for_us(line), {})


@pytest.mark.parametrize("line", lines("old_imports.txt"))
def test_an_import_of_keras_2_is_taken(line: str) -> None:
    exec(for_us(line), {})


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_script_gives_what_it_gives_in_keras(name: str, keras: Any, inside: None) -> None:
    if name in WAITING:
        pytest.skip(WAITING[name])
    text = SNIPPETS[name]
    try:
        theirs = run(for_keras(text))
    except ImportError as error:
        pytest.skip(f"Keras itself needs more for it: {error}")
    same(run(for_us(text)), theirs)


def test_there_are_as_many_as_the_measure_asks_for() -> None:
    assert len(lines("imports.txt")) >= 60
    assert len(SNIPPETS) >= 90
