"""Model files that attack their reader.

``python -m saving.hostile DIRECTORY``, run in ``tests/``, writes them all, to be tried on others.
"""

from __future__ import annotations

import sys
from pathlib import Path

from saving import (  # noqa: F401 - they fill the list
    hostile_archives,
    hostile_functional,
    hostile_hdf5,
    hostile_structure,
)
from saving.attacks import FIXTURES

__all__ = ["FIXTURES"]

if __name__ == "__main__":
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True)
    for file_name, (_, write) in FIXTURES.items():
        write(directory / file_name)
