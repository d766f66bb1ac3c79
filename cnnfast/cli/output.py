"""What the commands print: a report as JSON, and what is wrong, which goes to standard error.

Keys are alike in all reports. They say what a number counts or measures: ``…_count``, ``…_ms``,
``…_bytes``, ``…_per_second``. Shares, accuracies and relative errors have none and are no percent.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from cnnfast import __version__

JSON_HELP = (
    "JSON goes to standard output and has the same keys in all commands: numbers end in _count, "
    "_ms, _bytes or _per_second; shares, accuracies and relative errors are no percent."
)


def print_json(report: Mapping[str, Any]) -> None:
    """Print `report` to standard output."""
    print(json.dumps({"cnnfast_version": __version__, **report}, indent=2))


def print_error(text: str, file: str | None = None) -> None:
    """Print what is wrong to standard error, if there is one; `file` stands in front once."""
    if sys.stderr is not None:
        named = file is None or text.startswith(file)
        print(text if named else f"{file}: {text}", file=sys.stderr)
