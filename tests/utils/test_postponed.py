"""A postponed module is loaded when something of it is used, and is the real one then."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from cnnfast.utils.postponed import postponed


@pytest.fixture(autouse=True)
def heavy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package `heavy` with a submodule, and `user`, which imports both."""
    (tmp_path / "heavy").mkdir()
    (tmp_path / "heavy/__init__.py").write_text(
        "class Codec:\n    def __init__(self, size=1):\n        self.size = size\nfour = 4\n"
    )
    (tmp_path / "heavy/utils.py").write_text("def twice(x): return 2 * x\n")
    (tmp_path / "user.py").write_text(
        "import heavy.utils as utils\nfrom heavy import Codec\nCODEC = Codec(size=3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.split(".")[0] in {"heavy", "user"}:
            del sys.modules[name]


def imported() -> set[str]:
    return {name for name in sys.modules if name.split(".")[0] == "heavy"}


def user() -> ModuleType:
    with postponed({"heavy": ("Codec",), "heavy.utils": ()}):
        return importlib.import_module("user")


def test_nothing_is_loaded_and_no_stand_in_left() -> None:
    user()
    assert imported() == set()


def test_a_submodule_is_loaded_when_it_is_used() -> None:
    module = user()
    assert module.utils.twice(4) == 8
    assert sys.modules["heavy.utils"].twice(4) == 8


def test_a_constructor_is_called_when_its_result_is_used() -> None:
    module = user()
    assert module.CODEC.size == 3
    assert type(sys.modules["heavy"]).__name__ == "module"


def test_what_others_import_meanwhile_is_the_real_one() -> None:
    with postponed({"heavy": ("Codec",), "heavy.utils": ()}):
        assert importlib.import_module("heavy").four == 4
        importlib.import_module("heavy.utils")
        assert sys.modules["heavy"].utils.twice(1) == 2
    assert imported() == {"heavy", "heavy.utils"}
    assert type(sys.modules["heavy"].Codec) is type


def test_modules_that_are_loaded_stay() -> None:
    real = importlib.import_module("heavy")
    with postponed({"heavy": ("Codec",)}):
        assert importlib.import_module("heavy") is real
    assert sys.modules["heavy"] is real


def test_a_failing_import_leaves_no_stand_in() -> None:
    with pytest.raises(ZeroDivisionError), postponed({"heavy": ()}):
        raise ZeroDivisionError
    assert imported() == set()


def test_what_is_not_installed_is_missed_at_once() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere"), postponed({"nowhere": ()}):
        importlib.import_module("nowhere")
