"""Writes docs/names.md: which names of Keras there are, and why the others are not.

Run it as a script where Keras is installed:
``KERAS_BACKEND=jax PYTHONPATH=tests python tests/names_table.py``.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cnnfast
from cnnfast.ops.names import WHY
from parity import keras

TABLE = Path(__file__).parents[1] / "docs" / "names.md"
MODULES = (
    *("ops", "ops.nn", "ops.numpy", "ops.linalg", "ops.image"),
    *("layers", "losses", "metrics"),
)
_WHY_LOSSES = dict.fromkeys(("CTC", "ctc"), "nothing is trained here")
NOT_YET = "not there yet"


def found(library: Any, module: str) -> Any:
    """Return a module of a library, or None."""
    for name in module.split("."):
        library = getattr(library, name, None)
    return library


def public(module: Any) -> Iterator[str]:
    """Yield the names that a module of Keras offers."""
    for name in sorted(dir(module)):
        item = getattr(module, name)
        if not name.startswith("_") and not isinstance(item, types.ModuleType):
            yield name


def rows(module: str) -> Iterator[tuple[str, str]]:
    """Yield each name of a module of Keras, and what there is."""
    own = found(cnnfast, module)
    for name in public(found(keras, module)):
        if (own is not None and name in dir(own)) or name in getattr(own, "__all__", ()):
            yield name, "yes"
        else:
            yield name, WHY.get(name) or _WHY_LOSSES.get(name) or said(own, name) or NOT_YET


def said(module: Any, name: str) -> str:
    """Return what a module says of a name that it has not."""
    try:
        getattr(module, name)
    except AttributeError as error:
        return str(error).partition("': ")[2]
    return ""


def table() -> str:
    """Return the page."""
    lines = [
        "# Names of Keras",
        "",
        f"What of Keras {keras.__version__} there is under its name; `cnnfast` stands in place",
        "of `keras`. `tests/names_table.py` writes this page.",
    ]
    for module in MODULES:
        entries = list(rows(module))
        there = [name for name, word in entries if word == "yes"]
        lines += ["", f"## keras.{module}", "", f"{len(there)} of {len(entries)} names:", ""]
        lines += [", ".join(f"`{name}`" for name in there) + "."] if there else []
        missing = [(name, word) for name, word in entries if word != "yes"]
        if missing:
            lines += ["", "| not there | why, and what works |", "| --- | --- |"]
            lines += [f"| `{name}` | {word} |" for name, word in missing]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table())
