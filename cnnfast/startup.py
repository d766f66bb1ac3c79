"""How ``python -m cnnfast`` tells what is wrong before there is a command: in a line.

Python imports the package before its ``__main__``, and an import refuses wrong environment
variables. Imported first, and alone, for that.
"""

from __future__ import annotations

import sys
from types import TracebackType

_USAGE = 2  # of cnnfast.cli.exit_codes, which importing may not come to


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, ValueError):
        sys.__excepthook__(kind, error, trace)
        return
    if sys.stderr is not None:
        print(error, file=sys.stderr)
    raise SystemExit(_USAGE)


def _is_command() -> bool:
    """Whether the package is being imported to be run."""
    arguments = getattr(sys, "argv", [])
    module = sys.orig_argv[-len(arguments) :][:1]
    return arguments[:1] == ["-m"] and module in (["cnnfast"], ["-mcnnfast"])


def done() -> None:
    """Leave errors to the command from now on."""
    if sys.excepthook is _tell:
        sys.excepthook = sys.__excepthook__


if _is_command():
    sys.excepthook = _tell
