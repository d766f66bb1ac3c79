"""The list of attacks, which the modules of this directory add to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Writer = Callable[[Path], object]

FIXTURES: dict[str, tuple[str, Writer]] = {}
"""What the error must say, and what writes the file, by the name of the file."""


def fixture(name: str, says: str) -> Callable[[Writer], Writer]:
    """Register a writer under the name of the file it writes."""

    def register(writer: Writer) -> Writer:
        FIXTURES[name] = (says, writer)
        return writer

    return register
