"""Break the Python package in one place at a time and see whether tests notice; from ``tests/``.

    python -m mutation.python

Each mutant is a copy of the package, which takes the place of the installed one while the tests
that know the file run. Prints whether it was noticed, and ends with 1 if a mutant survived.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cnnfast import _core
from mutation.kernels import REPOSITORY, TIMEOUT
from mutation.mutants import Mutant
from mutation.python_mutants import PYTHON_MUTANTS

# An editable install finds its own files before any other.
RUN_PYTEST = """
import sys
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
sys.path.insert(0, sys.argv[1])
import cnnfast, pytest
assert cnnfast.__file__.startswith(sys.argv[1]), cnnfast.__file__
sys.exit(pytest.main(sys.argv[2:]))
"""

MUTANTS = [(mutant, tests) for tests, mutants in PYTHON_MUTANTS.items() for mutant in mutants]


def copy_package(directory: Path) -> Path:
    """Copy the package, with the extension of the installed one, below `directory`."""
    package = directory / "cnnfast"
    shutil.copytree(REPOSITORY / "cnnfast", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(str(_core.__file__), package)
    return package


def notice(directory: Path, tests: Sequence[str]) -> bool:
    """Whether one of `tests` fails with the package below `directory`."""
    options = ["-q", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-c", RUN_PYTEST, str(directory), *options, *tests],
        cwd=REPOSITORY / "tests",
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=TIMEOUT,
        check=False,
    )
    return done.returncode != 0


def judge(directory: Path, numbers: Sequence[int]) -> int:
    """Try mutants, print a line for each, and return how many survived."""
    package = copy_package(directory)
    for tests in dict.fromkeys(MUTANTS[number - 1][1] for number in numbers):
        if notice(directory, tests):
            raise SystemExit(f"Without a mutant fail: {', '.join(tests)}")
    survivors = 0
    for number in numbers:
        mutant, tests = MUTANTS[number - 1]
        noticed = _notice_mutant(package / mutant.file, mutant, directory, tests)
        survivors += not noticed
        print(f"{number:3} {'noticed' if noticed else 'SURVIVED':8} {mutant}", flush=True)
    print(f"{len(numbers)} mutants, {survivors} survived")
    return survivors


def _notice_mutant(file: Path, mutant: Mutant, directory: Path, tests: Sequence[str]) -> bool:
    text = file.read_text()
    try:
        file.write_text(mutant.replace(text))
        return notice(directory, tests)
    finally:
        file.write_text(text)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Break the package and see whether tests notice.")
    parser.add_argument("--only", type=int, nargs="+", help="the numbers of the mutants to try")
    numbers = parser.parse_args().only or range(1, len(MUTANTS) + 1)
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(judge(Path(temporary).resolve(), numbers) > 0)


if __name__ == "__main__":
    main()
