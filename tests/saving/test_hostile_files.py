"""Every attack of `hostile.py` is refused: soon, with little memory, opening nothing else."""

from __future__ import annotations

import gc
import os
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cnnfast.errors import ModelFileError, UnsupportedError
from cnnfast.saving import load_model
from saving import hostile
from saving import model_files as files

pytestmark = pytest.mark.long

MAX_SECONDS, MAX_BYTES = 1.0, 200 << 20
REFUSALS = (ModelFileError, UnsupportedError)

_opened: list[str] = []
_watching = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    # A number is the descriptor of a file that was opened, and counted, before.
    if _watching and event == "open" and not isinstance(arguments[0], int):
        _opened.append(str(arguments[0]))


sys.addaudithook(_watch)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(params=sorted(hostile.FIXTURES))
def attack(request: pytest.FixtureRequest, directory: Path) -> tuple[Path, str]:
    says, write = hostile.FIXTURES[request.param]
    path = directory / request.param
    if not path.exists():
        write(path)
    return path, says


@pytest.fixture
def opened() -> Iterator[list[str]]:
    global _watching  # noqa: PLW0603 - an audit hook cannot be taken away, only silenced
    _opened.clear()
    _watching = True
    yield _opened
    _watching = False


@pytest.fixture
def own_garbage() -> Iterator[None]:
    """Keep the collector from walking all that earlier tests have left in memory."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("own_garbage")
def test_attack_is_refused_and_says_what_and_where(attack: tuple[Path, str]) -> None:
    path, says = attack
    load_model(files.keras_file(path.with_name("good.keras")))  # imports what loading needs
    start = time.process_time()  # not of other processes
    with pytest.raises(REFUSALS, match=f"(?s){says}") as caught:
        load_model(path)
    assert time.process_time() - start < MAX_SECONDS
    assert path.name in str(caught.value)


def test_attack_takes_little_memory_and_opens_no_other_file(
    attack: tuple[Path, str], opened: list[str]
) -> None:
    path, _ = attack
    tracemalloc.start()
    try:
        with pytest.raises(REFUSALS):
            load_model(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MAX_BYTES
    assert [name for name in opened if not name.startswith(str(path))] == []


def test_a_group_that_holds_itself_does_no_harm(tmp_path: Path) -> None:
    def alter(file: object) -> None:
        file["model_weights/conv/again"] = file["model_weights"]  # type: ignore[index]

    model = load_model(files.legacy_file(tmp_path / "cycle.h5", alter=alter))
    np.testing.assert_array_equal(model.get_weights()[0], files.weights()["conv/kernel"])


def test_members_with_climbing_names_are_neither_read_nor_written(tmp_path: Path) -> None:
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    names = ["../../evil.txt", "/tmp/cnnfast_evil.txt", "assets/../../evil.txt", "..\\evil.txt"]
    extra = [(name, b"evil") for name in names]
    path = files.write_zip(inside / "m.keras", [*files.keras_members().items(), *extra])
    load_model(path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [path]
    assert not Path("/tmp/cnnfast_evil.txt").exists()


def test_all_unsupported_layers_are_named_at_once(tmp_path: Path) -> None:
    config = files.config_3()
    config["config"]["layers"][1:1] = [
        files.layer("Lambda", "first"),
        files.layer("Whatever", "second"),
    ]
    with pytest.raises(UnsupportedError) as caught:
        load_model(files.keras_file(tmp_path / "m.keras", config=config))
    for expected in ("'first'", "Lambda", "'second'", "Whatever"):
        assert expected in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are needed")
def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    with pytest.raises(ModelFileError, match=r"regular file\. Received: a device or pipe"):
        load_model(tmp_path / "pipe.h5")
