"""What type checkers say of code that uses the package, by mypy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

HERE = Path(__file__).parent
# The package beside the tests, which is what they run: mypy does not see editable installs.
ROOT = HERE.parents[1]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, str]]]:
    """Return the line and code of each error, by file."""
    cache = tmp_path_factory.mktemp("mypy")
    files = [str(HERE / name) for name in ("accepted.py", "refused.py")]
    options = ("--strict", "--config-file=", f"--cache-dir={cache}", "--hide-error-context")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    errors: dict[str, list[tuple[int, str]]] = {}
    for line in done.stdout.splitlines():
        error = re.fullmatch(r".*?(\w+)\.py:(\d+): error: .*\[([\w-]+)\]", line)
        if error is not None:
            errors.setdefault(error[1], []).append((int(error[2]), error[3]))
    return errors


def test_what_users_write_is_accepted(found: dict[str, list[tuple[int, str]]]) -> None:
    assert found.get("accepted", []) == []


def test_mistakes_are_found(found: dict[str, list[tuple[int, str]]]) -> None:
    lines = enumerate((HERE / "refused.py").read_text().splitlines(), start=1)
    marks = [(number, re.search(r"# E: ([\w-]+)$", line)) for number, line in lines]
    expected = [(number, mark[1]) for number, mark in marks if mark is not None]
    assert len(expected) > 20
    assert found["refused"] == expected
