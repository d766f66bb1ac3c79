"""Sections of the documentation that scripts write."""

from __future__ import annotations

from pathlib import Path


def replace_section(page: Path, name: str, text: str) -> None:
    """Put `text` between the marks ``<!-- name -->`` and ``<!-- end of name -->`` of a page.

    Raises
    ------
    ValueError
        If the page does not have both marks, each once.
    """
    first, last = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    old = page.read_text()
    if old.count(first) != 1 or old.count(last) != 1:
        raise ValueError(f"{page.name} must have one {first.strip()} and one {last}.")
    before, _, rest = old.partition(first)
    after = rest.partition(last)[2]
    page.write_text(f"{before}{first}\n{text.strip()}\n\n{last}{after}")
